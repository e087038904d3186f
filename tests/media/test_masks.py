"""Masks in every form a person gives them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media.made import make_film
from tools.errors import BadInput
from tools.media.masks import read_mask, write_mask
from tools.media.probe import probe
from tools.types import Bits, MaskTrack, MediaInfo


def _moving(index: int) -> Bits:
    mask = np.zeros((64, 96), dtype=np.bool_)
    mask[10:30, 5 + index : 25 + index] = True
    return mask


@pytest.fixture
def film(tmp_path: Path) -> MediaInfo:
    return probe(make_film(tmp_path / "film.mp4"))


def test_a_track_comes_back(tmp_path: Path, film: MediaInfo) -> None:
    track = MaskTrack.of({n: _moving(n) for n in range(2, 9)}, 96, 64)
    write_mask(tmp_path / "mask.mkv", track, 12, Fraction(24))
    masks = read_mask(tmp_path / "mask.mkv", film, 12)
    for index in (0, 3, 4, 11, 2):
        assert np.array_equal(masks[index], track.at(index))
    assert probe(tmp_path / "mask.mkv").codec == "ffv1"


def test_a_still_serves_every_frame(tmp_path: Path, film: MediaInfo) -> None:
    cv2.imwrite(str(tmp_path / "mask.png"), _moving(0).astype(np.uint8))
    masks = read_mask(tmp_path / "mask.png", film, 12)
    assert len(masks) == 12
    assert all(np.array_equal(mask, _moving(0)) for mask in masks)


def test_a_folder_of_pictures(tmp_path: Path, film: MediaInfo) -> None:
    (tmp_path / "masks").mkdir()
    for index in range(12):
        cv2.imwrite(str(tmp_path / "masks" / f"{index}.png"), np.dstack([_moving(index).astype(np.uint8) * 9] * 3))
    masks = read_mask(tmp_path / "masks", film, 12)
    assert all(np.array_equal(mask, _moving(index)) for index, mask in enumerate(masks))


def test_lossy_masks_count_above_half(tmp_path: Path, film: MediaInfo) -> None:
    soft = _moving(0).astype(np.uint8) * 255
    soft[40:50, 40:60] = 90
    cv2.imwrite(str(tmp_path / "mask.jpg"), soft, [cv2.IMWRITE_JPEG_QUALITY, 60])
    (tmp_path / "mask.jpg").rename(tmp_path / "mask.png")
    wrong = read_mask(tmp_path / "mask.png", film, 12)[5] ^ _moving(0)
    assert wrong.mean() < 0.01


def test_real_square_mask(shared_data: Path) -> None:
    bmx = shared_data / "bmx-trees"
    mask = read_mask(bmx / "mask_square.png", probe(bmx / "frames"), 80)[79]
    assert mask.shape == (240, 432)
    assert 0 < mask.mean() < 0.2


def test_wrong_size_and_length(tmp_path: Path, film: MediaInfo) -> None:
    cv2.imwrite(str(tmp_path / "small.png"), np.ones((30, 40), dtype=np.uint8))
    with pytest.raises(BadInput, match=r"40x30 .* 96x64"):
        read_mask(tmp_path / "small.png", film, 12)
    write_mask(tmp_path / "short.mkv", MaskTrack(96, 64), 7, Fraction(24))
    with pytest.raises(BadInput, match="7 masks for 12 frames"):
        read_mask(tmp_path / "short.mkv", film, 12)
