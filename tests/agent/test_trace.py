"""Findings become causes: the panel explains what carries its mark, and nothing else."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from agent.schema import Film, Finding, PanelFault, Shot
from agent.stages.trace import trace
from tools.types import SAME_MARK, Box, Clip, Evidence


def shot(name: str, *references: str) -> Shot:
    clip = Clip(media=Path("film.mp4"), first=0, last=23)
    return Shot(id=name, clip=clip, source=clip, references=references)


def finding(name: str, where: str, *evidence: str) -> Finding:
    return Finding(
        id=name,
        shot=where,
        frames=(0, 23),
        box=Box(1, 1, 9, 9),
        mask=None,
        category="prop",
        subject="mara",
        expected="",
        observed="",
        severity="major",
        confidence=0.9,
        evidence=tuple(Evidence(kind="panel", ref=ref) for ref in evidence),
    )


FILM = Film(
    title="t",
    root=Path(),
    fps=Fraction(24),
    width=96,
    height=64,
    shots=(shot("SH010", "mara/face"), shot("SH020", "mara/face"), shot("SH030"), shot("SH040", "mara/front")),
)
FAULT = PanelFault(
    panel="mara/face", box=Box(0, 0, 5, 5), mask="m", agree=("mara/front", "mara/side"), confidence=0.9, why="odd"
)


def test_one_panel_explains_every_shot_with_its_mark() -> None:
    found = [finding("a", "SH010", "mara/face" + SAME_MARK), finding("b", "SH030", "mara/face" + SAME_MARK)]
    named, (cause,) = trace(FILM, found, [FAULT])
    assert (cause.kind, cause.ref, cause.shots, cause.findings) == (
        "sheet-panel",
        "mara/face",
        ("SH010", "SH030"),
        ("a", "b"),
    )
    assert "SH020 look right" in cause.why
    assert {f.cause for f in named} == {cause.id}


def test_a_panel_that_shows_it_right_explains_nothing() -> None:
    _, causes = trace(FILM, [finding("a", "SH010", "mara/face")], [FAULT])
    assert [(c.kind, c.findings) for c in causes] == [("sheet-panel", ()), ("shot", ("a",))]


def test_a_reference_with_the_mark_that_is_no_faulty_panel_was_the_wrong_one() -> None:
    _, (cause,) = trace(FILM, [finding("a", "SH040", "mara/front" + SAME_MARK)], [])
    assert (cause.kind, cause.ref) == ("reference", "mara/front")


def test_an_acknowledged_finding_has_no_cause() -> None:
    closed = finding("a", "SH010").model_copy(update={"status": "acknowledged"})
    named, causes = trace(FILM, [closed], [])
    assert causes == ()
    assert named[0].cause is None
