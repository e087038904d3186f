"""The gate that every editor's take comes through, and `suture inpaint` as one call.

A take is fitted to the source's size, rate and length and composited in the source's own planes, so that outside the
mask's support every frame is the source's own, bit for bit, before it is encoded.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.base import Editor
from tools.editors.local.plate import Plate, make_take
from tools.editors.registry import House, build
from tools.editors.support import Support
from tools.errors import BadInput, Broken
from tools.media import pixels
from tools.media._codecs import Codec
from tools.media.decode import frames
from tools.media.encode import open_writer, refuse_place
from tools.media.probe import probe
from tools.types import Clip, Edit, Frame, Frozen, MediaInfo, Take
from tools.types import Reference as ReferencePicture

POLL_SECONDS = 2.0
SAME = 100.0
"""PSNR in dB that stands for identical pictures."""


class Gated(Frozen):
    """What came out of the gate. Differences are in code values of the source's depth, PSNR in dB (100: identical)."""

    media: Path
    frames: int
    outside_before_encode: int
    luma_psnr_outside: float


def composite(edit: Edit, take: Take, out: Path, *, codec: Codec = "auto") -> Gated:
    """Fits and composites a take of `edit` over its clip and writes `out`, with the source's audio where it has any.

    Audio is carried when the clip is the whole file. Raises Broken when the take cannot be fitted.
    """
    if edit.mask is None:
        raise BadInput(f"{edit.key}: the gate composites under a mask, and this edit has none")
    info = probe(edit.clip.media)
    support = Support(edit.mask, info, edit.clip.frames, hard_edge=edit.hard_edge)
    return gate(edit.clip, take.media, support, out, codec=codec)


def gate(source: Clip, take: Path, support: Support, out: Path, *, codec: Codec = "auto") -> Gated:
    """`composite` for a support that is already read."""
    info = probe(source.media)
    audio = source.media if info.has_audio and source.frames == info.frames else None
    worst = 0
    like = info.model_copy(update={"frames": source.frames})
    with open_writer(out, like, codec=codec, audio_from=audio) as writer:
        fitted = _fitted(take, info, source.frames)
        for frame, alpha, edited in zip(frames(source, info=info), support.alphas(), fitted, strict=True):
            made = _blended(frame, edited, alpha)
            worst = max(worst, _difference_outside(frame, made, alpha > 0))
            writer.write(made)
    psnr = luma_psnr_outside(source, out, support)
    return Gated(media=out, frames=source.frames, outside_before_encode=worst, luma_psnr_outside=psnr)


def _fitted(take: Path, info: MediaInfo, count: int) -> Iterator[Frame]:
    """The take's frames at the source's rate, nearest in time, exactly `count` of them."""
    made = probe(take)
    if made.frames == count and (made.fps == info.fps or made.kind == "frames" or info.variable_rate):
        return frames(take, info=made)
    ratio = made.fps / info.fps
    if abs(Fraction(made.frames) / ratio - count) > 2:
        raise Broken(f"{take.name}: {made.frames} frames at {made.fps} do not cover {count} frames at {info.fps}")
    return _resampled(take, made, ratio, count)


def _resampled(take: Path, made: MediaInfo, ratio: Fraction, count: int) -> Iterator[Frame]:
    stream = enumerate(frames(take, info=made))
    at, frame = next(stream)
    for index in range(count):
        wanted = min(round(index * ratio), made.frames - 1)
        while at < wanted:
            at, frame = next(stream)
        yield frame


def _blended(source: Frame, edited: Frame, alpha: NDArray[np.float32]) -> Frame:
    """Edited over source by alpha, in the source's planes; where alpha is 0 nothing of the edit arrives."""
    fitted = _alike(edited, source)
    if ((alpha == 0) | (alpha == 1)).all():
        return pixels.composite(source, fitted, alpha > 0)
    weight = alpha[..., None]
    mixed = pixels.to_444(source) * (1 - weight) + pixels.to_444(fitted) * weight
    top = (1 << source.layout.depth) - 1
    whole = np.clip(np.rint(mixed), 0, top)
    codes = whole.astype(np.uint8) if source.layout.depth <= 8 else whole.astype(np.uint16)
    return pixels.composite(source, pixels.from_444(codes, source), alpha > 0)


