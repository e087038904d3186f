"""Runway's API as of version 2024-11-06: uploads, aleph2's timed edit, tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tools.sandbox.providers._bench import Bench, Job, Work
from tools.sandbox.providers._charge import charge
from tools.sandbox.providers._wire import Asked, Reply, Request

VERSION = "2024-11-06"
MODEL = "aleph2"
KNOWN = {"model", "videoUri", "promptText", "keyframes", "seed", "ratio", "targetAspectRatio", "contentModeration",
         "outputFormat", "proresProfile"}  # fmt: skip


class Runway:
    """api.dev.runwayml.com."""

    name = "runway"
    hosts: Mapping[str, str] = {"api.dev.runwayml.com": ""}

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._uploads: dict[str, str] = {}

    def asked(self, request: Request) -> Asked:
        if request.path == "/v1/video_to_video":
            return Asked("submit", MODEL)
        if request.path.startswith("/v1/tasks/"):
            return Asked("cancel" if request.method == "DELETE" else "poll", MODEL)
        return Asked("upload" if "upload" in request.path else "other", MODEL)

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"error": words})

    def refusal(self, request: Request) -> Reply:
        del request
        return Reply(400, {"error": "Your request did not pass content moderation."})

    def answer(self, request: Request) -> Reply:
        if request.path.startswith("/storage/"):
            return self._stored(request)
        if request.headers.get("authorization") != f"Bearer {self._bench.key_of(self.name)}":
            return self.error(401, "The API key is not valid.")
        if request.headers.get("x-runway-version") != VERSION:
            return self.error(400, "X-Runway-Version is missing or not known.")
        if request.method == "POST":
            known = {"/v1/uploads": self._upload, "/v1/video_to_video": self._submit}.get(request.path)
            return known(request) if known else self.error(404, "No such address.")
        return self._about_task(request)

    def _about_task(self, request: Request) -> Reply:
        job = self._bench.job(request.parts[-1]) if request.path.startswith("/v1/tasks/") else None
        if job is None:
            return self.error(404, "No such task.")
        if request.method == "DELETE":
            self._bench.cancel(job)
            return Reply(204)
        return Reply(200, self._task(job))

    def _upload(self, request: Request) -> Reply:
        body = request.json
        if not isinstance(body.get("filename"), str) or body.get("type") != "ephemeral":
            return self.error(400, "filename and type are required.")
        name = f"upload-{len(self._uploads) + 1:04d}"
        self._uploads[name] = ""
        where = f"{self._bench.base_url}/{self.name}/storage/{name}"
        return Reply(200, {"uploadUrl": where, "fields": {"key": name}, "runwayUri": f"runway://{name}"})

    def _stored(self, request: Request) -> Reply:
        """The form that storage takes: it knows no keys, and is sent none."""
        name = request.parts[-1]
        fields = form(request)
        if "authorization" in request.headers or name not in self._uploads or fields.get("key") != name.encode():
            return Reply(403, b"AccessDenied", {"content-type": "application/xml"})
        self._uploads[name] = self._bench.keep(fields["file"], ".mp4")
        return Reply(204)

    def _submit(self, request: Request) -> Reply:
        body = request.json
        try:
            work = self._work(body)
        except (ValueError, KeyError, TypeError) as error:
            return self.error(400, f"Validation of body failed: {error}")
        job = self._bench.accept(self.name, MODEL, work)
        job.usd = charge(self.name, MODEL, work)
        return Reply(200, {"id": job.id})

    def _work(self, body: dict[str, Any]) -> Work:
        unknown = set(body) - KNOWN
        if unknown or body.get("model") != MODEL:
            raise ValueError(f"unrecognized: {', '.join(sorted(unknown)) or 'model'}")
        if not isinstance(body.get("promptText", ""), str) or not 0 <= int(body.get("seed", 0)) < 2**32:
            raise ValueError("promptText or seed")
        video = self._video(body.get("videoUri"))
        ranges = [self._range(one) for one in body.get("keyframes", [])]
        if len(ranges) > 5 or len({one is None for one in ranges}) > 1:
            raise ValueError("at most 5 keyframes, all with a range or none")
        timed = [one for one in ranges if one is not None]
        window = (float(timed[0][0]), float(timed[0][1] - timed[0][0])) if timed else None
        return Work("retake" if window else "edit", str(body.get("promptText", "")), video=video, window=window)

    def _range(self, keyframe: Mapping[str, Any]) -> tuple[int, int] | None:
        self._bench.read(keyframe.get("uri"))
        if ("seconds" in keyframe) == ("at" in keyframe):
            raise ValueError("a keyframe has either seconds or at")
        limits = keyframe.get("range")
        if limits is None:
            return None
        first, last = limits["start_seconds"], limits["end_seconds"]
        if not (isinstance(first, int) and isinstance(last, int) and first < last):
            raise ValueError("a range has whole seconds")
        if "seconds" in keyframe and not first <= keyframe["seconds"] < last:
            raise ValueError("the keyframe must fall within its range")
        return first, last

    def _video(self, uri: Any) -> bytes:
        name = re.fullmatch(r"runway://(upload-\d+)", str(uri))
        return self._bench.read(self._uploads.get(name[1], "") if name else uri)

    def _task(self, job: Job) -> dict[str, Any]:
        told: dict[str, Any] = {"id": job.id, "createdAt": "2026-11-20T10:00:00.000Z"}
        fault = job.rule.fault if job.rule else None
        state = self._bench.step(job)
        if state == "done":
            output = [] if fault == "no-video" else [self._bench.result_url(job)]
            return {**told, "status": "SUCCEEDED", "output": output}
        if state == "cancelled":
            return {**told, "status": "CANCELLED"}
        if state in ("failed", "refused"):
            code = "SAFETY.OUTPUT.VIDEO" if state == "refused" else "INTERNAL.BAD_OUTPUT.CODE01"
            return {**told, "status": "FAILED", "failure": "An unexpected error occurred.", "failureCode": code}
        return {**told, "status": "PENDING"} if state == "queued" else {**told, "status": "RUNNING", "progress": 0.5}


def form(request: Request) -> dict[str, bytes]:
    """The fields of a multipart form; of a file, its bytes."""
    head = f"content-type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    parts: dict[str, bytes] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        parts[str(name)] = content if isinstance(content, bytes) else b""
    return parts
