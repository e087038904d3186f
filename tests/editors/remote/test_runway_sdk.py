"""Runway: its client and our editor upload the same way and send the same job.

Differences: the client makes names of uploads from file names, we from the edit; it sends x-stainless-… headers and
repeats a job whose answer was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from runwayml import RunwayML

from tests.editors.remote.sdks import body_of, paid, same_request, sent_by_us
from tests.editors.remote.world import Case
from tools.sandbox.providers import ProviderSandbox


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served


def test_the_client_sends_the_same_job(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    edit, requests = sent_by_us(Case("aleph-2", "retake"), sandbox, tmp_path)
    ours = paid(requests, "/v1/video_to_video")
    body = body_of(ours)
    (keyframe,) = body["keyframes"]
    with RunwayML(
        base_url=f"{sandbox.base_url}/runway", api_key=sandbox.bench.key_of("runway"), max_retries=0
    ) as client:
        uploaded = client.uploads.create_ephemeral(file=("clip.mp4", edit.clip.media.read_bytes()))
        task = client.video_to_video.create(
            model="aleph2",
            video_uri=uploaded.uri,
            prompt_text=body["promptText"],
            seed=body["seed"],
            keyframes=[keyframe],
        )
        later = sandbox.bench.requests[len(requests) :]
        theirs = paid(later, "/v1/video_to_video")
        same_request(ours, theirs)
        assert {**body, "videoUri": ""} == {**body_of(theirs), "videoUri": ""}
        same_request(paid(requests, "/v1/uploads"), paid(later, "/v1/uploads"))
        stored = [next(one for one in some if "/storage/" in one.path) for some in (requests, later)]
        assert all("authorization" not in one.headers for one in stored)
        states = [client.tasks.retrieve(task.id).status for _ in range(3)]
        assert states[-1] == "SUCCEEDED"
