"""The gate that every editor's take comes through, and `suture inpaint` as one call.

A take is fitted to the source's size, rate and length. A region edit is composited in the source's own planes, so that
outside the mask's support every frame is the source's own, bit for bit, before it is encoded; so is every frame outside
the window of a retake. A shot made again is brought to the look of its scene.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors._gate_frames import SAME, OutsideLuma, ReadOnce, alike, fitted, in_place, painted, sized
from tools.editors._joins import Joins, measure_joins
from tools.editors.base import Editor
from tools.editors.local.jobs import LocalEditor, Work
from tools.editors.registry import House, build
from tools.editors.support import Support
from tools.errors import BadInput, Broken
from tools.media import pixels
from tools.media._codecs import Codec
from tools.media.decode import frames, rgb_frames
from tools.media.encode import FolderWriter, Watch, Writer, open_writer, refuse_place, write_video
from tools.media.probe import probe
from tools.media.sheets import read_picture
from tools.types import Bits, Box, Clip, Edit, Frame, Frozen, MediaInfo, Rgb, Take
from tools.types import Reference as ReferencePicture
from tools.vision.look import Grade, evenly, grade, look_of

POLL_SECONDS = 2.0
LOOKS, LOOK_SIDE = 7, 160
"""Frames, and their longer side in pixels, that tell how a take or a scene looks."""


IDENTICAL = SAME
"""PSNR outside the mask, in dB, that says nothing differs."""


class Gated(Frozen):
    """What came out of the gate. Differences are in code values of the source's depth, PSNR in dB (100: identical)."""

    media: Path
    frames: int
    outside_before_encode: int
    luma_psnr_outside: float


def composite(edit: Edit, take: Take, out: Path, *, codec: Codec = "auto") -> Gated:
    """Brings a take of `edit` into its clip and writes `out`, with the source's audio where it has any.

    A region edit is composited under its mask; of a retake only the window's frames are the take's, joined to the kept
    ones; a shot made again is the take in the scene's look. What sound a take has is dropped. Audio is carried when the
    clip is the whole file. Raises Broken when the take cannot be fitted.
    """
    if edit.action == "retake":
        return _retaken(edit, take.media, out, codec)
    if edit.action == "regenerate":
        return _remade(edit, take.media, out, codec)
    if edit.mask is None:
        raise BadInput(f"{edit.key}: the gate composites under a mask, and this edit has none")
    return gate(edit.clip, take.media, _support_of(edit, edit.mask), out, codec=codec)


def _support_of(edit: Edit, mask: Path) -> Support:
    return Support(mask, probe(edit.clip.media), edit.clip.frames, hard_edge=edit.hard_edge)


def gate(source: Clip, take: Path, support: Support, out: Path, *, codec: Codec = "auto") -> Gated:
    """`composite` for a support that is already read."""
    info = probe(source.media)
    pairs = zip(fitted(take, info, source.frames), frames(source, info=info), strict=True)
    return _gated(source, pairs, support, out, codec)


def _gated(
    source: Clip, pairs: Iterable[tuple[Frame, Frame]], support: Support, out: Path, codec: Codec = "auto"
) -> Gated:
    """`pairs` are an edited frame and the source's, for all of the clip."""
    worst, outside = 0, OutsideLuma()
    with _writer(source, probe(source.media), out, codec, outside.see) as writer:
        for (edited, frame), alpha in zip(pairs, support.alphas(), strict=True):
            inside = alpha > 0
            made = _blended(frame, edited, alpha, inside)
            worst = max(worst, _difference_outside(frame, made, inside))
            if writer.lossy:
                outside.expect(inside)
            writer.write(made)
    known = worst == 0 and outside.seen == source.frames
    psnr = outside.psnr if known else luma_psnr_outside(source, out, support.masks())
    return Gated(media=out, frames=source.frames, outside_before_encode=worst, luma_psnr_outside=psnr)


