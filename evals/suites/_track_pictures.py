"""A strip of frames of a followed region: truth and track drawn in, the marked frame and losses named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tools.media.decode import rgb_frames
from tools.types import Bits, Clip, MaskTrack, Rgb
from tools.vision.track import Track

SHOWN, WIDE, COLUMNS = 8, 320, 4
TRUTH, FOUND, LOST = (40, 200, 90), (235, 70, 60), (250, 200, 40)
"""Green is the truth, red the track, yellow the guess in a frame that is declared lost."""


def write_strip(path: Path, clip: Clip, truth: MaskTrack, track: Track, given: int) -> str:
    """Writes a JPEG of `SHOWN` frames and returns its place below the run's folder."""
    indices = sorted({given, *np.linspace(0, clip.frames - 1, SHOWN - 1).round().astype(int).tolist()})
    drawn = [_drawn(frame, index, truth, track, given) for index, frame in _frames(clip, indices)]
    blank = [np.zeros_like(drawn[0])] * (-len(drawn) % COLUMNS)
    cells = drawn + blank
    rows = [np.concatenate(cells[at : at + COLUMNS], axis=1) for at in range(0, len(cells), COLUMNS)]
    sheet = cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return f"work/{path.parent.name}/{path.name}"


def _frames(clip: Clip, indices: list[int]) -> list[tuple[int, Rgb]]:
    return [(index, np.array(frame)) for index, frame in rgb_frames(clip, longest=WIDE * 2, indices=indices)]


def _drawn(frame: Rgb, index: int, truth: MaskTrack, track: Track, given: int) -> Rgb:
    lost = index in track.lost
    for mask, colour in (
        (truth.at(index), TRUTH),
        (track.guesses.at(index) if lost else track.masks.at(index), LOST if lost else FOUND),
    ):
        _outlined(frame, mask, colour)
    words = f"{index}{' given' if index == given else ' lost' if lost else ''} {track.confidence[index]:.2f}"
    cv2.putText(frame, words, (8, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    return np.asarray(cv2.resize(frame, (WIDE, round(frame.shape[0] * WIDE / frame.shape[1]))), np.uint8)


def _outlined(frame: Rgb, mask: Bits, colour: tuple[int, int, int]) -> None:
    small = cv2.resize(mask.astype(np.uint8), frame.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    lines, _ = cv2.findContours(small, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(frame, lines, -1, colour, 2)
