"""Luma's agents API: generations of ray-3.2, of which Suture uses "video_edit"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.sandbox.providers._bench import Bench, Job, Work
from tools.sandbox.providers._charge import charge
from tools.sandbox.providers._wire import Asked, Reply, Request

MODEL = "ray-3.2"
RESOLUTIONS = ("360p", "540p", "720p", "1080p")
KNOWN = {"model", "type", "prompt", "aspect_ratio", "video", "source"}


class Luma:
    """agents.lumalabs.ai."""

    name = "luma"
    hosts: Mapping[str, str] = {"agents.lumalabs.ai": ""}

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def asked(self, request: Request) -> Asked:
        if request.path == "/v1/generations":
            return Asked("submit", MODEL)
        return Asked("poll" if request.path.startswith("/v1/generations/") else "other", MODEL)

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"detail": words})

    def refusal(self, request: Request) -> Reply:
        del request
        return Reply(400, {"detail": "The request was flagged by moderation."})

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self._bench.key_of(self.name)}":
            return self.error(401, "Not authenticated")
        if request.method == "POST" and request.path == "/v1/generations":
            return self._submit(request)
        job = self._bench.job(request.parts[-1]) if request.parts else None
        if request.method != "GET" or job is None:
            return self.error(404, "Generation not found")
        return Reply(200, self._generation(job))

    def _submit(self, request: Request) -> Reply:
        try:
            work = self._work(request.json)
        except (ValueError, KeyError, TypeError) as error:
            return self.error(422, f"invalid: {error}")
        job = self._bench.accept(self.name, MODEL, work)
        job.usd = charge(self.name, MODEL, work)
        return Reply(201, {"id": job.id, "state": "queued", "model": MODEL})

    def _work(self, body: dict[str, Any]) -> Work:
        unknown = set(body) - KNOWN
        if unknown or body.get("model") != MODEL or body.get("type") != "video_edit":
            raise ValueError(f"unknown {', '.join(sorted(unknown)) or 'model or type'}")
        prompt, video = body["prompt"], body["video"]
        if not 0 < len(prompt) <= 6000:
            raise ValueError("prompt must have 1 to 6000 characters")
        if video["duration"] not in ("5s", "10s") or video["resolution"] not in RESOLUTIONS:
            raise ValueError("duration or resolution")
        frames, indexes = video.get("keyframes", []), video.get("keyframe_indexes", [])
        if len(frames) != len(indexes) or len(frames) > 64 or sorted(set(indexes)) != indexes:
            raise ValueError("keyframes and keyframe_indexes must go together, in order, at most 64")
        for frame in frames:
            self._bench.read(frame.get("url") or frame.get("data"))
        source = body["source"]
        return Work(
            "edit",
            prompt,
            video=self._bench.read(source.get("url") or source.get("data")),
            seconds=float(video["duration"][:-1]),
        )

    def _generation(self, job: Job) -> dict[str, Any]:
        told: dict[str, Any] = {"id": job.id, "model": MODEL, "type": "video_edit"}
        state = self._bench.step(job)
        if state == "done":
            empty = job.rule is not None and job.rule.fault == "no-video"
            output = [] if empty else [{"type": "video", "url": self._bench.result_url(job)}]
            return {**told, "state": "completed", "output": output}
        if state == "refused":
            why = {"failure_reason": "The result was flagged.", "failure_code": "content_moderation"}
            return {**told, "state": "failed", **why}
        if state == "failed":
            return {**told, "state": "failed", "failure_reason": "Something broke.", "failure_code": "internal_error"}
        return {**told, "state": "queued" if state == "queued" else "dreaming"}
