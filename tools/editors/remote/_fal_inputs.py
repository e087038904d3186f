"""What each kind of fal's endpoints is told: one function from an edit to the input, in the model's own fields."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tools.editors.remote._editor import Files
from tools.editors.remote.seedance import ratio_of
from tools.errors import Refused
from tools.types import Edit

Input = dict[str, Any]
MOST_SEED = 2**31
ANCHORS = 6
"""Kept frames that a keyframed edit is anchored to at most."""


TIERS = (240, 360, 480, 540, 580, 720)


def tier_of(width: int, height: int) -> str:
    """What a resolution is called: "480p" for 854 × 480, upright or not; the nearest below."""
    short = min(width, height)
    return f"{max((tier for tier in TIERS if tier <= short), default=TIERS[0])}p"


def with_names(prompt: str, pictures: Sequence[str], start: str = "") -> str:
    """The prompt with what its footage and pictures are called, for models that are told by name."""
    names = ", ".join(f"@Image{n}" for n in range(1, len(pictures) + 1))
    return f"{start}{prompt}" + (f"\nReferences in their order: {names}." if names else "")


class Upload(Protocol):
    """Puts a file where the provider reads it; its address."""

    async def __call__(self, path: Path, kind: str) -> str: ...


Builder = Callable[[Edit, Files, Upload], Awaitable[Input]]


async def data_uri(path: Path) -> str:
    """A picture inside the request itself."""
    data = base64.b64encode(await asyncio.to_thread(path.read_bytes)).decode()
    return f"data:image/png;base64,{data}"


async def _masked(edit: Edit, files: Files, upload: Upload) -> Input:
    """Footage and the mask in step with it."""
    video, mask = await upload(await files.clip(), "video/mp4"), await upload(await files.mask(), "video/mp4")
    return {"prompt": edit.prompt, "video_url": video, "mask_video_url": mask}


async def vace(edit: Edit, files: Files, upload: Upload) -> Input:
    """Wan VACE inpainting: every frame that was sent comes back at the rate it was sent."""
    told = await _masked(edit, files, upload)
    pictures = [await data_uri(path) for path in await files.references()]
    return {
        **told,
        **({"ref_image_urls": pictures} if pictures else {}),
        **await _guides(files),
        "num_frames": files.fit.count,
        "match_input_num_frames": True,
        "match_input_frames_per_second": True,
        "resolution": tier_of(files.fit.width, files.fit.height),
        "aspect_ratio": "auto",
        "seed": edit.seed % MOST_SEED,
    }


async def _guides(files: Files) -> Input:
    """Repaired first and last frames that the edit names, where the footage that is sent opens or closes with them."""
    fit = files.fit
    first = await files.end("first") if fit.first == 0 else None
    last = await files.end("last") if fit.last == files.edit.clip.frames - 1 and not fit.tail else None
    named = {"first_frame_url": first, "last_frame_url": last}
    return {name: await data_uri(path) for name, path in named.items() if path is not None}


async def ltx_inpaint(edit: Edit, files: Files, upload: Upload) -> Input:
    told = await _masked(edit, files, upload)
    frames, rate = files.fit.count, round(float(files.fit.rate))
    made = {"num_frames": frames, "frames_per_second": rate, "generate_audio": False, "seed": edit.seed % MOST_SEED}
    return {**told, **made}


async def void(edit: Edit, files: Files, upload: Upload) -> Input:
    """VOID takes a mask in which black is to go; a mask of black and white is enough."""
    told = await _masked(edit, files, upload)
    told["quad_mask_video_url"] = told.pop("mask_video_url")
    return {**told, "num_frames": files.fit.count, "seed": edit.seed % MOST_SEED}


async def bria(edit: Edit, files: Files, upload: Upload) -> Input:
    """Bria's eraser reads no words."""
    told = await _masked(edit, files, upload)
    del told["prompt"]
    return {**told, "auto_trim": False, "preserve_audio": False, "output_container_and_codec": "mp4_h264"}


