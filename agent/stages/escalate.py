"""Escalate: a job that nobody here can do, made complete and ready to send, or a shot handed to a person."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.briefing import request
from agent.deps import Deps
from agent.fill_words import ANY_READER, fill_of, fill_prompt
from agent.schema import Attempt, Film, Finding, ReadyJob, Shot
from tools.media.decode import frames
from tools.media.encode import write_video
from tools.media.probe import probe
from tools.media.sheets import read_picture, write_picture
from tools.types import Action, Clip, Reference

WAYS_AROUND = "another framing, a cut-away over it, or a shorter shot"
FAULTS: Mapping[str, str] = {
    "landed": "what was wrong was seen again",
    "seam": "it did not join what lies beside it",
    "flicker": "it flickered",
    "colour": "its light and colours were not those of the scene",
    "grain": "its grain and sharpness were not those of the scene",
    "outside": "it changed what should have stayed",
    "stream": "it had the wrong size, rate or length",
}
"""What a failed check means, in words for whoever makes the next take."""


def ready_job(
    film: Film,
    shot: Shot,
    action: Action,
    findings: Sequence[Finding],
    *,
    clip: Clip,
    references: Sequence[Reference],
    window: tuple[int, int] | None,
    quote: Mapping[str, float],
    why: str,
    deps: Deps,
) -> ReadyJob:
    """Writes jobs/SHOT/ in the run's folder: clip, masks, references as files, and job.json last. Safe to repeat."""
    folder = deps.run_folder / "jobs" / shot.id
    folder.mkdir(parents=True, exist_ok=True)
    pictures = _reference_files(references, folder)
    masks = _mask_files(film, findings, folder)
    job = ReadyJob.model_validate(
        {
            "action": action,
            "prompt": _words(film, shot, action, findings, clip=clip, references=references, window=window),
            "references": tuple(_named(path, deps) for path in pictures),
            "clip": _named(_clip_file(clip, folder), deps),
            "mask": _named(masks[0], deps) if masks else None,
            "window": window,
            "quote": dict(quote),
            "why": why,
        }
    )
    partial = folder / ".job.json"
    partial.write_text(job.model_dump_json(indent=2), encoding="utf-8")
    partial.replace(folder / "job.json")
    return job


def _words(
    film: Film,
    shot: Shot,
    action: Action,
    findings: Sequence[Finding],
    *,
    clip: Clip,
    references: Sequence[Reference],
    window: tuple[int, int] | None,
) -> str:
    if action != "inpaint":
        return request(film, shot, action, findings=findings, references=references, window=window)
    return fill_prompt(fill_of(film, clip, findings, references), ANY_READER)


def _reference_files(references: Sequence[Reference], folder: Path) -> list[Path]:
    made = []
    for place, reference in enumerate(references, start=1):
        picture = read_picture(reference.path)
        name = "".join(c if c.isalnum() else "-" for c in reference.what)
        path = folder / f"reference_{place:02d}_{name}.png"
        write_picture(path, picture[reference.box.slices] if reference.box else picture)
        made.append(path)
    return made


def _mask_files(film: Film, findings: Sequence[Finding], folder: Path) -> list[Path]:
    """The findings' masks, the largest region first."""
    masked = sorted((f for f in findings if f.mask), key=lambda f: -f.box.area)
    made = []
    for place, finding in enumerate(masked, start=1):
        source = film.root / str(finding.mask)
        path = folder / f"mask_{place:02d}{source.suffix}"
        shutil.copyfile(source, path)
        made.append(path)
    return made


def _clip_file(clip: Clip, folder: Path) -> Path:
    info = probe(clip.media)
    suffix = ".mp4" if "mp4" in info.container and info.kind == "video" else ".mkv"
    path = folder / f"clip{suffix}"
    write_video(path, frames(clip), info)
    return path


def _named(path: Path, deps: Deps) -> str:
    return path.relative_to(deps.root).as_posix()


def pivot_words(attempts: Sequence[Attempt]) -> str:
    """What a person is told when regeneration failed too: what was tried, what was measured, ways around."""
    tried = "; ".join(f"{a.action} with {a.tool} ({a.method}): {failed(a)}" for a in attempts)
    return f"tried {tried}. Prompting again will not help; ways around: {WAYS_AROUND}"


def failed_takes(attempts: Sequence[Attempt]) -> list[str]:
    """What was wrong with each take of the shot made again, as the next one's maker is told it."""
    takes = [a for a in attempts if a.action == "regenerate" and a.verdict == "fail"]
    return [f"take {n}: {_faults(take)}" for n, take in enumerate(takes, start=1)]


def _faults(take: Attempt) -> str:
    return ", ".join(FAULTS[check.name] for check in take.checks if not check.holds) or "it was not right"


def failed(attempt: Attempt) -> str:
    """The checks that an attempt failed, with value and limit."""
    broken = [f"{c.name} {c.value:.4g} {c.unit} (limit {c.limit:.4g})" for c in attempt.checks if not c.holds]
    return ", ".join(broken) or attempt.why or "all checks held"
