"""What people read on standard output: tables of results. Programs read `--json` instead."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Column, Table

from agent.house import READY, EditorLine
from agent.report_words import STATUS, Tone, constraint_words
from agent.request.plan import Fix, Reading
from agent.schema import Decision, Outcome, PassResult

COLOURS: Mapping[Tone, str] = {"right": "green", "wait": "yellow", "wrong": "red", "quiet": "default"}


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """One table on standard output."""
    folded = (Column(one, overflow="fold") for one in columns)
    made = Table(*folded, title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for row in rows:
        made.add_row(*row)
    Console().print(made)


def line(words: str) -> None:
    """One line on standard output, never wrapped or marked up."""
    Console(soft_wrap=True).print(words, highlight=False, markup=False)


def print_editors(lines: Sequence[EditorLine]) -> None:
    """A table per place where editors work, named with what all there lack; below it what single ones lack."""
    longest = max(len(one.name) for one in lines)
    for provider in dict.fromkeys(one.provider for one in lines):
        _print_place(provider or "this machine", [one for one in lines if one.provider == provider], longest)
    if any(one.price.endswith("?") for one in lines):
        line("? after a price: the provider's own pages do not state it")


def _print_place(place: str, lines: Sequence[EditorLine], longest: int) -> None:
    lacked = Counter(one.ready for one in lines if one.provider and one.ready != READY)
    shared = max(lacked, key=lambda words: lacked[words], default="")
    columns = (Column("editor", no_wrap=True, min_width=longest), "can", "price", "verified")
    title = f"{place}: {shared}" if shared else place
    made = Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for one in lines:
        made.add_row(one.name, ", ".join(one.actions), one.price, one.success)
    Console().print(made)
    own = [f"  {one.name}: {one.ready}" for one in lines if one.ready not in (READY, shared)]
    if own:
        line("\n".join(own) + "\n")


def print_request(reading: Reading) -> None:
    """What was understood of a request: the plan, or the words that come back."""
    if reading.kind != "plan":
        line(reading.words)
        return
    rows = [_fix_row(fix) for fix in reading.fixes]
    columns = ("do", "to", "in", "so that it is", "because you said")
    table(f"Understood by {reading.reader}", columns, rows)
    for words in constraint_words(reading.constraints):
        line(words)


def _fix_row(fix: Fix) -> tuple[str, ...]:
    whose = f"{fix.subject}: " if fix.subject else ""
    span = f", film frames {fix.span[0]}-{fix.span[1]}" if fix.span else ""
    where = ", ".join(fix.shots) + span + (f", {fix.place}" if fix.place else "")
    wanted = fix.wanted or (f"as in {fix.like}" if fix.like else "")
    return fix.operation, f"{whose}{fix.thing or 'the shot'}", where, wanted, f"“{fix.quote}”"


def print_notices(result: PassResult) -> None:
    """What a reader should know, and what a model cost."""
    for words in result.notices:
        line(words)
    if result.model_use:
        read, written = (sum(getattr(use, name) for use in result.model_use) for name in ("tokens_in", "tokens_out"))
        calls, usd = sum(use.calls for use in result.model_use), sum(use.usd for use in result.model_use)
        models = ", ".join(dict.fromkeys(use.model for use in result.model_use))
        line(f"{models}: {calls} requests, {read} tokens read, {written} written, {usd:.4f} USD")


def print_scan(result: PassResult, _root: Path) -> None:
    """Findings and causes."""
    rows = [
        (f.shot, f.id, f.category, f"{f.frames[0]}-{f.frames[1]}", f"{f.confidence:.2f}", f.status, f.observed)
        for f in result.findings
    ]
    if rows:
        table("Findings", ("shot", "finding", "category", "frames", "sure", "status", "observed"), rows)
        table("Causes", ("kind", "where", "shots"), [(c.kind, c.ref, ", ".join(c.shots)) for c in result.causes])
    line(f"{len(rows)} findings in {len(result.shots)} shots; clean: {', '.join(result.clean) or 'none'}")
    print_notices(result)


def print_plan(result: PassResult, _root: Path) -> None:
    """Decisions with their quotes."""
    rows = [(d.shot, d.action, d.finding or "", d.why) for d in result.decisions]
    table("Plan", ("shot", "decision", "finding", "why"), rows)
    line(f"{quoted(result)}; {result.spent_usd:.4f} USD were spent on looking")
    print_notices(result)


def quoted(result: PassResult) -> str:
    """ "quoted 1.2500 USD (0.8000 if all first tries hold, at most 6.4000)" """
    at_best, at_most = f"{result.low_usd:.4f} if all first tries hold", f"at most {result.high_usd:.4f}"
    return f"quoted {result.quoted_usd:.4f} USD ({at_best}, {at_most})"


def print_pass(result: PassResult, root: Path) -> None:
    """What was understood of a request, one row per shot, what is left and why, and where the report is.

    `root` is the project's folder, in which the files of the result lie.
    """
    if result.request is not None:
        print_request(result.request)
        if result.request.kind != "plan":
            print_notices(result)
            return
    decisions: dict[str, list[Decision]] = {}
    for decision in result.decisions:
        decisions.setdefault(decision.shot, []).append(decision)
    rows = [_outcome_row(outcome, decisions.get(outcome.shot, [])) for outcome in result.outcomes]
    table(f"{result.film}, {result.run}", ("shot", "status", "decision", "tool", "checks", "version"), rows)
    inside = Path.cwd().resolve().is_relative_to(root.resolve())
    for outcome in result.outcomes:
        if outcome.status in ("waiting", "pivot", "failed"):
            _print_left(outcome, result)
    if not inside and any(outcome.status == "waiting" for outcome in result.outcomes):
        line(f"from here the run's name is {shlex.quote(str(root))}:{result.run}")
    if result.request is not None:
        line(quoted(result))
    line(f"spent {result.spent_usd:.4f} USD")
    print_notices(result)
    for name, path in result.files.items():
        line(f"{name.replace('_', ' ')}: {root / path}")


def _print_left(outcome: Outcome, result: PassResult) -> None:
    """What is wrong with a shot that is left, and why it is."""
    for finding in result.findings:
        if finding.shot == outcome.shot and finding.status == "open":
            line(f"{finding.shot}, frames {finding.frames[0]}-{finding.frames[1]}: {finding.observed}")
    line(f"{outcome.shot}: {outcome.why}")


def _outcome_row(outcome: Outcome, decisions: Sequence[Decision]) -> tuple[str, ...]:
    words, tone = STATUS[outcome.status]
    status = f"[{COLOURS[tone]}]{words}[/]"
    actions = ", ".join(dict.fromkeys(d.action for d in decisions if d.action != "leave"))
    tools = ", ".join(dict.fromkeys(f"{a.tool} ({a.method})" for a in outcome.attempts))
    return outcome.shot, status, actions, tools, _checks(outcome), f"v{outcome.version:03d}"


def _checks(outcome: Outcome) -> str:
    """Held checks of the last try, and the names of those that failed."""
    if not outcome.attempts:
        return ""
    checks = outcome.attempts[-1].checks
    failed = [c.name for c in checks if not c.holds]
    return f"{len(checks) - len(failed)}/{len(checks)}" + (f" failed: {', '.join(failed)}" if failed else "")
