"""Escalation is exact: what must hold of every shot, whatever its editors, verdicts, faults, prices and people do.

Each property is worked out anew from what the players wrote down, never from what the graph says of itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.budget import NO_CAPS, Caps
from agent.economics import ESCALATE_AT, REGENERATE_TRIES
from agent.graph import PixelHands
from agent.hands import Place
from agent.schema import Attempt, Film
from agent.state import Repair
from tests.agent.playing import Case, Happened, Played, Player, Theatre, decision, finding
from tests.agent.samples import sample
from tools.editors.registry import roster
from tools.types import Check

pytestmark = pytest.mark.long

REPAIRS = ("inpaint", "retake")
STAYS = "the performance"
BOTH = Player("p0", frozenset(("inpaint", "regenerate")))
TIGHT = Case(players=(BOTH,), caps=Caps(run=Decimal(2)), rival=(1, Decimal(1)))
"""While the only edit is planned another shot takes what it needs."""

money = st.sampled_from([Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(3)])
limit = st.none() | st.sampled_from([Decimal(1), Decimal(4), Decimal(10)])


@st.composite
def players(draw: st.DrawFn) -> tuple[Player, ...]:
    made = []
    for number in range(draw(st.integers(1, 4))):
        local, usd = draw(st.booleans()), draw(money)
        made.append(
            Player(
                name=f"p{number}",
                actions=frozenset(draw(st.sets(st.sampled_from([*REPAIRS, "regenerate"]), min_size=2))),
                methods=draw(st.sampled_from([("auto",), ("auto", "wide"), ("near", "wide")])),
                fixed=draw(st.booleans()),
                local=local,
                usd=Decimal(0) if local else usd,
                most=Decimal(0) if local else usd * draw(st.integers(1, 2)),
            )
        )
    return tuple(made)


def mostly(usual: str, *odd: str) -> st.SearchStrategy[tuple[str, ...]]:
    """Draws that are the usual one three times in four."""
    one = st.integers(0, 3).flatmap(lambda n: st.sampled_from(odd) if n == 3 else st.just(usual))
    return st.lists(one, max_size=12).map(tuple)


cases = st.builds(
    Case,
    players=players(),
    decisions=st.lists(
        st.tuples(st.sampled_from(["inpaint", "inpaint", "inpaint", "retake", "regenerate", "ask"]), st.booleans()),
        min_size=1,
        max_size=3,
    ).map(tuple),
    sendings=mostly("accepted", "later", "lost", "found", "absent", "refused", "unreadable"),
    runnings=mostly("done", "failed", "refused", "away", "slow"),
    fetchings=mostly("taken", "broken", "away"),
    verdicts=st.lists(st.booleans(), max_size=8).map(tuple),
    answers=st.lists(st.sampled_from(["approve", "approve", "approve", "reject"]), min_size=2, max_size=6).map(tuple),
    asking=st.sampled_from([False, False, False, True]),
    stays=st.sampled_from(["", "", STAYS]),
    caps=st.just(NO_CAPS) | st.builds(Caps, action=limit, shot=limit, run=limit),
    rival=st.none() | st.tuples(st.integers(1, 3), st.sampled_from([Decimal(1), Decimal(3), Decimal(8)])),
)


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    return Theatre(tmp_path_factory.mktemp("theatre"))


@settings(
    deadline=None, derandomize=True, max_examples=120, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(case=cases)
@example(case=TIGHT)
@example(case=Case(players=(BOTH, Player("p1", frozenset(("inpaint",)))), stays=STAYS))
def test_every_shot_keeps_to_the_rules(theatre: Theatre, case: Case) -> None:
    played = theatre.play(case)
    repairing_stops_after_two_failures_in_a_row(played)
    nothing_escalates_before(played)
    what_must_stay_is_not_made_again(played)
    making_again_from_the_start_is_no_escalation(played)
    three_failures_of_making_again_go_to_a_person(played)
    nothing_is_asked_for_twice(played)
    only_verdicts_count_as_failures(played)
    nobody_who_failed_to_work_is_asked_again(played)
    no_cap_is_passed(played)
    every_job_is_billed_once(played)
    the_outcome_says_why(played)


def repairing_stops_after_two_failures_in_a_row(played: Played) -> None:
    row = 0
    for one in played.all("pass", "fail"):
        row = row + 1 if one.what == "fail" and one.action in REPAIRS else 0
        assert row <= ESCALATE_AT


def nothing_escalates_before(played: Played) -> None:
    """A shot that was to be repaired is made again, or given up for what must stay, only after two failures in a row,
    or after one where nothing was left to change."""
    for place in escalations(played):
        before = played.log[:place]
        verdicts = [one.what for one in before if one.what in ("pass", "fail")]
        assert verdicts[-1:] == ["fail"]
        assert verdicts[-ESCALATE_AT:] == ["fail"] * ESCALATE_AT or not ways_left(played.case, before)


def escalations(played: Played) -> Iterator[int]:
    """Where in the log the first edit or job stands that makes a shot again which was to be repaired."""
    for place, one in enumerate(played.log):
        if one.what in ("sent", "handed") and one.action == "regenerate" and decided(played.case, one) != "regenerate":
            yield place
            return
    if STAYS in played.outcome.why:
        yield len(played.log)


def what_must_stay_is_not_made_again(played: Played) -> None:
    if played.case.stays:
        again = [one for one in played.all("sent", "handed") if one.action == "regenerate"]
        assert all(decided(played.case, one) == "regenerate" for one in again)


def decided(case: Case, about: Happened) -> str:
    """What was decided about a finding, where needed by a person."""
    if from_the_start(case):
        return "regenerate"
    action, holds = case.decisions[int(about.finding.removeprefix("F-"))]
    return action if action != "ask" else "inpaint" if holds else "regenerate"


def from_the_start(case: Case) -> bool:
    """Whether the whole shot was to be made again before anything was tried."""
    return any(action == "regenerate" for action, _ in case.decisions)


def ways_left(case: Case, before: Sequence[Happened]) -> list[tuple[str, str]]:
    """Ways of repairing the finding that failed last which nobody had tried and somebody could still go."""
    last = [one for one in before if one.what == "fail"][-1]
    barred = {one.editor for one in before if one.what == "barred"}
    failed = {(o.editor, o.method) for o in before if o.what == "fail" and (o.finding, o.action) == last[2:0:-1]}
    failed |= {(editor, "auto") for editor, _ in failed}
    return [
        (one.name, method)
        for one in case.players
        for method in one.methods
        if last.action in one.actions
        and one.name not in barred
        and (last.left is None or one.most <= last.left)
        and (one.name, method) not in failed
    ]


def making_again_from_the_start_is_no_escalation(played: Played) -> None:
    if from_the_start(played.case):
        assert {one.action for one in played.all("sent")} <= {"regenerate"}
        assert "repairing stopped" not in played.outcome.why


def three_failures_of_making_again_go_to_a_person(played: Played) -> None:
    failed = [one for one in played.all("fail") if one.action == "regenerate"]
    assert len(failed) <= REGENERATE_TRIES
    if len(failed) == REGENERATE_TRIES:
        assert played.outcome.status == "pivot"
        assert "ways around" in played.outcome.why
        assert played.log[-1] == failed[-1]


def nothing_is_asked_for_twice(played: Played) -> None:
    """But for what a person had sent again."""
    seen = set()
    for before, one in zip([None, *played.log], played.log, strict=False):
        if one.what == "sent":
            asked = (one.editor, one.method, one.edit)
            assert asked not in seen or (before is not None and before.what == "approve")
            seen.add(asked)


def only_verdicts_count_as_failures(played: Played) -> None:
    verdicts = [one.what for one in played.all("pass", "fail")]
    row = next((n for n, what in enumerate(reversed(verdicts)) if what == "pass"), len(verdicts))
    assert played.state["consecutive_failures"] == row
    assert played.state["regenerate_failures"] == sum(one.action == "regenerate" for one in played.all("fail"))
    assert len(played.outcome.attempts) == len(verdicts)


def nobody_who_failed_to_work_is_asked_again(played: Played) -> None:
    """No loop without end: whoever faulted or refused is out of the shot, and nobody else."""
    barred = set()
    for one in played.all("barred", "sent"):
        if one.what == "barred":
            barred.add(one.editor)
        assert one.what == "barred" or one.editor not in barred
    assert set(played.state.get("barred", {})) == barred
    assert played.state["transport_faults"] + played.state["refusals"] >= len(barred)


def no_cap_is_passed(played: Played) -> None:
    caps, rows = played.case.caps, played.rows.values()
    spent = sum((row.usd for row in rows), Decimal(0))
    assert caps.shot is None or spent <= caps.shot
    assert caps.run is None or max(played.highest, spent + played.rivals) <= caps.run
    assert all(caps.action is None or (row.reserved or 0) <= caps.action for row in rows)


def every_job_is_billed_once(played: Played) -> None:
    """What an editor took has one row of its own, at its bill where there is one, else at the most it can be."""
    assert len(played.accepted) == len(set(played.accepted))
    for key in played.accepted:
        row = played.rows[key]
        assert row.usd == played.bills.get(key, row.reserved)
    handles = [row.handle for row in played.rows.values() if row.handle]
    assert len(handles) == len(set(handles))
    assert set(handles) <= set(played.accepted)


def the_outcome_says_why(played: Played) -> None:
    outcome, passed = played.outcome, played.all("pass")
    if outcome.status in ("waiting", "pivot"):
        assert outcome.why
        assert (outcome.job is not None) == bool(played.all("handed"))
    else:
        assert outcome.status == ("regenerated" if passed[-1].action == "regenerate" else "fixed")
        assert all(attempt.why for attempt in outcome.attempts)
    assert outcome.version == (2 if passed else 1)


def test_a_lost_job_is_sent_again_only_by_a_person_and_both_count(theatre: Theatre) -> None:
    lost = Case(players=(BOTH,), sendings=("lost",), answers=("approve",), verdicts=(True,))
    again = theatre.play(lost)
    assert [one.what for one in again.log] == ["sent", "accepted", "question", "approve", "sent", "accepted", "pass"]
    assert again.outcome.status == "fixed"
    assert sorted((row.state, row.usd) for row in again.rows.values()) == [
        ("settled", Decimal(1)),
        ("unknown", Decimal(2)),
    ]


def test_who_does_not_want_a_lost_job_sent_again_gives_the_shot_up(theatre: Theatre) -> None:
    over = theatre.play(Case(players=(BOTH,), sendings=("lost",), answers=("reject",)))
    assert over.outcome.status == "pivot"
    assert "p0 may have been sent edit" in over.outcome.why
    assert len(over.accepted) == 1


def test_a_job_that_still_runs_is_asked_for_again_and_not_paid_again(theatre: Theatre) -> None:
    slow = Case(players=(BOTH,), runnings=("slow", "slow"), answers=("approve", "approve"), verdicts=(True,))
    played = theatre.play(slow)
    assert len(played.all("question")) == 2
    assert len(played.accepted) == len(played.rows) == 1
    assert (played.outcome.status, played.state["transport_faults"]) == ("fixed", 0)


def test_what_another_shot_spent_meanwhile_ends_it_and_bars_nobody(theatre: Theatre) -> None:
    played = theatre.play(TIGHT)
    assert (played.outcome.status, played.all("sent")) == ("waiting", [])
    assert "over the budget of 2 USD for the run (1 USD count already)" in played.outcome.why
    assert played.state.get("barred", {}) == {}


def test_each_take_of_a_shot_made_again_is_asked_for_in_other_words_at_every_length() -> None:
    film = sample(Film).model_copy(update={"shots": (sample(Film).shots[0].model_copy(update={"id": "SH010"}),)})
    repair = sample(Repair).model_copy(update={"findings": (finding(0), finding(1))})
    flickered = Check(name="flicker", value=2, limit=1, unit="", holds=False)
    take = sample(Attempt).model_copy(update={"action": "regenerate", "verdict": "fail", "checks": (flickered,)})

    def told(tries: int, editor: str) -> str:
        at = Place(
            repair=repair,
            film=film,
            shot=film.shots[0],
            todo=(finding(1),),
            decision=decision(1, "regenerate", True),
            action="regenerate",
            clip=film.shots[0].clip,
            attempts=(take,) * tries,
        )
        return asyncio.run(PixelHands().prompt(at, roster()[editor].capabilities, (), None))  # type: ignore[arg-type]  # no pixels, no deps

    made_again = [name for name, entry in roster().items() if "regenerate" in entry.capabilities.actions]
    assert made_again
    for editor in made_again:
        assert len({told(tries, editor) for tries in range(REGENERATE_TRIES)}) == REGENERATE_TRIES
