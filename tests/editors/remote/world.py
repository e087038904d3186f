"""What the suites of remote editors share: one sandbox, editors built from the roster alone, an edit that fits each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from tests.media.made import make_film, texture
from tools.editors.base import Editor, PaidAction
from tools.editors.registry import Entry, House, build, roster
from tools.sandbox.providers import ProviderSandbox
from tools.types import Box, Clip, Edit, Job, Progress, Reference

WIDTH, HEIGHT, FRAMES = 96, 96, 24
THING = Box(40, 30, 30, 30)
MOST_POLLS = 12


class Case(NamedTuple):
    """One editor at one of its actions."""

    name: str
    action: PaidAction

    def __str__(self) -> str:
        return f"{self.name}-{self.action}"

    @property
    def entry(self) -> Entry:
        return roster()[self.name]


def remote_entries() -> list[Entry]:
    """Every editor of the roster that is a provider's and not retired."""
    return [entry for entry in roster().values() if entry.provider is not None and not entry.capabilities.retired]


def cases() -> list[Case]:
    """Every remote editor at every action that it has."""
    return [Case(entry.name, action) for entry in remote_entries() for action in sorted(entry.capabilities.actions)]


def kinds() -> list[Case]:
    """One case per way of talking to a provider: editors of one class that differ in data alone count once."""
    seen: dict[tuple[str, str, str], Case] = {}
    for case in cases():
        seen.setdefault((case.entry.module, _family(case), case.action), case)
    return list(seen.values())


def ways() -> list[Case]:
    """One case per way of sending: what becomes of a job that was sent does not depend on the action."""
    return list({(case.entry.module, _family(case)): case for case in reversed(kinds())}.values())


def by_provider(found: Sequence[Case]) -> list[pytest.ParameterSet]:
    """The cases as parameters; all but the first of every provider are long."""
    seen: set[str | None] = set()
    made = []
    for case in found:
        provider = case.entry.capabilities.provider
        made.append(pytest.param(case, id=str(case), marks=[pytest.mark.long] if provider in seen else []))
        seen.add(provider)
    return made


def _family(case: Case) -> str:
    can = case.entry.capabilities
    return str(can.settings.get("family", can.provider))


def editor_of(case: Case, sandbox: ProviderSandbox, home: Path) -> Editor:
    """The editor, talking to the sandbox."""
    return build(case.name, House(home, sandbox.environment()))


def edit_for(case: Case, folder: Path, key: str = "") -> Edit:
    """An edit of a short film, or of a still picture, that the editor can do; without a key it has its folder's."""
    can = case.entry.capabilities
    still = can.medium == "still"
    media = _still(folder) if still else _shot(folder)
    last = 0 if still else FRAMES - 1
    region = case.action == "inpaint"
    return Edit(
        key=key or f"film/{folder.name}/1",
        action=case.action,
        clip=Clip(media=media, first=0, last=last),
        mask=_mask(folder) if region else None,
        window=(9, 14) if case.action == "retake" else None,
        stretch=(0, last) if still else (8, 15),
        purpose="repair" if "repair" in can.purposes else "remove",
        method=can.methods[0],
        prompt="A plain orange sleeve in soft light.",
        references=tuple(_references(folder, ends=case.action == "regenerate")),
        seed=20_260_101,
    )


def _shot(folder: Path) -> Path:
    """A film with a thing where the mask is."""
    return make_film(folder / "shot.mkv", codec="ffv1", size=(WIDTH, HEIGHT), count=FRAMES, thing=THING)


def _still(folder: Path) -> Path:
    pictures = folder / "panel"
    pictures.mkdir(exist_ok=True)
    cv2.imwrite(str(pictures / "0001.png"), texture(WIDTH, HEIGHT, 0)[..., ::-1])
    return pictures


def _mask(folder: Path) -> Path:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[THING.slices] = 255
    cv2.imwrite(str(folder / "mask.png"), mask)
    return folder / "mask.png"


def _references(folder: Path, *, ends: bool) -> Iterator[Reference]:
    for place, what in enumerate(("mara/face", "mara/front")):
        path = folder / f"panel_{place}.png"
        cv2.imwrite(str(path), texture(120, 120, place, seed=5)[..., ::-1])
        yield Reference(path=path, kind="panel", what=what)
    for role in ("first", "last") if ends else ():
        path = folder / f"{role}.png"
        cv2.imwrite(str(path), texture(WIDTH, HEIGHT, 0 if role == "first" else FRAMES - 1)[..., ::-1])
        yield Reference.model_validate({"path": path, "kind": "frame", "what": role, "role": role})


def polled(editor: Editor, job: Job) -> Progress:
    """How a job stands when it is over; fails the test when it never is."""
    for _ in range(MOST_POLLS):
        progress = asyncio.run(editor.poll(job))
        if progress.state != "running":
            return progress
    raise AssertionError(f"{editor.name} still runs after {MOST_POLLS} questions")


def rate() -> Fraction:
    """The rate of the films that edits are of."""
    return Fraction(24)


def ids(found: Sequence[Case]) -> list[str]:
    return [str(case) for case in found]
