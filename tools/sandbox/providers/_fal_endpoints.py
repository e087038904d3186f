"""fal's endpoints as the sandbox serves them: what each takes, and what work that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from tools.sandbox.providers._bench import Bench, Way, Work
from tools.sandbox.providers._footage import read_footage, read_picture

Body = Mapping[str, Any]
Kind = Callable[[Any], bool]
SEEDANCE_SIZES = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960), "4:3": (1104, 832), "3:4": (832, 1104),
                  "21:9": (1472, 624), "auto": (1280, 720)}  # fmt: skip


def words(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(words, value))


def wholes(value: Any) -> bool:
    return isinstance(value, list) and all(map(whole, value))


def one_of(*allowed: Any) -> Kind:
    return lambda value: any(value == one and type(value) is type(one) for one in allowed)


def steps(least: int, most: int, step: int = 1) -> Kind:
    return lambda value: whole(value) and least <= value <= most and (value - least) % step == 0


SECONDS = tuple(str(n) for n in range(3, 16))
COMMON: dict[str, Kind] = {
    "prompt": words, "negative_prompt": words, "seed": whole, "num_inference_steps": whole, "guidance_scale": number,
    "enable_safety_checker": flag, "enable_prompt_expansion": flag, "sync_mode": flag, "video_quality": words,
    "video_write_mode": words,
}  # fmt: skip


class Endpoint(NamedTuple):
    """What an endpoint takes; the first `needed` of the fields are required."""

    way: Way
    needed: tuple[str, ...]
    fields: Mapping[str, Kind]
    rate: int | None = None
    """Frames per second that it answers with; None: those that came."""
    still: bool = False


def _video(**fields: Kind) -> dict[str, Kind]:
    return {**COMMON, "video_url": words, **fields}


VACE = Endpoint("inpaint", ("prompt", "video_url"), _video(
    mask_video_url=words, mask_image_url=words, ref_image_urls=texts, first_frame_url=words, last_frame_url=words,
    num_frames=steps(81, 241), frames_per_second=steps(5, 30), match_input_num_frames=flag,
    match_input_frames_per_second=flag, resolution=one_of("auto", "240p", "360p", "480p", "580p", "720p"),
    aspect_ratio=one_of("auto", "16:9", "1:1", "9:16"), sampler=one_of("unipc", "dpm++", "euler"), shift=number,
    acceleration=one_of("none", "low", "regular"), enable_auto_downsample=flag,
))  # fmt: skip
MADE: dict[str, Kind] = {
    **COMMON, "resolution": one_of("480p", "720p", "1080p", "4k"), "generate_audio": flag, "end_user_id": words,
    "bitrate_mode": words,
}  # fmt: skip
SEEDANCE = Endpoint("regenerate", ("prompt",), {
    **MADE, "image_urls": texts, "video_urls": texts, "audio_urls": texts, "duration": one_of("auto", *SECONDS[1:]),
    "aspect_ratio": one_of(*SEEDANCE_SIZES),
}, 24)  # fmt: skip
FILL = Endpoint("still", ("prompt", "image_url", "mask_url"), {
    **COMMON, "image_url": words, "mask_url": words, "num_images": whole, "output_format": one_of("png", "jpeg"),
    "safety_tolerance": one_of("1", "2", "3", "4", "5", "6"), "enhance_prompt": flag, "strength": number,
    "image_size": words, "acceleration": words,
}, still=True)  # fmt: skip

ENDPOINTS: Mapping[str, Endpoint] = {
    "fal-ai/wan-vace-14b/inpainting": VACE,
    "fal-ai/wan-22-vace-fun-a14b/inpainting": VACE,
    "fal-ai/ltx-2.3-quality/inpaint": Endpoint("inpaint", ("prompt", "video_url", "mask_video_url"), _video(
        mask_video_url=words, num_frames=whole, frames_per_second=number, video_strength=number, generate_audio=flag,
    ), 24),
    "fal-ai/void-video-inpainting": Endpoint("remove", ("prompt", "video_url"), _video(
        mask_prompt=words, quad_mask_video_url=words, num_frames=steps(69, 197, 8), enable_pass2_refinement=flag,
        strength=number,
    )),
    "bria/video/erase/mask": Endpoint("remove", ("video_url", "mask_video_url"), {
        "video_url": words, "mask_video_url": words, "auto_trim": flag, "preserve_audio": flag,
        "output_container_and_codec": words,
    }),
    "fal-ai/ltx-2.3/retake-video": Endpoint("retake", ("prompt", "video_url"), {
        "prompt": words, "video_url": words, "start_time": number, "duration": number,
        "retake_mode": one_of("replace_audio", "replace_video", "replace_audio_and_video"),
    }, 24),
    "fal-ai/kling-video/o3/pro/video-to-video/edit": Endpoint("edit", ("prompt", "video_url"), {
        "prompt": words, "video_url": words, "image_urls": texts, "elements": lambda v: isinstance(v, list),
        "keep_audio": flag, "shot_type": words,
    }, 24),
    "fal-ai/wan/v2.7/edit-video": Endpoint("edit", ("prompt", "video_url"), {
        "prompt": words, "video_url": words, "reference_image_url": words, "resolution": one_of("720p", "1080p"),
        "duration": one_of(0, *range(2, 11)), "audio_setting": one_of("auto", "origin"), "seed": whole,
        "aspect_ratio": words,
    }),
    "alibaba/happy-horse/video-edit": Endpoint("edit", ("prompt", "video_url"), {
        "prompt": lambda v: words(v) and len(v) <= 2500, "video_url": words, "reference_image_urls": texts,
        "resolution": words, "audio_setting": one_of("auto", "origin"), "seed": whole,
    }),
    "google/gemini-omni-flash/edit": Endpoint("edit", ("prompt", "video_url"), {
        "prompt": words, "video_url": words,
    }, 24),
    "luma/agent/ray/v3.2/video-to-video": Endpoint("edit", ("prompt", "video_url"), {
        "prompt": words, "video_url": words, "duration": one_of("5s", "10s"),
        "resolution": one_of("540p", "720p", "1080p"), "edit_strength": words, "auto_controls": flag,
        "controls": texts, "keyframes": texts, "keyframe_indexes": wholes, "start_image_url": words, "hdr": flag,
    }),
    "bytedance/seedance-2.0/reference-to-video": SEEDANCE,
    "bytedance/seedance-2.0/fast/reference-to-video": SEEDANCE,
    "bytedance/seedance-2.0/mini/reference-to-video": SEEDANCE,
    "bytedance/seedance-2.0/image-to-video": Endpoint("between", ("prompt", "image_url"), {
        **MADE, "image_url": words, "end_image_url": words, "duration": one_of("auto", *SECONDS[1:]),
        "aspect_ratio": one_of(*SEEDANCE_SIZES),
    }, 24),
    "fal-ai/veo3.1/first-last-frame-to-video": Endpoint("between", ("prompt", "first_frame_url", "last_frame_url"), {
        **MADE, "first_frame_url": words, "last_frame_url": words, "duration": one_of("4s", "6s", "8s"),
        "aspect_ratio": one_of("auto", "16:9", "9:16"), "auto_fix": flag, "safety_tolerance": words,
    }, 24),
    "fal-ai/veo3.1/reference-to-video": Endpoint("regenerate", ("prompt", "image_urls"), {
        **MADE, "image_urls": texts, "duration": one_of("8s"), "aspect_ratio": one_of("16:9", "9:16"), "auto_fix": flag,
        "safety_tolerance": words,
    }, 24),
    "fal-ai/kling-video/v3/standard/image-to-video": Endpoint("between", ("prompt", "start_image_url"), {
        **MADE, "start_image_url": words, "end_image_url": words, "duration": one_of(*SECONDS), "cfg_scale": number,
        "elements": lambda v: isinstance(v, list), "shot_type": words,
    }, 24),
    "fal-ai/kling-video/o3/standard/reference-to-video": Endpoint("regenerate", ("prompt",), {
        **MADE, "image_urls": texts, "start_image_url": words, "end_image_url": words, "duration": one_of(*SECONDS),
        "aspect_ratio": one_of("16:9", "9:16", "1:1"), "elements": lambda v: isinstance(v, list),
    }, 24),
    "fal-ai/flux-pro/v1/fill": FILL,
    "fal-ai/qwen-image-edit/inpaint": FILL,
    "openai/gpt-image-2/edit": Endpoint("still", ("prompt", "image_urls"), {
        "prompt": words, "image_urls": texts, "mask_url": words, "quality": one_of("auto", "low", "medium", "high"),
        "image_size": words, "num_images": whole, "output_format": one_of("png", "jpeg", "webp"), "sync_mode": flag,
    }, still=True),
}  # fmt: skip


def wrong_with(endpoint: Endpoint, body: Body) -> list[dict[str, Any]]:
    """What is wrong with an input, in fal's form; empty when nothing is."""
    missing = [_detail(name, "Field required", "missing") for name in endpoint.needed if name not in body]
    unknown = [
        _detail(name, "Extra inputs are not permitted", "extra_forbidden")
        for name in body
        if name not in endpoint.fields
    ]
    odd = [
        _detail(name, f"Input should be valid for {name}", "value_error")
        for name, value in body.items()
        if name in endpoint.fields and not endpoint.fields[name](value)
    ]
    return missing + unknown + odd


