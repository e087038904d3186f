"""OpenAI: its client and our editor send the same edit of a picture.

Differences: boundaries and the order of parts; the client sends x-stainless-… headers, and would repeat an edit whose
answer was lost (twice, unless told not to), which may be billed again.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.editors.remote.sdks import paid, same_request, sent_by_us
from tests.editors.remote.world import Case
from tools.sandbox.providers import ProviderSandbox
from tools.sandbox.providers.openai import form_of


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served


def test_the_client_sends_the_same_edit(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    _, requests = sent_by_us(Case("gpt-image-2.6", "inpaint"), sandbox, tmp_path)
    ours = paid(requests, "/images/edits")
    form = form_of(ours)
    assert form.mask is not None
    with OpenAI(base_url=f"{sandbox.base_url}/openai", api_key=sandbox.bench.key_of("openai"), max_retries=0) as client:
        answer = client.images.edit(
            image=[(f"{place}.png", data, "image/png") for place, data in enumerate(form.pictures)],
            mask=("mask.png", form.mask, "image/png"),
            model=form.fields["model"],
            prompt=form.fields["prompt"],
            size=form.fields["size"],
            quality="high",
            output_format="png",
        )
    theirs = paid(sandbox.bench.requests[len(requests) :], "/images/edits")
    same_request(ours, theirs)
    assert form == form_of(theirs)
    assert answer.data is not None
    assert base64.b64decode(answer.data[0].b64_json or "").startswith(b"\x89PNG")
    assert answer.usage is not None
