"""Seedance on ByteDance's Ark: shots from references or from a take, footage between two frames, edits and extensions.

BytePlus and Volcengine speak one protocol with different model ids; which of the two is meant is told by the address.
Footage is shown by its address only (`hosting`); pictures go inside the request.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tools.editors import fitting
from tools.editors.base import Limits
from tools.editors.fitting import Fit
from tools.editors.http import Reply
from tools.editors.pricing import Footage
from tools.editors.registry import Entry, House
from tools.editors.remote._editor import Files, Handle, RemoteEditor
from tools.editors.remote.hosting import Hosting, missing
from tools.editors.webhooks import WEBHOOK
from tools.errors import Broken, EditorError, Refused, TryAgain, Unknown
from tools.media.probe import probe
from tools.types import Edit, Progress

TASKS = "contents/generations/tasks"
GRACE = timedelta(seconds=90)
"""An accepted task may be listed this much later."""
SLACK = timedelta(minutes=1)
"""By how much the provider's clock may be behind ours."""
PAGE, PAGES = 100, 20
RATIOS = {(16, 9): "16:9", (4, 3): "4:3", (1, 1): "1:1", (3, 4): "3:4", (9, 16): "9:16", (21, 9): "21:9"}
OVER = ("failed", "expired", "cancelled")
SHORTEST_LEAD, LONGEST_LEAD = Fraction(2), Fraction(29)
"""Seconds of footage that an extension goes on from (the model takes 1.9 to 30)."""

Body = dict[str, Any]


class Task(NamedTuple):
    """What a task shows beside its prompt, what it asks for, and how its result is read."""

    shown: list[Body]
    asked: Body
    fit: Fit


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
        china = (urlsplit(self.hosts["api"]).hostname or "").endswith("volces.com")
        return str(self.capabilities.settings.get("china_model", "") if china else self.capabilities.model)

    async def send(self, edit: Edit, files: Files) -> Handle:
        task = await self._made(edit, files)
        body = {
            "model": self._model(),
            "content": [{"type": "text", "text": self._words(edit, files.fit) + _names(task.shown)}, *task.shown],
            "resolution": self.capabilities.settings["resolution"],
            "generate_audio": False,
            "watermark": False,
            "safety_identifier": tag(self.name, edit),
            **self._hook(),
            **task.asked,
        }
        reply = await self.door.pay("POST", self.url(TASKS), json=body)
        name = reply.json().get("id")
        if not isinstance(name, str):
            raise Unknown(f"{self.provider.title} accepted the task without naming it; look at its list of tasks")
        return Handle(id=name, fit=task.fit)

    def _words(self, edit: Edit, fit: Fit) -> str:
        del fit
        return edit.prompt

    def _hook(self) -> Body:
        """Where the provider is to say that a task is over; nothing where nobody listens."""
        base = self.environment.get(WEBHOOK)
        return {"callback_url": f"{base.rstrip('/')}/ark"} if base else {}

    async def _made(self, edit: Edit, files: Files) -> Task:
        """References of a shot that is made again, or the frames between which footage is made: never both."""
        if _follows(edit):
            shown = [await _image(path, "reference_image") for path in await files.references()]
            return Task(shown, self._length(files.fit), self._read(edit, files.fit))
        ends = {"first_frame": await files.end("first"), "last_frame": await files.end("last")}
        shown = [await _image(path, role) for role, path in ends.items() if path is not None]
        adaptive = {"ratio": "adaptive"} if self.capabilities.settings.get("adaptive_frames") else {}
        return Task(shown, self._length(files.fit) | adaptive, files.fit)

    def _read(self, edit: Edit, fit: Fit) -> Fit:
        """How the result is read: what is made from references opens and closes as it likes."""
        return fit.model_copy(update={"pinned": "none"}) if _follows(edit) else fit

    def _length(self, fit: Fit) -> Body:
        return {"ratio": ratio_of(fit.width, fit.height), "duration": fit.seconds_asked}

    def refuses(self, edit: Edit) -> str | None:
        if edit.action == "retake" and edit.window is not None and edit.window[0] == 0:
            return "makes footage onward from a kept frame, and the window opens at the cut"
        opens = any(one.role == "first" for one in edit.references)
        if edit.action == "regenerate" and not opens and not _follows(edit):
            return "needs a reference picture, or the frame that the shot opens with"
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
            with suppress(TryAgain, Refused):  # it began to run, or ended, in between
                await self.door.ask("DELETE", self.url(f"{TASKS}/{handle.id}"))

    async def look_up(self, edit: Edit, fit: Fit, since: datetime, known: Collection[str]) -> Handle | None:
        """The task that carries our tag.

        A list of tasks shows no prompt and no pictures, and model, ratio and duration are those of many of our own
        tasks, and of everybody else's who uses the key: that only one such task is there would not make it ours. So a
        task is ours by its `safety_identifier` alone, which the provider's client knows as a field of tasks that are
        read. Where the list leaves it out, a task that no other edit claims may be ours, and nobody can tell: Unknown.
        None is said only when the list was read back to the submit, shows nothing of the kind, and is old enough to
        show everything that was accepted.
        """
        tasks = await self._listed(since)
        mine = [task for task in tasks if task.get("safety_identifier") == tag(self.name, edit)]
        if len(mine) == 1:
            return Handle(id=str(mine[0]["id"]), fit=self._read(edit, fit))
        strangers = [task for task in tasks if not task.get("safety_identifier") and task.get("id") not in known]
        if mine or strangers:
            count = len(mine) or len(strangers)
            raise Unknown(f"{self.provider.title} lists {count} tasks that may be ours since {since:%H:%M}; look there")
        if datetime.now(UTC) - since < GRACE:
            raise Unknown(f"{self.provider.title} lists no task of ours yet; ask again in {GRACE.seconds} s")
        return None

    async def _listed(self, since: datetime) -> list[Body]:
        """Tasks of the model since then; the list is read, newest first, until it is older."""
        opened, found = (since - SLACK).timestamp(), list[Body]()
        for page in range(1, PAGES + 1):
            asked = {"page_num": page, "page_size": PAGE, "filter.model": self._model()}
            told = (await self.door.ask("GET", self.url(TASKS), params=asked)).json()
            items = told.get("items") if isinstance(told, dict) else None
            if not isinstance(items, list):
                raise Broken(f"{self.provider.title} answered something that is no list of tasks")
            found += [item for item in items if float(item.get("created_at") or opened) >= opened]
            if len(items) < PAGE or all(float(item.get("created_at") or opened) < opened for item in items):
                return found
        raise Unknown(f"{self.provider.title} lists too many tasks to find ours among them; look there")


