"""Kling: the newer API with the model in the path, and of the legacy one multi-elements; keys and signed tokens."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from email.utils import formatdate
from fractions import Fraction
from typing import Any, NamedTuple

import cv2
import numpy as np

from tools.editors.remote._rle import encoded_mask
from tools.sandbox.providers import _footage as files
from tools.sandbox.providers._bench import Bench, Job, State, Work
from tools.sandbox.providers._charge import charge
from tools.sandbox.providers._kling_selection import Selection, check_footage, points_of
from tools.sandbox.providers._wire import Asked, Reply, Request
from tools.types import Bits

Body = Mapping[str, Any]
MODELS = ("omni-video/kling-3.0-omni", "image-to-video/kling-3.0", "text-to-video/kling-3.0")
LEGACY, LEGACY_MODEL = "/v1/videos/multi-elements", "kling-v1-6"
STEPS = ("init-selection", "add-selection", "delete-selection", "clear-selection", "preview-selection")
SIZES = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)}
RESOLUTIONS = ("720p", "1080p", "4k")
CONTENTS = {"prompt", "first_frame", "last_frame", "refer_image", "feature_video", "base_video", "element"}
SETTINGS = {"multi_shot", "audio", "resolution", "aspect_ratio", "duration"}
OPTIONS = {"callback_url", "external_task_id", "watermark_info"}
REGION = {"session_id", "edit_mode", "image_list", "prompt", "negative_prompt", "mode", "duration", "watermark_info",
          "callback_url", "external_task_id"}  # fmt: skip
PICTURES = {"removal": (0, 0), "swap": (1, 1), "addition": (1, 2)}
STATUS: Mapping[State, str] = {"queued": "submitted", "running": "processing", "done": "succeeded", "failed": "failed",
                               "refused": "failed", "cancelled": "failed"}  # fmt: skip
CODES = {401: (401, 1000), 402: (429, 1101), 404: (404, 1203), 429: (429, 1302), 500: (500, 5000), 503: (503, 5001)}
UNIT = 0.14
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"sandbox-webhook-secret-of-kling!").decode()


class Duplicate(ValueError):
    """An external_task_id that is there already."""


class Kling:
    """api-singapore.klingai.com and api-beijing.klingai.com. `skew` are seconds by which its clock is ahead."""

    name = "kling"
    hosts: Mapping[str, str] = {"api-singapore.klingai.com": "", "api-beijing.klingai.com": ""}

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._selections: dict[str, Selection] = {}
        self.skew = 0.0

    def environment(self) -> dict[str, str]:
        """The secret with which webhooks are signed."""
        return {"KLING_WEBHOOK_SECRET": WEBHOOK_SECRET}

    @property
    def access(self) -> str:
        return f"{self._bench.key_of(self.name)}-access"

    @property
    def secret(self) -> str:
        return f"{self._bench.key_of(self.name)}-secret"

    def asked(self, request: Request) -> Asked:
        path = request.path.strip("/")
        if request.method == "POST" and path in MODELS:
            return Asked("submit", path)
        if path.startswith(LEGACY.strip("/")):
            if request.method == "GET":
                return Asked("poll", LEGACY_MODEL)
            return Asked("submit" if f"/{path}" == LEGACY else "upload", LEGACY_MODEL)
        return Asked("poll" if request.method == "GET" and "task_ids" in request.query else "other")

    def error(self, status: int, words: str) -> Reply:
        """Billing problems come with status 429, as Kling sends them."""
        http, code = CODES.get(status, (status, 1201))
        return self._error(http, code, words)

    def _error(self, status: int, code: int, words: str) -> Reply:
        return self._reply(status, {"code": code, "message": words, "request_id": "sandbox"})

    def _reply(self, status: int, body: Any) -> Reply:
        return Reply(status, body, {"date": formatdate(self._now(), usegmt=True)})

    def _now(self) -> float:
        return time.time() + self.skew

    def refusal(self, request: Request) -> Reply:
        del request
        return self._error(400, 1301, "The content could not pass the content safety check")

    def answer(self, request: Request) -> Reply:
        wrong = self._unknown(request.headers.get("authorization", ""))
        if wrong:
            return self._error(401, *wrong)
        try:
            return self._answered(request)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self._error(400, 1201, f"invalid parameter: {error}")

    def _unknown(self, said: str) -> tuple[int, str] | None:
        """What is wrong with a request's key or token; None when nothing is."""
        token = said.removeprefix("Bearer ")
        if token.count(".") == 2:
            return wrong_token(token, self.access, self.secret, self._now())
        known = said.startswith("Bearer ") and token == self._bench.key_of(self.name)
        return None if known else (1002, "Authorization is not valid")

    def _answered(self, request: Request) -> Reply:
        path = request.path.strip("/")
        if path in MODELS and request.method == "POST":
            return self._made(path, request.json)
        if path == "tasks":
            return self._tasks(request) if request.method == "GET" else self._listed(request.json)
        if request.path.startswith(LEGACY):
            return self._legacy(request)
        return self._error(404, 1202, "The requested method is not valid")

    # The newer API.

    def _made(self, model: str, body: Body) -> Reply:
        _known(body, {"contents", "settings", "options"})
        settings, options = body.get("settings", {}), body.get("options", {})
        _known(settings, SETTINGS)
        job = self._accepted(model, self._work(model, body["contents"], settings), options)
        return self._reply(200, {"code": 0, "message": "", "request_id": "sandbox", "data": {
            "id": job.id, "status": "submitted", "create_time": int(job.created * 1000),
            "update_time": int(job.created * 1000), "external_id": job.external,
        }})  # fmt: skip

    def _accepted(self, model: str, work: Work, options: Body) -> Job:
        external = str(options.get("external_task_id", ""))
        if external and self._external(external) is not None:
            raise Duplicate(f"external_task_id {external} exists already")
        _known(options, OPTIONS)
        job = self._bench.accept(self.name, model, work, external=external)
        job.usd = charge(self.name, model, work)
        hook = options.get("callback_url")
        if hook:
            self._tell(job, hook)
        return job

    def _tell(self, job: Job, hook: str) -> None:
        """Tells of a job that is over; one that never ends tells nothing."""
        fault = job.rule.fault if job.rule else None
        if fault == "never":
            return
        state: State = "failed" if fault == "failed" else "refused" if fault == "refused-later" else "done"
        old = job.model == LEGACY_MODEL
        word, at = "succeed" if old and state == "done" else STATUS[state], int(self._now() * 1000)
        told = (
            {"task_id": job.id, "task_status": word, "task_status_msg": _why(state), "updated_at": at}
            if old
            else {"id": job.id, "status": word, "message": _why(state), "update_time": at}
        )
        body = json.dumps(told).encode()
        self._bench.notify(job, hook, body, lambda data: webhook_headers(job.id, data, self._now()))

    def _external(self, name: str) -> Job | None:
        return next((job for job in self._bench.jobs(self.name) if job.external == name), None)

    def _work(self, model: str, contents: list[Body], settings: Body) -> Work:
        by_type: dict[str, list[Body]] = {}
        for one in contents:
            by_type.setdefault(str(one["type"]), []).append(one)
        shown = Shown.of(by_type, self._bench)
        shown.check(model, settings)
        if shown.base is not None:
            if settings.get("audio", "off") == "native" or settings.get("multi_shot", True):
                raise ValueError("base_video goes without native audio and without multi_shot")
            return Work("edit", shown.prompt, video=shown.base, pictures=shown.references, rate=Fraction(24))
        seconds = settings.get("duration", 5)
        if not isinstance(seconds, int) or not 3 <= seconds <= 15:
            raise ValueError("duration must be a whole number from 3 to 15")
        return Work(
            "between" if shown.first is not None else "regenerate",
            shown.prompt,
            pictures=shown.references,
            first=shown.first,
            last=shown.last,
            seconds=float(seconds),
            size=_size(settings, shown.first),
            rate=Fraction(24),
        )

    def _tasks(self, request: Request) -> Reply:
        """Asked by our ids the answer is a list, asked by theirs it has one in `result`: both are seen."""
        ours, theirs = (request.param(name) for name in ("task_ids", "external_task_ids"))
        if bool(ours) == bool(theirs):
            raise ValueError("give either task_ids or external_task_ids")
        found = [self._bench.job(one) if ours else self._external(one) for one in (ours or theirs).split(",")]
        jobs = [job for job in found if job is not None and job.provider == self.name and job.model != LEGACY_MODEL]
        items = [self._task(job, self._bench.step(job) if ours else self._bench.state(job)) for job in jobs]
        data: Any = items if ours else {"result": items, "count": len(items)}
        return self._reply(200, {"code": 0, "message": "", "request_id": "sandbox", "data": data})

    def _listed(self, body: Body) -> Reply:
        _known(body, {"start_time", "end_time", "cursor", "limit", "filters"})
        jobs = [job for job in self._bench.jobs(self.name) if job.model != LEGACY_MODEL][: int(body.get("limit", 500))]
        items = [self._task(job, self._bench.state(job)) for job in jobs]
        data = {"result": items, "count": len(items), "next_cursor": "", "has_more": False}
        return self._reply(200, {"code": 0, "message": "", "request_id": "sandbox", "data": data})

    def _task(self, job: Job, state: State) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": job.id, "status": STATUS[state], "message": _why(state), "external_id": job.external,
            "create_time": int(job.created * 1000), "update_time": int(self._now() * 1000), "outputs": [],
            "billing": [],
        }  # fmt: skip
        if state == "done":
            told["outputs"] = [] if _empty(job) else [{"type": "video", "id": "1", "url": self._bench.result_url(job)}]
            told["billing"] = [{"charge_type": "unit", "amount": _units(job), "package_type": "video"}]
        return told

    # The legacy API: multi-elements.

    def _legacy(self, request: Request) -> Reply:
        last = request.path.removeprefix(LEGACY).strip("/")
        if request.method == "GET":
            job = self._bench.job(last) or self._external(last)
            if job is None or job.model != LEGACY_MODEL:
                return self._error(404, 1203, "The requested resource does not exist")
            return self._done(self._legacy_task(job, self._bench.step(job)))
        if not last:
            return self._region(request.json)
        if last not in STEPS:
            return self._error(404, 1202, "The requested method is not valid")
        return self._done(self._step(last, request.json))

    def _done(self, data: Any) -> Reply:
        return self._reply(200, {"code": 0, "message": "SUCCEED", "request_id": "sandbox", "data": data})

    def _step(self, step: str, body: Body) -> dict[str, Any]:
        if step == "init-selection":
            return self._opened(body)
        selection = self._selections[body["session_id"]]
        if step in ("add-selection", "delete-selection"):
            _known(body, {"session_id", "frame_index", "points"})
            change = selection.add if step == "add-selection" else selection.remove
            masks = change(body["frame_index"], points_of(body["points"]), self._bench.things)
            return {"status": 0, "session_id": body["session_id"], "res": _result(body["frame_index"], masks)}
        _known(body, {"session_id"})
        if step == "clear-selection":
            selection.clear()
            return {"status": 0, "session_id": body["session_id"]}
        address = self._bench.keep(selection.tracked(), ".mp4")
        res = {"video": address, "video_cover": "", "tracking_output": address}
        return {"status": 0, "session_id": body["session_id"], "res": res}

    def _opened(self, body: Body) -> dict[str, Any]:
        if len(body) != 1 or not set(body) <= {"video_id", "video_url"}:
            raise ValueError("give either video_id or video_url")
        video = self._video(body["video_url"] if "video_url" in body else self._own(body["video_id"]))
        footage = files.read_footage(video)
        check_footage(footage)
        name = f"session-{len(self._selections) + 1:04d}"
        self._selections[name] = Selection(video, footage)
        width, height = footage.size
        return {
            "status": 0, "session_id": name, "fps": float(footage.rate), "width": width, "height": height,
            "original_duration": round(len(footage.frames) / footage.rate * 1000),
            "total_frame": len(footage.frames), "normalized_video": self._bench.keep(video, ".mp4"),
        }  # fmt: skip

    def _own(self, name: Any) -> str:
        job = self._bench.job(str(name))
        if job is None:
            raise ValueError("video_id")
        return self._bench.result_url(job)

    def _video(self, url: Any) -> bytes:
        if not isinstance(url, str) or not url.startswith("http"):
            raise ValueError("a video must be an address")
        return self._bench.read(url)

    def _region(self, body: Body) -> Reply:
        _known(body, REGION)
        selection, way = self._selections[body["session_id"]], body["edit_mode"]
        images = [_bare(self._bench, one["image"]) for one in body.get("image_list", [])]
        least, most = PICTURES[way]
        if not least <= len(images) <= most or not 0 < len(body["prompt"]) <= 2500:
            raise ValueError(f"{way} takes {least} to {most} pictures and a prompt of at most 2500 characters")
        if body.get("duration", "5") not in ("5", "10") or body.get("mode", "std") not in ("std", "pro"):
            raise ValueError('duration must be "5" or "10", and mode std or pro')
        if (body.get("duration", "5") == "5") != (selection.seconds <= Fraction(51, 10)):
            raise ValueError("duration does not fit the video")
        work = Work(
            "remove" if way == "removal" else "inpaint",
            body["prompt"],
            video=selection.video,
            mask=selection.tracked(),
            pictures=tuple(images),
            seconds=float(body.get("duration", "5")),
        )
        options = {key: value for key, value in body.items() if key in OPTIONS}
        return self._done(self._legacy_task(self._accepted(LEGACY_MODEL, work, options), "queued"))

    def _legacy_task(self, job: Job, state: State) -> dict[str, Any]:
        told: dict[str, Any] = {
            "task_id": job.id, "task_status": "succeed" if state == "done" else STATUS[state],
            "task_status_msg": _why(state), "task_info": {"external_task_id": job.external},
            "created_at": int(job.created * 1000), "updated_at": int(self._now() * 1000),
        }  # fmt: skip
        if state == "done":
            videos = [] if _empty(job) else [{"id": "1", "url": self._bench.result_url(job), "duration": "5"}]
            told["task_result"] = {"videos": videos}
            told["final_unit_deduction"] = str(_units(job))
        return told