def _detail(name: str, message: str, kind: str) -> dict[str, Any]:
    return {"loc": ["body", name], "msg": message, "type": kind}


def work_of(endpoint: Endpoint, body: Body, bench: Bench) -> Work:
    """The work that an input asks for. ValueError when a file of it cannot be read."""
    rate = Fraction(endpoint.rate) if endpoint.rate else None
    prompt = str(body.get("prompt", ""))
    if endpoint.still:
        pictures = tuple(map(bench.read, body.get("image_urls") or [body["image_url"]]))
        mask = bench.read(body["mask_url"]) if "mask_url" in body else None
        return Work("still", prompt, pictures=pictures, mask=mask)
    if "video_url" in body:
        return _edit(endpoint, body, bench, prompt, rate)
    first, last = (_end(body, bench, names) for names in (FIRST, LAST))
    seconds = str(body.get("duration", "5")).rstrip("s")
    return Work(
        endpoint.way,
        prompt,
        pictures=tuple(map(bench.read, body.get("image_urls", ()))),
        first=first,
        last=last,
        seconds=5.0 if seconds == "auto" else float(seconds),
        size=_size(body, first),
        rate=rate,
    )


FIRST = ("image_url", "start_image_url", "first_frame_url")
LAST = ("end_image_url", "last_frame_url")


