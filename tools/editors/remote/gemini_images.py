"""Gemini's image models: a panel edited by words, with the place outlined in a second picture; they take no mask."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tools.editors.http import Reply
from tools.editors.registry import Entry, House
from tools.editors.remote._at_once import AtOnce, Made
from tools.editors.remote._editor import Files
from tools.editors.remote._google import google_error
from tools.editors.remote._inline import decoded, encoded
from tools.errors import Broken, EditorError, Refused, TryAgain, Unknown
from tools.media.sheets import read_picture, write_picture
from tools.types import Edit

ANSWER = 300.0
"""Seconds that an edit may take."""
JUDGED = frozenset(
    {"SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "RECITATION",
     "BLOCKLIST", "SPII"}
)  # fmt: skip
AGAIN = frozenset({"NO_IMAGE", "IMAGE_OTHER", "OTHER"})
RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
RED = (255, 0, 0)


class GeminiImage(AtOnce):
    """`POST /v1beta/models/{model}:generateContent`."""

    def credentials(self) -> Mapping[str, str]:
        return {"x-goog-api-key": self.environment["GEMINI_API_KEY"]}

    def sort(self, reply: Reply) -> EditorError | None:
        return google_error(reply, key="GEMINI_API_KEY", model=str(self.capabilities.model))

    async def make(self, edit: Edit, files: Files) -> Made:
        pictures = [await files.frame(0), *await _outlined(edit, files), *await files.references()]
        shown = [{"inlineData": {"mimeType": "image/png", "data": await encoded(path)}} for path in pictures]
        body = {
            "contents": [{"role": "user", "parts": [{"text": told_what(edit, len(pictures))}, *shown]}],
            "generationConfig": {
                "responseModalities": ["TEXT", "IMAGE"],
                "imageConfig": {
                    "aspectRatio": ratio_of(files.fit.width, files.fit.height),
                    "imageSize": str(self.capabilities.settings["image_size"]),
                },
            },
        }
        url = self.url(f"v1beta/models/{self.capabilities.model}:generateContent")
        told = (await self.door.pay("POST", url, json=body, answer=ANSWER)).json()
        tokens = (told.get("usageMetadata") or {}).get("totalTokenCount")
        facts: dict[str, str | int | float | bool] = {"tokens": tokens} if isinstance(tokens, int) else {}
        return Made(decoded(self._picture(told), "image", self.provider.title), facts)

    def _picture(self, told: Mapping[str, Any]) -> str:
        """The picture of an answer as base64; else why there is none, by what to do next."""
        blocked = (told.get("promptFeedback") or {}).get("blockReason")
        if blocked:
            raise Refused(f"{self.provider.title} will not have the content ({blocked})")
        if not told.get("candidates"):
            raise Unknown(f"{self.provider.title} answered without a candidate; the edit may be billed")
        candidate = told["candidates"][0]
        parts = [part for part in (candidate.get("content") or {}).get("parts") or () if not part.get("thought")]
        found = next((part["inlineData"]["data"] for part in parts if "inlineData" in part), None)
        if found is None:
            raise self._no_picture(str(candidate.get("finishReason") or ""), parts)
        return str(found)

    def _no_picture(self, reason: str, parts: list[dict[str, Any]]) -> EditorError:
        words = " ".join(str(part["text"]) for part in parts if "text" in part)[:200]
        if reason in JUDGED:
            return Refused(f"{self.provider.title} will not have the content ({reason}) {words}".strip())
        if reason in AGAIN:
            return TryAgain(f"{self.provider.title} made no picture this time ({reason})")
        if words:
            return Refused(f"{self.provider.title} answered in words only: {words}")
        return Broken(f"{self.provider.title} made no picture ({reason or 'no reason given'})")


def told_what(edit: Edit, pictures: int) -> str:
    """The instruction, and what each of the pictures is."""
    words = [edit.prompt, "Edit picture 1; keep its framing, size and everything else in it exactly as it is."]
    if edit.mask is not None:
        words.append(
            "Picture 2 is the same with a red outline around the only place to change; do not draw the outline."
        )
    first = 3 if edit.mask is not None else 2
    if pictures >= first:
        words.append(f"Pictures {first} to {pictures} show how it should look." if pictures > first
                     else f"Picture {first} shows how it should look.")  # fmt: skip
    return " ".join(words)


async def _outlined(edit: Edit, files: Files) -> list[Path]:
    """The picture with the region outlined, where there is one."""
    if edit.mask is None:
        return []
    path = files.folder / "outlined.png"
    await asyncio.to_thread(_outline, await files.frame(0), await files.still_mask(), path)
    return [path]


def _outline(picture: Path, mask: Path, path: Path) -> None:
    region = (read_picture(mask)[..., 0] > 127).astype(np.uint8)
    around, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = read_picture(picture)
    cv2.drawContours(drawn, around, -1, RED, max(2, drawn.shape[1] // 256))
    write_picture(path, drawn)


def ratio_of(width: int, height: int) -> str:
    """The provider's name of the nearest aspect."""
    aspect = Fraction(width, height)
    return min(RATIOS, key=lambda name: abs(float(aspect / Fraction(name.replace(":", "/"))) - 1))


def build(house: House, entry: Entry) -> GeminiImage:
    """The editor for the registry."""
    return GeminiImage(house, entry)