class Shown(NamedTuple):
    """What a job of the newer API is shown."""

    prompt: str
    first: bytes | None
    last: bytes | None
    references: tuple[bytes, ...]
    base: bytes | None
    counts: Mapping[str, int]

    @classmethod
    def of(cls, by_type: Mapping[str, list[Body]], bench: Bench) -> Shown:
        if set(by_type) - CONTENTS:
            raise ValueError(f"unknown content {', '.join(sorted(set(by_type) - CONTENTS))}")
        allowed = {"prompt": {"type", "text"}, "element": {"type", "element_id", "id"}}
        for kind, items in by_type.items():
            for item in items:
                _known(item, allowed.get(kind, {"type", "url", "id"}))
        (prompt,) = by_type["prompt"]
        if not 0 < len(prompt["text"]) <= 3072:
            raise ValueError("a prompt has 1 to 3072 characters")
        pictures = {
            kind: [_bare(bench, one["url"]) for one in by_type.get(kind, [])]
            for kind in ("first_frame", "last_frame", "refer_image")
        }
        bases = by_type.get("base_video", [])
        if any(not str(one["url"]).startswith("http") for one in bases):
            raise ValueError("a video must be an address")
        return cls(
            str(prompt["text"]),
            next(iter(pictures["first_frame"]), None),
            next(iter(pictures["last_frame"]), None),
            tuple(pictures["refer_image"]),
            bench.read(bases[0]["url"]) if bases else None,
            {kind: len(items) for kind, items in by_type.items()},
        )

    def check(self, model: str, settings: Body) -> None:
        """Raises ValueError for what the model does not take together."""
        videos = self.counts.get("base_video", 0) + self.counts.get("feature_video", 0)
        if self.last is not None and self.first is None:
            raise ValueError("a last frame needs a first frame")
        if len(self.references) > (4 if videos else 7) or videos > 1:
            raise ValueError("too many references")
        if videos and (self.first is not None or not model.startswith("omni")):
            raise ValueError("a video goes without first and last frame, to omni-video only")
        if model.startswith("image") != (self.first is not None) and not model.startswith("omni"):
            raise ValueError("image-to-video needs a first frame, and text-to-video takes none")
        if settings.get("resolution", "720p") not in RESOLUTIONS:
            raise ValueError("resolution")
        if self.first is None and not videos and settings.get("aspect_ratio") not in SIZES:
            raise ValueError("aspect_ratio is needed without a first frame or a video")
        if self.base is not None:
            _check_video(files.read_footage(self.base))


