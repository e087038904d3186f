"""Requests read by a model's loop: a configured one, or the scripted one of the sandbox that knows the truth.

The scripted model takes the steps that a real one takes: it lists the shots, sometimes proposes something that the loop
must refuse (a shot that is not there, words that nobody said), and then says what the truth says. What it shows is
whether the loop resolves, checks and ends; what a real model understands, only a real model shows.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import SecretStr

from agent.config import Settings, load_settings
from agent.db import close, open_database
from agent.events import Event
from agent.ledger import Ledger
from agent.llm import Door, Server
from agent.mind import Mind, Purse
from agent.request.loop import read_with_model
from agent.request.plan import Outline, Reading
from agent.request.steps import QUOTED, Desk
from agent.schema import Film, Shot
from evals.requests.cases import Case
from tools.media.encode import Writer
from tools.sandbox.asked import Asked
from tools.sandbox.script import Fixed
from tools.sandbox.server import ModelServer
from tools.types import Clip, ColourTags, Frame, MediaInfo, PixelLayout

SCRIPTED = "scripted"
WIDTH, HEIGHT = 64, 36


class Told(NamedTuple):
    """A reading, and what it took."""

    reading: Reading
    requests: int
    usd: float


def read_by_model(case: Case, outline: Outline, folder: Path) -> Told:
    """The reading of one request by a model; `folder` is left empty-handed where it was."""
    settings = load_settings(folder)
    film = _film(outline, folder)
    with _server(settings, case) as server:
        return asyncio.run(_read(case, outline, film, server, folder))


@contextmanager
def _server(settings: Settings, case: Case) -> Iterator[Server]:
    if settings.model is not None:
        yield Server(
            base_url=settings.openai_base_url,
            model=settings.model,
            key=settings.openai_api_key,
            usd_in=settings.model_usd_in or 0.0,
            usd_out=settings.model_usd_out or 0.0,
        )
        return
    with ModelServer(TruthTeller(case)) as scripted:
        yield Server(base_url=scripted.base_url, model=SCRIPTED, key=SecretStr(""), usd_in=1.0, usd_out=4.0)


async def _read(case: Case, outline: Outline, film: Film, server: Server, folder: Path) -> Told:
    sessions = open_database(folder / "home")
    ledger = Ledger(sessions)
    purse = Purse(run="run-001", server=server, ledger=ledger, events=_silent)
    async with Door(server) as door:
        desk = Desk(film=film, outline=outline, request=case.request, mind=Mind(door, purse, sessions))
        reading, _ = await read_with_model(desk)
    asked = [use for use in ledger.questions("run-001") if not use.prompt.startswith("probe")]
    close(sessions)
    return Told(reading, sum(use.calls for use in asked), float(sum(use.usd for use in asked)))


def _silent(_: Event) -> None:
    """Nobody follows a single request."""


def _film(outline: Outline, folder: Path) -> Film:
    """The outline as a film of flat cards, one grey per shot, so that a model's tools have something to look at."""
    path = folder / "cards.mkv"
    fps = Fraction(outline.fps).limit_denominator(1001)
    frames = outline.shots[-1].last + 1
    like = MediaInfo(
        path=path, kind="video", width=WIDTH, height=HEIGHT, fps=fps, frames=frames, container="matroska",
        codec="ffv1", pixel_format="gray", bit_depth=8,
    )  # fmt: skip
    layout = PixelLayout(name="gray", family="gray", depth=8)
    with Writer(path, like, codec="ffv1") as writer:
        for number, shot in enumerate(outline.shots):
            card = np.full((HEIGHT, WIDTH), 40 + 160 * number // len(outline.shots), np.uint8)
            for index in range(shot.first, shot.last + 1):
                writer.write(Frame(index, (card,), layout, ColourTags()))
    shots = tuple(
        Shot(
            id=note.id,
            clip=(clip := Clip(media=path, first=note.first, last=note.last)),
            source=clip,
            scene=note.scene,
            characters=note.characters,
            prompt=note.prompt,
        )
        for note in outline.shots
    )
    return Film(title=outline.title, root=folder, shots=shots, fps=fps, width=WIDTH, height=HEIGHT)


class TruthTeller:
    """A scripted model that reads one case as its truth says. One case in four begins with a step that is refused."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._errs = int(hashlib.sha256(case.id.encode()).hexdigest(), 16) % 4
        self._others = Fixed()

    def answer(self, asked: Asked) -> Mapping[str, Any] | str:
        if asked.task != "understand-request":
            return self._others.answer(asked)
        steps = len(re.findall(r"^\d+\. [a-z-]+:", asked.text, re.MULTILINE))
        if steps == 0:
            return {"why": "which shots there are", "act": {"tool": "list-shots"}}
        if steps == 1 and self._case.kind == "plan" and self._errs == 0:
            return {"why": "a slip", "act": self._proposal(shots=["SH999"])}
        if steps == 1 and self._case.kind == "plan" and self._errs == 1:
            return {"why": "a slip", "act": self._proposal(quote="make everything golden")}
        return {"why": "it says so", "act": self._ending()}

    def _ending(self) -> Mapping[str, Any]:
        if self._case.kind == "question":
            return {"tool": "ask", "question": "Which shots, and which thing, do you mean?"}
        if self._case.kind == "answer":
            return {"tool": "answer", "words": "That is no fix of a shot."}
        return self._proposal()

    def _proposal(self, *, shots: list[str] | None = None, quote: str | None = None) -> Mapping[str, Any]:
        said = self._case.constraints
        return {
            "tool": "propose",
            "fixes": [self._fix(fix, shots, quote) for fix in self._case.fixes],
            "keep": list(said.keep),
            "budget_usd": None if said.budget_usd is None else float(said.budget_usd),
            "spare_shots": list(said.spare),
            "forbid": list(said.forbid),
            "only_editors": list(said.only),
            "ask_first": said.ask_first,
        }

    def _fix(self, fix: Any, shots: list[str] | None, quote: str | None) -> Mapping[str, Any]:
        return {
            "operation": fix.operation,
            "shots": shots or list(fix.shots),
            "first_frame": fix.span[0] if fix.span else None,
            "last_frame": fix.span[1] if fix.span else None,
            "subject": fix.subject,
            "thing": fix.thing,
            "place": fix.place,
            "wanted": fix.wanted,
            "like": fix.like,
            "quote": quote or self._quote(),
        }

    def _quote(self) -> str:
        """The longest stretch of the request outside of its quotation marks."""
        return max((part for part in QUOTED.split(self._case.request)[::2]), key=len).strip()
