"""OpenAI's image edits: one multipart request that answers with the picture."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from decimal import Decimal
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, NamedTuple

from tools.editors.registry import whole_roster
from tools.sandbox.providers._bench import Bench, Work
from tools.sandbox.providers._footage import read_alpha, read_picture
from tools.sandbox.providers._wire import Asked, Reply, Request

FLEXIBLE = ("gpt-image-2.6-sunburst", "gpt-image-2.6-flare", "gpt-image-2.5-sunburst", "gpt-image-2.5-flare",
            "gpt-image-2")  # fmt: skip
RETIRED = ("gpt-image-1", "dall-e-2", "dall-e-3")
FIELDS = {"model", "prompt", "size", "quality", "output_format", "n", "background", "complexity", "moderation", "user",
          "output_compression"}  # fmt: skip
QUALITIES = ("low", "medium", "high", "auto", "xhigh", "max")
CODES = {401: "invalid_api_key", 402: "billing_hard_limit_reached", 429: "rate_limit_exceeded", 404: "model_not_found"}
FEWEST, MOST, EDGE = 655_360, 8_294_400, 3840
PIXELS_A_TOKEN = 168
LETTERS_A_TOKEN = 4
IMAGE_TOKENS = 1100
MOST_MASK = 4_000_000


JUDGED = Reply(
    400,
    {
        "error": {
            "message": "Your request was rejected by the safety system.",
            "type": "image_generation_user_error",
            "param": None,
            "code": "moderation_blocked",
        }
    },
)


class Form(NamedTuple):
    """What a multipart request carries: fields, pictures in order, and the mask."""

    fields: dict[str, str]
    pictures: list[bytes]
    mask: bytes | None


class OpenAIImages:
    """api.openai.com, as far as pictures are edited there."""

    name = "openai"
    hosts: Mapping[str, str] = {"api.openai.com": ""}

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def asked(self, request: Request) -> Asked:
        if not request.path.endswith("/images/edits"):
            return Asked("other")
        found = re.search(rb'name="model"\r\n(?:[^\r\n]+\r\n)*\r\n([\w.-]+)', request.body)
        return Asked("submit", found[1].decode() if found else "")

    def error(self, status: int, words: str) -> Reply:
        code = CODES.get(status, "server_error" if status >= 500 else "invalid_request")
        kind = "server_error" if status >= 500 else "invalid_request_error"
        return Reply(status, {"error": {"message": words, "type": kind, "param": None, "code": code}})

    def refusal(self, request: Request) -> Reply:
        del request
        return JUDGED

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self._bench.key_of(self.name)}":
            return self.error(401, "Incorrect API key provided.")
        if not request.path.endswith("/images/edits") or request.method != "POST":
            return self.error(404, "Invalid URL.")
        try:
            told = form_of(request)
            model = told.fields.get("model", "")
            if model not in FLEXIBLE:
                return self.error(
                    404, f"The model `{model}` {'was shut down' if model in RETIRED else 'does not exist'}."
                )
            return self._made(model, self._work(told))
        except ValueError as error:
            return self.error(400, str(error))

    def _work(self, told: Form) -> Work:
        unknown = set(told.fields) - FIELDS
        if unknown:
            raise ValueError(f"Unknown parameter: '{min(unknown)}'.")
        if not 1 <= len(told.fields.get("prompt", "")) <= 32_000 or not 1 <= len(told.pictures) <= 16:
            raise ValueError("A prompt and 1 to 16 images are required.")
        if told.fields.get("quality", "auto") not in QUALITIES:
            raise ValueError("Invalid value for 'quality'.")
        first = read_picture(told.pictures[0])
        if told.mask is not None:
            _check_mask(told.mask, (first.shape[0], first.shape[1]))
        size = _size(told.fields.get("size", "auto"), (first.shape[1], first.shape[0]))
        return Work("still", told.fields["prompt"], pictures=tuple(told.pictures), mask=told.mask, size=size)

    def _made(self, model: str, work: Work) -> Reply:
        usage = _usage(work)
        job = self._bench.accept(self.name, model, work, _bill(model, usage))
        job.asked = self._bench.steps + 1
        state = self._bench.state(job)
        if state in ("refused", "failed"):
            job.usd = Decimal(0)
            return JUDGED if state == "refused" else self.error(500, "The server had an error.")
        data = base64.b64encode(self._bench.result(job).read_bytes()).decode()
        size = "x".join(map(str, work.size or ()))
        told = {"created": int(time.time()), "output_format": "png", "size": size, "usage": usage}
        fault = job.rule.fault if job.rule else None
        return Reply(200, {**told, "data": [] if fault == "no-video" else [{"b64_json": data}]})


def form_of(request: Request) -> Form:
    """What a multipart request carries. ValueError when it is none, or carries an unknown file."""
    head = f"content-type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    if not message.is_multipart():
        raise ValueError("multipart/form-data is expected.")
    fields: dict[str, str] = {}
    files: list[tuple[str, bytes]] = []
    for part in message.iter_parts():
        name, content = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        data = content if isinstance(content, bytes) else b""
        if part.get_filename():
            files.append((name, data))
        else:
            fields[name] = data.decode()
    unknown = {name for name, _ in files} - {"image", "image[]", "mask"}
    if unknown:
        raise ValueError(f"Unknown parameter: '{min(unknown)}'.")
    pictures = [data for name, data in files if name != "mask"]
    return Form(fields, pictures, next((data for name, data in files if name == "mask"), None))


def _check_mask(mask: bytes, size: tuple[int, int]) -> None:
    clear = read_alpha(mask)
    if clear is None:
        raise ValueError("Invalid mask image format - mask must have an alpha channel.")
    if clear.shape != size or len(mask) > MOST_MASK:
        raise ValueError("Invalid mask image - mask size does not match image size, or it is over 4 MB.")


def _size(said: str, sent: tuple[int, int]) -> tuple[int, int]:
    """Any size of whole sixteenths within the limits."""
    if said == "auto":
        return sent
    found = re.fullmatch(r"(\d+)x(\d+)", said)
    if found is None:
        raise ValueError(f"Invalid value: '{said}' for 'size'.")
    width, height = int(found[1]), int(found[2])
    fits = FEWEST <= width * height <= MOST and max(width, height) <= EDGE and 1 / 3 <= width / height <= 3
    if width % 16 or height % 16 or not fits:
        raise ValueError(
            f"Invalid size '{said}': both sides must be multiples of 16, {FEWEST} to {MOST} pixels in all."
        )
    return width, height


def _usage(work: Work) -> dict[str, Any]:
    width, height = work.size or (1024, 1024)
    text, images = max(1, len(work.prompt) // LETTERS_A_TOKEN), IMAGE_TOKENS * len(work.pictures)
    made = width * height // PIXELS_A_TOKEN
    return {
        "input_tokens": text + images,
        "input_tokens_details": {"text_tokens": text, "image_tokens": images},
        "output_tokens": made,
        "total_tokens": text + images + made,
    }


def _bill(model: str, usage: Mapping[str, Any]) -> Decimal:
    """By the tokens, at the rates that the roster knows."""
    rates = next(
        (one.capabilities.settings for one in whole_roster().editors.values() if one.capabilities.model == model), {}
    )
    counted = usage["input_tokens_details"]
    parts = (
        counted["text_tokens"] * float(rates.get("usd_text_in", 0)),
        counted["image_tokens"] * float(rates.get("usd_image_in", 0)),
        usage["output_tokens"] * float(rates.get("usd_image_out", 0)),
    )
    return Decimal(str(round(sum(parts) / 1_000_000, 4)))
