"""Runway's aleph2: an edit of footage by words, limited to a range of time, held by frames that are right."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.editors.http import Reply
from tools.editors.registry import Entry, House
from tools.editors.remote._editor import Files, Handle, RemoteEditor
from tools.errors import Broken, EditorError, Refused, TryAgain, Unknown
from tools.types import Edit, Progress

RUNNING = ("PENDING", "THROTTLED", "RUNNING")
REFUSED = "SAFETY"
MOST_SEED = 2**32


class Aleph(RemoteEditor):
    """`POST /v1/video_to_video` of a clip that is uploaded first."""

    def credentials(self) -> Mapping[str, str]:
        key, version = self.environment["RUNWAYML_API_SECRET"], self.capabilities.settings["version"]
        return {"authorization": f"Bearer {key}", "x-runway-version": str(version)}

    def sort(self, reply: Reply) -> EditorError | None:
        """Errors are {"error": words}; a daily limit is a 429 like any other."""
        if reply.ok:
            return None
        said = reply.json().get("error", "")
        if reply.status in (401, 403):
            return Refused(f"RUNWAYML_API_SECRET is not accepted ({said})")
        if reply.status == 429 or reply.status >= 500:
            return TryAgain(f"answered {reply.status}: {said}")
        return Refused(str(said) or f"answered {reply.status}")

    async def send(self, edit: Edit, files: Files) -> Handle:
        clip = await files.clip()
        body: dict[str, Any] = {
            "model": str(self.capabilities.model),
            "videoUri": await self._uploaded(clip, hashlib.sha256(edit.key.encode()).hexdigest()[:16]),
            "promptText": edit.prompt,
            "seed": edit.seed % MOST_SEED,
        }
        if edit.action == "retake":
            body["keyframes"] = [await self._held(edit, files)]
        reply = await self.door.pay("POST", self.url("v1/video_to_video"), json=body)
        name = reply.json().get("id")
        if not isinstance(name, str):
            raise Unknown(f"{self.provider.title} accepted the job without naming it; look at its task list")
        return Handle(id=name, fit=files.fit)

    async def _held(self, edit: Edit, files: Files) -> dict[str, Any]:
        """The range of the window in whole seconds, and in it a frame that is kept as it is."""
        assert edit.window is not None, "a retake has a window"
        first, last = (files.fit.second_of(index) for index in (edit.window[0], edit.window[1] + 1))
        opens, closes = math.floor(first), math.ceil(last)
        kept = edit.window[0] - 1 if first > opens and edit.window[0] > 0 else edit.window[1] + 1
        if not 0 <= kept < edit.clip.frames:
            raise Refused(f"{self.name} needs a frame that is kept within the second of the window")
        picture = await asyncio.to_thread((await files.frame(kept)).read_bytes)
        return {
            "seconds": round(float(files.fit.second_of(kept)), 4),
            "uri": f"data:image/png;base64,{base64.b64encode(picture).decode()}",
            "range": {"start_seconds": opens, "end_seconds": closes},
        }

    async def _uploaded(self, clip: Path, name: str) -> str:
        """The clip as an ephemeral upload of the provider's."""
        asked = {"filename": f"{name}.mp4", "type": "ephemeral"}
        told = (await self.door.ask("POST", self.url("v1/uploads"), json=asked)).json()
        data = await asyncio.to_thread(clip.read_bytes)
        files = {"file": (f"{name}.mp4", data, "video/mp4")}
        await self.door.ask("POST", told["uploadUrl"], bare=True, data=told["fields"], files=files)
        return str(told["runwayUri"])

    async def ask(self, handle: Handle) -> Progress:
        task = await self._task(handle)
        status, code = task.get("status"), str(task.get("failureCode") or "")
        if status == "SUCCEEDED":
            return Progress(state="done", fraction=1.0)
        if status == "FAILED" and code.startswith(REFUSED):
            raise Refused(f"{self.provider.title} will not have the content: {task.get('failure')} ({code})")
        if status in ("FAILED", "CANCELLED"):
            return Progress(state="failed", why=f"{task.get('failure') or str(status).lower()} {code}".strip())
        return Progress(state="running", fraction=float(task.get("progress") or 0.0))

    async def _task(self, handle: Handle) -> dict[str, Any]:
        task = (await self.door.ask("GET", self.url(f"v1/tasks/{handle.id}"))).json()
        if not isinstance(task, dict) or "status" not in task:
            raise Broken(f"{self.provider.title} answered something that is no task; its API may have changed")
        return task

    async def bring(self, handle: Handle, path: Path) -> str:
        """Every question for a finished task gives fresh addresses."""
        for last in (False, True):
            output = (await self._task(handle)).get("output") or []
            if not output:
                raise Broken(f"{self.provider.title} finished task {handle.id} without a video")
            try:
                return await self.door.download(output[0], path, kind="video")
            except Refused as expired:
                if last:
                    raise Broken(f"{expired}; a fresh address was asked for twice") from None
        raise AssertionError("the second try returns or raises")

    async def stop(self, handle: Handle) -> None:
        """Cancels a task that is not over, and deletes one that is."""
        await self.door.ask("DELETE", self.url(f"v1/tasks/{handle.id}"))


def build(house: House, entry: Entry) -> Aleph:
    """The editor for the registry."""
    return Aleph(house, entry)
