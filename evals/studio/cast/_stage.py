"""One shot: figures before a set under one camera, with and without what is wrong, and what disturbs a clean eye."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from evals.studio._matte import Pixels, pixels
from evals.studio._moves import SHUTTER
from evals.studio._optics import Matrix, carried, pose, smeared
from evals.studio._picture import Picture
from evals.studio.cast._camera import Acting, CameraPath
from evals.studio.cast._design import Character, Look
from evals.studio.cast._figure import Sprite, Wardrobe, differing, joints, landing, sprites, warped
from evals.studio.cast._sets import TALL, WIDE, Place

FAINT = 0.1
"""Coverage from which a pixel counts as part of an error; what is fainter is left out of the picture too."""

Confounder = Literal["exposure", "focus", "occluder"]


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a figure stands in a set-up: view, neck position as shares of the frame, units over the frame's width."""

    figure: int
    view: str
    x: float
    y: float
    scale: float


@dataclass(frozen=True, slots=True)
class Setup:
    """A camera position of a scene: who stands where, and which part of the set lies behind, how far out of focus."""

    name: str
    stands: tuple[Stand, ...]
    centre: tuple[float, float]
    zoom: float
    defocus: float


@dataclass(frozen=True, slots=True)
class Wrong:
    """A figure's wrong look, and the frames in which it shows."""

    stand: int
    look: Look
    frames: tuple[int, int]