def _writer(
    source: Clip, info: MediaInfo, out: Path, codec: Codec, watch: Watch | None = None
) -> Writer | FolderWriter:
    audio = source.media if info.has_audio and source.frames == info.frames else None
    return open_writer(
        out, info.model_copy(update={"frames": source.frames}), codec=codec, audio_from=audio, watch=watch
    )


def _retaken(edit: Edit, take: Path, out: Path, codec: Codec) -> Gated:
    """The window's frames from the take, joined to the kept ones, which are the source's bit for bit."""
    if edit.window is None:
        raise BadInput(f"{edit.key}: a retake needs the window of frames that it replaces")
    source, (first, last) = edit.clip, edit.window
    info = probe(source.media)
    with TemporaryDirectory(dir=out.parent, prefix=".gate.") as folder:
        whole = _of_length(take, info, source, Path(folder))
        joins = measure_joins(source, whole, edit.window)
        with _writer(source, info, out, codec) as writer:
            for frame, edited in zip(frames(source, info=info), frames(whole), strict=True):
                inside = first <= frame.index <= last
                writer.write(_joined(frame, edited, joins) if inside else frame)
    psnr = luma_psnr_outside(source, out, _windows(info, source.frames, edit.window))
    return Gated(media=out, frames=source.frames, outside_before_encode=0, luma_psnr_outside=psnr)


def _of_length(take: Path, info: MediaInfo, source: Clip, folder: Path) -> Path:
    """The take, or a copy at the source's rate and length where it has others."""
    made = probe(take)
    if made.frames == source.frames:
        return take
    like = made.model_copy(update={"fps": info.fps, "frames": source.frames, "variable_rate": False})
    path = folder / "whole.mkv"
    write_video(path, fitted(take, info, source.frames), like, codec="ffv1")
    return path


def _joined(source: Frame, edited: Frame, joins: Joins) -> Frame:
    if not joins.changes(source.index):
        return in_place(alike(edited, source), source)
    return painted(joins.joined(sized(pixels.rgb8(edited), source), source.index), source)


def _windows(info: MediaInfo, count: int, window: tuple[int, int]) -> Iterator[Bits]:
    """Per frame what may differ: all of it in the window, nothing elsewhere."""
    for index in range(count):
        yield np.full((info.height, info.width), window[0] <= index <= window[1])


def _remade(edit: Edit, take: Path, out: Path, codec: Codec) -> Gated:
    """The take at the source's size, rate and length, in the scene's look; nothing of the source is needed."""
    source = edit.clip
    info = probe(source.media)
    change = _grade(edit, take)
    with _writer(source, info, out, codec) as writer:
        for frame, edited in zip(frames(source, info=info), fitted(take, info, source.frames), strict=True):
            if change is None:
                writer.write(in_place(alike(edited, frame), frame))
            else:
                writer.write(painted(change.graded(sized(pixels.rgb8(edited), frame)), frame))
    return Gated(media=out, frames=source.frames, outside_before_encode=0, luma_psnr_outside=SAME)


def _grade(edit: Edit, take: Path) -> Grade | None:
    """What brings the take to the scene's look; None where it is there, or where no frame tells the look."""
    scene = scene_of(edit)
    if not scene:
        return None
    return grade(look_of(looks_at(take, probe(take).frames)), look_of(scene))


def scene_of(edit: Edit) -> list[Rgb]:
    """Pictures that tell how a shot made again must look: its old take where that looked right, else other frames.

    Empty when nothing tells it.
    """
    if edit.keeps_look:
        return looks_at(edit.clip, edit.clip.frames)
    return [reference_picture(one) for one in edit.references if one.kind == "frame"]


def reference_picture(reference: ReferencePicture) -> Rgb:
    """What a reference shows, (H, W, 3): the file's picture, cut to its box."""
    picture = read_picture(reference.path)
    return picture[reference.box.slices] if reference.box else picture


