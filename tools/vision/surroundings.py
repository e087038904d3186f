"""What surrounds a region, measured for a fill that must match it: light, colour, palette, texture, grain, focus,
motion. What the pixels do not tell is named in `unmeasured`, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tools.media.probe import probe
from tools.types import Clip, Frozen, MaskTrack
from tools.vision._surroundings_colour import (
    Level,
    Swatch,
    Temperature,
    level_of,
    palette_of,
    temperature_of,
)
from tools.vision._surroundings_light import Light, light_of
from tools.vision._surroundings_ring import Look, looks
from tools.vision._surroundings_texture import Focus, Grain, Texture, focus_of, grain_of, texture_of
from tools.vision.motion import STATIC, speed_class

__all__ = [
    "Drifting",
    "Focus",
    "Grain",
    "Level",
    "Light",
    "Surroundings",
    "Swatch",
    "Temperature",
    "Texture",
    "measure_surroundings",
]

WITH_CAMERA = 0.3
"""Share of its own speed by which a place may move otherwise than the camera and still be carried by it."""
UNEVEN = 2.0
"""Times that one of across and down must be larger than the other to name one way alone."""


class Drifting(Frozen):
    """How the place moves in the picture: its class, which way things go, and whether the camera carries it.

    `x` and `y` are shares of the frame diagonal per 1/24 s, to the right and down.
    """

    x: float
    y: float
    speed: Literal["static", "slow", "fast"]
    towards: str = ""
    """"left", "right", "up", "down" or two of them; empty for a static place."""
    with_camera: bool = False


class Surroundings(Frozen):
    """The ring around a region, over several of its frames. None and "unknown" are what could not be measured."""

    light: Light = Light()
    temperature: Temperature = Temperature()
    level: Level | None = None
    palette: tuple[Swatch, ...] = ()
    texture: Texture | None = None
    grain: Grain | None = None
    focus: Focus | None = None
    motion: Drifting | None = None
    frames: int = 0
    """Frames that were looked at."""
    unmeasured: tuple[str, ...] = ()
    """What the pixels did not tell, by name: "light", "temperature", …"""


def measure_surroundings(clip: Clip, track: MaskTrack) -> Surroundings:
    """The surroundings of a region; `track` counts from the clip's first frame and has the source's size.

    A region that covers nearly everything, or none, leaves nothing to measure: then all is unknown.
    """
    seen = looks(clip, track)
    light, temperature = light_of(seen), temperature_of(seen)
    found = {
        "level": level_of(seen),
        "palette": palette_of(seen),
        "texture": texture_of(seen, probe(clip.media).width),
        "grain": grain_of(seen),
        "focus": focus_of(seen),
        "motion": _drifting(seen),
    }
    missing = ["light"] * (light.direction == "unknown") + ["temperature"] * (temperature.kelvin is None)
    missing += [name for name, value in found.items() if not value]
    return Surroundings.model_validate(
        {"light": light, "temperature": temperature, **found, "frames": len(seen), "unmeasured": tuple(missing)}
    )


def _drifting(seen: Sequence[Look]) -> Drifting | None:
    drifts = [look.drift for look in seen if look.drift is not None]
    if not drifts:
        return None
    x, y = (float(v) for v in np.median([drift.place for drift in drifts], axis=0))
    off = float(np.median([np.hypot(*np.subtract(drift.place, drift.camera)) for drift in drifts]))
    speed = speed_class(float(np.hypot(x, y)))
    moves = speed != "static"
    carried = moves and off < max(STATIC, WITH_CAMERA * float(np.hypot(x, y)))
    towards = _towards(x, y) if moves else ""
    return Drifting(x=round(x, 5), y=round(y, 5), speed=speed, towards=towards, with_camera=carried)


def _towards(x: float, y: float) -> str:
    across, down = "right" if x > 0 else "left", "down" if y > 0 else "up"
    if abs(x) > UNEVEN * abs(y):
        return across
    return down if abs(y) > UNEVEN * abs(x) else f"{down} and {across}"
