"""Google: its client and our editors upload the same way, and send the same interactions, images and Veo jobs.

Differences: the client names the file of an upload in a header and writes an upload's size as text, we as a number; it
sends x-goog-api-client headers and signs in by itself. It asks for v1 of the Gemini API and v1beta1 of Google Cloud's
unless told v1beta and v1, which are the versions that the pages describe. It writes some fields as mime_type and
size_bytes, which Google reads like mimeType and sizeBytes, and puts what Omni is given inside a step "user_input":
`plain` takes both away.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import types
from google.oauth2 import service_account

from tests.editors.remote.sdks import body_of, paid, same_request, sent_by_us
from tests.editors.remote.world import Case
from tools.sandbox.providers import ProviderSandbox, Request

pytestmark = pytest.mark.long

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
UPLOAD = ("x-goog-upload-protocol", "x-goog-upload-command", "x-goog-upload-offset",
          "x-goog-upload-header-content-length", "x-goog-upload-header-content-type")  # fmt: skip


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served


@pytest.fixture
def client(sandbox: ProviderSandbox) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=f"{sandbox.base_url}/google", api_version="v1beta")
    with genai.Client(api_key=sandbox.bench.key_of("google"), http_options=options) as made:
        yield made


@pytest.fixture
def cloud(sandbox: ProviderSandbox) -> Iterator[genai.Client]:
    environment = sandbox.environment()
    told = json.loads(Path(environment["GOOGLE_APPLICATION_CREDENTIALS"]).read_bytes())
    read: Any = service_account.Credentials.from_service_account_info  # the library leaves it untyped
    account = read(told, scopes=[CLOUD])
    options = types.HttpOptions(base_url=f"{sandbox.base_url}/vertex", api_version="v1")
    with genai.Client(
        vertexai=True,
        project=environment["GOOGLE_CLOUD_PROJECT"],
        location="us-central1",
        credentials=account,
        http_options=options,
    ) as made:
        yield made


@pytest.mark.parametrize("case", [Case("omni-1.2", "regenerate"), Case("omni-1.1", "retake")], ids=str)
def test_the_client_sends_the_same_interaction(
    case: Case, sandbox: ProviderSandbox, client: genai.Client, tmp_path: Path
) -> None:
    _, requests = sent_by_us(case, sandbox, tmp_path)
    ours = paid(requests, "/interactions")
    interaction: Any = client.interactions.create(**body_of(ours))
    theirs = paid(sandbox.bench.requests[len(requests) :], "/interactions")
    same_request(ours, theirs)
    assert plain(body_of(ours)) == plain(body_of(theirs))
    told = [client.interactions.get(id=interaction.id) for _ in range(3)]
    assert [one.status for one in told] == ["queued", "in_progress", "completed"]
    assert told[-1].output_video is not None


def test_the_client_uploads_footage_the_same_way(
    sandbox: ProviderSandbox, client: genai.Client, tmp_path: Path
) -> None:
    _, requests = sent_by_us(Case("omni-1.2-edit", "inpaint"), sandbox, tmp_path)
    footage = tmp_path / "clip.mp4"
    footage.write_bytes(next(one for one in requests if "upload_id" in one.query).body)
    file = client.files.upload(file=footage)
    later = sandbox.bench.requests[len(requests) :]
    opened, sent = ([one for one in some if one.path.startswith("/upload/")] for some in (requests, later))
    same_request(opened[0], sent[0])
    assert _upload_headers(opened)[0] == _upload_headers(sent)[0]
    ends = [(one[1].headers["x-goog-upload-command"], one[1].headers["x-goog-upload-offset"]) for one in (opened, sent)]
    assert ends[0] == ends[1], "the client repeats the other headers there"
    told, theirs = (plain(one[0].json["file"]) for one in (opened, sent))
    assert (told["mimeType"], told["sizeBytes"]) == (theirs["mimeType"], int(theirs["sizeBytes"]))
    assert all("x-goog-api-key" not in one.headers for one in (opened[1], sent[1])), "the address is the right to it"
    assert opened[1].body == sent[1].body
    states = [client.files.get(name=str(file.name)).state for _ in range(2)]
    assert states[-1] == types.FileState.ACTIVE


SPELT = {"mime_type": "mimeType", "size_bytes": "sizeBytes"}
ADDRESSED = str.maketrans("-_", "+/")
"""Base64 in the alphabet of addresses, which the client writes, as we write it."""


def plain(body: Any) -> Any:
    """A body without what the client writes otherwise and means the same."""
    if isinstance(body, dict):
        return {SPELT.get(key, key): plain(value) for key, value in body.items()}
    if isinstance(body, list):
        wrapped = len(body) == 1 and isinstance(body[0], dict) and body[0].get("type") == "user_input"
        return [plain(one) for one in (body[0]["content"] if wrapped else body)]
    return body.translate(ADDRESSED) if isinstance(body, str) else body


def _upload_headers(requests: list[Request]) -> list[dict[str, str | None]]:
    return [{name: one.headers.get(name) for name in UPLOAD} for one in requests]


def test_the_client_sends_the_same_picture(sandbox: ProviderSandbox, client: genai.Client, tmp_path: Path) -> None:
    _, requests = sent_by_us(Case("gemini-3-pro-image", "inpaint"), sandbox, tmp_path)
    ours = paid(requests, ":generateContent")
    (turn,) = body_of(ours)["contents"]
    asked = body_of(ours)["generationConfig"]["imageConfig"]
    answer = client.models.generate_content(
        model="gemini-3-pro-image",
        contents=[types.Content(role="user", parts=[_part(part) for part in turn["parts"]])],
        config=types.GenerateContentConfig(
            response_modalities=["TEXT", "IMAGE"],
            image_config=types.ImageConfig(aspect_ratio=asked["aspectRatio"], image_size=asked["imageSize"]),
        ),
    )
    theirs = paid(sandbox.bench.requests[len(requests) :], ":generateContent")
    same_request(ours, theirs)
    assert plain(body_of(ours)) == plain(body_of(theirs))
    assert answer.parts is not None
    assert any(part.inline_data is not None for part in answer.parts)


def _part(part: dict[str, Any]) -> types.Part:
    if "text" in part:
        return types.Part(text=part["text"])
    return types.Part.from_bytes(
        data=base64.b64decode(part["inlineData"]["data"]), mime_type=part["inlineData"]["mimeType"]
    )


def test_the_client_sends_the_same_shot_between_frames(
    sandbox: ProviderSandbox, cloud: genai.Client, tmp_path: Path
) -> None:
    _, requests = sent_by_us(Case("veo-3.1", "retake"), sandbox, tmp_path)
    ours = paid(requests, ":predictLongRunning")
    (instance,) = body_of(ours)["instances"]
    operation = cloud.models.generate_videos(
        model="veo-3.1-generate-001",
        source=types.GenerateVideosSource(prompt=instance["prompt"], image=_image(instance["image"])),
        config=types.GenerateVideosConfig(last_frame=_image(instance["lastFrame"]), **_settings(ours)),
    )
    _same_job(ours, sandbox, len(requests))
    for _ in range(3):
        operation = cloud.operations.get(operation)
    assert operation.response is not None
    assert operation.response.generated_videos
    asked = sandbox.bench.requests[-1]
    assert (asked.method, asked.path.rpartition(":")[2]) == ("POST", "fetchPredictOperation")


def test_the_client_sends_the_same_shot_from_references(
    sandbox: ProviderSandbox, cloud: genai.Client, tmp_path: Path
) -> None:
    _, requests = sent_by_us(Case("veo-3.1-references", "regenerate"), sandbox, tmp_path)
    ours = paid(requests, ":predictLongRunning")
    (instance,) = body_of(ours)["instances"]
    shown = [
        types.VideoGenerationReferenceImage(
            image=_image(one["image"]), reference_type=types.VideoGenerationReferenceType(one["referenceType"])
        )
        for one in instance["referenceImages"]
    ]
    config = types.GenerateVideosConfig(reference_images=shown, **_settings(ours))
    source = types.GenerateVideosSource(prompt=instance["prompt"])
    cloud.models.generate_videos(model="veo-3.1-generate-001", source=source, config=config)
    _same_job(ours, sandbox, len(requests))


def _same_job(ours: Request, sandbox: ProviderSandbox, before: int) -> None:
    theirs = paid(sandbox.bench.requests[before:], ":predictLongRunning")
    same_request(ours, theirs)
    assert body_of(ours) == body_of(theirs)


def _settings(ours: Request) -> dict[str, Any]:
    told = body_of(ours)["parameters"]
    return {
        "number_of_videos": told["sampleCount"],
        "duration_seconds": told["durationSeconds"],
        "aspect_ratio": told["aspectRatio"],
        "person_generation": told["personGeneration"],
        "seed": told["seed"],
        "resolution": told["resolution"],
        "generate_audio": told["generateAudio"],
    }


def _image(told: dict[str, str]) -> types.Image:
    return types.Image(image_bytes=base64.b64decode(told["bytesBase64Encoded"]), mime_type=told["mimeType"])
