"""OpenAI's image models: a panel edited under a soft mask, in one request that lasts as long as the work."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tools.editors.http import Reply
from tools.editors.registry import Entry, House
from tools.editors.remote._at_once import AtOnce, Made
from tools.editors.remote._editor import Files
from tools.editors.remote._inline import decoded
from tools.errors import EditorError, Refused, TryAgain, Unknown
from tools.media.sheets import read_picture
from tools.types import Edit

ANSWER = 600.0
"""Seconds that an edit may take: a line that is dropped before loses a picture that was paid for."""
JUDGED = ("moderation_blocked", "content_policy_violation")
BILLING = ("insufficient_quota", "billing_hard_limit_reached")
MILLION = 1_000_000
Part = tuple[str, tuple[str, bytes, str]]


class ImageEdit(AtOnce):
    """`POST /images/edits`, multipart; the mask's transparent pixels are what is to change."""

    def credentials(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.environment['OPENAI_API_KEY']}"}

    def sort(self, reply: Reply) -> EditorError | None:
        """Errors are {"error": {"message", "type", "code"}}. The words of a 401 repeat part of the key: not said."""
        if reply.ok:
            return None
        error = reply.json()["error"]
        code = str(error.get("code") or error.get("type") or "")
        if reply.status == 401:
            return Refused(f"OPENAI_API_KEY is not accepted ({code})")
        words = f"{error['message']} ({code})"
        if code not in BILLING and (reply.status in (409, 429) or reply.status >= 500):
            return TryAgain(words)
        return Refused(f"{self._why(reply.status, code)}{words}")

    def _why(self, status: int, code: str) -> str:
        if status == 404:
            return f"model retired or unknown: {self.capabilities.model}: "
        if code in BILLING:
            return "the account has nothing left: "
        return "will not have the content: " if code in JUDGED else ""

    async def make(self, edit: Edit, files: Files) -> Made:
        fields = {
            "model": str(self.capabilities.model),
            "prompt": edit.prompt,
            "size": f"{files.fit.width}x{files.fit.height}",
            "quality": str(self.capabilities.settings["quality"]),
            "output_format": "png",
        }
        parts = await self._parts(edit, files)
        url = self.url("images/edits")
        reply = await self.door.pay("POST", url, data=fields, files=parts, answer=ANSWER)
        told = reply.json()
        pictures = told.get("data") or []
        if not pictures or "b64_json" not in pictures[0]:
            raise Unknown(f"{self.provider.title} answered without a picture; look at the account's usage")
        return Made(decoded(pictures[0]["b64_json"], "image", self.provider.title), self._facts(told))

    async def _parts(self, edit: Edit, files: Files) -> list[Part]:
        """The picture, what is only looked at, and the mask, which goes for the first picture."""
        pictures = [await files.frame(0), *await files.references()]
        parts = [await _part("image[]", path) for path in pictures]
        if edit.mask is not None:
            parts.append(("mask", ("mask.png", clear_where_white(await files.still_mask()), "image/png")))
        return parts

    def _facts(self, told: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
        """The bill by the tokens that the provider counted."""
        usage = told.get("usage") or {}
        details = usage.get("input_tokens_details") or {}
        rates = self.capabilities.settings
        counted = {
            "usd_text_in": details.get("text_tokens"),
            "usd_image_in": details.get("image_tokens"),
            "usd_image_out": usage.get("output_tokens"),
        }
        if not all(isinstance(count, int) and rate in rates for rate, count in counted.items()):
            return {}
        usd = sum(float(rates[rate]) * int(count or 0) for rate, count in counted.items()) / MILLION
        return {"billed_usd": round(usd, 4), "tokens": int(usage.get("total_tokens") or 0)}


def clear_where_white(mask: Path) -> bytes:
    """A mask whose white is the region, as PNG that is transparent there and opaque elsewhere."""
    white = read_picture(mask)[..., 0] > 127
    picture = np.zeros((*white.shape, 4), np.uint8)
    picture[..., 3] = np.where(white, 0, 255)
    return cv2.imencode(".png", picture)[1].tobytes()


async def _part(name: str, path: Path) -> Part:
    return name, (path.name, await asyncio.to_thread(path.read_bytes), "image/png")


def build(house: House, entry: Entry) -> ImageEdit:
    """The editor for the registry."""
    return ImageEdit(house, entry)
