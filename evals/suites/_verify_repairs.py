"""Repairs of a shot whose quality is known: good ones of several kinds, and every way to fail at several strengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.suites._verify_shots import Floats, Shot, as_picture, grain_field
from evals.suites._verify_visible import (
    Visible,
    change_over_time,
    colour_contrast,
    detail_change,
    edge_contrast,
    graded,
    lab_of,
    luma,
    own_change,
)
from tools.types import Bits, Rgb
from tools.vision.motion import dense_flow, warp

Subject = Literal["seam", "flicker", "colour", "grain", "outside"]
Carrier = Literal["lossless", "gate", "foreign"]
"""How the repair comes: exact, as Suture's own encoder writes it, or re-encoded by somebody else."""
Pictures = list[Rgb]

SOFT = 5.0
"""Pixels over which a shift of colour fades in from the edge, so that it leaves no seam."""
BETWEEN = 18
"""Constant rate factor of the repairs that changed something outside."""
STRONG = 60.0
"""Levels or Lab units beyond which a fault is not made stronger."""


@dataclass(frozen=True)
class Repair:
    """One repaired shot; `subject` is the check that has to fail, None for a good repair."""

    kind: str
    subject: Subject | None
    strength: float
    visible: Visible | None
    pictures: Pictures
    carrier: Carrier = "lossless"
    quality: int = 0
    """Constant rate factor of a re-encoded one, in which pixels outside the region may have changed as well."""


def broken(shot: Shot, rng: np.random.Generator) -> Pictures:
    """The shot with a stray thing in its region: what the repair starts from."""
    right, down = rng.integers(30, 60, 2)
    tint = rng.integers(20, 235, 3)
    made = [0.4 * np.roll(picture, (down, right), (0, 1)).astype(np.float32) + 0.6 * tint for picture in shot.pictures]
    return inside(shot, made)


def inside(shot: Shot, made: Sequence[NDArray[Any]]) -> Pictures:
    """Made pictures in the region, the clean ones around it."""
    return [
        np.where(mask[..., None], as_picture(new), old)
        for old, new, mask in zip(shot.pictures, made, shot.masks, strict=True)
    ]


def good_repairs(shot: Shot, rng: np.random.Generator) -> Iterator[Repair]:
    """True pixels as they are, with other grain, 0.3 pixels off, borrowed from the neighbour, and coded in two ways."""
    clean = list(shot.pictures)
    fills = {
        "true": clean,
        "regrained": inside(shot, [_regrained(picture, rng) for picture in clean]),
        "shifted 0.3": inside(shot, [shifted(picture, 0.3, -0.3) for picture in clean]),
        "borrowed": inside(shot, _borrowed(clean)),
    }
    for kind, pictures in fills.items():
        yield Repair(kind, None, 0.0, None, pictures)
    yield Repair("gate", None, 0.0, None, fills["regrained"], "gate")
    for quality in (16, 20, 23):
        cast = rng.uniform(-1, 1, 3)
        pictures = [as_picture(picture + cast) for picture in fills["regrained"]]
        yield Repair(f"foreign crf {quality}", None, quality, None, pictures, "foreign", quality)


def _regrained(picture: Rgb, rng: np.random.Generator) -> Floats:
    """The picture's own fine residual, moved elsewhere."""
    smooth = cv2.bilateralFilter(picture, 7, 14, 3).astype(np.float32)
    right, down = rng.integers(7, 40, 2) * rng.choice([-1, 1], 2)
    return np.asarray(smooth + np.roll(picture - smooth, (down, right), (0, 1)), np.float32)