def _check_video(footage: files.Footage) -> None:
    (width, height), seconds = footage.size, len(footage.frames) / footage.rate
    if not 3 <= seconds <= 15.5 or not 24 <= round(footage.rate) <= 60:
        raise ValueError("a video has 3-15.5 seconds at 24-60 frames per second")
    if min(width, height) < 700 or max(width, height) > 4553 or width * height > 8_294_400:
        raise ValueError("the sides of a video are 700-4553 pixels")


def _size(settings: Body, first: bytes | None) -> tuple[int, int]:
    """The size of the aspect that is named, else as many pixels in the first frame's shape."""
    if first is None:
        return SIZES[settings["aspect_ratio"]]
    height, width = files.read_picture(first).shape[:2]
    scale = (1280 * 720 / (width * height)) ** 0.5
    return round(width * scale / 2) * 2, round(height * scale / 2) * 2


def _bare(bench: Bench, said: Any) -> bytes:
    """A picture as an address or bare base64, of 300 pixels a side at least."""
    if not isinstance(said, str) or said.startswith("data:"):
        raise ValueError("a picture is an address or base64 without a prefix")
    data = bench.read(said)
    height, width = files.read_picture(data).shape[:2]
    if min(width, height) < 300 or not 0.4 <= width / height <= 2.5:
        raise ValueError(f"a picture of {width}x{height}: it has 300 pixels a side and an aspect of 1:2.5 to 2.5:1")
    return data