@dataclass
class Stage:
    """A shot ready to be filmed. `speeds` fills with the true speeds of what is wrong as frames are drawn."""

    size: tuple[int, int]
    frames: int
    place: Place
    setup: Setup
    camera: CameraPath
    cast: tuple[Character, ...]
    acting: tuple[Acting, ...]
    wardrobe: Wardrobe
    gain: Pixels
    looks: tuple[Look, ...]
    wrong: Wrong | None = None
    confounder: Confounder | None = None
    seed: int = 0
    speeds: list[float] = field(default_factory=list)

    def pictures(self) -> Iterator[Picture]:
        """Every frame in order."""
        figures, faulty = self._sprites()
        backdrop, lens = self._backdrop(), self._lens()
        for frame in range(self.frames):
            travel = self._travel(frame)
            behind = self._behind(backdrop, frame, travel)
            clean, shown, mask = (
                behind,
                behind.copy() if self._is_wrong(frame) else None,
                np.zeros(self.size[::-1], np.float32),
            )
            for stand, own in enumerate(figures):
                layer, marks = self._figure(own, stand, frame, travel)
                clean = _laid(self._shadowed(clean, layer[..., 3]), layer)
                if shown is None:
                    continue
                other = layer
                if self.wrong and stand == self.wrong.stand:
                    other, extra = self._figure(faulty, stand, frame, travel)
                    marks = np.maximum(marks, extra)
                shown = _laid(self._shadowed(shown, layer[..., 3]), other)
                mask = np.maximum(mask * (1 - np.minimum(layer[..., 3], other[..., 3])), marks)
            yield self._finished(frame, lens, (clean, shown, mask))

    def _is_wrong(self, frame: int) -> bool:
        return self.wrong is not None and self.wrong.frames[0] <= frame <= self.wrong.frames[1]

    def _largest(self, stand: int) -> float:
        return self.setup.stands[stand].scale * self.size[0] * float(self.camera.scale.max())

    def _sprites(self) -> tuple[list[list[Sprite]], list[Sprite]]:
        figures, faulty = [], []
        for index, stand in enumerate(self.setup.stands):
            character, look = self.cast[stand.figure], self.looks[stand.figure]
            layers, scale = self.wardrobe.layers(character, look, stand.view), self._largest(index)
            if self.wrong and self.wrong.stand == index:
                others = self.wardrobe.layers(character, self.wrong.look, stand.view)
                faulty = sprites(others, differing(others, layers), scale)
                figures.append(sprites(layers, differing(layers, others), scale))
            else:
                figures.append(sprites(layers, {}, scale))
        return figures, faulty

    # Pictures

    def _travel(self, frame: int) -> float:
        """Pixels along x that the near world moves while the shutter is open."""
        return SHUTTER * float(np.gradient(self.camera.shift[:, 0])[frame]) * self.size[0]

    def _backdrop(self) -> Pixels:
        blur = self.setup.defocus * 1000 / self.size[0] / self.setup.zoom
        wide = cv2.GaussianBlur(self.place.picture, (0, 0), blur) if blur > 0.4 else self.place.picture
        return np.asarray(wide, np.float32)

    def _behind(self, backdrop: Pixels, frame: int, travel: float) -> Pixels:
        width, height = self.size
        zoom = self.setup.zoom * width / 1000 * float(self.camera.scale[frame]) ** 0.5
        dx, dy = self.camera.shift[frame] * self.camera.far * width
        cx, cy = self.setup.centre
        matrix = pose(zoom, (cx * WIDE, cy * TALL), (width / 2 + float(dx), height / 2 + float(dy)))
        seen = cv2.warpAffine(
            backdrop, matrix[:2], self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        return smeared(np.asarray(seen, np.float32), travel * self.camera.far)

    def _placed(self, stand: int, frame: int) -> Matrix:
        """Units of a standing figure to pixels of a frame."""
        spot, width, height = self.setup.stands[stand], *self.size
        grow = float(self.camera.scale[frame])
        dx, dy = self.camera.shift[frame] * width
        x, y = width * (0.5 + (spot.x - 0.5) * grow) + dx, height * (0.5 + (spot.y - 0.5) * grow) + dy
        return pose(spot.scale * width * grow, (0.0, 0.0), (float(x), float(y)))

    def _figure(self, own: list[Sprite], stand: int, frame: int, travel: float) -> tuple[Pixels, Pixels]:
        """A figure alone (height, width, 4), and how much of each pixel is part of what is wrong."""
        width, height = self.size
        layer, marks = np.zeros((height, width, 4), np.float32), np.zeros((height, width), np.float32)
        for sprite in own:
            matrix = self._matrix(sprite, stand, frame)
            box = landing(sprite.rgba.shape, matrix, self.size) if matrix is not None else None
            if matrix is None or box is None:
                continue
            part = warped(sprite.rgba, matrix, box)
            through = 1 - part[..., 3]
            layer[box.slices] = layer[box.slices] * through[..., None] + part
            marks[box.slices] *= through
            if sprite.mark is not None:
                marks[box.slices] += warped(sprite.mark, matrix, box)
                self._note_speed(sprite, stand, frame, matrix)
        reach = abs(travel) / 2 >= 0.5
        return (smeared(layer, travel), smeared(marks, travel)) if reach else (layer, marks)

    def _matrix(self, sprite: Sprite, stand: int, frame: int) -> Matrix | None:
        moved = joints(self.acting[self.setup.stands[stand].figure], frame, sprite)
        return None if moved is None else np.asarray(self._placed(stand, frame) @ moved @ sprite.units)

    def _note_speed(self, sprite: Sprite, stand: int, frame: int, now: Matrix) -> None:
        """The median speed of a part's points since the frame before, as a share of the diagonal per frame."""
        before = self._matrix(sprite, stand, max(0, frame - 1))
        if frame == 0 or before is None or sprite.mark is None or not self._is_wrong(frame):
            return
        rows, columns = np.nonzero(sprite.mark > 0.5)
        points = np.column_stack([columns, rows]).astype(np.float64)[:: max(1, len(rows) // 64)]
        here = carried(now, points)
        seen = np.all((here >= 0) & (here < self.size), axis=1)
        if seen.any():
            way = np.linalg.norm(here - carried(before, points), axis=1)[seen]
            self.speeds.append(float(np.median(way)) / float(np.hypot(*self.size)))

    def _shadowed(self, below: Pixels, alpha: Pixels) -> Pixels:
        """The soft shadow a figure throws on what is behind it."""
        width, height = self.size
        small = cv2.resize(alpha, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(small, (0, 0), width / 320)
        shift = np.array([[1, 0, -self.place.light.x * width / 260], [0, 1, width / 400]], np.float32)
        moved = cv2.warpAffine(soft, shift, (width // 8, height // 8))
        shade = 1 - 0.32 * cv2.resize(moved, self.size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(below * shade[..., None], np.float32)

    # The lens, the light and what comes between

    def _lens(self) -> Pixels:
        width, height = self.size
        x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
        fall = 1 - 0.045 * (x * x + y * y)
        return np.asarray(fall[..., None] * self.gain, np.float32)

    def _finished(self, frame: int, lens: Pixels, drawn: tuple[Pixels, Pixels | None, Pixels]) -> Picture:
        clean, shown, mask = drawn
        seen = [self._through(picture, frame, lens) for picture in (clean, shown) if picture is not None]
        if shown is None:
            return Picture(seen[0])
        if self.confounder == "occluder":
            mask = mask * (1 - self._occluder(frame)[..., 3])
        if self.confounder == "focus":
            mask = self._focused(mask, frame)
        bits = np.asarray(mask > FAINT)
        return Picture(seen[0], seen[1], bits) if bits.any() else Picture(seen[0])

    def _through(self, picture: Pixels, frame: int, lens: Pixels) -> Pixels:
        if self.confounder == "occluder":
            picture = _laid(picture, self._occluder(frame))
        if self.confounder == "focus":
            picture = self._focused(picture, frame)
        ramp = 1.0
        if self.confounder == "exposure":
            ramp = 1 + 0.3 * float(np.sin(np.pi * (frame / self.frames - 0.3)))
        return pixels(picture * (lens * ramp))

    def _focused(self, picture: Pixels, frame: int) -> Pixels:
        """A focus pull: soft at first, sharp from two thirds on."""
        sigma = self.size[0] / 250 * max(0.0, 1 - 1.5 * frame / self.frames)
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32) if sigma > 0.3 else picture

    def _occluder(self, frame: int) -> Pixels:
        """Somebody's shoulder out of focus, passing before the camera."""
        width, height = self.size
        rng = np.random.default_rng([self.seed, 0x0CC])
        way, span = float(rng.choice([-1, 1])), float(rng.uniform(0.16, 0.26))
        tone = np.asarray(rng.uniform(18, 70, 3), np.float32)
        at = 0.5 + way * (frame / self.frames - 0.5) * 1.9
        x = (np.arange(width, dtype=np.float32) / width - at) / span
        bump = 0.25 + 0.1 * np.cos(3 * x)
        y = np.arange(height, dtype=np.float32)[:, None] / height
        alpha = pixels((1 - np.abs(x)) / 0.3, 0, 1) * pixels((y - bump) / 0.1, 0, 1)
        return np.dstack([alpha[..., None] * tone, alpha])


def _laid(below: Pixels, layer: Pixels) -> Pixels:
    """A premultiplied layer over a picture."""
    return np.asarray(below * (1 - layer[..., 3:]) + layer[..., :3], np.float32)
