"""Ark's content generation, as BytePlus and Volcengine speak it: tasks of the Seedance models."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tools.editors.registry import whole_roster
from tools.editors.remote.seedance import size_of
from tools.sandbox.providers._bench import Bench, Job, State, Work
from tools.sandbox.providers._footage import read_footage, read_picture
from tools.sandbox.providers._wire import Asked, Reply, Request

PATH = "/contents/generations/tasks"
KNOWN = {
    "model", "content", "resolution", "ratio", "duration", "watermark", "return_last_frame", "generate_audio",
    "execution_expires_after", "priority", "callback_url", "safety_identifier", "output_format",
    "omni_reference_task_type", "tools", "draft",
}  # fmt: skip
ROLES = {"first_frame", "last_frame", "reference_image"}
SIZES: Mapping[str, tuple[int, int]] = {"16:9": (16, 9), "4:3": (4, 3), "1:1": (1, 1), "3:4": (3, 4), "9:16": (9, 16),
                                        "21:9": (21, 9)}  # fmt: skip
RESOLUTIONS = ("480p", "720p", "1080p", "4k")
MODEL = re.compile(r"(?:dreamina|doubao)-seedance-(2-0|2-5)-(?:(fast|mini)-)?\d{6}")
LENGTHS = {"2-0": (4, 15), "2-5": (4, 30)}
PICTURES = {"2-0": 9, "2-5": 30}
VIDEOS = {"2-0": (3, 1.8, 15.0, 409_600, 927_408), "2-5": (10, 1.9, 30.0, 409_600, 8_295_044)}
"""Most reference videos, seconds of one and of all, and pixels of a frame."""
MOST_BODY = 64_000_000
STATUS: Mapping[State, str] = {
    "queued": "queued", "running": "running", "done": "succeeded", "failed": "failed", "refused": "failed",
    "cancelled": "cancelled",
}  # fmt: skip


class Ark:
    """ark.ap-southeast.bytepluses.com and ark.cn-beijing.volces.com, below /api/v3."""

    name = "ark"
    hosts: Mapping[str, str] = {"ark.ap-southeast.bytepluses.com": "", "ark.cn-beijing.volces.com": ""}

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def asked(self, request: Request) -> Asked:
        if request.method == "POST" and request.path.endswith(PATH):
            return Asked("submit", str(_body(request).get("model", "")))
        if request.method == "DELETE":
            return Asked("cancel")
        return Asked("other" if request.path.endswith(PATH) else "poll")

    def error(self, status: int, words: str) -> Reply:
        codes = {401: "AuthenticationError", 402: "AccountOverdueError", 429: "RateLimitExceeded", 404: "NotFound"}
        code = codes.get(status, "InternalServiceError" if status >= 500 else "InvalidParameter")
        return self._error(status, code, words)

    def _error(self, status: int, code: str, words: str) -> Reply:
        return Reply(status, {"error": {"code": code, "message": words, "param": "", "type": "BadRequest"}})

    def refusal(self, request: Request) -> Reply:
        del request
        words = "The request failed because the input image may contain real person."
        return self._error(400, "InputImageSensitiveContentDetected.PrivacyInformation", words)

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self._bench.key_of(self.name)}":
            return self.error(401, "The API key doesn't exist.")
        if request.path.endswith(PATH):
            return self._submit(request) if request.method == "POST" else self._list(request)
        job = self._bench.job(request.parts[-1]) if request.parts else None
        if job is None or job.provider != self.name:
            return self.error(404, "The task does not exist.")
        if request.method == "DELETE":
            return self._delete(job)
        return Reply(200, self._task(job, self._bench.step(job)))

    def _submit(self, request: Request) -> Reply:
        body = _body(request)
        model = MODEL.fullmatch(str(body.get("model", "")))
        if model is None:
            return self._error(404, "InvalidEndpointOrModel.NotFound", "The model does not exist or is not yours.")
        if len(request.body) >= MOST_BODY:
            return self._error(400, "InvalidParameter", "the request is larger than 64 MB")
        try:
            work = self._work(body, model[1])
        except Constraint as error:
            return self._error(400, "InvalidParameter.TaskTypeConstraint", f"{error}")
        except (ValueError, KeyError, TypeError) as error:
            return self._error(400, "InvalidParameter", f"{error}")
        job = self._bench.accept(self.name, model[0], work, external=str(body.get("safety_identifier") or ""))
        tokens = _tokens(work)
        job.usd = (price_of(job.model, takes_video=work.video is not None) * tokens).quantize(Decimal("0.0001"))
        job.facts["tokens"] = tokens
        job.facts["body"] = {key: body.get(key) for key in ("ratio", "duration", "resolution")}
        if body.get("callback_url"):
            told = json.dumps(self._task(job, "done")).encode()
            self._bench.notify(job, str(body["callback_url"]), told, lambda _: {})
        return Reply(200, {"id": job.id})

    def _work(self, body: Mapping[str, Any], family: str) -> Work:
        unknown = {key for key, value in body.items() if value is not None} - KNOWN
        if unknown:
            raise ValueError(f"the parameter {', '.join(sorted(unknown))} is not valid")
        if body.get("resolution", "720p") not in RESOLUTIONS or not isinstance(body.get("duration", 5), int):
            raise ValueError("resolution, or duration: it is a whole number")
        texts = [one["text"] for one in body["content"] if one["type"] == "text"]
        images = [(one["role"], self._picture(one)) for one in body["content"] if one["type"] == "image_url"]
        videos = [self._video(one) for one in body["content"] if one["type"] == "video_url"]
        roles = {role for role, _ in images}
        if roles - ROLES or (("reference_image" in roles or videos) and roles - {"reference_image"}):
            raise ValueError("first frame, first and last frame, and references are exclusive modes")
        if "last_frame" in roles and "first_frame" not in roles:
            raise ValueError("a last frame needs a first frame")
        if sum(map(len, texts)) + len(images) + len(videos) == 0:
            raise ValueError("content is empty")
        _check_counts(family, len(images), videos)
        kind = body.get("omni_reference_task_type") or "auto"
        if kind != "auto" and family != "2-5":
            raise ValueError("omni_reference_task_type is not supported by the model")
        if kind in ("edit", "extend"):
            return _from_video(body, str(kind), " ".join(texts), videos)
        return _made(body, family, " ".join(texts), images, videos)

    def _picture(self, item: Mapping[str, Any]) -> bytes:
        data = self._bench.read(item["image_url"]["url"])
        height, width = read_picture(data).shape[:2]
        if not 300 <= min(width, height) <= max(width, height) <= 6000 or not 0.4 <= width / height <= 2.5:
            raise ValueError(f"a picture of {width}x{height}: sides have 300-6000 pixels, the aspect is 0.4-2.5")
        return data

    def _video(self, item: Mapping[str, Any]) -> bytes:
        url = item["video_url"]["url"]
        if item.get("role") != "reference_video" or not str(url).startswith(("http", "asset://")):
            raise ValueError("a reference video must be an address")
        return self._bench.read(url)

    def _list(self, request: Request) -> Reply:
        model = request.param("filter.model")
        page, size = int(request.param("page_num", "1")), int(request.param("page_size", "10"))
        jobs = [job for job in self._bench.jobs(self.name) if model in ("", job.model)][::-1]
        items = [self._task(job, self._bench.state(job)) for job in jobs[(page - 1) * size : page * size]]
        return Reply(200, {"items": items, "total": len(jobs)})

    def _delete(self, job: Job) -> Reply:
        if self._bench.state(job) != "queued" or not self._bench.cancel(job):
            return self._error(409, "InvalidAction.RunningTaskDeletion", "The task cannot be deleted while it runs.")
        return Reply(200, {})

    def _task(self, job: Job, state: State) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": job.id, "model": job.model, "status": STATUS[state], "created_at": int(job.created),
            "updated_at": int(job.created), "safety_identifier": job.external, **job.facts["body"],
        }  # fmt: skip
        if state == "done":
            video = None if job.rule is not None and job.rule.fault == "no-video" else self._bench.result_url(job)
            told["content"] = {"video_url": video}
            tokens = job.facts["tokens"]
            told["usage"] = {"completion_tokens": tokens, "total_tokens": tokens}
        if state in ("failed", "refused"):
            code = "InternalServiceError" if state == "failed" else "OutputVideoSensitiveContentDetected"
            told["error"] = {"code": code, "message": "The task failed."}
        return told


class Constraint(ValueError):
    """What a kind of task does not allow (InvalidParameter.TaskTypeConstraint)."""


def _check_counts(family: str, images: int, videos: list[bytes]) -> None:
    most, shortest, total, least_pixels, most_pixels = VIDEOS[family]
    if images > PICTURES[family] or len(videos) > most:
        raise ValueError(f"at most {PICTURES[family]} reference images and {most} reference videos")
    seconds = 0.0
    for video in videos:
        footage = read_footage(video)
        (width, height), lasts = footage.size, len(footage.frames) / footage.rate
        seconds += float(lasts)
        if lasts < shortest or not 24 <= round(footage.rate) <= 60:
            raise ValueError(f"a reference video has {shortest} seconds at least and 24-60 frames per second")
        if not least_pixels <= width * height <= most_pixels or not 0.4 <= width / height <= 2.5:
            raise ValueError(f"a reference video has {least_pixels}-{most_pixels} pixels; this one is {width}x{height}")
    if seconds > total + 0.1:
        raise ValueError(f"reference videos last {total} seconds at most together")


def _from_video(body: Mapping[str, Any], kind: str, prompt: str, videos: list[bytes]) -> Work:
    if body.get("ratio") != "adaptive" or len(videos) != 1:
        raise Constraint(f"{kind} needs one video and the ratio adaptive")
    footage, seconds = read_footage(videos[0]), body.get("duration", 5)
    size = size_of(str(body.get("resolution", "720p")), *footage.size)
    if kind == "extend":
        if not 4 <= seconds <= 30:
            raise ValueError("duration must be 4 to 30 seconds")
        return Work("continue", prompt, video=videos[0], seconds=float(seconds), size=size, rate=Fraction(24))
    if seconds != -1 or not 4 <= len(footage.frames) / footage.rate <= 30.1:
        raise Constraint("edit needs a video of 4 to 30 seconds and the duration -1")
    return Work("edit", prompt, video=videos[0], size=size, rate=Fraction(24))


def _made(
    body: Mapping[str, Any], family: str, prompt: str, images: list[tuple[Any, bytes]], videos: list[bytes]
) -> Work:
    seconds, (least, most) = body.get("duration", 5), LENGTHS[family]
    if not least <= seconds <= most:
        raise ValueError(f"duration must be {least} to {most} seconds")
    first, last = (
        next((data for role, data in images if role == wanted), None) for wanted in ("first_frame", "last_frame")
    )
    ratio = body.get("ratio", "adaptive" if first is not None else "16:9")
    if first is not None and family == "2-5" and ratio != "adaptive":
        raise Constraint("with a first frame the ratio must be adaptive")
    if ratio not in SIZES and not (ratio == "adaptive" and first is not None):
        raise ValueError("ratio")
    shape = read_picture(first).shape[1::-1] if first is not None and ratio == "adaptive" else SIZES[ratio]
    return Work(
        "between" if first is not None else "regenerate",
        prompt,
        video=next(iter(videos), None),
        pictures=tuple(data for _, data in images),
        first=first,
        last=last,
        seconds=float(seconds),
        size=size_of(str(body.get("resolution", "720p")), *shape),
        rate=Fraction(24),
    )


def _tokens(work: Work) -> int:
    """Tokens of what is made and of what was sent, at the size that is made, as the price list counts them."""
    sent = Fraction(0)
    if work.video is not None:
        footage = read_footage(work.video)
        sent = len(footage.frames) / footage.rate
    width, height = work.size or (1280, 720)
    made = sent if work.seconds is None else Fraction(work.seconds)
    return round(width * height * 24 * (sent + made) / 1024)


def price_of(model: str, *, takes_video: bool) -> Decimal:
    """US dollars a token by the roster, which has entries with and without a video for some models."""
    entries = [one.capabilities for one in whole_roster().editors.values() if one.capabilities.provider == "ark"]
    named = [can for can in entries if model in (can.model, can.settings.get("china_model"))]
    fitting = [can for can in named if (can.settings["family"] in ("edit", "take")) == takes_video]
    return (fitting or named)[0].price.per_token if named else Decimal(0)


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
