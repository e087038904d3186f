"""Where footage that was sent to the sandbox lies in a labelled film, and what its clean take shows there.

Footage is recognised by small pictures of its frames, as a person would leaf through contact sheets: whatever a
provider's size, padding and rate made of it, it is the frame of the film that it resembles most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames
from tools.media.masks import read_mask
from tools.media.pixels import luma8, rgb8
from tools.media.probe import probe
from tools.sandbox.film import ErrorTruth, LabelledProject, read_project
from tools.types import Bits, Box, Clip, Gray, Rgb

SMALL = (48, 27)
LIKE = 0.012
"""Mean squared difference of small pictures (values 0 to 1) below which two show the same frame."""
STEP = 1e-5
"""What each frame away from the expected one costs: still shots have many frames that look alike."""

Small = NDArray[np.float32]


class Place(NamedTuple):
    """A stretch of a film: the shot, its frame for every frame that was sent, and where the picture lies in those."""

    shot: str
    indices: tuple[int, ...]
    box: Box


class Truth:
    """A labelled film's shots and clean takes."""

    def __init__(self, root: Path) -> None:
        self._project: LabelledProject = read_project(root)

    @cached_property
    def _smalls(self) -> dict[str, Small]:
        """Per shot, small pictures of all frames: (N, 27, 48) grey, 0 to 1."""
        return {
            shot: np.stack([_shrunk(luma8(frame)) for frame in frames(clip)])
            for shot, clip in self._project.shots.items()
        }

    @cached_property
    def _size(self) -> tuple[int, int]:
        clip = next(iter(self._project.shots.values()))
        height, width = next(pictures(clip.model_copy(update={"last": clip.first}))).shape[:2]
        return width, height

    def named(self, prompt: str) -> str | None:
        """The shot that a prompt names; None where it names none of the film's, or several."""
        found = {shot for shot in self._project.shots if re.search(rf"\b{re.escape(shot)}\b", prompt)}
        return found.pop() if len(found) == 1 else None

    def place(self, sent: Sequence[Rgb]) -> Place | None:
        """Where frames that were sent come from; None when they are not of this film."""
        found = [(cost, box, shot) for box in self._boxes(sent[0]) for shot, cost in self._shot_costs(sent, box)]
        if not found:
            return None
        cost, box, shot = min(found, key=lambda one: one[0])
        return Place(shot, self._indices(sent, box, shot), box) if cost < LIKE else None

    def clean(self, shot: str) -> list[Rgb]:
        """All frames of a shot's clean take; of a shot without one, the shot as it is."""
        return list(pictures(self._project.clean.get(shot, self._project.shots[shot])))

    def current(self, shot: str) -> list[Rgb]:
        """All frames of a shot as it came in."""
        return list(pictures(self._project.shots[shot]))

    def errors(self, shot: str) -> Sequence[ErrorTruth]:
        """What is wrong with a shot."""
        return self._project.errors(shot)

    def things(self, sent: Rgb) -> list[Bits]:
        """Where what is wrong lies in a frame of the film that was sent, one mask (H, W) of that picture per error."""
        place = self.place([sent])
        if place is None:
            return []
        clip, index = self._project.shots[place.shot], place.indices[0]
        found = [
            error for error in self.errors(place.shot) if error.mask and error.frames[0] <= index <= error.frames[1]
        ]
        return [self._laid(error, clip, index, place.box, sent) for error in found]

    def _laid(self, error: ErrorTruth, clip: Clip, index: int, box: Box, sent: Rgb) -> Bits:
        assert error.mask is not None
        mask = read_mask(error.mask, probe(clip.media), clip.frames)[index]
        laid = np.zeros(sent.shape[:2], np.bool_)
        laid[box.slices] = cv2.resize(mask.astype(np.uint8), (box.w, box.h), interpolation=cv2.INTER_NEAREST) > 0
        return laid

    def panel(self, ref: str) -> Rgb:
        """A panel as its sheet shows it."""
        return self._project.panels[ref].picture

    def clean_panels(self) -> Mapping[str, Rgb]:
        """Faulty panels as they should be."""
        return self._project.clean_panels

    def clean_panel(self, sent: Rgb) -> Rgb | None:
        """A picture that was sent, as it should be, where it shows a faulty panel whose clean picture is known."""
        found = [
            (float(np.square(_small(sent[box.slices]) - _small(panel.picture)).mean()), ref, box)
            for ref, panel in self._project.panels.items()
            for box in _boxes(sent, (panel.picture.shape[1], panel.picture.shape[0]))
        ]
        cost, ref, box = min(found, default=(1.0, "", Box(0, 0, 0, 0)))
        clean = self._project.clean_panels.get(ref)
        if cost >= LIKE or clean is None:
            return None
        done = sent.copy()
        done[box.slices] = cv2.resize(clean, (box.w, box.h), interpolation=cv2.INTER_AREA)
        return done

    def _boxes(self, frame: Rgb) -> list[Box]:
        return _boxes(frame, self._size)

    def _shot_costs(self, sent: Sequence[Rgb], box: Box) -> list[tuple[str, float]]:
        picks = [sent[round(share * (len(sent) - 1))] for share in (0, 0.5, 1)]
        looks = [_small(one[box.slices]) for one in picks]
        return [
            (shot, float(np.mean([_costs(look, smalls).min() for look in looks])))
            for shot, smalls in self._smalls.items()
        ]

    def _indices(self, sent: Sequence[Rgb], box: Box, shot: str) -> tuple[int, ...]:
        smalls, made, expected = self._smalls[shot], [], -1.0
        for frame in sent:
            costs = _costs(_small(frame[box.slices]), smalls)
            if expected >= 0:
                costs = costs + STEP * np.abs(np.arange(len(costs)) - expected)
            made.append(int(costs.argmin()))
            expected = made[-1] + (1.0 if len(made) < 2 or made[-1] >= made[-2] else -1.0)
        return tuple(made)


def _boxes(frame: Rgb, size: tuple[int, int]) -> list[Box]:
    """Where a picture may lie in a frame of another aspect: as a whole, in the middle, in the corner."""
    height, width = frame.shape[:2]
    scale = min(width / size[0], height / size[1])
    w, h = round(size[0] * scale), round(size[1] * scale)
    places = {Box(0, 0, width, height), Box((width - w) // 2, (height - h) // 2, w, h), Box(0, 0, w, h)}
    return sorted(places)


def pictures(clip: Clip) -> Iterator[Rgb]:
    """The frames of a clip as RGB, one after the other."""
    return (rgb8(frame) for frame in frames(clip))


def _small(picture: Rgb) -> Small:
    return _shrunk(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8))


def _shrunk(grey: Gray) -> Small:
    return np.asarray(cv2.resize(grey, SMALL, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)


def _costs(look: Small, smalls: Small) -> NDArray[np.float32]:
    """Mean squared differences of one small picture with many."""
    return np.asarray(np.square(smalls - look).mean(axis=(1, 2)), np.float32)
