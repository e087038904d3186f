"""Which shots may be of one set-up: a cheap look at few features, so that the costly comparison stays rare.

A film of n shots has n² pairs. A pair costs under a millisecond here, and each shot is handed on with its few best
relatives only: neither time nor memory of the comparison proper grows with the film's square.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import cv2
import numpy as np

from tools.types import Rgb
from tools.vision._compare_setups import ShotDigest
from tools.vision.align import Features, features, match

KIN = 3
"""Relatives per shot that are compared place by place: enough for a majority."""
FAMILY = 6
"""Relatives per shot that are handed on; more only cost time."""
FEATURES = 200
LONGEST = 320
LEAST_MATCHES = 8
"""Of 200 strongest features: on the sample film (seed 7) unrelated shots match at most 5, kindred ones 15 or more."""


def related(digests: Mapping[str, ShotDigest]) -> dict[str, tuple[str, ...]]:
    """For each shot the shots that look like its set-up, most alike first; empty for most."""
    looks = {shot: _look(digests[shot]) for shot in digests}
    scores: dict[str, list[tuple[int, str]]] = {shot: [] for shot in looks}
    for one, other in combinations(looks, 2):
        alike = max(len(match(_whole(a), _whole(b))[0]) for a in looks[one] for b in looks[other])
        if alike >= LEAST_MATCHES:
            scores[one].append((-alike, other))
            scores[other].append((-alike, one))
    return {shot: tuple(other for _, other in sorted(found)[:FAMILY]) for shot, found in scores.items()}


def _look(digest: ShotDigest) -> tuple[Features, ...]:
    """Few features of the first and the middle key frame, descriptors at half precision."""
    keys = dict.fromkeys((0, len(digest.keys) // 2))
    return tuple(_few(digest.keys[key]) for key in keys)


def kin_features(rgb: Rgb) -> Features:
    """Few features of one picture (H, W, 3), descriptors at single precision."""
    scale = min(1.0, LONGEST / max(rgb.shape[:2]))
    size = (max(16, round(rgb.shape[1] * scale)), max(16, round(rgb.shape[0] * scale)))
    gray = cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return features(np.asarray(gray, np.uint8), limit=FEATURES)


def _few(rgb: Rgb) -> Features:
    found = kin_features(rgb)
    return Features(found.points, found.descriptors.astype(np.float16))


def _whole(look: Features) -> Features:
    return Features(look.points, look.descriptors.astype(np.float32))
