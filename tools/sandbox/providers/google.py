"""The Gemini API: interactions of Omni, generateContent of the image models, and files."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tools.sandbox.providers._bench import Bench, Job, Work
from tools.sandbox.providers._charge import charge
from tools.sandbox.providers._footage import read_picture
from tools.sandbox.providers._gemini_files import Files
from tools.sandbox.providers._google import JUDGED, check, google_error, one_of, seconds_of
from tools.sandbox.providers._wire import Asked, Reply, Request

REVISION = "2026-05-20"
VERSIONS = ("v1beta", "v1")
"""Versions in a path; newer clients ask for v1."""
LENGTHS: Mapping[str, tuple[int, int]] = {"gemini-omni-1.1-flash": (3, 10), "gemini-omni-1.2-flash": (3, 15)}
"""Shortest and longest clip of each model, in seconds."""
IMAGES = ("gemini-3-pro-image", "gemini-3.1-flash-image", "gemini-3.1-flash-lite-image")
RETIRED = ("gemini-omni-flash-preview", "gemini-2.5-flash-image", "veo-3.1-generate-preview")
SIZES = {"16:9": (1280, 720), "9:16": (720, 1280)}
RATIOS: Mapping[str, tuple[int, int]] = {
    "1:1": (1024, 1024), "2:3": (832, 1248), "3:2": (1248, 832), "3:4": (864, 1184), "4:3": (1184, 864),
    "4:5": (896, 1152), "5:4": (1152, 896), "9:16": (768, 1344), "16:9": (1344, 768), "21:9": (1536, 672),
}  # fmt: skip
MOST_SLACK = 0.05
"""Seconds that footage may be over a limit, for containers that count their last frame otherwise."""
TOKENS_A_SECOND = 5792
BODY = {"model", "input", "response_format", "generation_config", "previous_interaction_id", "background", "store",
        "stream", "service_tier", "webhook_config", "labels", "safety_settings"}  # fmt: skip
FORMAT = {"type", "aspect_ratio", "duration", "resolution", "delivery", "gcs_uri"}
TASKS = ("text_to_video", "image_to_video", "reference_to_video", "edit", "extend")
RATE = Fraction(24)


class Google:
    """generativelanguage.googleapis.com. Stored interactions answer with their video inside, up to `inline_most`."""

    name = "google"
    hosts: Mapping[str, str] = {"generativelanguage.googleapis.com": ""}

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._files = Files(bench, f"/{self.name}")
        self.inline_most = 64 << 20

    def asked(self, request: Request) -> Asked:
        if request.path.startswith("/upload/"):
            return Asked("upload")
        if ":generateContent" in request.path:
            return Asked("submit", request.parts[-1].partition(":")[0])
        if request.parts[1:2] == ["files"]:
            return Asked("fetch" if request.path.endswith(":download") else "other")
        if request.parts[1:] == ["interactions"]:
            return Asked("submit", _model_of(request))
        return Asked("cancel" if request.path.endswith("/cancel") else "poll")

    def error(self, status: int, words: str) -> Reply:
        return google_error(status, words)

    def refusal(self, request: Request) -> Reply:
        if ":generateContent" in request.path:
            return Reply(200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
        return google_error(400, JUDGED)

    def answer(self, request: Request) -> Reply:
        if request.param("upload_id"):
            return self._files.take(request)
        key = request.headers.get("x-goog-api-key") or request.param("key")
        if not self._bench.knows(self.name, key):
            return google_error(400, "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID")
        try:
            return self._known(request)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return google_error(400, str(error))

    def _known(self, request: Request) -> Reply:
        parts = request.parts
        if parts[0] == "upload":
            return self._files.open_session(request)
        if parts[0] not in VERSIONS:
            return google_error(404, "Not Found.")
        if parts[1] == "files":
            name = f"files/{parts[2].partition(':')[0]}"
            return self._files.download(name) if request.path.endswith(":download") else self._files.about(name)
        if parts[1] == "models":
            return self._image(request)
        if request.headers.get("api-revision", REVISION) != REVISION:
            return google_error(400, "Api-Revision is not known.")
        return self._interaction(request, parts)

    # Interactions.

    def _interaction(self, request: Request, parts: list[str]) -> Reply:
        if len(parts) == 2:
            return self._created(request)
        job = self._bench.job(parts[2])
        if job is None:
            return google_error(404, f"Interaction {parts[2]} not found.")
        if request.path.endswith("/cancel"):
            self._bench.cancel(job)
            return Reply(200, self._told(job, self._bench.state(job)))
        return Reply(200, self._told(job, self._bench.step(job)))

    def _created(self, request: Request) -> Reply:
        body = check(request.json, BODY, "interaction")
        model = str(body.get("model", ""))
        if model not in LENGTHS:
            return _no_model(model)
        work = self._work(model, body)
        job = self._bench.accept(self.name, model, work)
        job.usd = charge(self.name, model, work)
        for hook in (body.get("webhook_config") or {}).get("uris", []):
            told = b'{"type": "video.generated", "id": "%s"}' % job.id.encode()
            self._bench.notify(job, hook, told, lambda _: {})
        return Reply(200, {"id": job.id, "status": "in_progress", "object": "interaction", "model": model})

    def _work(self, model: str, body: dict[str, Any]) -> Work:
        asked = check(body["response_format"], FORMAT, "response_format")
        one_of(asked.get("type"), ("video",), "response_format.type")
        one_of(asked.get("resolution", "720p"), ("360p", "720p", "1080p", "4k"), "response_format.resolution")
        one_of(asked.get("delivery", "inline"), ("inline", "uri"), "response_format.delivery")
        size = SIZES[one_of(asked.get("aspect_ratio", "16:9"), tuple(SIZES), "response_format.aspect_ratio")]
        config = check(body.get("generation_config") or {}, CONFIG, "generation_config")
        if "seed" in config and model == "gemini-omni-1.1-flash":
            raise ValueError("Invalid JSON payload received. Unknown name \"seed\" at 'generation_config'.")
        task = one_of((config.get("video_config") or {}).get("task", "text_to_video"), TASKS, "video_config.task")
        return self._task(task, model, body, _seconds(asked.get("duration"), model), size)

    def _task(self, task: str, model: str, body: dict[str, Any], seconds: float | None, size: tuple[int, int]) -> Work:
        words, pictures, videos = self._input(_said(body["input"]))
        before = body.get("previous_interaction_id")
        if before is not None:
            videos = [self._bench.result(self._done(before)).read_bytes()]
        if task in ("edit", "extend"):
            (video,) = videos or [b""]
            _refuse_length(task, model, video)
            more = (seconds or 7.0) if task == "extend" else None
            return Work(task, words, video=video, pictures=tuple(pictures), seconds=more, rate=RATE)  # type: ignore[arg-type]
        made = seconds or 8.0
        if task == "image_to_video":
            if not 1 <= len(pictures) <= 2 or videos:
                raise ValueError("image_to_video takes one or two images.")
            last = pictures[1] if len(pictures) > 1 else None
            return Work("between", words, first=pictures[0], last=last, seconds=made, size=size, rate=RATE)
        most = 6 if model == "gemini-omni-1.2-flash" else 5
        if task == "reference_to_video" and not 1 <= len(pictures) <= most:
            raise ValueError(f"reference_to_video takes 1 to {most} images.")
        return Work("regenerate", words, pictures=tuple(pictures), seconds=made, size=size, rate=RATE)

    def _input(self, said: Any) -> tuple[str, list[bytes], list[bytes]]:
        """Words, pictures and footage of an input."""
        if isinstance(said, str):
            return said, [], []
        words, pictures, videos = [], [], []
        for part in said:
            kind = one_of(part.get("type"), ("text", "image", "video"), "input.type")
            check(part, {"type", "text"} if kind == "text" else {"type", "mime_type", "data", "uri"}, "input")
            if kind == "text":
                words.append(str(part["text"]))
            elif kind == "image":
                pictures.append(self._bytes(part))
                read_picture(pictures[-1])
            else:
                videos.append(self._bytes(part))
        if not words:
            raise ValueError("The input has no text.")
        return " ".join(words), pictures, videos

    def _bytes(self, part: Mapping[str, Any]) -> bytes:
        if not part.get("mime_type"):
            raise ValueError("mime_type is required.")
        return self._files.read(part["uri"]) if "uri" in part else self._bench.read(part.get("data"))

    def _done(self, name: str) -> Job:
        job = self._bench.job(name)
        if job is None or self._bench.state(job) != "done":
            raise ValueError(f"The previous interaction {name} is not found or not completed.")
        return job

    def _told(self, job: Job, state: str) -> dict[str, Any]:
        told = {"id": job.id, "object": "interaction", "model": job.model, "role": "model"}
        status = {"queued": "queued", "running": "in_progress", "cancelled": "cancelled", "failed": "failed"}
        if state in status:
            wrong = {"errors": [{"code": "internal", "message": "The generation failed."}]} if state == "failed" else {}
            return {**told, "status": status[state], **wrong}
        if state == "refused":
            error = {"code": 3, "message": "The output was blocked by the safety policy."}
            return {**told, "status": "completed", "steps": [{"type": "model_output", "content": [], "error": error}]}
        fault = job.rule.fault if job.rule else None
        content = [{"type": "text", "text": "I cannot make this."}] if fault == "no-video" else [self._video(job)]
        steps = [{"type": "thought", "signature": "c2FuZGJveA=="}, {"type": "model_output", "content": content}]
        return {**told, "status": "completed", "steps": steps, "usage": _usage(job.work)}

    def _video(self, job: Job) -> dict[str, str]:
        """The video part. A stored interaction answers with the bytes although an address was asked for."""
        expires = job.rule is not None and job.rule.fault == "expired-url"
        data = self._bench.result(job).read_bytes()
        if expires or len(data) > self.inline_most:
            return {"type": "video", "mime_type": "video/mp4", "uri": self._files.made(job)}
        return {"type": "video", "mime_type": "video/mp4", "data": base64.b64encode(data).decode()}

    # Images.

    def _image(self, request: Request) -> Reply:
        model = request.parts[2].partition(":")[0]
        if model not in IMAGES:
            return _no_model(model)
        body = check(request.json, {"contents", "generationConfig", "safetySettings"}, "request")
        config = check(
            body.get("generationConfig") or {}, {"responseModalities", "imageConfig", "seed"}, "generation_config"
        )
        asked = check(config.get("imageConfig") or {}, {"aspectRatio", "imageSize"}, "image_config")
        one_of(asked.get("imageSize", "1K"), ("512", "1K", "2K", "4K"), "image_config.image_size")
        ratio = one_of(asked.get("aspectRatio", "1:1"), tuple(RATIOS), "image_config.aspect_ratio")
        (turn,) = body["contents"]
        one_of(turn.get("role"), ("user",), "contents.role")
        words = " ".join(str(part["text"]) for part in turn["parts"] if "text" in part)
        pictures = [self._bench.read(part["inlineData"]["data"]) for part in turn["parts"] if "inlineData" in part]
        if not words or not 1 <= len(pictures) <= 14:
            raise ValueError("The contents need text and 1 to 14 images.")
        work = Work("still", words, pictures=tuple(pictures), size=RATIOS[ratio])
        job = self._bench.accept(self.name, model, work, charge(self.name, model, work))
        job.asked = self._bench.steps + 1
        return Reply(200, self._candidate(job))

    def _candidate(self, job: Job) -> dict[str, Any]:
        state, fault = self._bench.state(job), job.rule.fault if job.rule else None
        reason, parts = "STOP", [{"text": "Here it is."}]
        if state != "done":
            job.usd, reason, parts = Decimal(0), "IMAGE_SAFETY" if state == "refused" else "IMAGE_OTHER", []
        elif fault != "no-video":
            data = base64.b64encode(self._bench.result(job).read_bytes()).decode()
            parts.append({"inlineData": {"mimeType": "image/png", "data": data}})  # type: ignore[dict-item]
        candidate = {"index": 0, "finishReason": reason, "content": {"role": "model", "parts": parts}}
        usage = {"promptTokenCount": 560 * len(job.work.pictures), "candidatesTokenCount": 1120}
        return {
            "candidates": [candidate],
            "modelVersion": job.model,
            "usageMetadata": {**usage, "totalTokenCount": sum(usage.values())},
        }


CONFIG = {"video_config", "thinking_level", "thinking_summaries", "seed"}


def _model_of(request: Request) -> str:
    try:
        return str(request.json.get("model", ""))
    except (ValueError, AttributeError):
        return ""


def _no_model(model: str) -> Reply:
    gone = "is no longer available" if model in RETIRED else "is not found for API version v1beta"
    return google_error(404, f"models/{model} {gone}.")


def _seconds(duration: Any, model: str) -> float | None:
    """A duration such as "8s" within the model's limits."""
    if duration is None:
        return None
    shortest, longest = LENGTHS[model]
    return float(
        one_of(duration, tuple(f"{n}s" for n in range(shortest, longest + 1)), "response_format.duration")[:-1]
    )


def _refuse_length(task: str, model: str, video: bytes) -> None:
    longest = 30.0 if task == "extend" else float(LENGTHS[model][1])
    shortest = 0.0 if task == "extend" else 3.0
    seconds = seconds_of(video)
    if not shortest - MOST_SLACK <= seconds <= longest + MOST_SLACK:
        raise ValueError(f"{task} takes {shortest:g} to {longest:g} s of video; this one lasts {seconds:.2f} s.")


def _usage(work: Work) -> dict[str, Any]:
    sent = seconds_of(work.video) if work.video else 0.0
    made = sent if work.way == "edit" else float(work.seconds or 0)
    tokens = round(sent * TOKENS_A_SECOND) + 1120 * len(work.pictures), round(made * TOKENS_A_SECOND)
    return {"total_input_tokens": tokens[0], "total_output_tokens": tokens[1], "total_tokens": sum(tokens)}


def _said(given: Any) -> Any:
    """What is put in: parts as they are, or inside a step of the user's, which is how Google's client sends them."""
    wrapped = isinstance(given, list) and len(given) == 1 and given[0].get("type") == "user_input"
    return given[0]["content"] if wrapped else given
