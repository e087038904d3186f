"""Kling's newer API: edits of a hosted take by words, shots from pictures or words, footage between two frames.

A model's name is its path (`/omni-video/kling-3.0-omni`); what a job shows is a list of `contents`. The body of
`image-to-video` and `text-to-video` is taken to be the one that is documented for `omni-video`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from tools.editors.fitting import Fit
from tools.editors.fitting._fit import nearest
from tools.editors.pricing import Footage
from tools.editors.registry import Entry, House
from tools.editors.remote._editor import Files, Handle
from tools.editors.remote._kling import KlingEditor, NotThere, number
from tools.editors.remote.hosting import Hosting, missing
from tools.editors.remote.seedance import ratio_of, tag
from tools.errors import Broken, Refused, Unknown
from tools.types import Edit, Progress

Body = dict[str, Any]
RATIOS = ("16:9", "9:16", "1:1")
KEPT = "tasks and files are kept for 30 days"


class Kling(KlingEditor):
    """A task of the newer API. What it is shown is the family's; there is no way to stop one."""

    async def send(self, edit: Edit, files: Files) -> Handle:
        fit = self._asked(edit, files.fit)
        shown = await self._shown(edit, files)
        body = {
            "contents": [{"type": "prompt", "text": edit.prompt + _names(shown)}, *shown],
            "settings": {
                "multi_shot": False,
                "audio": "off",
                "resolution": self.capabilities.settings["resolution"],
                **self._settings(fit),
            },
            "options": {"external_task_id": tag(self.name, edit), **self.hook()},
        }
        told = (await self.door.pay("POST", self.url(str(self.capabilities.model)), json=body)).json()
        name = (told.get("data") or {}).get("id")
        if not isinstance(name, str):
            raise Unknown(
                f"{self.provider.title} accepted the task without naming it; look for {tag(self.name, edit)} there"
            )
        return Handle(id=name, fit=fit)

    def _asked(self, edit: Edit, fit: Fit) -> Fit:
        """How the result is read."""
        del edit
        return fit

    async def _shown(self, edit: Edit, files: Files) -> list[Body]:
        """The frames between which footage is made; a last frame never goes alone."""
        del edit
        ends = {"first_frame": await files.end("first"), "last_frame": await files.end("last")}
        return [await _picture(path, role) for role, path in ends.items() if path is not None]

    def _settings(self, fit: Fit) -> Body:
        return {"duration": fit.seconds_asked}

    def refuses(self, edit: Edit) -> str | None:
        if edit.action == "retake" and edit.window is not None and edit.window[0] == 0:
            return "makes footage onward from a kept frame, and the window opens at the cut"
        if edit.action == "regenerate" and not any(one.role == "first" for one in edit.references):
            return "needs the frame that the shot opens with"
        return None

    # What became of it.

    async def ask(self, handle: Handle) -> Progress:
        task = await self._task(handle)
        status, words = task["status"], str(task.get("message") or "")
        if status in ("succeeded", "succeed"):
            return Progress(state="done", fraction=1.0)
        if status == "failed":
            self.refuse_judged(words)
            return Progress(state="failed", why=words or "no reason was given")
        return Progress(state="running")

    async def _task(self, handle: Handle) -> Body:
        task = next((one for one in await self._listed(task_ids=handle.id) if one["id"] == handle.id), None)
        if task is None:
            raise Broken(f"{self.provider.title} no longer knows task {handle.id}; {KEPT}")
        return task

    async def _listed(self, **asked: str) -> list[Body]:
        """The tasks that are asked for. Answers are a list, or have one in `result`."""
        try:
            told = (await self.door.ask("GET", self.url("tasks"), params=asked)).json()
        except NotThere:
            return []
        data = told.get("data", "")
        items = data.get("result") if isinstance(data, dict) else [] if data is None else data
        if not isinstance(items, list) or not all(
            isinstance(one, dict) and {"id", "status"} <= set(one) for one in items
        ):
            raise Broken(f"{self.provider.title} answered something that is no task; its API may have changed")
        return items

    async def bring(self, handle: Handle, path: Path) -> str:
        for last in (False, True):
            task = await self._task(handle)
            found = next((one.get("url") for one in task.get("outputs") or () if one.get("type") == "video"), None)
            if not found:
                raise Broken(f"{self.provider.title} finished task {handle.id} without a video")
            self._note_bill(handle, task)
            try:
                return await self.door.download(found, path, kind="video")
            except Refused as expired:
                if last:
                    raise Broken(f"{expired}; {KEPT}") from None
        raise AssertionError("the second try returns or raises")

    def _note_bill(self, handle: Handle, task: Mapping[str, Any]) -> None:
        """What was taken from the account, in money or in units of a resource pack."""
        parts = [self._usd(one) for one in task.get("billing") or ()]
        known = [part for part in parts if part is not None]
        if known and len(known) == len(parts):
            self.receipts[handle.id] = {"billed_usd": float(round(sum(known, Decimal(0)), 4))}

    def _usd(self, charge: Mapping[str, Any]) -> Decimal | None:
        if charge.get("charge_type") == "unit":
            return self.usd_of(charge.get("amount"))
        return number(charge.get("amount")) if charge.get("currency") in ("USD", None) else None

    async def look_up(self, edit: Edit, fit: Fit, since: datetime, known: Collection[str]) -> Handle | None:
        """The task that carries the edit's own id.

        The id is unique in an account, and a second task of the same id fails: where there is none now, sending the
        edit again cannot make two of it, even if the lost one still arrives. Unknown when other tasks are told instead.
        """
        del since, known
        ours = tag(self.name, edit)
        tasks = await self._listed(external_task_ids=ours)
        mine = [one for one in tasks if one.get("external_id", one.get("external_task_id")) == ours]
        if tasks and len(mine) != 1:
            raise Unknown(f"{self.provider.title} was asked for task {ours} and told of others; look there")
        return Handle(id=str(mine[0]["id"]), fit=self._asked(edit, fit)) if mine else None