async def ltx_retake(edit: Edit, files: Files, upload: Upload) -> Input:
    """The seconds of the window are made anew; the rest of the clip is the provider's to leave alone."""
    assert edit.window is not None, "a retake has a window"
    opens, closes = (files.fit.second_of(index) for index in (edit.window[0], edit.window[1] + 1))
    return {
        "prompt": edit.prompt,
        "video_url": await upload(await files.clip(), "video/mp4"),
        "start_time": round(float(opens), 4),
        "duration": round(float(closes - opens), 4),
        "retake_mode": "replace_video",
    }


async def _told_edit(edit: Edit, files: Files, upload: Upload) -> Input:
    return {"prompt": edit.prompt, "video_url": await upload(await files.clip(), "video/mp4")}


async def kling_edit(edit: Edit, files: Files, upload: Upload) -> Input:
    pictures = [await data_uri(path) for path in await files.references()]
    told = await _told_edit(edit, files, upload)
    named = {"prompt": with_names(edit.prompt, pictures, "Edit @Video1. "), "keep_audio": True}
    return {**told, **named, **({"image_urls": pictures} if pictures else {})}


async def wan_edit(edit: Edit, files: Files, upload: Upload) -> Input:
    pictures = [await data_uri(path) for path in await files.references(1)]
    told = await _told_edit(edit, files, upload)
    made = {"resolution": "720p", "duration": 0, "audio_setting": "origin", "seed": edit.seed % MOST_SEED}
    return {**told, **({"reference_image_url": pictures[0]} if pictures else {}), **made}


async def happy_horse(edit: Edit, files: Files, upload: Upload) -> Input:
    pictures = [await data_uri(path) for path in await files.references()]
    told = await _told_edit(edit, files, upload)
    made = {"resolution": "720p", "audio_setting": "origin", "seed": edit.seed % MOST_SEED}
    return {**told, **({"reference_image_urls": pictures} if pictures else {}), **made}


async def omni_edit(edit: Edit, files: Files, upload: Upload) -> Input:
    return await _told_edit(edit, files, upload)


async def ray_edit(edit: Edit, files: Files, upload: Upload) -> Input:
    """An edit that is anchored to frames that are right."""
    anchors = kept_frames(edit, files)
    told = await _told_edit(edit, files, upload)
    duration = next((one for one in files.can.limits.durations if one >= files.fit.seconds), 0)
    made: Input = {"duration": f"{duration}s", "resolution": tier_of(files.fit.width, files.fit.height)}
    if anchors:
        made["keyframes"] = [await data_uri(await files.frame(index)) for index in anchors]
        made["keyframe_indexes"] = [files.fit.sent_index(index) for index in anchors]
    return {**told, **made}


