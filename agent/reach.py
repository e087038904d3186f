"""Why nobody on the whole roster may take an edit: a limit of the footage that all of them have, or the user's area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.schema import Dropped, Film
from tools.editors.areas import blocked_area
from tools.editors.base import Capabilities, Limits
from tools.editors.fitting import plan_fit
from tools.errors import Refused
from tools.types import Edit, MediaInfo

NAMED = 3
"""Up to so many of whom the same is said are named."""


def out_of_reach(able: Mapping[str, Capabilities], edit: Edit, film: Film, region: str | None) -> str | None:
    """One line, where it holds of everybody who could do such an edit (`able`, set up here or not); else None."""
    footage = _footage(edit, film)
    refusals = {name: _refusal(edit, footage, can) for name, can in able.items()}
    fit = [name for name, words in refusals.items() if words is None]
    if able and not fit:
        nearest = min(able, key=lambda name: _beyond(edit, footage, able[name].limits))
        return f"nobody on the roster takes this clip; {nearest} comes nearest and {refusals[nearest]}"
    barred = [blocked_area(region, able[name].blocked_regions) if region else None for name in fit]
    if barred and all(barred):
        return (
            f"{', '.join(sorted(fit))} may not be used in {barred[0]} (SUTURE_REGION = {region}), and nobody else can"
        )
    return None


def in_short(dropped: Iterable[Dropped]) -> str:
    """Who was left out of a route and why, what is said of few first; those of whom the same is said are counted."""
    said: dict[str, list[str]] = {}
    for one in dropped:
        said.setdefault(one.why, []).append(one.editor)
    groups = sorted(said.items(), key=lambda group: len(group[1]))
    return "; ".join(
        f"{', '.join(names) if len(names) <= NAMED else f'{len(names)} editors'} {why}" for why, names in groups
    )


def _footage(edit: Edit, film: Film) -> MediaInfo:
    """The edit's clip as the film says that it is."""
    return MediaInfo(
        path=edit.clip.media,
        kind="video",
        width=film.width,
        height=film.height,
        fps=film.fps,
        frames=edit.clip.frames,
        container="",
        codec="",
        pixel_format="",
        bit_depth=8,
    )


def _refusal(edit: Edit, footage: MediaInfo, can: Capabilities) -> str | None:
    try:
        plan_fit(edit, footage, can)
    except Refused as refused:
        return str(refused)
    return None


def _beyond(edit: Edit, footage: MediaInfo, limits: Limits) -> float:
    """How many times the footage is beyond the limit that it breaks most."""
    first, last = edit.window or edit.stretch or (0, edit.clip.frames - 1)
    seconds, shape = (last - first + 1) / float(footage.fps), footage.width / footage.height
    longest = [float(max(one)) for one in (limits.durations, limits.seconds) if one]
    longest += [max(limits.frames) / float(footage.fps)] if limits.frames else []
    lengths = [seconds / most for most in longest]
    shapes = [limits.aspect[0] / shape, shape / limits.aspect[1]] if limits.aspect else []
    return max([1.0, *lengths, *shapes])
