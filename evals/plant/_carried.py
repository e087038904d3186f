"""Errors that lie on a surface and move with it: stray objects, lettering, patches of another background."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from evals.plant._follow import Place, Wish, find_place
from evals.plant._layer import Carried, Seen, sized
from evals.plant._lettering import draw_lettering
from evals.plant._paint import Pixels, clipped
from evals.plant._planting import Crop, Planting, Task, geometric
from evals.plant._surface import Surface, edited, grain_like, look_at, shading
from evals.plant._texture import draw_patch
from evals.plant._things import draw_thing
from tools.types import Box, Frame

THING_SPAN, TEXT_SPAN, PATCH_SPAN = 0.6, 0.42, 0.9
"""Largest share of the frame's width or height that a thing, words, a patch of the set span."""
THING_TILT, TEXT_TILT, PATCH_TILT = 0.22, 0.09, 0.06
"""Most by which one is turned, in radians."""
CONTRAST = (9.0, 80.0)
"""Mean difference in 8-bit levels between a thing's colour and its surface's: just visible, and obvious."""
CHANGE = (9.0, 40.0)
"""Mean difference in 8-bit levels between a patch and what it hides, at least: just visible, and obvious."""


def stray_object(task: Task) -> Planting:
    """A thing that lies on a surface or is worn."""
    return on_surface(task, _fitted(task, draw_thing(task.rng), THING_SPAN), THING_TILT)


def text_logo(task: Task) -> Planting:
    """Words or a mark on a surface."""
    return on_surface(task, _fitted(task, draw_lettering(task.rng), TEXT_SPAN), TEXT_TILT)


def on_surface(task: Task, layer: Pixels, tilt: float) -> Planting:
    """A cutout (0 to 1) at its final size on a place of the shot, in its light."""
    place = find_place(task.clip, task.info, replace(_wish(task, layer), calm=True), task.rng)
    picture = task.picture(place.first)
    surface = look_at(picture, around(place, layer, task))
    colours = _lit(layer, surface, task.strength)
    return _planting(task, colours, place, surface, float(task.rng.uniform(-tilt, tilt)))


def background_patch(task: Task) -> Planting:
    """A part of the set that looks different."""
    outline = _fitted(task, draw_patch(task.rng, task.picture(task.life[0])), PATCH_SPAN)
    place = find_place(task.clip, task.info, replace(_wish(task, outline), background=True), task.rng)
    picture, box = task.picture(place.first), around(place, outline, task)
    surface = look_at(picture, box)
    under = cv2.resize(picture[box.slices], outline.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    colours = _toned(outline, under, surface, task.strength)
    return _planting(task, colours, place, surface, float(task.rng.uniform(-PATCH_TILT, PATCH_TILT)))


def _fitted(task: Task, cutout: Pixels, span: float) -> Pixels:
    return sized(cutout, task.area, (span * task.info.width, span * task.info.height))


def _wish(task: Task, layer: Pixels) -> Wish:
    return Wish((float(layer.shape[1]), float(layer.shape[0])), task.life, task.speed)


def around(place: Place, layer: Pixels, task: Task) -> Box:
    """The layer's box in the place's first frame, inside the picture."""
    high, wide = layer.shape[:2]
    x = int(np.clip(place.centre.real - wide / 2, 0, task.info.width - 4))
    y = int(np.clip(place.centre.imag - high / 2, 0, task.info.height - 4))
    return Box(x, y, max(4, min(wide, task.info.width - x)), max(4, min(high, task.info.height - y)))


def _lit(layer: Pixels, surface: Surface, strength: float) -> Pixels:
    """The cutout in levels, premultiplied, under the place's light; its contrast to the surface as strength asks."""
    alpha = layer[..., 3:]
    colour = clipped(layer[..., :3] / np.maximum(alpha, 1e-3) * surface.white, 0, 255)
    mean = _mean(colour, alpha)
    shift = _shift(mean - surface.colour, surface, geometric(strength, *CONTRAST))
    seen = clipped(surface.colour + shift + (colour - mean) * (0.4 + 0.6 * strength), 2, 253)
    return np.dstack([seen * alpha, alpha]).astype(np.float32)


def _mean(colour: Pixels, alpha: Pixels) -> Pixels:
    """R, G, B of a cutout's solid part."""
    solid = alpha[..., 0] > 0.5
    return np.asarray(colour[solid if solid.any() else alpha[..., 0] > 0].mean(axis=0), np.float32)


def _shift(away: Pixels, surface: Surface, wanted: float) -> Pixels:
    """How far a thing's colour lies from the surface's: `wanted` levels on the mean, towards its own colour where
    there is room, else lighter on what is dark and darker on what is light."""
    own = float(np.abs(away).mean())
    shift = away * np.float32(np.clip(wanted / max(own, 1.0), 0.1, 2.0))
    reached = float(np.abs(clipped(surface.colour + shift, 2, 253) - surface.colour).mean())
    if reached >= 0.7 * wanted:
        return np.asarray(shift, np.float32)
    lighter = 1.0 if surface.level < 128 else -1.0
    return np.asarray(shift - shift.mean() + lighter * wanted, np.float32)


def _toned(layer: Pixels, under: Pixels, surface: Surface, strength: float) -> Pixels:
    """A patch's own picture drawn towards the surface's colour: the weaker, the closer, but never the same as `under`,
    the picture that it hides."""
    alpha = layer[..., 3:]
    colour = clipped(layer[..., :3] / np.maximum(alpha, 1e-3) * 255, 0, 255)
    mean = _mean(colour, alpha)
    seen = surface.colour + (0.25 + 0.6 * strength) * (mean - surface.colour)
    seen = clipped(seen + (0.45 + 0.55 * strength) * (colour - mean), 2, 253)
    own = float(np.abs(seen - under)[alpha[..., 0] > 0.5].mean())
    missing = max(0.0, geometric(strength, *CHANGE) - own)
    seen = clipped(seen + (missing if surface.level < 128 else -missing), 2, 253)
    return np.dstack([seen * alpha, alpha]).astype(np.float32)


def _planting(task: Task, colours: Pixels, place: Place, surface: Surface, tilt: float) -> Planting:
    carried = Carried(colours, place, tilt, surface.blur * 0.8, task.info.width, task.info.height)

    def show(frame: Frame) -> tuple[Frame, Crop | None]:
        seen = carried.seen(frame.index)
        if seen is None:
            return frame, None
        return laid(frame, seen, surface, (*task.seed, frame.index)), (seen.box, seen.mask)

    return Planting(show, place.speed, place.in_view)


def laid(frame: Frame, seen: Seen, surface: Surface, seed: tuple[int, ...]) -> Frame:
    """The frame with a layer in levels over it: shaded by the light it lies in, with grain like the frame's."""

    def edit(before: Pixels) -> Pixels:
        alpha = seen.layer[..., 3:]
        light = shading(before, surface.level)
        grain = grain_like(before.shape[:2], surface.grain, seed)
        return np.asarray(before * (1 - alpha) + seen.layer[..., :3] * light + grain * alpha, np.float32)

    return edited(frame, seen.box, seen.mask, edit)