def shifted(picture: Rgb, right: float, down: float) -> Floats:
    """Moved by parts of a pixel."""
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = (picture.shape[1], picture.shape[0])
    moved = cv2.warpAffine(
        picture.astype(np.float32), matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(moved, np.float32)


def _borrowed(pictures: Pictures) -> list[Floats]:
    """Every picture made of its neighbour's pixels, fetched along the flow."""
    made = []
    for n, picture in enumerate(pictures):
        other = pictures[n - 1 if n else 1]
        motion = dense_flow(_gray(picture), _gray(other))
        made.append(np.asarray(warp(other.astype(np.float32), motion, cv2.INTER_CUBIC), np.float32))
    return made


def _gray(picture: Rgb) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


Maker = Callable[[Shot, Visible, np.random.Generator], "Repair | None"]


def bad_repairs(shot: Shot, rng: np.random.Generator, turn: int) -> Iterator[Repair]:
    """A share of the ways to fail, `turn` by `turn`, each check at both strengths; none that the shot would hide."""
    for makers in FAULTS.values():
        for n in range(min(MOST, len(makers))):
            visible = STRENGTHS[(turn // len(makers) + n) % len(STRENGTHS)]
            repair = makers[(turn + n) % len(makers)](shot, visible, rng)
            if repair is not None:
                yield repair


STRENGTHS: tuple[Visible, ...] = ("clearly", "clearly", "just")
MOST = 3
"""Faults of one check per case."""


def _sign(rng: np.random.Generator) -> float:
    return float(rng.choice([-1.0, 1.0]))


def _depth(mask: Bits) -> Floats:
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def _step_height(shot: Shot, visible: Visible) -> float:
    floor, times = (12.0, 2.5) if visible == "clearly" else (6.0, 1.2)
    return min(STRONG, max(floor, times * edge_contrast(shot)))


def _step(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """The whole fill too bright or too dark."""
    height = _step_height(shot, visible)
    by = height * _sign(rng)
    return Repair("step", "seam", height, visible, inside(shot, [p + np.float32(by) for p in shot.pictures]))


def _outline(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """A line of two pixels along the edge."""
    height = _step_height(shot, visible)
    by = height * _sign(rng)
    made = [
        picture + (by * (_depth(mask) <= 2))[..., None].astype(np.float32)
        for picture, mask in zip(shot.pictures, shot.masks, strict=True)
    ]
    return Repair("outline", "seam", height, visible, inside(shot, made))


def _colour_shift(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """Hue and chroma shifted, fading in over a few pixels."""
    angle = rng.uniform(0, 2 * np.pi)
    return _shifted_lab(shot, visible, np.array([0.3 * _sign(rng), np.cos(angle), np.sin(angle)]), "cast")


def _exposure(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """Lightness shifted, fading in over a few pixels."""
    return _shifted_lab(shot, visible, np.array([_sign(rng), 0.0, 0.0]), "exposure")


def _shifted_lab(shot: Shot, visible: Visible, direction: NDArray[np.float64], kind: str) -> Repair | None:
    floor, times = (10.0, 2.0) if visible == "clearly" else (6.0, 1.2)
    amount = min(STRONG, max(floor, times * colour_contrast(shot, SOFT, direction)))
    by = amount * direction / np.linalg.norm(direction)
    made = []
    for picture, mask in zip(shot.pictures, shot.masks, strict=True):
        ramp = np.clip(_depth(mask) / SOFT, 0, 1)[..., None]
        made.append(_from_lab(lab_of(picture) + ramp * by))
    pictures = inside(shot, made)
    return Repair(kind, "colour", amount, visible, pictures) if _arrived(shot, pictures, amount) else None


def _from_lab(lab: NDArray[np.floating]) -> Floats:
    """(h, w, 3) levels of CIE Lab, out of gamut clipped."""
    return np.asarray(cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_Lab2RGB) * 255, np.float32)


def _arrived(shot: Shot, pictures: Pictures, amount: float) -> bool:
    """Whether the shift fits into the colours there are: white cannot get brighter."""
    middle = len(pictures) // 2
    deep = _depth(shot.masks[middle]) > SOFT
    labs = [lab_of(picture)[deep] for picture in (shot.pictures[middle], pictures[middle])]
    return bool(deep.any()) and float(np.linalg.norm((labs[1] - labs[0]).mean(axis=0))) > 0.8 * amount


def _grain_fault(
    shot: Shot, kind: str, visible: Visible, made: Callable[[float], list[Floats]], steps: tuple[float, ...]
) -> Repair | None:
    """The weakest of some steps that is as visible as asked for."""
    for strength in steps:
        pictures = inside(shot, made(strength))
        octaves, levels = detail_change(shot, pictures)
        found = _grain_visible(octaves, levels)
        if found == visible:
            return Repair(kind, "grain", strength, visible, pictures)
        if found == "clearly":
            return None
    return None


def _grain_visible(octaves: float, levels: float) -> Visible | None:
    by_octaves, by_levels = graded(abs(octaves), 0.6, 1.0), graded(levels, 1.5, 2.5)
    return None if None in (by_octaves, by_levels) else "clearly" if by_octaves == by_levels == "clearly" else "just"


def _blurred(shot: Shot, visible: Visible, _: np.random.Generator) -> Repair | None:
    def made(sigma: float) -> list[Floats]:
        return [np.asarray(cv2.GaussianBlur(p, (0, 0), sigma), np.float32) for p in shot.pictures]

    return _grain_fault(shot, "blurred", visible, made, (0.7, 0.9, 1.2, 1.6, 2.2))


def _smoothed(shot: Shot, visible: Visible, _: np.random.Generator) -> Repair | None:
    """Grain taken off and edges kept, as generators do."""

    def made(strength: float) -> list[Floats]:
        return [np.asarray(cv2.bilateralFilter(p, 9, strength, 5), np.float32) for p in shot.pictures]

    return _grain_fault(shot, "smoothed", visible, made, (15.0, 25.0, 40.0, 60.0))


def _grainier(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    fields = [grain_field(picture.shape[:2], rng)[..., None] for picture in shot.pictures]

    def made(strength: float) -> list[Floats]:
        return [np.asarray(p + strength * f, np.float32) for p, f in zip(shot.pictures, fields, strict=True)]

    return _grain_fault(shot, "grainier", visible, made, (2.0, 3.0, 4.5, 7.0, 10.0, 14.0))


def _flicker_fault(
    shot: Shot, kind: str, visible: Visible, made: Callable[[float], list[Floats]], steps: tuple[float, ...]
) -> Repair | None:
    """The weakest of some steps that is as visible as asked for."""
    for strength in steps:
        pictures = inside(shot, made(strength))
        found = _flicker_visible(shot, pictures)
        if found == visible:
            return Repair(kind, "flicker", strength, visible, pictures)
        if found == "clearly":
            return None
    return None


def _flicker_visible(shot: Shot, pictures: Pictures) -> Visible | None:
    own = own_change(shot)
    return graded(change_over_time(shot, pictures), max(1.5, 1.5 * own), max(4.0, 3 * own))


TELEA_RADIUS = 3.0
RISING = (1.0, 1.6, 2.5, 4.0, 6.0, 9.0, 13.0)


def _pumping(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """Brightness jumps from frame to frame."""
    jumps = rng.normal(0, 1, len(shot.pictures)).astype(np.float32)
    return _flicker_fault(
        shot, "pumping", visible, lambda s: [p + s * j for p, j in zip(shot.pictures, jumps, strict=True)], RISING
    )


def _blurred_pumping(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """The same without any detail that could be seen to move."""
    jumps = rng.normal(0, 1, len(shot.pictures)).astype(np.float32)
    smooth = [cv2.GaussianBlur(p.astype(np.float32), (0, 0), 2.5) for p in shot.pictures]
    return _flicker_fault(
        shot,
        "blurred pumping",
        visible,
        lambda s: [np.asarray(p + s * j, np.float32) for p, j in zip(smooth, jumps, strict=True)],
        RISING,
    )


def _jitter(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """The fill jumps about by pixels."""
    jumps = rng.uniform(-1, 1, (len(shot.pictures), 2))

    def made(strength: float) -> list[Floats]:
        return [shifted(p, *(strength * j)) for p, j in zip(shot.pictures, jumps, strict=True)]

    return _flicker_fault(shot, "jitter", visible, made, (0.5, 0.8, 1.2, 1.8, 2.5, 3.5))


def _swimming(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """Texture that wobbles by itself: every frame bent by a smooth field of its own."""
    shape = shot.masks[0].shape
    fields = [cv2.GaussianBlur(rng.normal(0, 1, (*shape, 2)).astype(np.float32), (0, 0), 6) for _ in shot.pictures]

    def made(strength: float) -> list[Floats]:
        return [
            np.asarray(warp(p.astype(np.float32), strength * f / f.std(), cv2.INTER_CUBIC), np.float32)
            for p, f in zip(shot.pictures, fields, strict=True)
        ]

    return _flicker_fault(shot, "swimming", visible, made, (0.5, 0.8, 1.2, 1.8, 2.5, 3.5))


def _frame_by_frame(shot: Shot, _visible: Visible, _: np.random.Generator) -> Repair | None:
    """Every frame filled from its own surround alone (Telea 2004)."""

    made = [
        cv2.inpaint(p, m.astype(np.uint8), TELEA_RADIUS, cv2.INPAINT_TELEA).astype(np.float32)
        for p, m in zip(shot.pictures, shot.masks, strict=True)
    ]
    pictures = inside(shot, made)
    found = _flicker_visible(shot, pictures)
    return None if found is None else Repair("frame by frame", "flicker", TELEA_RADIUS, found, pictures)


def _outside_fault(
    shot: Shot, kind: str, visible: Visible, made: Callable[[float], list[Floats]], steps: tuple[float, ...]
) -> Repair | None:
    """The weakest of some steps that is as visible as asked for, to be re-encoded."""
    for strength in steps:
        pictures = [as_picture(picture) for picture in made(strength)]
        change = np.concatenate(
            [(luma(new) - luma(old))[~mask] for old, new, mask in zip(shot.pictures, pictures, shot.masks, strict=True)]
        )
        if graded(float(np.sqrt(np.square(change).mean())), 1.5, 3.0) == visible:
            return Repair(kind, "outside", strength, visible, pictures, "foreign", BETWEEN)
    return None


def _patch(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """Something small outside the region got lighter or darker in every frame."""
    levels = 10.0 if visible == "clearly" else 5.0
    far = np.logical_not(np.any([_near(mask) for mask in shot.masks], axis=0))
    rows, columns = np.nonzero(far)
    if not len(rows):
        return None
    at = int(rng.integers(len(rows)))
    spot = np.zeros(far.shape, np.float32)
    cv2.circle(spot, (int(columns[at]), int(rows[at])), int(rng.integers(7, 16)), 1.0, -1)
    by = levels * _sign(rng) * (cv2.GaussianBlur(spot, (0, 0), 1.5) * far)[..., None]
    pictures = [as_picture(picture + by) for picture in shot.pictures]
    return Repair("patch", "outside", levels, visible, pictures, "foreign", BETWEEN)


def _near(mask: Bits) -> Bits:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0, np.bool_)


def _moved(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """The whole picture a little off."""
    angle = rng.uniform(0, 2 * np.pi)

    def made(strength: float) -> list[Floats]:
        return [shifted(p, strength * np.cos(angle), strength * np.sin(angle)) for p in shot.pictures]

    return _outside_fault(shot, "moved", visible, made, (0.4, 0.6, 1.0, 1.5, 2.5))


def _graded(shot: Shot, visible: Visible, rng: np.random.Generator) -> Repair | None:
    """The whole picture lighter or darker."""
    by = _sign(rng)
    return _outside_fault(
        shot, "graded", visible, lambda s: [p + np.float32(s * by) for p in shot.pictures], (3.0, 4.5, 6.0)
    )


def _sharpened(shot: Shot, visible: Visible, _: np.random.Generator) -> Repair | None:
    """The whole picture sharpened."""

    def made(strength: float) -> list[Floats]:
        whole = [p.astype(np.float32) for p in shot.pictures]
        return [np.asarray(p + strength * (p - cv2.GaussianBlur(p, (0, 0), 1.5)), np.float32) for p in whole]

    return _outside_fault(shot, "sharpened", visible, made, (0.3, 0.5, 0.8, 1.2, 1.8))


FAULTS: dict[Subject, tuple[Maker, ...]] = {
    "seam": (_step, _outline),
    "flicker": (_pumping, _jitter, _blurred_pumping, _swimming, _frame_by_frame),
    "colour": (_colour_shift, _exposure),
    "grain": (_blurred, _smoothed, _grainier),
    "outside": (_patch, _moved, _graded, _sharpened),
}
