"""The roster's editors as bidders: their own quotes and capabilities, never sent anything, and no key needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from importlib import import_module
from math import ceil, floor
from pathlib import Path
from typing import cast

import numpy as np

from evals.bench.policy._world import Mix
from tools.editors.base import Capabilities, Editor, PaidAction, Prior, Words
from tools.editors.registry import Entry, House
from tools.errors import Refused
from tools.media.encode import Writer
from tools.types import ColourTags, Edit, Frame, Job, MediaInfo, PixelLayout, Progress, Quote, Take

YUV420 = PixelLayout(name="yuv420p", family="yuv", depth=8, chroma_x=1, chroma_y=1)
CERTAIN = 1e9
"""Imagined verdicts of one who knows: no verdict moves it, and nothing is left to explore."""


class Bidder:
    """One editor of the roster. Quotes are the real editor's; the stretch that is wrong is rounded out to half seconds,
    so that few quotes answer for many faults."""

    def __init__(self, editor: Editor, capabilities: Capabilities, quotes: dict[Edit, Quote | str]) -> None:
        self.name, self.capabilities = editor.name, capabilities
        self._editor, self._quotes = editor, quotes

    def knowing(self, chances: Mapping[PaidAction, float]) -> Bidder:
        """The same bidder with priors that are certain of these chances."""
        priors = {action: Prior(right=p * CERTAIN, wrong=(1 - p) * CERTAIN) for action, p in chances.items()}
        return Bidder(self._editor, self.capabilities.model_copy(update={"priors": priors}), self._quotes)

    def quote(self, edit: Edit) -> Quote:
        asked = edit.model_copy(update={"key": "", "stretch": _rounded(edit), "seed": 0, "prompt": ""})
        if asked not in self._quotes:
            self._quotes[asked] = self._asked(asked)
        found = self._quotes[asked]
        if isinstance(found, str):
            raise Refused(found)
        return found

    def _asked(self, edit: Edit) -> Quote | str:
        try:
            return self._editor.quote(edit)
        except Refused as refusal:
            return str(refusal)

    async def submit(self, edit: Edit) -> Job:
        return Job(editor=self.name, handle=edit.key)

    async def find(self, edit: Edit, since: datetime, known: Collection[str]) -> Job | None:
        del edit, since, known
        return None

    async def poll(self, job: Job) -> Progress:
        del job
        return Progress(state="done", fraction=1.0)

    async def fetch(self, job: Job, folder: Path) -> Take:
        raise NotImplementedError(f"{job.editor} makes no pictures here; its verdict is drawn")

    async def cancel(self, job: Job) -> None:
        """Nothing runs."""


def _rounded(edit: Edit) -> tuple[int, int] | None:
    if edit.stretch is None:
        return None
    first, last = edit.stretch
    return 12 * floor(first / 12), min(12 * ceil((last + 1) / 12), edit.clip.frames) - 1


def bidders(entries: Iterable[Entry], home: Path) -> dict[str, Bidder]:
    """Everybody on a roster who edits video, with keys that open nothing."""
    made = {}
    for entry in entries:
        can = entry.capabilities
        if can.retired is None and can.medium == "video":
            keys = entry.provider.keys[0] if entry.provider else ()
            house = House(home, dict.fromkeys(keys, "no-key"))
            editor = cast(Editor, import_module(entry.module).build(house, entry))
            made[entry.name] = Bidder(editor, can.model_copy(update={"words": Words()}), {})
    return made


def blank_shots(mix: Mix, folder: Path) -> dict[int, Path]:
    """A grey film per length of shot, by seconds: quotes look at a clip's size, rate and length."""
    made = {}
    for seconds in mix.seconds:
        frames = round(seconds * mix.rate)
        path = folder / f"{seconds}s.mkv"
        info = MediaInfo(
            path=path,
            kind="video",
            width=mix.width,
            height=mix.height,
            fps=Fraction(mix.rate),
            frames=frames,
            container="matroska",
            codec="ffv1",
            pixel_format="yuv420p",
            bit_depth=8,
        )
        luma = np.full((mix.height, mix.width), 128, np.uint8)
        chroma = np.full((mix.height // 2, mix.width // 2), 128, np.uint8)
        with Writer(path, info, codec="ffv1") as writer:
            for index in range(frames):
                writer.write(Frame(index, (luma, chroma, chroma), YUV420, ColourTags()))
        made[seconds] = path
    return made