def _alike(edited: Frame, source: Frame) -> Frame:
    """The edited frame at the source's size and layout."""
    if (edited.height, edited.width) == (source.height, source.width) and edited.layout == source.layout:
        return edited
    picture = pixels.rgb8(edited)
    if picture.shape[:2] != (source.height, source.width):
        picture = np.asarray(
            cv2.resize(picture, (source.width, source.height), interpolation=cv2.INTER_CUBIC), np.uint8
        )
    return pixels.from_444(pixels.rgb8_to_444(picture, source), source)


def _difference_outside(source: Frame, made: Frame, inside: NDArray[np.bool_]) -> int:
    supports = pixels.support_planes(inside, source.layout)
    return max(
        int(np.abs(a.astype(np.int32) - b.astype(np.int32))[~s].max(initial=0))
        for a, b, s in zip(source.planes, made.planes, supports, strict=True)
    )


def luma_psnr_outside(source: Clip, out: Path, support: Support) -> float:
    """PSNR in dB of luma outside the support over all frames, at the source's depth; 100 when nothing differs."""
    info = probe(source.media)
    squares, count = 0.0, 0
    for a, b, inside in zip(frames(source, info=info), frames(out), support.masks(), strict=True):
        outside = ~inside
        gap = (a.planes[0].astype(np.float64) - b.planes[0])[outside]
        squares += float(gap @ gap)
        count += gap.size
    top = (1 << info.bit_depth) - 1
    return SAME if squares == 0 else min(SAME, float(10 * np.log10(top**2 * count / squares)))


def inpaint_media(
    media: Path,
    mask: Path,
    out: Path,
    *,
    tool: str = "plate",
    prompt: str = "",
    references: Sequence[Path] = (),
    grain: bool = True,
    hard_edge: bool = True,
    method: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, object]:
    """One region edit without the agent: `media` filled under `mask`, written to `out`, a film or a folder as it is.

    A mask given by a person is the exact limit. `progress` is told (frames done, frames). Raises BadInput when a file
    or the tool's name is wrong; nothing is written then.
    """
    info = probe(Path(media))
    refuse_place(Path(out), info.path, folder=info.kind == "frames")
    clip = Clip(media=info.path, first=0, last=info.frames - 1)
    pictures = tuple(ReferencePicture(path=path, kind="person", what=path.name) for path in references)
    edit = Edit(
        key=f"inpaint/{info.path.name}/{Path(out).name}",
        action="inpaint",
        clip=clip,
        mask=Path(mask),
        method=method,
        prompt=prompt,
        references=pictures,
        grain=grain,
        hard_edge=hard_edge,
    )
    with TemporaryDirectory(dir=Path(out).parent, prefix=".inpaint.") as folder:
        take = _taken(tool, edit, Path(folder), progress)
        done = composite(edit, take, Path(out))
    return {**done.model_dump(mode="json"), "tool": tool, "how": take.how}


def _taken(tool: str, edit: Edit, folder: Path, progress: Callable[[int, int], None] | None) -> Take:
    """The take of one tool, waited for in this process."""
    editor = build(tool, House(folder, dict(os.environ)))
    if isinstance(editor, Plate):
        told = None if progress is None else partial(_tell, progress, edit.clip.frames)
        editor.quote(edit)
        return make_take(edit, folder, told)
    return asyncio.run(_carried(editor, edit, folder))


def _tell(progress: Callable[[int, int], None], total: int, done: int) -> None:
    progress(done, total)


async def _carried(editor: Editor, edit: Edit, folder: Path) -> Take:
    job = await editor.submit(edit)
    while (standing := await editor.poll(job)).state == "running":
        await asyncio.sleep(POLL_SECONDS)
    if standing.state == "failed":
        raise Broken(f"{editor.name} could not do the job: {standing.why}")
    return await editor.fetch(job, folder)
