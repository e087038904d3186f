"""Shots against panels and against each other, on photographs and real footage."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from tools.media.sheets import read_picture, write_picture
from tools.types import Bits, Box, Clip, Rgb
from tools.vision.compare import compare_shot_to_panels
from tools.vision.setups import Setups, ShotDigest, digest_shot

pytestmark = pytest.mark.long

SIZE = (640, 360)
SPOT = (190, 150)
SPLITS = [("caminandes.mp4", 240), ("bigbuckbunny.mp4", 132), ("carphone.mp4", 120)]


def _marked(picture: Rgb, where: tuple[int, int]) -> Rgb:
    out = cv2.ellipse(picture.copy(), where, (9, 7), 20, 0, 360, (30, 40, 90), -1)
    return np.asarray(cv2.circle(out, (where[0] - 2, where[1] - 2), 2, (220, 220, 230), -1), np.uint8)


def _shot(folder: Path, picture: Rgb, frames: int = 12, zoom: float = 1.5) -> Clip:
    """A drifting, noisy view of a picture."""
    rng = np.random.default_rng(frames)
    for index in range(frames):
        seen = cv2.warpAffine(picture, _camera(index, zoom), SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        noisy = np.clip(seen * 0.95 + rng.normal(0, 2, seen.shape), 0, 255).astype(np.uint8)
        write_picture(folder / f"{index:03d}.png", noisy)
    return Clip(media=folder, first=0, last=frames - 1)


def _camera(index: int, zoom: float) -> np.ndarray:
    return np.array([[zoom, 0, -10.0 - 2 * index], [0, zoom, -60.0 - index]])


def _truth(index: int, zoom: float = 1.5) -> Bits:
    disc = cv2.ellipse(np.zeros(data.chelsea().shape[:2], np.uint8), SPOT, (9, 7), 20, 0, 360, 255, -1)
    return np.asarray(cv2.warpAffine(disc, _camera(index, zoom), SIZE) > 127, np.bool_)


def _panels() -> tuple[dict[str, Rgb], dict[str, Bits]]:
    cat = data.chelsea()
    faulty = _marked(cat, SPOT)
    mask = np.any(faulty != cat, axis=2)
    return {"cat/wide": cat, "cat/face": cat[:250, 60:360], "cat/eyes": faulty}, {"cat/eyes": mask}


def test_a_stray_thing_is_found_followed_and_traced_to_the_faulty_panel(tmp_path: Path) -> None:
    panels, untrusted = _panels()
    (found,) = compare_shot_to_panels(_shot(tmp_path, _marked(data.chelsea(), SPOT)), panels, untrusted)
    assert (found.kind, found.reference, found.subject) == ("panel", "cat/eyes", "cat")
    for index in range(12):
        truth, mask = _truth(index), found.track.at(index)
        assert (cv2.dilate(mask.astype(np.uint8), np.ones((13, 13))) > 0)[truth].mean() > 0.95
        assert (Box.around(mask) or Box(0, 0, 0, 0)).iou(Box.around(truth) or Box(0, 0, 1, 1)) > 0.5


def test_a_clean_shot_is_silent_although_one_panel_is_faulty(tmp_path: Path) -> None:
    panels, untrusted = _panels()
    assert compare_shot_to_panels(_shot(tmp_path, data.chelsea()), panels, untrusted) == []


def test_panels_of_something_else_say_nothing(tmp_path: Path) -> None:
    panels = {"a/one": data.coffee(), "a/two": data.rocket()}
    assert compare_shot_to_panels(_shot(tmp_path, data.chelsea()), panels) == []


def test_drawn_storyboards_of_a_real_ai_film_say_nothing(shared_data: Path) -> None:
    folder = shared_data / "pizza-collab"
    boards = {f"cat/{p.stem}": read_picture(p) for p in folder.glob("*.jpg")}
    assert compare_shot_to_panels(Clip(media=folder / "seedance-action.mp4", first=0, last=120), boards) == []


def test_the_majority_tells_which_shot_of_a_setup_is_odd(tmp_path: Path) -> None:
    digests = {}
    for shot, picture in {"A": data.coffee(), "B": _marked(data.coffee(), (300, 80)), "C": data.coffee()}.items():
        (tmp_path / shot).mkdir()
        digests[shot] = digest_shot(_shot(tmp_path / shot, picture, frames=8 + ord(shot) % 3, zoom=1.1))
    ((shot, found),) = Setups(digests).differences()
    assert (shot, found.kind) == ("B", "setup")
    assert found.confidence >= 0.5
    undecided = Setups({key: digests[key] for key in "AB"}).differences()
    assert all(anomaly.confidence < 0.5 for _, anomaly in undecided)


def test_a_digest_survives_its_bytes(tmp_path: Path) -> None:
    digest = digest_shot(_shot(tmp_path, data.coffee(), frames=4))
    again = ShotDigest.from_bytes(digest.to_bytes())
    assert again.to_bytes() == digest.to_bytes()


@pytest.mark.parametrize(("name", "frames"), SPLITS)
def test_two_halves_of_natural_footage_do_not_contradict_each_other(shared_data: Path, name: str, frames: int) -> None:
    media = shared_data / "clips" / name
    halves = {
        "A": Clip(media=media, first=0, last=frames * 2 // 5),
        "B": Clip(media=media, first=frames * 3 // 5, last=frames - 1),
    }
    assert Setups({shot: digest_shot(clip) for shot, clip in halves.items()}).differences() == []
