"""Charts of the benchmark: lines with their intervals over one axis, drawn with nothing but Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

SIZE = (960, 540)
LEFT, RIGHT, TOP, BOTTOM = 84, 250, 64, 72
INK, FAINT, PAPER = (32, 32, 36), (218, 218, 222), (255, 255, 255)
COLOURS = ((20, 92, 160), (200, 84, 24), (40, 130, 70), (130, 60, 150), (120, 120, 30), (60, 60, 60))


class Line(NamedTuple):
    """One line of a chart; `band` is its interval at each point, where it has one."""

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float]] = ()


class Axis(NamedTuple):
    """An axis: its words, its ends, and its ticks."""

    words: str
    low: float
    high: float
    ticks: Sequence[float]

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


class Axes(NamedTuple):
    """Both axes of a chart."""

    x: Axis
    y: Axis


def chart(title: str, lines: Sequence[Line], axes: Axes, marks: Mapping[str, float]) -> Image.Image:
    """A chart as a picture; `marks` are level lines by name."""
    picture = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(picture, "RGBA")
    _frame(draw, title, axes)
    for name, level in marks.items():
        _level(draw, name, level, axes)
    for number, line in enumerate(lines):
        _line(draw, line, number, axes)
    return picture


def _at(axes: Axes, point: tuple[float, float]) -> tuple[float, float]:
    wide, high = SIZE[0] - LEFT - RIGHT, SIZE[1] - TOP - BOTTOM
    return LEFT + wide * axes.x.place(point[0]), TOP + high * (1 - axes.y.place(point[1]))


def _frame(draw: ImageDraw.ImageDraw, title: str, axes: Axes) -> None:
    x, y = axes
    draw.text((LEFT, 20), title, fill=INK, font=_font(20))
    for tick in (tick for tick in y.ticks if y.low <= tick <= y.high):
        at = _at(axes, (x.low, tick))
        draw.line([at, _at(axes, (x.high, tick))], fill=FAINT, width=1)
        draw.text((at[0] - 10, at[1]), f"{tick:g}", fill=INK, font=_font(15), anchor="rm")
    for tick in x.ticks:
        at = _at(axes, (tick, y.low))
        draw.line([at, (at[0], at[1] + 5)], fill=INK, width=1)
        draw.text((at[0], at[1] + 10), f"{tick:g}", fill=INK, font=_font(15), anchor="mt")
    draw.line([_at(axes, (x.low, y.low)), _at(axes, (x.high, y.low))], fill=INK, width=1)
    draw.text(_at(axes, ((x.low + x.high) / 2, y.low)), f"\n\n{x.words}", fill=INK, font=_font(16), anchor="ma")
    draw.text((LEFT, TOP - 6), y.words, fill=INK, font=_font(16), anchor="ls")


def _level(draw: ImageDraw.ImageDraw, name: str, level: float, axes: Axes) -> None:
    at = _at(axes, (axes.x.high, level))
    draw.line([_at(axes, (axes.x.low, level)), at], fill=(150, 150, 156), width=2)
    draw.text((at[0] + 12, at[1]), name, fill=(110, 110, 116), font=_font(15), anchor="lm")


def _line(draw: ImageDraw.ImageDraw, line: Line, number: int, axes: Axes) -> None:
    colour = COLOURS[number % len(COLOURS)]
    if line.band:
        upper = [_at(axes, (at, high)) for (at, _), (_, high) in zip(line.points, line.band, strict=True)]
        lower = [_at(axes, (at, low)) for (at, _), (low, _) in zip(line.points, line.band, strict=True)]
        draw.polygon([*upper, *reversed(lower)], fill=(*colour, 40))
    draw.line([_at(axes, point) for point in line.points], fill=colour, width=3, joint="curve")
    for point in line.points:
        centre = _at(axes, point)
        draw.ellipse([centre[0] - 3, centre[1] - 3, centre[0] + 3, centre[1] + 3], fill=colour)
    key = (SIZE[0] - RIGHT + 16, SIZE[1] - BOTTOM - 24 * (number + 1))
    draw.line([key, (key[0] + 26, key[1])], fill=colour, width=3)
    draw.text((key[0] + 34, key[1]), line.name, fill=INK, font=_font(15), anchor="lm")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
