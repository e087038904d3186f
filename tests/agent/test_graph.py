"""The graphs as data: their drawn shape, their routing functions, what a shot is told, and how a run ends."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from agent.briefing import FrameOf, frames_for, plan_edit, references_for
from agent.graph import film_graph, shot_graph
from agent.graph.film import after_decide, after_trace, outcome_of, repairs_of, thread, to_shots
from agent.graph.shot import (
    after_ask,
    after_escalate,
    after_fetch,
    after_poll,
    after_route,
    after_submit,
    after_verify,
    to_repair,
)
from agent.result import exit_code
from agent.schema import (
    SCHEMA_VERSION,
    Decision,
    Film,
    Finding,
    Outcome,
    PanelFault,
    PassResult,
    Sheet,
    SheetVersion,
    Shot,
)
from agent.state import Doubt, FilmState, Repair, ShotState, merged
from tests.agent.samples import sample
from tools.types import Box, Clip, Edit, Evidence, Job, Panel

CLIP = Clip(media=Path("film.mp4"), first=0, last=47)


def edges(drawn: str) -> set[tuple[str, str]]:
    lines = [line.strip().rstrip(";") for line in drawn.splitlines() if "-->" in line or "-.->" in line]
    return {
        (a.split()[0], b.split()[-1]) for a, _, b in (line.replace("-.->", "-->").partition("-->") for line in lines)
    }


def test_the_film_graph_walks_one_way() -> None:
    drawn = edges(film_graph().get_graph().draw_mermaid())
    way = ["ingest", "inspect_sheets", "inspect_shot", "inspect_setups", "look_at_shot", "settle", "trace", "decide"]
    way += ["repair_sheets", "repair_shots", "conform", "report", "__end__"]
    assert set(pairwise(way)) <= drawn
    assert not {(b, a) for a, b in drawn} & drawn


def test_the_shot_graph_ends_only_through_commit() -> None:
    drawn = edges(shot_graph().get_graph().draw_mermaid())
    assert {a for a, b in drawn if b == "__end__"} == {"commit"}
    assert {("verify", "route"), ("verify", "escalate"), ("escalate", "route"), ("poll", "fetch")} <= drawn


def shot_state(**values: object) -> ShotState:
    state: ShotState = {
        "schema_version": SCHEMA_VERSION,
        "repair": sample(Repair),
        "todo": ["F-1"],
        "action": "inpaint",
    }
    state.update({"consecutive_failures": 0, "regenerate_failures": 0})
    state.update(values)  # type: ignore[typeddict-item]  # each test names channels
    return state


@pytest.mark.parametrize(
    ("values", "onward"),
    [
        ({"todo": []}, "commit"),
        ({"consecutive_failures": 0}, "route"),
        ({"consecutive_failures": 1}, "route"),
        ({"consecutive_failures": 2}, "escalate"),
        ({"action": "retake", "consecutive_failures": 2}, "escalate"),
        ({"action": "regenerate", "consecutive_failures": 4, "regenerate_failures": 2}, "route"),
        ({"action": "regenerate", "consecutive_failures": 5, "regenerate_failures": 3}, "escalate"),
    ],
)
def test_two_failures_in_a_row_stop_repairing_and_three_stop_regenerating(
    values: dict[str, object], onward: str
) -> None:
    assert after_verify(shot_state(**values)) == onward


def test_a_doubtful_finding_does_not_hold_up_a_certain_repair() -> None:
    doubt, sure, late = decision(action="ask"), decision(action="inpaint"), decision(action="retake")
    assert to_repair([doubt, late, sure], asking=False) == ([sure, late], [doubt])
    assert to_repair([doubt], asking=False) == ([doubt], [])
    assert to_repair([late, doubt], asking=True) == ([doubt, late], [])


def test_what_cannot_be_done_goes_on_as_a_value() -> None:
    lost, running = Doubt(about="lost", why="the line broke"), Doubt(about="running", why="it takes its time")
    assert after_route(shot_state(edit=None)) == "escalate"
    assert after_route(shot_state(edit=sample(Edit))) == "submit"
    assert after_submit(shot_state(job=sample(Job))) == "poll"
    assert after_submit(shot_state(job=None)) == "route"
    assert after_submit(shot_state(job=None, ending="waiting")) == "commit"
    assert after_submit(shot_state(job=None, doubt=lost)) == "ask"
    assert after_poll(shot_state(job=sample(Job), doubt=running)) == "ask"
    assert after_fetch(shot_state(job=sample(Job), doubt=running)) == "ask"
    assert after_ask(shot_state(job=None)) == "submit"
    assert after_ask(shot_state(job=sample(Job))) == "poll"
    assert after_ask(shot_state(job=sample(Job), ending="pivot")) == "commit"
    assert after_escalate(shot_state(ending="pivot")) == "commit"


@pytest.mark.parametrize(("about", "approved"), [("lost", "although it may then be billed twice"), ("running", "now")])
def test_a_doubtful_job_names_the_answers_to_it(about: str, approved: str) -> None:
    doubt = Doubt.model_validate({"about": about, "why": "shop keeps no list of jobs"})
    asked = outcome_of({"doubt": doubt}, sample(Repair), "run-001")
    assert asked.status == "waiting"
    assert asked.why.startswith("shop keeps no list of jobs; `suture answer run-001 SH010 approve` (or reject)")
    assert f"{approved}, or gives the shot up" in asked.why


def test_a_film_without_shots_still_reaches_the_join() -> None:
    state: FilmState = {"schema_version": SCHEMA_VERSION, "goal": "scan", "film": "f", "shots": []}
    assert to_shots(state) == "inspect_setups"
    state["shots"] = ["SH010", "SH020"]
    sends = to_shots(state)
    assert not isinstance(sends, str)
    assert [send.arg["shot"] for send in sends] == ["SH010", "SH020"]


def test_the_goal_decides_where_a_run_turns_to_the_report() -> None:
    def state(goal: str) -> FilmState:
        return {"schema_version": SCHEMA_VERSION, "goal": goal}  # type: ignore[typeddict-item]

    assert [after_trace(state(goal)) for goal in ("scan", "plan", "pass")] == ["report", "decide", "decide"]
    assert [after_decide(state(goal)) for goal in ("plan", "pass")] == ["report", "repair_sheets"]


def test_merging_is_idempotent_and_order_does_not_matter() -> None:
    a, b = {"F-1": 1}, {"F-2": 2}
    assert merged(merged(a, b), b) == merged(b, a) == {"F-1": 1, "F-2": 2}


def finding(**changes: object) -> Finding:
    known = {"id": "F-1", "shot": "SH020", "subject": "mara", "mask": "store/m.mkv", "evidence": ()}
    return sample(Finding).model_copy(update={**known, **changes})


def decision(shot: str = "SH020", action: str = "inpaint", about: str | None = "F-1") -> Decision:
    return sample(Decision).model_copy(update={"shot": shot, "action": action, "finding": about})


def test_only_shots_where_something_is_to_be_done_get_a_thread() -> None:
    state: FilmState = {
        "schema_version": SCHEMA_VERSION,
        "goal": "pass",
        "film": "f",
        "shots": ["SH010", "SH020"],
        "findings": {"F-1": finding()},
        "decisions": {"SH010": decision("SH010", "leave", None), "F-1": decision()},
    }
    repairs = repairs_of(state)
    assert list(repairs) == ["SH020"]
    assert repairs["SH020"].lineage == "v001"
    assert thread("run-001", repairs["SH020"])["configurable"]["thread_id"] == "run-001/v4/SH020"


@pytest.fixture
def film(tmp_path: Path) -> Film:
    (tmp_path / "mara.png").write_bytes(b"sheet")
    (tmp_path / "mara_v002.png").write_bytes(b"repaired")
    views = [
        Panel(sheet=tmp_path / "mara.png", subject="mara", view=view, box=Box(n * 10, 0, 10, 10))
        for n, view in enumerate(("front", "face", "back"))
    ]
    shots = tuple(
        Shot(id=shot, clip=CLIP, source=CLIP, references=("mara/back",) if shot == "SH020" else ())
        for shot in ("SH010", "SH020")
    )
    sheet = Sheet(key="sheet:mara", subject="mara", image=tmp_path / "mara.png", panels=tuple(views))
    return sample(Film).model_copy(update={"title": "t", "root": tmp_path, "shots": shots, "sheets": (sheet,)})


def fault(panel: str) -> PanelFault:
    return sample(PanelFault).model_copy(update={"panel": panel, "mask": "fault.png"})


def test_an_unrepaired_panel_is_masked_and_a_repaired_one_comes_last(film: Film) -> None:
    faults = [fault("mara/face"), fault("mara/front")]
    version = sample(SheetVersion).model_copy(update={"panel": "mara/face", "path": "mara_v002.png"})
    made = references_for(film, finding(), [version], faults)
    assert [r.what for r in made] == ["mara/back", "mara/front", "mara/face, repaired"]
    assert made[2].path == film.root / "mara_v002.png"
    assert [r.mask for r in made] == [None, film.root / "fault.png", None]


def test_frames_of_other_shots_are_references_and_its_own_are_not(film: Film) -> None:
    evidence = tuple(Evidence(kind="frame", ref=ref) for ref in ("SH010@7", "SH020@3", "SH010@7"))
    assert frames_for(film, finding(evidence=evidence)) == (FrameOf("SH010", 7),)


def test_an_edit_keeps_its_key_wherever_the_project_lies(film: Film, tmp_path: Path) -> None:
    def key(where: Film, **changes: object) -> str:
        given = {"action": "inpaint", "editor": "plate", "method": "auto", "attempt": 1, "lineage": "v001", **changes}
        references = references_for(where, finding(), [], [])
        return plan_edit(where, where.shots[1], finding(), clip=CLIP, references=references, **given).key  # type: ignore[arg-type]

    elsewhere = tmp_path / "copy"
    elsewhere.mkdir()
    (elsewhere / "mara.png").write_bytes(b"sheet")
    panels = tuple(p.model_copy(update={"sheet": elsewhere / "mara.png"}) for p in film.sheets[0].panels)
    moved = film.sheets[0].model_copy(update={"image": elsewhere / "mara.png", "panels": panels})
    copy = film.model_copy(update={"root": elsewhere, "sheets": (moved,)})
    assert key(film) == key(copy)
    assert len({key(film), key(film, attempt=2), key(film, method="spatial"), key(film, lineage="v002")}) == 4


@pytest.mark.parametrize(
    ("statuses", "left", "code"),
    [
        (("clean", "fixed"), False, 0),
        (("fixed",), True, 1),
        (("fixed", "waiting"), True, 3),
        (("pivot",), True, 3),
        (("waiting", "failed"), True, 4),
    ],
)
def test_exit_codes_follow_what_is_left(statuses: tuple[str, ...], left: bool, code: int) -> None:
    outcomes = tuple(Outcome.model_validate({"shot": "SH010", "status": status}) for status in statuses)
    found = finding(status="open" if left else "fixed")
    result = PassResult(
        film="t", run="run-001", shots=("SH010",), findings=(found,), outcomes=outcomes, spent_usd=Decimal(0)
    )
    assert exit_code(result) == code
