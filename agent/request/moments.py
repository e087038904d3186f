"""Times in words as film frames."""

from __future__ import annotations

import re

SLACK = 1e-6
"""Frames by which a product of seconds and a rate may fall short of the frame that it means."""


def frame_at(seconds: float, fps: float) -> int:
    """The frame that shows at a time after the film's start."""
    return int(seconds * fps + SLACK)


def seconds_of(words: str, fps: float) -> float:
    """Seconds of "1:02.5", "0:01:12", "01:00:10:12" (the last part frames), "12 s", "1 min 5 seconds"."""
    if ":" in words:
        return _clock([float(part.replace(",", ".")) for part in words.split(":")], fps)
    minutes = re.search(r"(\d+) m(?:in)?", words)
    seconds = re.search(r"(\d+(?:[.,]\d+)?) s", words)
    return 60.0 * int(minutes[1] if minutes else 0) + float((seconds[1] if seconds else "0").replace(",", "."))


def _clock(parts: list[float], fps: float) -> float:
    *parts, frames = (*parts, 0.0) if len(parts) < 4 else parts
    total = 0.0
    for part in parts:
        total = 60 * total + part
    return total + frames / fps
