"""Ark's content generation, as BytePlus and Volcengine speak it: tasks of the Seedance models."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tools.sandbox.providers._bench import Bench, Job, State, Work
from tools.sandbox.providers._charge import charge
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
HEIGHTS = {"480p": 480, "720p": 720, "1080p": 1080, "4k": 2160}
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
        try:
            work = self._work(body)
        except (ValueError, KeyError, TypeError) as error:
            return self._error(400, "InvalidParameter", f"{error}")
        job = self._bench.accept(self.name, str(body["model"]), work, external=str(body.get("safety_identifier", "")))
        job.usd = charge(self.name, job.model, work)
        job.facts["body"] = {key: body.get(key) for key in ("ratio", "duration", "resolution")}
        return Reply(200, {"id": job.id})

    def _work(self, body: Mapping[str, Any]) -> Work:
        unknown = {key for key, value in body.items() if value is not None} - KNOWN
        if unknown:
            raise ValueError(f"the parameter {', '.join(sorted(unknown))} is not valid")
        texts = [one["text"] for one in body["content"] if one["type"] == "text"]
        images = [
            (one.get("role"), self._bench.read(one["image_url"]["url"]))
            for one in body["content"]
            if one["type"] == "image_url"
        ]
        videos = [self._video(one) for one in body["content"] if one["type"] == "video_url"]
        roles = {role for role, _ in images}
        if roles - ROLES or ("reference_image" in roles and roles - {"reference_image"}):
            raise ValueError("first frame, first and last frame, and references are exclusive modes")
        if "last_frame" in roles and "first_frame" not in roles:
            raise ValueError("a last frame needs a first frame")
        if sum(map(len, texts)) + len(images) + len(videos) == 0:
            raise ValueError("content is empty")
        prompt = " ".join(texts)
        if body.get("omni_reference_task_type") in ("edit", "extend"):
            return self._edit(body, prompt, videos)
        return self._made(body, prompt, images)

    def _edit(self, body: Mapping[str, Any], prompt: str, videos: list[bytes]) -> Work:
        if body.get("ratio") != "adaptive" or body.get("duration") != -1 or len(videos) != 1:
            raise ValueError("an edit needs one video, ratio adaptive and duration -1")
        if not str(body.get("model", "")).startswith(("dreamina-seedance-2-5", "doubao-seedance-2-5")):
            raise ValueError("omni_reference_task_type is not supported by the model")
        return Work("edit", prompt, video=videos[0], rate=Fraction(24))

    def _made(self, body: Mapping[str, Any], prompt: str, images: list[tuple[Any, bytes]]) -> Work:
        seconds, resolution = body.get("duration", 5), body.get("resolution", "720p")
        longest = 30 if "2-5" in str(body["model"]) else 15
        if not isinstance(seconds, int) or not 4 <= seconds <= longest or resolution not in HEIGHTS:
            raise ValueError(f"duration must be 4 to {longest} seconds, and resolution one of {', '.join(HEIGHTS)}")
        first, last = (
            next((data for role, data in images if role == wanted), None) for wanted in ("first_frame", "last_frame")
        )
        ratio = body.get("ratio", "16:9")
        if ratio not in SIZES and not (ratio == "adaptive" and first is not None):
            raise ValueError("ratio")
        return Work(
            "between" if first is not None else "regenerate",
            prompt,
            pictures=tuple(data for _, data in images),
            first=first,
            last=last,
            seconds=float(seconds),
            size=_size(ratio, HEIGHTS[resolution], first),
            rate=Fraction(24),
        )

    def _video(self, item: Mapping[str, Any]) -> bytes:
        url = item["video_url"]["url"]
        if item.get("role") != "reference_video" or not str(url).startswith(("http", "asset://")):
            raise ValueError("a reference video must be an address")
        return self._bench.read(url)

    def _list(self, request: Request) -> Reply:
        model = request.param("filter.model")
        jobs = [job for job in self._bench.jobs(self.name) if model in ("", job.model)][::-1]
        return Reply(200, {"items": [self._task(job, self._bench.state(job)) for job in jobs], "total": len(jobs)})

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
            told["usage"] = {"completion_tokens": 100_000, "total_tokens": self._tokens(job)}
        if state in ("failed", "refused"):
            code = "InternalServiceError" if state == "failed" else "OutputVideoSensitiveContentDetected"
            told["error"] = {"code": code, "message": "The task failed."}
        return told

    def _tokens(self, job: Job) -> int:
        """Tokens of what was made and of what was sent, as the price list counts them."""
        work = job.work
        width, height = work.size or (1280, 720)
        return round(width * height * 24 * (work.seconds or 5) / 1024)


def _size(ratio: str, height: int, first: bytes | None) -> tuple[int, int]:
    """Frame size of a ratio: as many pixels as 16:9 has at that height, sides in sixteens."""
    from tools.sandbox.providers._footage import read_picture  # noqa: PLC0415 - only frames need it

    if ratio == "adaptive" and first is not None:
        shape = read_picture(first).shape
        wide, tall = shape[1], shape[0]
    else:
        wide, tall = SIZES[ratio]
    pixels = height * height * 16 / 9
    scale = (pixels / (wide * tall)) ** 0.5
    return round(wide * scale / 16) * 16, round(tall * scale / 16) * 16


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
