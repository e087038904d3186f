"""What may be done about what a person asked for, and what else there is to say about it.

A decision to make something again is put to the person where the request said that something must stay: no new take
keeps a performance or a camera move for certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from agent.meant import is_whole
from agent.request.plan import Constraints, Fix, Reading
from agent.schema import Cause, Decision, Film, Finding


def heeded(decision: Decision, finding: Finding | None, reading: Reading) -> Decision:
    """A decision about what was asked for, within what must stay."""
    if finding is None:
        return decision
    if is_whole(finding):
        return decision.model_copy(
            update={"action": "regenerate", "why": "a person asked for the shot to be made again"}
        )
    stays = stays_words(reading.constraints)
    if decision.action in ("regenerate", "retake") and stays:
        why = f"{decision.why}; but you said {stays}, and a new take keeps nothing for certain: approve it or leave it"
        return decision.model_copy(update={"action": "ask", "why": why})
    return decision


def stays_words(constraints: Constraints) -> str:
    """What speaks against making a shot again, in words; empty where nothing does."""
    kept = [f"to keep {one.replace('-', ' ')}" for one in constraints.keep]
    barred = [f"not to {one} it" for one in constraints.forbid if one != "upload"]
    return " and ".join((*kept, *barred))


def offers(reading: Reading, causes: Iterable[Cause], whole: Film, root: Path) -> list[str]:
    """For each panel that the asked-for errors come from, what to say to fix the other shots that were made from it."""
    asked = {shot for fix in reading.fixes for shot in fix.shots}
    made = []
    for cause in causes:
        made_from = [shot.id for shot in whole.shots if cause.ref in shot.references]
        rest = [shot for shot in made_from if shot not in asked and shot not in reading.constraints.spare]
        if cause.kind in ("sheet-panel", "reference") and cause.findings and rest:
            made.append(_offer(cause.ref, rest, reading.fixes[0], root))
    return made


def _offer(panel: str, rest: Sequence[str], fix: Fix, root: Path) -> str:
    was = "was" if len(rest) == 1 else "were"
    words = f"{_said_again(fix)} in {_listed(rest)}"
    return (
        f"it comes from the panel {panel}, which {_listed(rest)} {was} made from too and {was} not touched: "
        f'`suture fix {root} "{words}"` goes on there, `suture pass {root}` repairs the sheet itself'
    )


def _said_again(fix: Fix) -> str:
    whose = f"{fix.subject}'s " if fix.subject else "the "
    wanted = f": {fix.wanted}" if fix.wanted else ""
    return f"{fix.operation} {whose}{fix.thing or 'shot'}{wanted}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