class SeedanceEdit(Hosting, Seedance):
    """2.5's edit of a hosted take by words: the same length and picture comes back, changed as told.

    A retake that reaches the clip's end is an extension of what is before it, where that is long enough.
    """

    def refuses(self, edit: Edit) -> str | None:
        del edit
        return missing(self.environment)

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        lead = lead_of(edit, fit)
        sent, made = (fit, fit) if lead is None else (lead, self._read(edit, fit))
        return _billed(self._size(fit), sent.seconds, made.seconds)

    def _size(self, fit: Fit) -> tuple[int, int]:
        """The size that is made, and that both what goes in and what comes out are billed by."""
        return size_of(str(self.capabilities.settings["resolution"]), fit.width, fit.height)

    def _words(self, edit: Edit, fit: Fit) -> str:
        """A retake that is no extension says when."""
        if edit.action != "retake" or edit.window is None or lead_of(edit, fit) is not None:
            return edit.prompt
        opens, closes = (float(fit.second_of(index)) for index in (edit.window[0], edit.window[1] + 1))
        return f"Only from second {opens:.2f} to second {closes:.2f} of Video 1: {edit.prompt}"

    async def _made(self, edit: Edit, files: Files) -> Task:
        lead, fit = lead_of(edit, files.fit), self._read(edit, files.fit)
        pictures = [await _image(path, "reference_image") for path in await files.references()]
        sent = files if lead is None else Files(edit, lead, self.capabilities, files.folder)
        asked = {
            "ratio": "adaptive",
            "duration": -1 if lead is None else fit.seconds_asked,
            "omni_reference_task_type": "edit" if lead is None else "extend",
        }
        return Task([await self._video(sent), *pictures], asked, fit)

    async def _video(self, files: Files) -> Body:
        address = await self.host(files.edit, await files.clip())
        return {"type": "video_url", "video_url": {"url": address}, "role": "reference_video"}

    def _read(self, edit: Edit, fit: Fit) -> Fit:
        """An extension comes back alone, without what it goes on from."""
        if lead_of(edit, fit) is None or edit.window is None:
            return fit
        first, frames = edit.window[0], edit.clip.frames - edit.window[0]
        needed = math.ceil(frames / fit.step / fit.rate)
        shortest, longest = self.capabilities.limits.seconds or (1, math.inf)
        if needed > longest:
            raise Refused(f"{self.name}: extends footage by at most {longest:g} s; {needed} s are to be made anew")
        seconds = max(needed, math.ceil(shortest))
        return fit.model_copy(
            update={
                "first": first, "frames": frames, "replaced": (first, fit.clip.frames - 1), "made": True,
                "seconds_asked": seconds, "count": math.ceil(seconds * fit.rate),
            }
        )  # fmt: skip


