"""Seedance on ByteDance's Ark: shots from references, footage between two frames, and edits of a take by words.

BytePlus and Volcengine speak one protocol with different model ids; which of the two is meant is told by the address.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from tools.editors.fitting import Fit
from tools.editors.http import Reply
from tools.editors.pricing import Footage
from tools.editors.registry import Entry, House
from tools.editors.remote import hosting
from tools.editors.remote._editor import Files, Handle, RemoteEditor
from tools.errors import Broken, EditorError, Refused, TryAgain, Unknown
from tools.types import Edit, Progress

TASKS = "contents/generations/tasks"
GRACE = timedelta(seconds=90)
"""An accepted task may be listed this much later."""
PAGE = 100
RATIOS = {(16, 9): "16:9", (4, 3): "4:3", (1, 1): "1:1", (3, 4): "3:4", (9, 16): "9:16", (21, 9): "21:9"}
OVER = ("failed", "expired", "cancelled")


class Seedance(RemoteEditor):
    """A task of `POST /contents/generations/tasks`; what it is asked for depends on the action."""

    def credentials(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.environment['ARK_API_KEY']}"}

    def sort(self, reply: Reply) -> EditorError | None:
        """Errors are {"error": {"code", "message"}}; verdicts on content are told by the middle of the code."""
        if reply.ok:
            return None
        error = reply.json()["error"]
        code, words = str(error["code"]), f"{error.get('message', '')} ({error['code']})"
        if reply.status in (401, 403):
            return Refused(f"ARK_API_KEY is not accepted, or has no right to {self._model()}: {words}")
        if reply.status == 404:
            return Refused(f"{self._model()} is unknown or retired there: {words}")
        if reply.status in (408, 409, 429) or reply.status >= 500:
            return TryAgain(words)
        return Refused(f"will not have the content: {words}" if _judged(code) else words)

    def _model(self) -> str:
        china = "volces.com" in self.hosts["api"]
        return str(self.capabilities.settings.get("china_model", "") if china else self.capabilities.model)

    async def send(self, edit: Edit, files: Files) -> Handle:
        fit = files.fit
        body: dict[str, Any] = {
            "model": self._model(),
            "content": [{"type": "text", "text": edit.prompt}, *await self._pictures(edit, files)],
            "resolution": self.capabilities.settings["resolution"],
            "ratio": ratio_of(fit.width, fit.height),
            "duration": fit.seconds_asked,
            "generate_audio": False,
            "watermark": False,
            "safety_identifier": tag(self.name, edit),
        }
        reply = await self.door.pay("POST", self.url(TASKS), json=body | self._mode(edit))
        name = reply.json().get("id")
        if not isinstance(name, str):
            raise Unknown(f"{self.provider.title} accepted the task without naming it; look at its list of tasks")
        return Handle(id=name, fit=fit)

    def _mode(self, edit: Edit) -> dict[str, Any]:
        """What differs by mode: between frames, 2.5 takes the ratio of the frames and no other."""
        adaptive = edit.action == "retake" and self.capabilities.settings.get("adaptive_frames")
        return {"ratio": "adaptive"} if adaptive else {}

    async def _pictures(self, edit: Edit, files: Files) -> list[dict[str, Any]]:
        """References of a shot that is made again, or the frames between which a window is made: never both."""
        if edit.action == "regenerate":
            return [await _image(path, "reference_image") for path in await files.references()]
        ends = {"first_frame": await files.end("first"), "last_frame": await files.end("last")}
        return [await _image(path, role) for role, path in ends.items() if path is not None]

    def refuses(self, edit: Edit) -> str | None:
        if edit.action == "retake" and edit.window is not None and edit.window[0] == 0:
            return "makes footage onward from a kept frame, and the window opens at the cut"
        if edit.action == "regenerate" and not any(one.role == "look" and one.mask is None for one in edit.references):
            return "needs a reference picture to make a shot from"
        return None

    async def ask(self, handle: Handle) -> Progress:
        task = await self._task(handle)
        status, error = task["status"], task.get("error") or {}
        if status == "succeeded":
            return Progress(state="done", fraction=1.0)
        if status == "failed" and _judged(str(error.get("code", ""))):
            raise Refused(f"{self.provider.title} will not have the content: {error.get('message')} ({error['code']})")
        if status in OVER:
            return Progress(state="failed", why=f"{status}: {error.get('message', '')} {error.get('code', '')}".strip())
        return Progress(state="running")

    async def _task(self, handle: Handle) -> dict[str, Any]:
        task = (await self.door.ask("GET", self.url(f"{TASKS}/{handle.id}"))).json()
        if not isinstance(task, dict) or "status" not in task:
            raise Broken(f"{self.provider.title} answered something that is no task; its API may have changed")
        return task

    async def bring(self, handle: Handle, path: Path) -> str:
        for last in (False, True):
            task = await self._task(handle)
            found = (task.get("content") or {}).get("video_url")
            if not found:
                raise Broken(f"{self.provider.title} finished task {handle.id} without a video")
            self._note_bill(handle, task)
            try:
                return await self.door.download(found, path, kind="video")
            except Refused as expired:
                if last:
                    raise Broken(f"{expired}; results live a day") from None
        raise AssertionError("the second try returns or raises")

    def _note_bill(self, handle: Handle, task: Mapping[str, Any]) -> None:
        tokens = (task.get("usage") or {}).get("total_tokens")
        if isinstance(tokens, int):
            usd = self.capabilities.price.per_token * Decimal(tokens)
            self.receipts[handle.id] = {"billed_usd": float(round(usd, 4)), "tokens": tokens}

    async def stop(self, handle: Handle) -> None:
        """Only a queued task can be stopped; a finished one would lose its record, so it is left alone."""
        if (await self._task(handle))["status"] == "queued":
            await self.door.ask("DELETE", self.url(f"{TASKS}/{handle.id}"))

    async def look_up(self, edit: Edit, fit: Fit, since: datetime, known: Collection[str]) -> Handle | None:
        """The task that carries our tag.

        A task list shows no prompt, so a task is ours by its `safety_identifier` alone. Where the list does not repeat
        that field, or a task without it could be ours, nobody can tell: Unknown. None is said only when the list was
        read whole, shows nothing of the kind, and is old enough to show everything.
        """
        tasks = await self._listed(since)
        mine = [task for task in tasks if task.get("safety_identifier") == tag(self.name, edit)]
        if len(mine) == 1:
            return Handle(id=str(mine[0]["id"]), fit=fit)
        strangers = [task for task in tasks if "safety_identifier" not in task and task.get("id") not in known]
        if mine or strangers or datetime.now(UTC) - since < GRACE:
            raise Unknown(
                f"{self.provider.title} lists {len(mine) or len(strangers)} tasks that may be ours; look there"
            )
        return None

    async def _listed(self, since: datetime) -> list[dict[str, Any]]:
        """Tasks of the model since then, newest first."""
        asked = {"page_num": 1, "page_size": PAGE, "filter.model": self._model()}
        told = (await self.door.ask("GET", self.url(TASKS), params=asked)).json()
        opened = (since - timedelta(minutes=1)).timestamp()
        items = told["items"]
        if len(items) >= PAGE:
            raise Unknown(f"{self.provider.title} lists too many tasks to find ours among them; look there")
        return [item for item in items if float(item.get("created_at", opened)) >= opened]


class SeedanceEdit(Seedance):
    """2.5's edit of a hosted take by words: the same length and picture comes back, changed as told."""

    need: ClassVar[str] = "edit"

    def refuses(self, edit: Edit) -> str | None:
        del edit
        return hosting.missing(self.environment)

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        del edit
        return Footage(
            width=fit.width, height=fit.height, rate=fit.rate, seconds_in=fit.seconds, seconds_out=fit.seconds
        )

    def _mode(self, edit: Edit) -> dict[str, Any]:
        del edit
        return {"ratio": "adaptive", "duration": -1, "omni_reference_task_type": self.need}

    async def _pictures(self, edit: Edit, files: Files) -> list[dict[str, Any]]:
        del edit
        address = await hosting.hosted(await files.clip(), self.environment)
        video = {"type": "video_url", "video_url": {"url": address}, "role": "reference_video"}
        return [video, *[await _image(path, "reference_image") for path in await files.references()]]


def tag(editor: str, edit: Edit) -> str:
    """What names an editor's edit to the provider: at most 64 characters, the same in every process."""
    return f"suture-{hashlib.sha256(f'{editor} {edit.key}'.encode()).hexdigest()[:40]}"


def ratio_of(width: int, height: int) -> str:
    """The provider's name of the nearest aspect."""
    aspect = Fraction(width, height)
    nearest = min(RATIOS, key=lambda one: abs(float(aspect / Fraction(*one)) - 1))
    return RATIOS[nearest]


def _judged(code: str) -> bool:
    """Whether an error code is a verdict on content: …SensitiveContentDetected and what may follow it."""
    return "SensitiveContentDetected" in code.partition(".")[0]


async def _image(path: Path, role: str) -> dict[str, Any]:
    data = base64.b64encode(await asyncio.to_thread(path.read_bytes)).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}, "role": role}


def build(house: House, entry: Entry) -> Seedance:
    """The editor for the registry."""
    return SeedanceEdit(house, entry) if entry.capabilities.settings.get("family") == "edit" else Seedance(house, entry)
