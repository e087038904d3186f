"""Kling's multi-elements (the legacy API): a thing is clicked on, followed, and taken out or swapped.

A mask cannot be given. Ours becomes clicks on a few frames, and the masks that Kling makes of them are held against
ours; only where they agree is the edit paid for. Clicking is free.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from tools.editors.fitting import Fit, sent_regions
from tools.editors.pricing import Footage
from tools.editors.registry import Entry, House
from tools.editors.remote._clicks import clicks, overlap
from tools.editors.remote._editor import Files, Handle
from tools.editors.remote._kling import KlingEditor, NotThere
from tools.editors.remote._rle import decoded_mask
from tools.editors.remote.hosting import Hosting, missing
from tools.editors.remote.seedance import tag
from tools.errors import Broken, Refused, Unknown
from tools.types import Bits, Edit, Progress

Body = dict[str, Any]
PATH = "v1/videos/multi-elements"
KEPT = "tasks and files are kept for 30 days"
TOLD = {
    "removal": "Delete the selected thing from <<<video_1>>>. ",
    "swap": "swap the thing from <<<image_1>>> for the selected thing from <<<video_1>>>. ",
}


class Session(NamedTuple):
    """A take as the provider holds it: frames it counts, and their rate."""

    id: str
    frames: int
    rate: float

    def frame(self, sent: int, fit: Fit) -> int:
        """Which of its frames shows frame `sent` of what was sent."""
        at = sent if self.frames == fit.count else round(float(sent / fit.rate) * self.rate)
        return min(max(0, at), self.frames - 1)


class KlingRegions(Hosting, KlingEditor):
    """Removal, or a swap for what a reference shows."""

    def refuses(self, edit: Edit) -> str | None:
        if edit.purpose == "repair" and not any(one.role == "look" and one.mask is None for one in edit.references):
            return "puts a thing right by swapping it for one in a picture, and there is no reference"
        return missing(self.environment)

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        """Billed by the seconds that come out: 5 or 10."""
        del edit
        return Footage(width=fit.width, height=fit.height, rate=fit.rate, seconds_out=Fraction(_seconds(fit)))

    async def send(self, edit: Edit, files: Files) -> Handle:
        session = await self._opened(await self.host(edit, await files.clip()), files.fit)
        agreed = await self._selected(edit, files.fit, session)
        way = "removal" if edit.purpose == "remove" else "swap"
        pictures = [await _bare(path) for path in await files.references(1)] if way == "swap" else []
        body = {
            "session_id": session.id,
            "edit_mode": way,
            **({"image_list": [{"image": one} for one in pictures]} if pictures else {}),
            "prompt": TOLD[way] + edit.prompt,
            "mode": self.capabilities.settings["mode"],
            "duration": str(_seconds(files.fit)),
            "external_task_id": tag(self.name, edit),
            **self.hook(),
        }
        told = (await self.door.pay("POST", self.url(PATH), json=body)).json()
        name = (told.get("data") or {}).get("task_id")
        if not isinstance(name, str):
            raise Unknown(
                f"{self.provider.title} accepted the task without naming it; look for {tag(self.name, edit)} there"
            )
        return Handle(id=name, fit=files.fit, facts={"selection_iou": round(agreed, 3)})

    # The selection.

    async def _opened(self, address: str, fit: Fit) -> Session:
        data = await self._told("init-selection", {"video_url": address})
        status, name = data.get("status"), data.get("session_id")
        if status != 0:
            raise Refused(f"{self.provider.title} does not take this footage for a selection (status {status})")
        if not isinstance(name, str):
            raise Broken(f"{self.provider.title} opened a selection without naming it; its API may have changed")
        return Session(name, int(data.get("total_frame") or fit.count), float(data.get("fps") or fit.rate))

    async def _selected(self, edit: Edit, fit: Fit, session: Session) -> float:
        """Clicks on the thing in a few frames; how well the masks that come back agree with ours.

        Refused when they do not: the model would change something else.
        """
        regions = await asyncio.to_thread(sent_regions, edit, fit, int(self.capabilities.settings["marked_frames"]))
        if not regions:
            raise Refused(f"{self.name}: the mask is empty in every frame that is sent")
        theirs = [await self._clicked(session, session.frame(sent, fit), mask) for sent, mask in regions.items()]
        agreed, least = overlap(list(regions.values()), theirs), float(self.capabilities.settings["least_overlap"])
        if agreed < least:
            raise Refused(
                f"{self.name}: what it selects at our clicks overlaps our mask by {agreed:.2f} only "
                f"(intersection over union, at least {least:.2f} is asked for); nothing was paid"
            )
        return agreed

    async def _clicked(self, session: Session, frame: int, mask: Bits) -> Bits:
        """What the provider selects in a frame, as one mask."""
        points = [click._asdict() for click in clicks(mask)]
        asked = {"session_id": session.id, "frame_index": frame, "points": points}
        told = await self._told("add-selection", asked)
        try:
            found = [one["rle_mask"] for one in told["res"]["rle_mask_list"]]
            return _joined([decoded_mask(one["size"], one["counts"]) for one in found], mask)
        except (KeyError, TypeError, ValueError):
            raise Broken(f"{self.provider.title} selected something unreadable; its API may have changed") from None

    async def _told(self, step: str, asked: Body) -> Body:
        """The data of one step of the selection. Broken when the answer cannot be read."""
        told = (await self.door.ask("POST", self.url(f"{PATH}/{step}"), json=asked)).json()
        data = told.get("data")
        if not isinstance(data, dict):
            raise Broken(f"{self.provider.title} answered {step} without data; its API may have changed")
        return data

    # What became of it.

    async def ask(self, handle: Handle) -> Progress:
        task = await self._task(handle)
        status, words = task["task_status"], str(task.get("task_status_msg") or "")
        if status in ("succeed", "succeeded"):
            return Progress(state="done", fraction=1.0)
        if status == "failed":
            self.refuse_judged(words)
            return Progress(state="failed", why=words or "no reason was given")
        return Progress(state="running")

    async def _task(self, handle: Handle) -> Body:
        try:
            return await self._named(handle.id)
        except NotThere as gone:
            raise Broken(f"{gone}; {KEPT}") from None

    async def _named(self, name: str) -> Body:
        """A task by its id, or by ours."""
        data = (await self.door.ask("GET", self.url(f"{PATH}/{name}"))).json().get("data")
        if not isinstance(data, dict) or not {"task_id", "task_status"} <= set(data):
            raise Broken(f"{self.provider.title} answered something that is no task; its API may have changed")
        return data

    async def bring(self, handle: Handle, path: Path) -> str:
        for last in (False, True):
            task = await self._task(handle)
            videos = (task.get("task_result") or {}).get("videos") or [{}]
            found = videos[0].get("url")
            if not found:
                raise Broken(f"{self.provider.title} finished task {handle.id} without a video")
            usd = self.usd_of(task.get("final_unit_deduction"))
            if usd:
                self.receipts[handle.id] = {"billed_usd": float(round(usd, 4))}
            try:
                return await self.door.download(found, path, kind="video")
            except Refused as expired:
                if last:
                    raise Broken(f"{expired}; {KEPT}") from None
        raise AssertionError("the second try returns or raises")

    async def look_up(self, edit: Edit, fit: Fit, since: datetime, known: Collection[str]) -> Handle | None:
        """The task that carries the edit's own id, which is unique in an account; a second one of it fails."""
        del since, known
        ours = tag(self.name, edit)
        try:
            task = await self._named(ours)
        except NotThere:
            return None
        if (task.get("task_info") or {}).get("external_task_id") != ours:
            raise Unknown(f"{self.provider.title} was asked for task {ours} and told of another; look there")
        return Handle(id=str(task["task_id"]), fit=fit)


def _joined(masks: Sequence[Bits], like: Bits) -> Bits:
    """Everything that is selected in a frame; nothing where the provider found nothing."""
    if not masks:
        return like & False
    joined = masks[0]
    for mask in masks[1:]:
        joined = joined | mask
    return joined


def _seconds(fit: Fit) -> int:
    """The duration that is asked for: five seconds or ten."""
    return 5 if fit.seconds <= 5 else 10


async def _bare(path: Path) -> str:
    return base64.b64encode(await asyncio.to_thread(path.read_bytes)).decode()


def build(house: House, entry: Entry) -> KlingRegions:
    """The editor for the registry."""
    return KlingRegions(house, entry)
