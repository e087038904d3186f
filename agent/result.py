"""A run's result, put together from its state: what `scan`, `plan` and `pass` print, and their exit codes."""

from __future__ import annotations

from collections.abc import Mapping

from agent.budget import total
from agent.deps import Deps
from agent.request.plan import Reading
from agent.schema import Film, Finding, Outcome, PassResult
from agent.state import FilmState

REHEARSED = (
    "this was a rehearsal: servers of this machine stood in for the model and for all providers. Nothing was sent or "
    "paid; the money named is what it would have cost, and what was made did not become current",
)


def result_of(state: FilmState, film: Film, deps: Deps) -> PassResult:
    """The contract's document of a run."""
    outcomes = tuple(state.get("outcomes", {}).values())
    findings = tuple(_with_status(f, outcomes) for f in state.get("findings", {}).values())
    troubled = {finding.shot for finding in findings if finding.status != "acknowledged"}
    quoted = total(state.get("quotes", {}).values())
    return PassResult(
        film=film.title,
        run=deps.run,
        shots=tuple(shot.id for shot in film.shots),
        findings=findings,
        causes=tuple(state.get("causes", {}).values()),
        clean=tuple(shot.id for shot in film.shots if shot.id not in troubled),
        model_use=deps.ledger.questions(deps.run),
        request=deps.options.reading,
        notices=(*REHEARSED[: deps.options.rehearse], *_notices(state.get("notices", {}))),
        decisions=tuple(state.get("decisions", {}).values()),
        sheet_versions=tuple(state.get("sheet_versions", {}).values()),
        outcomes=outcomes,
        spent_usd=deps.ledger.spent(deps.run),
        quoted_usd=quoted.expected,
        low_usd=quoted.low,
        high_usd=quoted.high,
        uploaded=deps.ledger.uploads(deps.run),
        files=state.get("files", {}),
    )


def answered(title: str, run: str, reading: Reading, notice: str, deps: Deps) -> PassResult:
    """The result of a request that is no plan: a question back, or an answer; nothing was looked at or done."""
    return PassResult(
        film=title,
        run=run,
        shots=(),
        request=reading,
        model_use=deps.ledger.questions(run),
        notices=(notice,) if notice else (),
        spent_usd=deps.ledger.spent(run),
    )


def _notices(kept: Mapping[str, str]) -> tuple[str, ...]:
    """Every notice once, with what it is about: "SH010, SH020: …"."""
    about: dict[str, list[str]] = {}
    for key, words in kept.items():
        about.setdefault(words, []).append(key.partition(":")[0])
    return tuple(f"{', '.join(dict.fromkeys(names))}: {words}" for words, names in about.items())


def _with_status(finding: Finding, outcomes: tuple[Outcome, ...]) -> Finding:
    """Fixed when a verified edit of it, or a verified new take of its whole shot, was committed."""
    mine = (outcome for outcome in outcomes if outcome.shot == finding.shot)
    attempts = [attempt for outcome in mine for attempt in outcome.attempts if attempt.verdict == "pass"]
    fixed = any(a.finding == finding.id or a.action == "regenerate" for a in attempts)
    return finding.model_copy(update={"status": "fixed"}) if fixed else finding


def exit_code(result: PassResult) -> int:
    """4 a tool failed, 3 somebody is waited for, 1 something is left, 0 nothing is."""
    if result.request is not None and result.request.kind != "plan":
        return 3 if result.request.kind == "question" else 0
    statuses = {outcome.status for outcome in result.outcomes}
    if "failed" in statuses:
        return 4
    if statuses & {"waiting", "pivot"}:
        return 3
    return 1 if any(finding.status == "open" for finding in result.findings) else 0
