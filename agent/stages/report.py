"""Report: what a run found, did, and leaves to people, as one JSON file and one page that needs nothing else."""

from __future__ import annotations

import os
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent import report_pictures as pictures
from agent import report_words as words
from agent.model_words import share_of
from agent.report_pictures import Comparison, Picture
from agent.schema import Attempt, Cause, Decision, Film, Finding, Outcome, PassResult, SheetVersion, Shot
from tools.errors import MachineFailed
from tools.types import Clip


class Place(Protocol):
    """Where a run writes: the part of its dependencies that a report needs."""

    @property
    def run(self) -> str: ...
    @property
    def root(self) -> Path: ...
    @property
    def run_folder(self) -> Path: ...


def write_report(film: Film, result: PassResult, deps: Place) -> dict[str, Path]:
    """Writes report.json and report.html into the run's folder; each appears whole. Safe to repeat.

    Raises MachineFailed when the disk fails.
    """
    made = {"report": deps.run_folder / "report.html", "report_json": deps.run_folder / "report.json"}
    named = {name: path.relative_to(deps.root).as_posix() for name, path in made.items()}
    whole = result.model_copy(update={"files": {**result.files, **named}})
    _write(made["report_json"], whole.model_dump_json(indent=2) + "\n")
    _write(made["report"], _page(film, whole, deps))
    return made


def _write(path: Path, text: str) -> None:
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except OSError as error:
        raise MachineFailed(f"{path}: cannot be written ({error.strerror}); free space and resume") from error
    finally:
        if partial is not None:
            Path(partial).unlink(missing_ok=True)


def _page(film: Film, result: PassResult, deps: Place) -> str:
    """The page. Everything filled in is escaped; a name that the template misspells is an error."""
    templates = Environment(
        loader=PackageLoader("agent"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {"usd": words.usd, "about_usd": words.about_usd, "counted": words.counted}
    templates.filters |= {"check_value": words.check_value, "check_limit": words.check_limit, "ranked": words.ranked}
    templates.filters |= {
        "coded": words.coded,
        "measured": words.measured,
        "limit": words.limit_of,
        "sentence": words.sentence,
        "opening": words.opening,
    }
    shots = [_shot_view(shot, result, deps) for shot in film.shots]
    return templates.get_template("report.html").render(
        film=film,
        result=result,
        words=words,
        verdict=words.verdict(result),
        constraints=words.constraint_words(result.request.constraints) if result.request else [],
        shots=shots,
        waiting=[shot for shot in shots if shot.outcome is not None and shot.tone in ("wait", "wrong")],
        causes=[_cause_view(cause, film, result) for cause in result.causes],
        sheets=[SheetView(version, pictures.sheet_comparison(film, version)) for version in result.sheet_versions],
        project=shlex.quote(str(deps.root)),
        folder=deps.run_folder,
    )


@dataclass(frozen=True)
class FindingView:
    """One finding with its decision, the tries at it, and its pictures."""

    finding: Finding
    decision: Decision | None
    attempts: tuple[Attempt, ...]
    comparison: Comparison | None
    asked: str
    """What a model had to do with it; empty where it had nothing."""
    said: tuple[str, ...]
    """Words that are evidence: what a model or a person said, and what was measured."""


@dataclass(frozen=True)
class ShotView:
    """One shot as the page shows it."""

    shot: Shot
    outcome: Outcome | None
    status: str
    tone: words.Tone
    thumbnail: Picture | None
    findings: tuple[FindingView, ...]


@dataclass(frozen=True)
class CauseView:
    """One cause, with the panel it was traced to."""

    cause: Cause
    origin: str
    picture: Picture | None
    repair: SheetVersion | None


@dataclass(frozen=True)
class SheetView:
    """One repaired sheet."""

    version: SheetVersion
    comparison: Comparison | None


def _shot_view(shot: Shot, result: PassResult, deps: Place) -> ShotView:
    outcome = next((one for one in result.outcomes if one.shot == shot.id), None)
    after = _after(shot, outcome, deps)
    found = tuple(finding for finding in result.findings if finding.shot == shot.id)
    status, tone = _status(outcome, found)
    return ShotView(
        shot=shot,
        outcome=outcome,
        status=status,
        tone=tone,
        thumbnail=pictures.thumbnail(after or shot.clip, f"{shot.id}, {status}"),
        findings=tuple(_finding_view(finding, shot, after, result, deps) for finding in found),
    )


def _status(outcome: Outcome | None, found: tuple[Finding, ...]) -> tuple[str, words.Tone]:
    if outcome is None or (outcome.status == "clean" and any(finding.status == "open" for finding in found)):
        return ("open", "wait") if any(finding.status == "open" for finding in found) else ("left alone", "quiet")
    return words.STATUS[outcome.status]


def _after(shot: Shot, outcome: Outcome | None, deps: Place) -> Clip | None:
    """The version that this run made of a shot."""
    if outcome is None or outcome.status not in ("fixed", "regenerated"):
        return None
    made = sorted((deps.run_folder / "shots").glob(f"{shot.id}_v{outcome.version:03d}*"))
    return Clip(media=made[0], first=0, last=shot.clip.frames - 1) if made else None


def _finding_view(finding: Finding, shot: Shot, after: Clip | None, result: PassResult, deps: Place) -> FindingView:
    tries = [attempt for outcome in result.outcomes if outcome.shot == shot.id for attempt in outcome.attempts]
    attempts = tuple(attempt for attempt in tries if attempt.finding == finding.id)
    refused = None if after else _refused_take(attempts, shot, deps)
    name = "After" if after else "Tried, not kept"
    share = share_of(finding, result.findings, result.model_use)
    return FindingView(
        finding=finding,
        decision=next((d for d in result.decisions if d.finding == finding.id), None),
        attempts=attempts,
        comparison=pictures.comparison(finding, shot, after or refused, name),
        asked=share.words if share else "",
        said=tuple(evidence.ref for evidence in finding.evidence if evidence.kind == "text"),
    )


def _refused_take(attempts: tuple[Attempt, ...], shot: Shot, deps: Place) -> Clip | None:
    """The last take that was made for a finding and did not pass."""
    takes = [deps.root / attempt.take for attempt in attempts if attempt.take]
    return Clip(media=takes[-1], first=0, last=shot.clip.frames - 1) if takes and takes[-1].exists() else None


def _cause_view(cause: Cause, film: Film, result: PassResult) -> CauseView:
    repair = next((v for v in result.sheet_versions if v.panel == cause.ref), None)
    picture = pictures.panel_picture(film, cause.ref, repair.box if repair else None)
    return CauseView(cause, words.ORIGINS[cause.kind], picture, repair)