def looks_at(source: Path | Clip, count: int) -> list[Rgb]:
    """A few small pictures of a film or clip of `count` frames."""
    return [picture for _, picture in rgb_frames(source, longest=LOOK_SIDE, indices=evenly(count, LOOKS))]


def _blended(source: Frame, edited: Frame, alpha: NDArray[np.float32], inside: Bits) -> Frame:
    """Edited over source by alpha, in the source's planes; where alpha is 0 nothing of the edit arrives."""
    same, around = alike(edited, source), Box.around(inside)
    if around is None:
        return source
    box = pixels.whole_samples(around, source)
    part = _mixed(pixels.part_of(source, box), pixels.part_of(same, box), alpha[box.slices])
    return pixels.with_part(source, part, box)


def _mixed(source: Frame, edited: Frame, alpha: NDArray[np.float32]) -> Frame:
    if ((alpha == 0) | (alpha == 1)).all():
        return pixels.composite(source, edited, alpha > 0)
    weight = alpha[..., None]
    mixed = pixels.to_444(source) * (1 - weight) + pixels.to_444(edited) * weight
    top = (1 << source.layout.depth) - 1
    whole = np.clip(np.rint(mixed), 0, top)
    codes = whole.astype(np.uint8) if source.layout.depth <= 8 else whole.astype(np.uint16)
    return pixels.composite(source, pixels.from_444(codes, source), alpha > 0)


def _difference_outside(source: Frame, made: Frame, inside: Bits) -> int:
    """Largest difference of a code value outside the support, over all samples of all planes."""
    gaps = tuple(cast(pixels.Codes, cv2.absdiff(a, b)) for a, b in zip(source.planes, made.planes, strict=True))
    around = Box.around(inside)
    if around is not None:
        box = pixels.whole_samples(around, source)
        supports = pixels.support_planes(inside[box.slices], source.layout)
        for gap, support in zip(pixels.part_of(replace(source, planes=gaps), box).planes, supports, strict=True):
            gap[support] = 0
    return max(int(gap.max()) for gap in gaps)


def luma_psnr_outside(source: Clip, out: Path, masks: Iterator[Bits]) -> float:
    """PSNR in dB of luma outside the masks over all frames, at the source's depth; 100 when nothing differs."""
    outside = OutsideLuma()
    for before, after, inside in zip(frames(source), frames(out), masks, strict=True):
        outside.add(before, after.planes[0], inside)
    return outside.psnr


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
        editor = build(tool, House(Path(folder), dict(os.environ)))
        work = Work(None if progress is None else partial(_tell, progress, edit.clip.frames))
        done, how = _made(editor, edit, Path(folder), work, Path(out))
    return {**done.model_dump(mode="json"), "tool": tool, "how": dict(how)}


def _made(
    editor: Editor, edit: Edit, folder: Path, work: Work, out: Path
) -> tuple[Gated, Mapping[str, str | float | int | bool]]:
    """An edit made in this process, through the gate: frame by frame where the editor can, else by its whole take."""
    if not isinstance(editor, LocalEditor):
        take = asyncio.run(_carried(editor, edit, folder))
        return composite(edit, take, out), take.how
    editor.check(edit)
    stream = editor.streamed(edit, work)
    if stream is None or edit.mask is None:
        take = editor.make(edit, folder / "kept", folder, work)
        return composite(edit, take, out), take.how
    read = ReadOnce(frames(edit.clip))
    pairs = zip(stream.frames(read.ahead()), read.behind(), strict=True)
    return _gated(edit.clip, pairs, _support_of(edit, edit.mask), out), stream.how


def _tell(progress: Callable[[int, int], None], total: int, done: int) -> None:
    progress(done, total)


async def _carried(editor: Editor, edit: Edit, folder: Path) -> Take:
    job = await editor.submit(edit)
    while (standing := await editor.poll(job)).state == "running":
        await asyncio.sleep(POLL_SECONDS)
    if standing.state == "failed":
        raise Broken(f"{editor.name} could not do the job: {standing.why}")
    return await editor.fetch(job, folder)