class SeedanceTake(SeedanceEdit):
    """A shot made again after its own take (`reference_video`), which tells framing, move and performance, and after
    pictures of what must be right this time."""

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        return _billed((fit.width, fit.height), self._lead(edit).seconds, fit.seconds)

    def _words(self, edit: Edit, fit: Fit) -> str:
        del fit
        return edit.prompt

    async def _made(self, edit: Edit, files: Files) -> Task:
        pictures = [await _image(path, "reference_image") for path in await files.references()]
        video = await self._video(Files(_whole(edit), self._lead(edit), self.capabilities, files.folder))
        return Task([video, *pictures], self._length(files.fit), self._read(edit, files.fit))

    def _read(self, edit: Edit, fit: Fit) -> Fit:
        del edit
        return fit.model_copy(update={"pinned": "none"})

    def fitted(self, edit: Edit) -> Fit:
        """Refused, too, where the take itself cannot be shown."""
        fit = super().fitted(edit)
        self._lead(edit)
        return fit

    def _lead(self, edit: Edit) -> Fit:
        """How the take is sent."""
        told = self.capabilities.settings
        limits = Limits(
            seconds=(float(told["take_least"]), float(told["take_most"])),
            pixels=(int(told["take_least_pixels"]), int(told["take_most_pixels"])),
            rates=(Fraction(24), Fraction(60)),
            aspect=(0.4, 2.5),
            multiple=2,
            megabytes=200,
        )
        can = self.capabilities.model_copy(update={"limits": limits})
        return fitting.plan_fit(_whole(edit), probe(edit.clip.media), can)


def lead_of(edit: Edit, fit: Fit) -> Fit | None:
    """The footage before a window that reaches the clip's end; None where the shot does not just go on."""
    if edit.action != "retake" or edit.window is None or edit.window[1] < edit.clip.frames - 1:
        return None
    last = edit.window[0] - 1
    first = max(0, last + 1 - math.floor(LONGEST_LEAD * fit.rate * fit.step))
    lead = fit.model_copy(
        update={"first": first, "frames": last + 1 - first, "replaced": (first, max(first, last)), "wrong": None}
    )
    if last < first or lead.second_of(last + 1) < SHORTEST_LEAD:
        return None
    return lead.model_copy(update={"count": lead.sent_index(last) + 1})


def size_of(resolution: str, width: int, height: int) -> tuple[int, int]:
    """The frame that a resolution makes of an aspect: as many pixels as it has at 16:9, sides in sixteens."""
    lines = {"4k": 2160}.get(resolution) or int(resolution.rstrip("p"))
    scale = math.sqrt(lines * lines * 16 / 9 / (width * height))
    return round(width * scale / 16) * 16, round(height * scale / 16) * 16


def _billed(size: tuple[int, int], sent: Fraction, made: Fraction) -> Footage:
    """Footage that goes in is billed as what comes out is."""
    return Footage(width=size[0], height=size[1], rate=Fraction(24), seconds_in=sent, seconds_out=made)


def _whole(edit: Edit) -> Edit:
    """The edit as one of the whole take, which is sent."""
    return edit.model_copy(update={"action": "inpaint", "mask": None, "window": None, "stretch": None})


def _follows(edit: Edit) -> bool:
    """Whether a shot is made again from pictures of what is in it."""
    return edit.action == "regenerate" and any(one.role == "look" and one.mask is None for one in edit.references)


def _names(shown: list[Body]) -> str:
    """How the prompt calls what is shown for reference: by kind, numbered in its order."""
    kinds = {"reference_image": "Image", "reference_video": "Video"}
    counts, named = dict.fromkeys(kinds.values(), 0), list[str]()
    for kind in (kinds[one["role"]] for one in shown if one["role"] in kinds):
        counts[kind] += 1
        named.append(f"{kind} {counts[kind]}")
    return f"\nAttached, in this order: {', '.join(named)}." if named else ""


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


FAMILIES: Mapping[str, type[Seedance]] = {"made": Seedance, "edit": SeedanceEdit, "take": SeedanceTake}


def build(house: House, entry: Entry) -> Seedance:
    """The editor for the registry."""
    return FAMILIES[str(entry.capabilities.settings["family"])](house, entry)