def kept_frames(edit: Edit, files: Files, most: int = ANCHORS) -> list[int]:
    """Frames that are sent and in which nothing is wrong, evenly, those beside what is wrong among them."""
    wrong = edit.window or edit.stretch or (0, edit.clip.frames - 1)
    kept = [i for i in range(files.fit.first, files.fit.last + 1) if not wrong[0] <= i <= wrong[1]]
    if len(kept) <= most:
        return kept
    beside = {
        max((i for i in kept if i < wrong[0]), default=kept[0]),
        min((i for i in kept if i > wrong[1]), default=kept[-1]),
    }
    return sorted(beside | set(kept[:: len(kept) // (most - 2) + 1]))


async def seedance_references(edit: Edit, files: Files, upload: Upload) -> Input:
    del upload
    pictures = await _needed_pictures(files)
    return {
        "prompt": with_names(edit.prompt, pictures),
        "image_urls": pictures,
        "resolution": _seedance_tier(files),
        "duration": str(files.fit.seconds_asked),
        "aspect_ratio": ratio_of(files.fit.width, files.fit.height),
        "generate_audio": False,
    }


def _seedance_tier(files: Files) -> str:
    """Seedance's resolutions are numbers of pixels: the sides are the aspect's."""
    return "720p" if files.fit.width * files.fit.height > 640 * 1000 else "480p"


async def seedance_ends(edit: Edit, files: Files, upload: Upload) -> Input:
    del upload
    first, last = await _ends(files)
    told = {"prompt": edit.prompt, "image_url": first, **({"end_image_url": last} if last else {})}
    return {
        **told,
        "resolution": _seedance_tier(files),
        "duration": str(files.fit.seconds_asked),
        "generate_audio": False,
    }


async def veo_ends(edit: Edit, files: Files, upload: Upload) -> Input:
    del upload
    first, last = await _ends(files)
    if last is None:
        raise Refused("makes footage between two kept frames, and the window closes at the cut")
    made = {"duration": f"{files.fit.seconds_asked}s", "resolution": "720p", "generate_audio": False}
    return {"prompt": edit.prompt, "first_frame_url": first, "last_frame_url": last, **made}


async def veo_references(edit: Edit, files: Files, upload: Upload) -> Input:
    del upload
    made = {"duration": f"{files.fit.seconds_asked}s", "resolution": "720p", "generate_audio": False}
    aspect = {"aspect_ratio": "16:9" if files.fit.width >= files.fit.height else "9:16"}
    return {"prompt": edit.prompt, "image_urls": await _needed_pictures(files), **made, **aspect}


async def kling_ends(edit: Edit, files: Files, upload: Upload) -> Input:
    del upload
    first, last = await _ends(files)
    told = {"prompt": edit.prompt, "start_image_url": first, **({"end_image_url": last} if last else {})}
    return {**told, "duration": str(files.fit.seconds_asked), "generate_audio": False}


async def kling_references(edit: Edit, files: Files, upload: Upload) -> Input:
    del upload
    pictures = await _needed_pictures(files)
    made = {"duration": str(files.fit.seconds_asked), "generate_audio": False}
    aspect = {"aspect_ratio": ratio_of(files.fit.width, files.fit.height)}
    return {"prompt": with_names(edit.prompt, pictures), "image_urls": pictures, **made, **aspect}


async def fill(edit: Edit, files: Files, upload: Upload) -> Input:
    del upload
    told = await _still(edit, files)
    return {**told, "num_images": 1, "output_format": "png", "seed": edit.seed % MOST_SEED}


async def gpt_edit(edit: Edit, files: Files, upload: Upload) -> Input:
    del upload
    told = await _still(edit, files)
    image = told.pop("image_url")
    extra = [await data_uri(path) for path in await files.references()]
    return {**told, "image_urls": [image, *extra], "num_images": 1, "output_format": "png", "quality": "high"}


async def _still(edit: Edit, files: Files) -> Input:
    image, mask = await data_uri(await files.frame(0)), await data_uri(await files.still_mask())
    return {"prompt": edit.prompt, "image_url": image, "mask_url": mask}


async def _needed_pictures(files: Files) -> Sequence[str]:
    pictures = [await data_uri(path) for path in await files.references()]
    if not pictures:
        raise Refused("needs a reference picture to make a shot from")
    return pictures


async def _ends(files: Files) -> tuple[str, str | None]:
    """The frames that footage opens with and closes at."""
    first, last = await files.end("first"), await files.end("last")
    if first is None:
        raise Refused("makes footage onward from a kept frame, and the window opens at the cut")
    return await data_uri(first), await data_uri(last) if last else None


INPUTS: Mapping[str, Builder] = {
    "vace": vace,
    "ltx-inpaint": ltx_inpaint,
    "void": void,
    "bria": bria,
    "ltx-retake": ltx_retake,
    "kling-edit": kling_edit,
    "wan-edit": wan_edit,
    "happy-horse": happy_horse,
    "omni-edit": omni_edit,
    "ray-edit": ray_edit,
    "seedance-references": seedance_references,
    "seedance-first-last": seedance_ends,
    "veo-first-last": veo_ends,
    "veo-references": veo_references,
    "kling-first-last": kling_ends,
    "kling-references": kling_references,
    "fill": fill,
    "gpt-edit": gpt_edit,
}