def _end(body: Body, bench: Bench, names: tuple[str, ...]) -> bytes | None:
    found = next((body[name] for name in names if name in body), None)
    return None if found is None else bench.read(found)


def _size(body: Body, first: bytes | None) -> tuple[int, int]:
    """The size of the aspect that is named, else that of the first frame; two thirds of it at 480p."""
    if first is not None and "aspect_ratio" not in body:
        height, width = read_picture(first).shape[:2]
        return width, height
    width, height = SEEDANCE_SIZES.get(str(body.get("aspect_ratio", "16:9")), (1280, 720))
    return (width * 2 // 6 * 2, height * 2 // 6 * 2) if body.get("resolution") == "480p" else (width, height)


def _edit(endpoint: Endpoint, body: Body, bench: Bench, prompt: str, rate: Fraction | None) -> Work:
    video = bench.read(body["video_url"])
    sent = read_footage(video)
    masked = next(
        (body[name] for name in ("mask_video_url", "mask_image_url", "quad_mask_video_url") if name in body), None
    )
    frames = body.get("num_frames")
    if frames is not None and not body.get("match_input_num_frames") and frames > len(sent.frames):
        raise ValueError(f"the video has {len(sent.frames)} frames, fewer than num_frames")
    window = None
    if endpoint.way == "retake":
        window = (float(body.get("start_time", 0)), float(body.get("duration", 5)))
        if window[0] + window[1] > len(sent.frames) / sent.rate + Fraction(1, 20):
            raise ValueError("start_time and duration pass the end of the video")
    return Work(
        endpoint.way,
        prompt,
        video=video,
        mask=bench.read(masked) if masked is not None else None,
        mask_white="keep" if "quad_mask_video_url" in body else "edit",
        window=window,
        rate=rate,
    )
