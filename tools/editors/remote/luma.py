"""Luma's ray-3.2: an edit of footage by words, anchored to frames that must stay as they are."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from tools.editors.fitting import Fit
from tools.editors.http import Reply
from tools.editors.pricing import Footage
from tools.editors.registry import Entry, House
from tools.editors.remote._editor import Files, Handle, RemoteEditor
from tools.errors import Broken, EditorError, Refused, TryAgain, Unknown
from tools.types import Edit, Progress

MODERATED = ("moderation", "content", "safety")
ANCHORS = 8
"""Kept frames that an edit is anchored to at most; the model takes 64, but each is an upload."""


class Ray(RemoteEditor):
    """`POST /v1/generations` of type "video_edit"."""

    def credentials(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.environment['LUMA_API_KEY']}"}

    def sort(self, reply: Reply) -> EditorError | None:
        """Errors are {"detail": words}."""
        if reply.ok:
            return None
        said = reply.json().get("detail", "")
        if reply.status in (401, 403):
            return Refused(f"LUMA_API_KEY is not accepted ({said})")
        if reply.status == 429 or reply.status >= 500:
            return TryAgain(f"answered {reply.status}: {said}")
        return Refused(str(said) or f"answered {reply.status}")

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        """Billed by the seconds that come out: 5 or 10."""
        del edit
        seconds = Fraction(self._seconds(fit.seconds))
        return Footage(width=fit.width, height=fit.height, rate=fit.rate, seconds_out=seconds)

    def _seconds(self, sent: Fraction) -> int:
        """The duration that is asked for: the shortest on offer that holds the clip."""
        return next((one for one in self.capabilities.limits.durations if one >= sent), 0)

    async def send(self, edit: Edit, files: Files) -> Handle:
        anchors = self._anchors(edit, files.fit)
        pictures = [await _data(await files.frame(index), "image/png") for index in anchors]
        video: dict[str, Any] = {
            "resolution": f"{min(files.fit.width, files.fit.height)}p",
            "duration": f"{self._seconds(files.fit.seconds)}s",
        }
        if pictures:
            video["keyframes"] = pictures
            video["keyframe_indexes"] = [files.fit.sent_index(index) for index in anchors]
        body = {
            "model": str(self.capabilities.model),
            "type": "video_edit",
            "prompt": edit.prompt,
            str(self.capabilities.settings["source_field"]): await _data(await files.clip(), "video/mp4"),
            "video": video,
        }
        reply = await self.door.pay("POST", self.url("v1/generations"), json=body)
        name = reply.json().get("id")
        if not isinstance(name, str):
            raise Unknown(f"{self.provider.title} accepted the job without naming it; look at its list of generations")
        return Handle(id=name, fit=files.fit)

    def _anchors(self, edit: Edit, fit: Fit) -> list[int]:
        """Frames of what is sent, evenly, in which nothing is wrong."""
        wrong = edit.window or edit.stretch or (0, edit.clip.frames - 1)
        kept = [i for i in range(edit.clip.frames) if fit.shows(i) and not wrong[0] <= i <= wrong[1]]
        if len(kept) <= ANCHORS:
            return kept
        nearest = sorted({max((i for i in kept if i < wrong[0]), default=kept[0]), kept[0], kept[-1]})
        after = min((i for i in kept if i > wrong[1]), default=kept[-1])
        spread = kept[:: len(kept) // (ANCHORS - 4) + 1]
        return sorted({*nearest, after, *spread})

    async def ask(self, handle: Handle) -> Progress:
        told = await self._generation(handle)
        state, code = told.get("state"), str(told.get("failure_code") or "")
        if state == "completed":
            return Progress(state="done", fraction=1.0)
        if state == "failed" and any(word in code.lower() for word in MODERATED):
            raise Refused(f"{self.provider.title} will not have the content: {told.get('failure_reason')} ({code})")
        if state == "failed":
            return Progress(state="failed", why=f"{told.get('failure_reason')} {code}".strip())
        return Progress(state="running")

    async def _generation(self, handle: Handle) -> dict[str, Any]:
        told = (await self.door.ask("GET", self.url(f"v1/generations/{handle.id}"))).json()
        if not isinstance(told, dict) or "state" not in told:
            raise Broken(f"{self.provider.title} answered something that is no generation; its API may have changed")
        return told

    async def bring(self, handle: Handle, path: Path) -> str:
        """Addresses live an hour; every question gives fresh ones."""
        for last in (False, True):
            output = (await self._generation(handle)).get("output") or []
            found = next((one.get("url") for one in output if one.get("type") == "video"), None)
            if found is None:
                raise Broken(f"{self.provider.title} finished generation {handle.id} without a video")
            try:
                return await self.door.download(found, path, kind="video")
            except Refused as expired:
                if last:
                    raise Broken(f"{expired}; a fresh address was asked for twice") from None
        raise AssertionError("the second try returns or raises")


async def _data(path: Path, kind: str) -> dict[str, str]:
    data = await asyncio.to_thread(path.read_bytes)
    return {"data": base64.b64encode(data).decode(), "media_type": kind}


def build(house: House, entry: Entry) -> Ray:
    """The editor for the registry."""
    return Ray(house, entry)
