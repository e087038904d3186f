"""fal.ai: the queue, results, storage, the price list, and webhooks with a signature."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tools.editors.base import Capabilities
from tools.editors.registry import whole_roster
from tools.sandbox.providers._bench import Bench, Job
from tools.sandbox.providers._charge import charge
from tools.sandbox.providers._fal_endpoints import ENDPOINTS, work_of, wrong_with
from tools.sandbox.providers._wire import Asked, Reply, Request


class FalQueue:
    """queue.fal.run, rest.fal.ai, v3.fal.media and api.fal.ai."""

    name = "fal"
    hosts: Mapping[str, str] = {
        "queue.fal.run": "/queue",
        "queue.falrun.com": "/queue",
        "rest.fal.ai": "/rest",
        "rest.alpha.fal.ai": "/rest",
        "v3.fal.media": "/cdn",
        "api.fal.ai": "/api",
    }

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._tokens: set[str] = set()
        self._parts: dict[str, dict[int, bytes]] = {}
        self._signer = Ed25519PrivateKey.generate()

    def asked(self, request: Request) -> Asked:
        use, _, path = request.path.strip("/").partition("/")
        if use != "queue":
            return Asked("upload" if use in ("rest", "cdn") else "other")
        if request.method == "POST":
            return Asked("submit", path)
        if request.method == "PUT":
            return Asked("cancel")
        return Asked("poll" if path.endswith(("/status", "/stream")) else "fetch")

    def error(self, status: int, words: str) -> Reply:
        kinds = {429: "too_many_requests", 401: "unauthorized", 402: "payment_required"}
        kind = kinds.get(status, "internal_server_error" if status >= 500 else "bad_request")
        return Reply(status, {"detail": words, "error_type": kind}, {"x-fal-error-type": kind})

    def refusal(self, request: Request) -> Reply:
        del request
        return Reply(422, {"detail": [_judged()]}, {"x-fal-retryable": "false"})

    def answer(self, request: Request) -> Reply:
        use, _, path = request.path.strip("/").partition("/")
        if use == "cdn":
            return self._stored(request, path)
        if path == ".well-known/jwks.json":
            return Reply(200, {"keys": [self._public()]})
        if request.headers.get("authorization") != f"Key {self._bench.key_of(self.name)}":
            return self.error(401, "Cannot access application. Authentication is required.")
        if use == "rest":
            return self._rest(request, path)
        return self._prices(request) if use == "api" else self._queue(request, path)

    # The queue.

    def _queue(self, request: Request, path: str) -> Reply:
        if request.method == "POST":
            return self._submit(request, path)
        parts = path.split("/")
        job = self._bench.job(parts[parts.index("requests") + 1]) if "requests" in parts else None
        if job is None:
            return Reply(404, {"detail": "Request not found"} if request.method == "GET" else {"status": "NOT_FOUND"})
        if request.method == "PUT":
            stopped = self._bench.cancel(job)
            return Reply(
                202 if stopped else 400, {"status": "CANCELLATION_REQUESTED" if stopped else "ALREADY_COMPLETED"}
            )
        return self._status(job) if parts[-1] == "status" else self._result(job)

    def _submit(self, request: Request, model: str) -> Reply:
        endpoint = ENDPOINTS.get(model)
        if endpoint is None:
            return self.error(404, f"Application {model!r} not found")
        try:
            body = request.json
            wrong = wrong_with(endpoint, body)
            work = None if wrong else work_of(endpoint, body, self._bench)
        except ValueError as error:
            wrong, work = [{"loc": ["body"], "msg": str(error), "type": "file_error"}], None
        if work is None:
            return Reply(422, {"detail": wrong}, {"x-fal-retryable": "false"})
        job = self._bench.accept(self.name, model, work)
        job.usd = charge(self.name, model, work) * _share(model, body)
        hook = request.param("fal_webhook")
        if hook:
            self._notify(job, hook)
        return Reply(200, {"request_id": job.id, "status": "IN_QUEUE", "queue_position": 0, **self._urls(job)})

    def _urls(self, job: Job) -> dict[str, str]:
        owner, app = job.model.split("/")[:2]
        base = f"{self._bench.base_url}/{self.name}/queue/{owner}/{app}/requests/{job.id}"
        return {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}

    def _status(self, job: Job) -> Reply:
        state = self._bench.step(job)
        told: dict[str, Any] = {"request_id": job.id, **self._urls(job)}
        if state in ("queued", "running"):
            word = (
                {"status": "IN_QUEUE", "queue_position": 0}
                if state == "queued"
                else {"status": "IN_PROGRESS", "logs": []}
            )
            return Reply(202, {**told, **word})
        done = {**told, "status": "COMPLETED", "logs": [], "metrics": {"inference_time": 12.5}}
        if state == "cancelled":
            return Reply(200, {**done, "error": "Request was cancelled", "error_type": "request_cancelled"})
        return Reply(200, done)

    def _result(self, job: Job) -> Reply:
        state = self._bench.state(job)
        if state in ("queued", "running"):
            return Reply(400, {"detail": "Request is still in progress"})
        if state == "refused":
            return Reply(422, {"detail": [_judged()]}, {"x-fal-retryable": "false"})
        if state != "done":
            return Reply(500, {"detail": "The model failed.", "error_type": "internal_server_error"})
        return Reply(200, self._output(job))

    def _output(self, job: Job) -> dict[str, Any]:
        if job.rule is not None and job.rule.fault == "no-video":
            return {"seed": 7, "prompt": job.work.prompt}
        file = {"url": self._bench.result_url(job), "file_name": "out", "file_size": 1}
        if job.work.way == "still":
            image = {**file, "content_type": "image/png"}
            return {"images": [image], "has_nsfw_concepts": [False], "seed": 7}
        return {"video": {**file, "content_type": "video/mp4"}, "seed": 7, "prompt": job.work.prompt}

    # Storage.

    def _rest(self, request: Request, path: str) -> Reply:
        if path == "storage/auth/token" and request.param("storage_type") == "fal-cdn-v3":
            token = f"cdn-token-{len(self._tokens) + 1}"
            self._tokens.add(token)
            base = f"{self._bench.base_url}/{self.name}/cdn"
            return Reply(
                200, {"token": token, "token_type": "Bearer", "base_url": base, "expires_at": "2099-01-01T00:00:00Z"}
            )
        if path == "storage/upload/initiate":
            name = f"bucket-{len(self._parts) + 1}.mp4"
            self._parts[name] = {}
            base = f"{self._bench.base_url}/{self.name}/cdn/bucket/{name}"
            return Reply(200, {"upload_url": f"{base}?signature=of-the-bucket", "file_url": base})
        return self.error(404, "Not Found")

    def _stored(self, request: Request, path: str) -> Reply:
        use, _, name = path.partition("/")
        if use == "bucket" and name in self._parts and request.param("signature"):
            self._bench.alias(name, self._bench.keep(request.body, ".mp4"))
            return Reply(200)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            return self.error(401, "The storage token is not valid.")
        if path == "files/upload":
            return Reply(200, {"access_url": self._bench.keep(request.body, ".mp4")})
        if path == "files/upload/multipart":
            name = f"parts-{len(self._parts) + 1}"
            self._parts[name] = {}
            access = f"{self._bench.base_url}/{self.name}/cdn/files/{name}"
            return Reply(200, {"access_url": access, "uploadId": name})
        return self._part(request, path)

    def _part(self, request: Request, path: str) -> Reply:
        name, last = path.split("/")[-2], path.rsplit("/", maxsplit=1)[-1]
        kept = self._parts.get(name)
        if kept is None:
            return self.error(404, "No such upload.")
        if last != "complete":
            kept[int(last)] = request.body
            return Reply(200, {}, {"etag": hashlib.md5(request.body, usedforsecurity=False).hexdigest()})
        tags = [hashlib.md5(kept[n], usedforsecurity=False).hexdigest() for n in sorted(kept)]
        if [one["etag"] for one in request.json["parts"]] != tags:
            return self.error(400, "The parts do not match.")
        self._bench.alias(name, self._bench.keep(b"".join(kept[n] for n in sorted(kept)), ".mp4"))
        return Reply(200, {})

    # Prices and webhooks.

    def _prices(self, request: Request) -> Reply:
        wanted = request.query.get("endpoint_id", [])
        entries = [one.capabilities for one in whole_roster().editors.values() if one.capabilities.model in wanted]
        if not entries:
            return self.error(404, "Endpoint not found")
        prices = [{"endpoint_id": one.model, **_unit_price(one), "currency": "USD"} for one in entries]
        return Reply(200, {"prices": prices, "has_more": False, "next_cursor": None})

    def _notify(self, job: Job, hook: str) -> None:
        """Tells of a job that is over; one that never ends tells nothing."""
        fault = job.rule.fault if job.rule else None
        if fault == "never":
            return
        wrong = {"failed": "The model failed.", "refused-later": _judged()["msg"]}.get(str(fault))
        body = {
            "request_id": job.id,
            "gateway_request_id": job.id,
            "status": "ERROR" if wrong else "OK",
            "payload": {"detail": wrong} if wrong else {"prompt": job.work.prompt},
            "error": wrong,
        }
        self._bench.notify(job, hook, json.dumps(body).encode(), lambda data: self._signed(job, data))

    def _signed(self, job: Job, body: bytes) -> dict[str, str]:
        at = str(int(time.time()))
        message = "\n".join([job.id, "sandbox-user", at, hashlib.sha256(body).hexdigest()]).encode()
        return {
            "x-fal-webhook-request-id": job.id,
            "x-fal-webhook-user-id": "sandbox-user",
            "x-fal-webhook-timestamp": at,
            "x-fal-webhook-signature": self._signer.sign(message).hex(),
        }

    def _public(self) -> dict[str, str]:
        raw = self._signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": urlsafe_b64encode(raw).decode().rstrip("=")}


def _share(model: str, body: Mapping[str, Any]) -> Decimal:
    """The share of a model's full price at the resolution that was asked for."""
    able = (one.capabilities for one in whole_roster().editors.values() if one.capabilities.model == model)
    settings = next(able).settings
    return Decimal(str(settings.get(f"share_{body.get('resolution')}", 1)))


def _unit_price(can: Capabilities) -> dict[str, Any]:
    """The roster's price in a unit of the price list."""
    price, frames = can.price, int(can.settings.get("frames_per_billed_second", 0))
    units = {
        "seconds": price.per_frame * frames or price.per_second or price.per_input_second,
        "megapixels": price.per_megapixel,
        "1000 tokens": price.per_token * 1000,
        "images": price.per_job,
    }
    return next({"unit_price": float(usd), "unit": unit} for unit, usd in units.items() if usd)


def _judged() -> dict[str, Any]:
    message = "The content could not be processed because it was flagged by a content checker."
    return {"loc": ["body", "prompt"], "msg": message, "type": "content_policy_violation"}
