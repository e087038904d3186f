"""Surroundings of a region: made pictures whose light, colour, texture, grain and motion are known; real footage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tools.media._layouts import layout_of
from tools.media.encode import write_video
from tools.media.probe import probe
from tools.types import Bits, Box, Clip, ColourTags, Frame, MaskTrack, MediaInfo
from tools.vision._surroundings_colour import colour_name, correlated_temperature, lab_of, locus_distance
from tools.vision.surroundings import Surroundings, measure_surroundings

pytestmark = pytest.mark.long

WIDTH, HEIGHT, COUNT = 320, 200, 6
Floats = NDArray[np.float64]
PLACE = Box(130, 80, 50, 36)


def film(path: Path, pictures: Sequence[Floats], depth: int = 8) -> Path:
    """Linear-light pictures (h, w, 3) as a lossless film of R'G'B' at 24 fps."""
    layout = layout_of("gbrp" if depth == 8 else "gbrp10le")
    assert layout is not None
    height, width = pictures[0].shape[:2]
    like = MediaInfo(
        path=path.with_suffix(".source"),
        kind="video",
        width=width,
        height=height,
        fps=Fraction(24),
        frames=len(pictures),
        container="matroska",
        codec="ffv1",
        pixel_format=layout.name,
        bit_depth=depth,
    )
    kind, top = (np.uint8, 255) if depth == 8 else (np.uint16, 1023)
    coded = [np.rint(encoded(picture) * top).astype(kind) for picture in pictures]
    planes = [tuple(np.ascontiguousarray(one[..., c]) for c in range(3)) for one in coded]
    write_video(path, (Frame(i, p, layout, ColourTags()) for i, p in enumerate(planes)), like, codec="ffv1")
    return path


def encoded(light: Floats) -> Floats:
    """sRGB's transfer."""
    v = np.clip(light, 0, 1)
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


def measured(path: Path, pictures: Sequence[Floats], place: Box = PLACE, depth: int = 8) -> Surroundings:
    """The surroundings of a rectangle that every frame carries, and that is filled with bright green."""
    height, width = pictures[0].shape[:2]
    mask = np.zeros((height, width), np.bool_)
    mask[place.slices] = True
    marked = [np.where(mask[..., None], [0.0, 1.0, 0.0], picture) for picture in pictures]
    track = MaskTrack.of(dict.fromkeys(range(len(pictures)), mask), width, height)
    return measure_surroundings(Clip(media=film(path, marked, depth), first=0, last=len(pictures) - 1), track)


