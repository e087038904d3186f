"""What people read on standard output: tables of results. Programs read `--json` instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from agent.schema import Decision, Outcome, PassResult

COLOURS = {"clean": "green", "fixed": "green", "regenerated": "green", "waiting": "yellow", "pivot": "yellow"}


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """One table on standard output."""
    made = Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for row in rows:
        made.add_row(*row)
    Console().print(made)


def line(words: str) -> None:
    """One line on standard output, never wrapped or marked up."""
    Console(soft_wrap=True).print(words, highlight=False, markup=False)


def print_scan(result: PassResult) -> None:
    """Findings and causes."""
    rows = [
        (f.shot, f.id, f.category, f"{f.frames[0]}-{f.frames[1]}", f"{f.confidence:.2f}", f.status, f.observed)
        for f in result.findings
    ]
    if rows:
        table("Findings", ("shot", "finding", "category", "frames", "sure", "status", "observed"), rows)
        table("Causes", ("kind", "where", "shots"), [(c.kind, c.ref, ", ".join(c.shots)) for c in result.causes])
    line(f"{len(rows)} findings in {len(result.shots)} shots; clean: {', '.join(result.clean) or 'none'}")


def print_plan(result: PassResult) -> None:
    """Decisions with their quotes."""
    rows = [(d.shot, d.action, d.finding or "", d.why) for d in result.decisions]
    table("Plan", ("shot", "decision", "finding", "why"), rows)
    line(f"quoted: {result.quoted_usd:.4f} USD; nothing was spent")


def print_pass(result: PassResult) -> None:
    """One row per shot, and where the report is."""
    decisions: dict[str, list[Decision]] = {}
    for decision in result.decisions:
        decisions.setdefault(decision.shot, []).append(decision)
    rows = [_outcome_row(outcome, decisions.get(outcome.shot, [])) for outcome in result.outcomes]
    table(f"{result.film}, {result.run}", ("shot", "status", "decision", "tool", "checks", "version"), rows)
    for outcome in result.outcomes:
        if outcome.status in ("waiting", "pivot", "failed"):
            line(f"{outcome.shot}: {outcome.why}")
    line(f"spent {result.spent_usd:.4f} USD")
    for name, path in result.files.items():
        line(f"{name}: {path}")


def _outcome_row(outcome: Outcome, decisions: Sequence[Decision]) -> tuple[str, ...]:
    status = f"[{COLOURS.get(outcome.status, 'red')}]{outcome.status}[/]"
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