class KlingReferences(Kling):
    """A shot made again from pictures of what is in it: up to seven."""

    def refuses(self, edit: Edit) -> str | None:
        if not any(one.role == "look" and one.mask is None for one in edit.references):
            return "needs a reference picture to make a shot from"
        return None

    def _asked(self, edit: Edit, fit: Fit) -> Fit:
        del edit
        return fit.model_copy(update={"pinned": "none"})

    async def _shown(self, edit: Edit, files: Files) -> list[Body]:
        del edit
        return await _references(files)

    def _settings(self, fit: Fit) -> Body:
        return {"duration": fit.seconds_asked, "aspect_ratio": _ratio(fit)}


class KlingWords(KlingReferences):
    """A shot made again from words alone."""

    def refuses(self, edit: Edit) -> str | None:
        del edit
        return None

    async def _shown(self, edit: Edit, files: Files) -> list[Body]:
        del edit, files
        return []


class KlingEdit(Hosting, Kling):
    """A hosted take (`base_video`) changed by words, with up to four pictures to follow; billed by its length."""

    VIDEO: ClassVar[str] = "video_1"

    def refuses(self, edit: Edit) -> str | None:
        del edit
        return missing(self.environment)

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        del edit
        seconds = Fraction(nearest(fit.seconds))
        return Footage(width=fit.width, height=fit.height, rate=fit.rate, seconds_in=seconds)

    async def _shown(self, edit: Edit, files: Files) -> list[Body]:
        address = await self.host(edit, await files.clip())
        return [{"type": "base_video", "url": address, "id": self.VIDEO}, *await _references(files)]

    def _settings(self, fit: Fit) -> Body:
        """Length and shape are the take's."""
        del fit
        return {}


async def _references(files: Files) -> list[Body]:
    paths = await files.references()
    return [await _picture(path, "refer_image", f"image_{place}") for place, path in enumerate(paths, start=1)]


async def _picture(path: Path, role: str, name: str | None = None) -> Body:
    """A picture as bare base64."""
    data = base64.b64encode(await asyncio.to_thread(path.read_bytes)).decode()
    return {"type": role, "url": data, **({"id": name} if name else {})}


def _names(shown: list[Body]) -> str:
    """How the prompt calls what is shown: "@video_1", and the references in their order."""
    named = [f"@{one['id']}" for one in shown if "id" in one]
    return f"\nAttached, in this order: {', '.join(named)}." if named else ""


def _ratio(fit: Fit) -> str:
    name = ratio_of(fit.width, fit.height)
    return name if name in RATIOS else "16:9" if fit.width > fit.height else "9:16"


FAMILIES: Mapping[str, type[Kling]] = {
    "edit": KlingEdit,
    "references": KlingReferences,
    "frames": Kling,
    "words": KlingWords,
}


def build(house: House, entry: Entry) -> Kling:
    """The editor for the registry."""
    return FAMILIES[str(entry.capabilities.settings["family"])](house, entry)