def _known(body: Body, names: set[str]) -> None:
    if set(body) - names:
        raise ValueError(f"unknown field {', '.join(sorted(set(body) - names))}")


def _result(frame: int, masks: list[Bits]) -> dict[str, Any]:
    return {"frame_index": frame, "rle_mask_list": [
        {"object_id": place, "rle_mask": {"size": list(mask.shape), "counts": encoded_mask(mask)},
         "png_mask": {"size": list(mask.shape), "base64": _png(mask)}}
        for place, mask in enumerate(masks)
    ]}  # fmt: skip


def _png(mask: Bits) -> str:
    return base64.b64encode(cv2.imencode(".png", mask.astype(np.uint8) * 255)[1].tobytes()).decode()


def _why(state: State) -> str:
    told: Mapping[State, str] = {
        "refused": "Failure to pass the risk control system",
        "failed": "The service is not available at the moment",
    }
    return told.get(state, "")


def _empty(job: Job) -> bool:
    return job.rule is not None and job.rule.fault == "no-video"


def _units(job: Job) -> float:
    return round(float(job.usd) / UNIT, 4)


# Tokens and webhooks.


def wrong_token(token: str, access: str, secret: str, now: float) -> tuple[int, str] | None:
    """What is wrong with a signed token at a time, as code and words; None when nothing is."""
    head, claims, signature = token.split(".")
    made = hmac.digest(secret.encode(), f"{head}.{claims}".encode(), hashlib.sha256)
    try:
        told, algorithm = json.loads(_padded(claims)), json.loads(_padded(head))["alg"]
        good = hmac.compare_digest(made, _padded(signature)) and algorithm == "HS256" and told["iss"] == access
        begins, ends = int(told["nbf"]), int(told["exp"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        return 1002, "Authorization is not valid"
    if not good:
        return 1002, "Authorization is not valid"
    if now < begins:
        return 1003, "Authorization is not yet valid"
    return (1004, "Authorization is expired") if now >= ends else None


def _padded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def webhook_headers(name: str, body: bytes, now: float) -> dict[str, str]:
    """The headers of a signed webhook (Standard Webhooks)."""
    key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{name}.{int(now)}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(signed).decode()}"
    return {"webhook-id": name, "webhook-timestamp": str(int(now)), "webhook-signature": signature}