def patches(
    seed: int, width: int = WIDTH, size: int = 20, spread: float = 0.3, grey: tuple[float, float] = (0.12, 0.7)
) -> Floats:
    """A wall of flat patches of every colour, greys among them."""
    rng = np.random.default_rng(seed)
    rows, columns = -(-HEIGHT // size), -(-width // size)
    levels = rng.uniform(*grey, (rows, columns, 1))
    colour = np.clip(levels * (1 + spread * rng.normal(0, 1, (rows, columns, 3))), 0.03, 0.9)
    wall = np.where(rng.random((rows, columns, 1)) < 0.4, levels, colour)
    return np.repeat(np.repeat(wall, size, 0), size, 1)[:HEIGHT, :width]


def falling(angle: float, stops: float) -> Floats:
    """(h, w, 1) light that comes from `angle` (degrees from the right, against the clock) and falls off by `stops`."""
    rows, columns = np.indices((HEIGHT, WIDTH))
    across, up = (columns - WIDTH / 2) / WIDTH, -(rows - HEIGHT / 2) / WIDTH
    towards = across * np.cos(np.radians(angle)) + up * np.sin(np.radians(angle))
    return np.asarray(0.6 * 2.0 ** (stops * towards))[..., None]


def planckian(kelvin: float) -> Floats:
    """Linear sRGB (3,) of a black body, its largest part 1: Planck's law through Wyman, Sloan and Shirley's fit of the
    CIE 1931 observer (JCGT 2, 2013)."""
    nm = np.arange(380, 781, 5.0)
    power = nm**-5 / (np.exp(1.4388e7 / (nm * kelvin)) - 1)

    def bump(peak: float, low: float, high: float) -> Floats:
        return np.asarray(np.exp(-0.5 * ((nm - peak) * np.where(nm < peak, low, high)) ** 2))

    x = 1.056 * bump(599.8, 0.0264, 0.0323) + 0.362 * bump(442.0, 0.0624, 0.0374) - 0.065 * bump(501.1, 0.0490, 0.0382)
    y = 0.821 * bump(568.8, 0.0213, 0.0247) + 0.286 * bump(530.9, 0.0613, 0.0322)
    z = 1.217 * bump(437.0, 0.0845, 0.0278) + 0.681 * bump(459.0, 0.0385, 0.0725)
    xyz = np.array([(power * curve).sum() for curve in (x, y, z)])
    to_rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    rgb = to_rgb @ xyz
    return np.asarray(rgb / rgb.max())


def still_film(picture: Floats) -> list[Floats]:
    return [picture] * COUNT


@pytest.mark.parametrize(
    ("angle", "direction"), [(180, "left"), (0, "right"), (90, "above"), (135, "upper left"), (270, "below")]
)
@pytest.mark.parametrize("depth", [8, 10])
def test_light_falls_from_the_side_it_comes_from(tmp_path: Path, angle: float, direction: str, depth: int) -> None:
    wall = patches(3, size=8, spread=0.25, grey=(0.2, 0.6)) * falling(angle, 2.5)
    found = measured(tmp_path / "a.mkv", still_film(wall), depth=depth)
    assert found.light.direction == direction
    assert found.light.angle is not None
    assert abs((found.light.angle - angle + 180) % 360 - 180) < 20


def test_a_dark_thing_beside_a_bright_one_is_no_light(tmp_path: Path) -> None:
    wall = np.full((HEIGHT, WIDTH, 3), 0.6)
    wall[:, : WIDTH // 2] = 0.08
    assert measured(tmp_path / "a.mkv", still_film(wall)).light.direction == "unknown"


def test_an_even_wall_is_lit_evenly_and_smooth(tmp_path: Path) -> None:
    found = measured(tmp_path / "a.mkv", still_film(np.full((HEIGHT, WIDTH, 3), [0.2, 0.2, 0.2])))
    assert (found.light.direction, found.texture and found.texture.word) == ("even", "smooth")
    assert [one.name for one in found.palette] == ["mid grey"]
    assert found.focus is None
    assert "focus" in found.unmeasured


def test_a_shadow_across_two_colours_is_hard_light(tmp_path: Path) -> None:
    wall = np.full((HEIGHT, WIDTH, 3), [0.7, 0.5, 0.35])
    wall[HEIGHT // 2 :] = [0.3, 0.45, 0.7]
    rows, columns = np.indices((HEIGHT, WIDTH))
    lit = np.where(columns > 0.4 * WIDTH + 0.2 * rows, 1.0, 0.22)[..., None]
    assert measured(tmp_path / "a.mkv", still_film(wall * lit)).light.hardness == "hard"
    assert measured(tmp_path / "b.mkv", still_film(wall)).light.hardness == "unknown"


@pytest.mark.parametrize(
    ("kelvin", "word"), [(3000, "tungsten"), (4300, "warm"), (6500, "daylight"), (8500, "cool"), (2000, "candle")]
)
def test_a_black_bodys_light_has_its_temperature(tmp_path: Path, kelvin: int, word: str) -> None:
    found = measured(tmp_path / "a.mkv", still_film(patches(5, spread=0.2) * planckian(kelvin))).temperature
    assert found.word == word
    assert found.kelvin is not None
    assert 1e6 / found.kelvin == pytest.approx(1e6 / kelvin, rel=0.15)


def test_a_brick_wall_in_a_balanced_frame_tells_no_temperature(tmp_path: Path) -> None:
    picture = np.full((HEIGHT, 3 * WIDTH, 3), 0.4)
    picture[:, :WIDTH] = [0.35, 0.12, 0.05]
    found = measured(tmp_path / "a.mkv", still_film(picture))
    assert found.temperature.kelvin is None
    assert "temperature" in found.unmeasured


def test_black_and_white_tells_no_temperature(tmp_path: Path) -> None:
    wall = falling(180, 2.0) * np.ones(3)
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[PLACE.slices] = True
    made = film(tmp_path / "a.mkv", still_film(wall))
    found = measure_surroundings(Clip(media=made, first=0, last=COUNT - 1), MaskTrack.of({2: mask}, WIDTH, HEIGHT))
    assert found.temperature.kelvin is None
    assert found.light.direction == "left"


def test_a_green_cast_is_a_tint(tmp_path: Path) -> None:
    found = measured(tmp_path / "a.mkv", still_film(patches(5, spread=0.1) * [0.88, 1.0, 0.85]))
    assert found.temperature.tint == "green"


def test_the_formulas_agree_with_the_standard_illuminants() -> None:
    assert correlated_temperature(0.31272, 0.32903) == pytest.approx(6504, abs=10)
    assert correlated_temperature(0.44758, 0.40745) == pytest.approx(2856, abs=5)
    assert float(locus_distance(0.44758, 0.40745)) == pytest.approx(0, abs=2e-4)
    assert float(locus_distance(0.31272, 0.32903)) == pytest.approx(0.0032, abs=2e-4)


def test_the_palette_is_the_rings_and_not_the_regions(tmp_path: Path) -> None:
    wall = np.full((HEIGHT, WIDTH, 3), [0.5, 0.02, 0.02])
    wall[:, WIDTH // 2 :] = [0.02, 0.05, 0.4]
    wall[: HEIGHT // 2, WIDTH // 2 :] = [0.5, 0.5, 0.5]
    found = measured(tmp_path / "a.mkv", still_film(wall)).palette
    names = {one.name for one in found}
    assert names == {"deep red", "deep blue", "light grey"}
    assert sum(one.share for one in found) > 0.9
    assert found[0].name == "deep red"


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((20, 20, 22), "black"),
        ((250, 250, 250), "white"),
        ((128, 128, 128), "mid grey"),
        ((255, 0, 0), "vivid red"),
        ((255, 165, 0), "vivid orange"),
        ((101, 67, 33), "brown"),
        ((255, 255, 0), "vivid yellow"),
        ((0, 100, 0), "deep green"),
        ((40, 70, 45), "dark green"),
        ((0, 0, 255), "vivid blue"),
        ((25, 25, 90), "navy blue"),
        ((135, 206, 235), "pale blue"),
        ((30, 144, 255), "blue"),
        ((255, 192, 203), "pale pink"),
        ((210, 180, 140), "tan"),
        ((255, 0, 255), "vivid magenta"),
        ((90, 95, 105), "cool mid grey"),
    ],
)
def test_colours_have_plain_names(rgb: tuple[int, int, int], name: str) -> None:
    lab = lab_of(np.array([rgb], np.uint8))[0]
    assert colour_name((float(lab[0]), float(lab[1]), float(lab[2]))) == name


@pytest.mark.parametrize(("sigma", "word"), [(0.0, "none"), (2.0, "fine"), (6.0, "strong")])
def test_grain_is_what_changes_and_texture_is_what_stays(tmp_path: Path, sigma: float, word: str) -> None:
    weave = np.random.default_rng(1).normal(0, 9 / 255, (HEIGHT, WIDTH, 1))

    def shot(path: Path, under: float | Floats) -> Surroundings:
        coded = [
            np.clip(
                0.5 + under + 0.01 * (i % 2) + np.random.default_rng(i).normal(0, sigma / 255, (HEIGHT, WIDTH, 1)), 0, 1
            )
            for i in range(COUNT)
        ]
        light = [np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4) for v in coded]
        return measured(path, [np.repeat(one, 3, axis=2) for one in light])

    for name, under in (("plain", 0.0), ("woven", weave)):
        found = shot(tmp_path / f"{name}.mkv", under).grain
        assert found is not None
        assert found.word == word
        assert found.sigma == pytest.approx(sigma, rel=0.25, abs=0.5)


@pytest.mark.parametrize(("size", "word"), [((0, 0), "smooth"), ((1, 1), "fine"), ((2, 2), "coarse")])
def test_texture_has_a_grade(tmp_path: Path, size: tuple[int, int], word: str) -> None:
    found = measured(tmp_path / "a.mkv", still_film(textured(size))).texture
    assert found is not None
    assert found.word == word
    assert found.runs == "no way"


@pytest.mark.parametrize(("size", "runs"), [((1, 9), "up and down"), ((9, 1), "across")])
def test_texture_runs_one_way(tmp_path: Path, size: tuple[int, int], runs: str) -> None:
    found = measured(tmp_path / "a.mkv", still_film(textured(size))).texture
    assert found is not None
    assert found.runs == runs


def textured(size: tuple[int, int]) -> Floats:
    """Noise smeared by sigmas across and down; plain for (0, 0)."""
    if size == (0, 0):
        return np.full((HEIGHT, WIDTH, 3), 0.3)
    noise = cv2.GaussianBlur(np.random.default_rng(2).normal(0, 1, (HEIGHT, WIDTH)), (0, 0), size[0], sigmaY=size[1])
    return np.repeat(np.clip(0.3 + 0.07 * noise / noise.std(), 0, 1)[..., None], 3, axis=2)


def test_a_blurred_place_is_out_of_focus(tmp_path: Path) -> None:
    sharp = patches(7, size=7)
    soft = cv2.GaussianBlur(sharp, (0, 0), 4.0)
    around = np.zeros((HEIGHT, WIDTH, 1), np.bool_)
    around[PLACE.grown(45, WIDTH, HEIGHT).slices] = True
    found = measured(tmp_path / "a.mkv", still_film(np.where(around, soft, sharp))).focus
    assert found is not None
    assert found.word == "out of focus"


def test_a_pan_carries_the_place(tmp_path: Path) -> None:
    wall = np.asarray(cv2.GaussianBlur(patches(8, width=WIDTH + 40, size=9), (0, 0), 0.8), np.float64)
    panned = [wall[:, i : i + WIDTH] for i in range(COUNT)]
    found = measured(tmp_path / "a.mkv", panned).motion
    assert found is not None
    assert (found.speed, found.towards, found.with_camera) == ("slow", "left", True)
    held = measured(tmp_path / "b.mkv", still_film(wall[:, :WIDTH])).motion
    assert held is not None
    assert (held.speed, held.towards) == ("static", "")


@pytest.mark.parametrize(
    "place", [Box(0, 0, 8, 8), Box(WIDTH - 5, 90, 5, 40), Box(160, 100, 3, 3)], ids=["corner", "edge", "tiny"]
)
def test_small_places_and_places_at_the_edge_are_measured(tmp_path: Path, place: Box) -> None:
    found = measured(tmp_path / "a.mkv", still_film(patches(3)), place)
    assert found.level is not None
    assert found.palette
    assert found.grain is not None


def test_a_region_that_covers_everything_leaves_nothing_to_say(tmp_path: Path) -> None:
    found = measured(tmp_path / "a.mkv", still_film(patches(3)), Box(0, 0, WIDTH, HEIGHT))
    assert found.frames == 0
    assert found.unmeasured == (
        "light",
        "temperature",
        "level",
        "palette",
        "texture",
        "grain",
        "focus",
        "motion",
    )


def test_a_film_of_one_frame_has_no_motion(tmp_path: Path) -> None:
    found = measured(tmp_path / "a.mkv", [patches(3)])
    assert found.motion is None
    assert found.palette


def real(path: Path, box: Box) -> Surroundings:
    """The surroundings of a box in the first frames of a real clip."""
    info = probe(path)
    mask: Bits = np.zeros((info.height, info.width), np.bool_)
    mask[box.slices] = True
    last = min(info.frames, 24) - 1
    track = MaskTrack.of(dict.fromkeys(range(last + 1), mask), info.width, info.height)
    return measure_surroundings(Clip(media=path, first=0, last=last), track)


@pytest.mark.parametrize(
    ("name", "box", "holds"),
    [
        ("clips/toy-frog.mp4", Box(100, 330, 60, 60), lambda s: s.temperature.word in ("tungsten", "warm")),
        ("clips/toy-frog.mp4", Box(100, 330, 60, 60), lambda s: "brown" in s.palette[0].name),
        ("clips/blocks.mp4", Box(820, 600, 160, 100), lambda s: s.temperature.word == "daylight"),
        ("clips/blocks.mp4", Box(820, 600, 160, 100), lambda s: s.motion.speed == "static"),
        ("bmx-trees/frames", Box(40, 160, 40, 40), lambda s: s.motion.with_camera and s.motion.towards == "left"),
        ("vace/boxing-cats.mp4", Box(240, 430, 80, 130), lambda s: s.level.word in ("dark", "dim")),
    ],
)
def test_words_for_real_footage_are_sane(shared_data: Path, name: str, box: Box, holds: Callable[[Any], bool]) -> None:
    assert holds(real(shared_data / name, box))
