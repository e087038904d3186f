"""What a scan costs beside decoding alone: a 1080p film of 60 s, a cut every 4 s, two characters with sheets."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from evals.bench._rows import Measured, row

SECONDS, SHOT_SECONDS, RATE = 60, 4, 24
SMALL, LARGE = (640, 360), (1920, 1080)
BIT_RATE = 8_000_000
SEED = 5
"""Of a rendered film with two characters."""
RUNS = 3


def measure(folder: Path, tell: Callable[[str], None]) -> Measured:
    """Wall time over that of decoding with PyAV (automatic threads, no conversion), in one run on one machine."""
    tell(f"rendering {SECONDS} s")
    film = _film(folder)
    tell(f"{RUNS} runs of decoding, and of cuts with the temporal and technical pass")
    decoding, light = [], []
    for _ in range(RUNS):
        decoding.append(_timed(lambda: _decoded(film)))
        light.append(_timed(lambda: _cuts_and_time(film)))
    tell("one whole scan")
    decoding_again = _timed(lambda: _decoded(film))
    whole = _timed(lambda: _scanned(film.parent))
    scale = 1000 / (SECONDS * RATE)
    return Measured(
        rows=(
            row("cuts, technical and temporal pass", "ms/frame", light, decoding, scale),
            row("whole scan", "ms/frame", [whole], [decoding_again], scale),
        )
    )


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _decoded(film: Path) -> None:
    with av.open(str(film)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for _ in container.decode(video=0):
            pass


def _cuts_and_time(film: Path) -> None:
    from tools.media.cuts import find_cuts  # noqa: PLC0415 - the eyes load when the bench runs
    from tools.types import Clip  # noqa: PLC0415
    from tools.vision.temporal import inspect_time  # noqa: PLC0415

    film.touch()  # so that nothing remembered about the file from the run before is used
    for shot in find_cuts(film).shots:
        inspect_time(Clip(media=film, first=shot.first, last=shot.last))


def _scanned(project: Path) -> None:
    from agent import runs  # noqa: PLC0415
    from agent.deps import RunOptions  # noqa: PLC0415

    (project / "film.mp4").touch()
    runs.start(project, RunOptions(goal="scan", inspector="pixels", offline=True))


def _film(folder: Path) -> Path:
    """The film as a project of its own: the studio's, enlarged, with grain of the larger size."""
    from evals.studio.cast import render_film  # noqa: PLC0415

    small = render_film(
        folder / "small",
        seed=SEED,
        split="tune",
        kind="rendered",
        shots=SECONDS // SHOT_SECONDS,
        frames=SHOT_SECONDS * RATE,
        size=SMALL,
    )
    project = folder / "film"
    project.mkdir()
    shutil.copytree(small / "sheets", project / "sheets")
    text = (small / "film.toml").read_text(encoding="utf-8")
    (project / "film.toml").write_text(text.replace('timeline = "cut.otio"', 'media = "film.mp4"'), encoding="utf-8")
    _enlarged(small / "film.mp4", project / "film.mp4")
    shutil.rmtree(small)
    return project / "film.mp4"


def _enlarged(source: Path, target: Path) -> None:
    noise = np.random.default_rng(SEED).normal(0, 2, (LARGE[1], LARGE[0], 1)).astype(np.float32)
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream("libx264", rate=Fraction(RATE), options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = *LARGE, "yuv420p", BIT_RATE
        for index, frame in enumerate(read.decode(video=0)):
            larger = cv2.resize(frame.to_ndarray(format="rgb24"), LARGE, interpolation=cv2.INTER_CUBIC)
            grainy = np.clip(larger + np.roll(noise, 7919 * index), 0, 255).astype(np.uint8)
            written.mux(stream.encode(av.VideoFrame.from_ndarray(grainy, format="rgb24")))
        written.mux(stream.encode(None))
