"""The checks of a shot made again: nothing of the old one remains, so the scene and the known ends are the yardstick.

The names are those of every repair. "stream" counts what is wrong with the film as such: size, rate or length that
differ, black frames, a picture that stands still, one that jumps to another shot. "colour" is how far the look as a
whole is from the scene's, "seam" how far the first and last frames are from those that they must be (where these are
known), "landed" whether the findings are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from tools.media.cuts import find_cuts
from tools.media.decode import frames
from tools.media.pixels import rgb8, small_size
from tools.media.probe import probe
from tools.types import Check, Clip, Frame, Rgb, Verdict
from tools.vision.checks import check, stream_differences
from tools.vision.look import apart, evenly, lab_of, look_of
from tools.vision.retaken import landed, within

WORKING = 160
"""Longer side in pixels at which a film is looked through."""
CELLS = (16, 9)
"""Cells in which ends are compared."""
LOOK_LIMIT = 8.0
"""CIEDE2000 between the looks of a take and its scene; a scene whose own frames differ by more allows as much."""
END_LIMIT = 8.0
"""CIEDE2000, the median over cells, between an end and the frame that it must be."""
BLACK, DARK = 12.0, 24.0
"""Mean levels of a black picture, and of footage that may have some."""
STILL, MOVES = 0.08, 0.6
"""Mean levels of change under which two frames are one, and over which the old take moved."""
MOST_STILL = 0.5
"""Share of its pairs of frames in which a take may stand still where the old one moved."""


def verify_regeneration(
    before: Clip,
    after: Path,
    *,
    scene: Sequence[Rgb] = (),
    ends: Mapping[str, Rgb] | None = None,
    still_there: Callable[[Path], bool] | None = None,
) -> Verdict:
    """The verdict on a shot made again.

    `scene` are pictures that tell how it must look as a whole; `ends` the frames, by "first" and "last", that it must
    open and close with. What is not given is not claimed. `still_there` looks for the findings again; without it
    "landed" is how strongly the picture changed.
    """
    one, other = probe(before.media), probe(after)
    differences = stream_differences(one, before.frames, other, other.frames)
    if {"width", "height"} & set(differences):
        return Verdict(verdict="fail", checks=(check("stream", len(differences)),))
    old, new = _watched(before), _watched(Clip(media=after, first=0, last=other.frames - 1))
    faults = [*differences, *_faults(old, new), *(["a cut inside the shot"] if _has_cut(after) else [])]
    again = None if still_there is None else still_there(after)
    checks = [check("stream", len(faults)).model_copy(update={"note": ", ".join(faults)})]
    checks += [_colour(new, scene)] if scene else []
    checks += [_ends(new, ends)] if ends else []
    checks.append(landed(_changes(old, new), again))
    return Verdict(verdict="pass" if all(one.holds for one in checks) else "fail", checks=tuple(checks))


@dataclass
class _Watched:
    """A film looked through: mean level of each frame, change of each pair, and a few pictures."""

    levels: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    looks: list[Rgb] = field(default_factory=list)
    first: Rgb = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8))
    last: Rgb = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8))


def _watched(clip: Clip) -> _Watched:
    seen = _Watched()
    kept = set(evenly(clip.frames, 7))
    for index, frame in enumerate(frames(clip)):
        picture = _small(frame)
        if index:
            seen.changes.append(float(cv2.absdiff(picture, seen.last).mean()))
        else:
            seen.first = picture
        seen.levels.append(float(picture.mean()))
        seen.looks += [picture] if index in kept else []
        seen.last = picture
    return seen


def _faults(old: _Watched, new: _Watched) -> list[str]:
    """What is wrong with a film as such, in words."""
    found = []
    black = sum(level < BLACK for level in new.levels)
    if black and min(old.levels) > DARK:
        found.append(f"{black} black frames")
    still = [change < STILL for change in new.changes]
    if still and float(np.mean(still)) > MOST_STILL and float(np.median(old.changes)) > MOVES:
        found.append("the picture stands still")
    return found


def _has_cut(path: Path) -> bool:
    """Whether a take jumps to another shot."""
    return any(shot.opens == "cut" for shot in find_cuts(path).shots)


def _colour(new: _Watched, scene: Sequence[Rgb]) -> Check:
    """The look of the take against the scene's."""
    wanted = look_of(scene)
    return within("colour", apart(look_of(new.looks), wanted), max(LOOK_LIMIT, 2 * wanted.varies), "dE")


def _ends(new: _Watched, ends: Mapping[str, Rgb]) -> Check:
    """The worse of the ends that are known."""
    shown = {"first": new.first, "last": new.last}
    far = {name: _far(shown[name], picture) for name, picture in ends.items()}
    worst = max(far, key=lambda name: far[name])
    return within("seam", far[worst], END_LIMIT, "dE", f"the {worst} frame against the one it must be")


def _far(one: Rgb, other: Rgb) -> float:
    """Median CIEDE2000 over the cells of two pictures."""
    labs: list[NDArray[np.float32]] = [
        lab_of(np.asarray(cv2.resize(p, CELLS, interpolation=cv2.INTER_AREA), np.uint8)) for p in (one, other)
    ]
    return float(np.median(deltaE_ciede2000(labs[0], labs[1])))


def _changes(old: _Watched, new: _Watched) -> list[float]:
    """How strongly the two films differ at the frames that were kept."""
    pairs = zip(old.looks, new.looks, strict=False)
    return [float(np.quantile(cv2.absdiff(a, b), 0.9)) for a, b in pairs if a.shape == b.shape]


def _small(frame: Frame) -> Rgb:
    size = small_size(frame.width, frame.height, WORKING)
    return np.asarray(cv2.resize(rgb8(frame), size, interpolation=cv2.INTER_AREA), np.uint8)
