"""fal: its client and our editor upload the same way, send the same job and ask for it at the same places.

The client's hosts are fixed (queue.fal.run, rest.fal.ai, v3.fal.media) and https. It is left as it is: it runs in a
process of its own, as a user runs it, behind a proxy that stands for those hosts (`tls`), which httpx learns from
HTTPS_PROXY and SSL_CERT_FILE.

Differences:
- the client asks for a status with ?logs=false, we with no query; the default is the same;
- an upload by the client says X-Fal-Object-Lifecycle and X-Fal-Object-Lifecycle-Preference for either kind of storage,
  we say the one that the storage reads;
- an upload carries the name of the file, which is another here;
- the client sends a job again whose answer was lost, which may be billed twice; we do not.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors.remote.sdks import body_of, same_request
from tests.editors.remote.tls import TlsProxy
from tests.editors.remote.world import Case, edit_for, polled
from tools.editors.registry import House, build
from tools.sandbox.providers import ProviderSandbox, Request
from tools.sandbox.providers.fal import FalQueue

WISHES = ("x-fal-request-timeout", "x-fal-object-lifecycle-preference")
CLIENT = """
import json, sys
import fal_client
asked = json.load(sys.stdin)
day = fal_client.StorageSettings(expires_in="1d")
client = fal_client.SyncClient()
body = dict(asked["body"])
for field, path in asked["files"].items():
    body[field] = client.upload_file(path, lifecycle=day)
handle = client.submit(
    asked["model"], body, webhook_url=asked["hook"], start_timeout=asked["timeout"], headers=asked["headers"]
)
states = [type(handle.status()).__name__ for _ in range(3)]
result = client.result(asked["model"], handle.request_id)
other = client.submit(asked["model"], body)
client.status(asked["model"], other.request_id)
client.cancel(asked["model"], other.request_id)
json.dump({"states": states, "result": result}, sys.stdout)
"""


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served


def sent_by_the_client(sandbox: ProviderSandbox, folder: Path, asked: dict[str, Any]) -> tuple[Any, list[Request]]:
    """What the client printed, and the requests that it made."""
    before = len(sandbox.bench.requests)
    with TlsProxy(sorted(FalQueue.hosts), int(sandbox.base_url.rsplit(":", 1)[1]), folder) as proxy:
        done = subprocess.run(
            [sys.executable, "-c", CLIENT],
            input=json.dumps(asked),
            env={**os.environ, **proxy.environment, "FAL_KEY": sandbox.bench.key_of("fal")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), sandbox.bench.requests[before:]


def sent_by_our_editor(sandbox: ProviderSandbox, case: Case, folder: Path, hook: str) -> list[Request]:
    """The requests of one job that is carried to its end, and of another that is stopped."""
    environment = sandbox.environment() | {"SUTURE_WEBHOOK_URL": hook}
    editor, edit = build(case.name, House(folder / "home", environment)), edit_for(case, folder)
    polled(editor, asyncio.run(editor.submit(edit)))
    other = asyncio.run(editor.submit(edit.model_copy(update={"key": "film/SH010/2"})))
    asyncio.run(editor.poll(other))
    asyncio.run(editor.cancel(other))
    return sandbox.bench.requests


@pytest.mark.parametrize(
    ("case", "files"),
    [
        (Case("fal-bria-erase", "inpaint"), ("video_url", "mask_video_url")),
        (Case("fal-flux-fill", "inpaint"), ()),
    ],
    ids=["uploads", "still"],
)
def test_the_client_sends_the_same_job(
    case: Case, files: tuple[str, ...], sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    hook, model = f"{sandbox.base_url}/hooks", str(case.entry.capabilities.model)
    ours = sent_by_our_editor(sandbox, case, tmp_path, hook)
    job = _jobs(ours, model)[0]
    asked = {
        "model": model,
        "body": {name: value for name, value in body_of(job).items() if name not in files},
        "files": {field: _kept(sandbox, body_of(job)[field], tmp_path / f"{field}.mp4") for field in files},
        "hook": f"{hook}/fal",
        "timeout": float(job.headers["x-fal-request-timeout"]),
        "headers": {"X-Fal-Object-Lifecycle-Preference": job.headers["x-fal-object-lifecycle-preference"]},
    }
    said, theirs = sent_by_the_client(sandbox, tmp_path, asked)
    told, nowhere = _jobs(theirs, model)[0], dict.fromkeys(files, "")
    same_request(job, told)
    assert [job.headers[name] for name in WISHES] == [told.headers[name] for name in WISHES]
    assert body_of(job) | nowhere == body_of(told) | nowhere
    assert said["states"][-1] == "Completed"
    assert said["result"].keys() & {"video", "images"}
    assert _later(ours) == _later(theirs) == {"GET …/status", "GET …", "PUT …/cancel"}
    if files:
        _same_uploads(ours, theirs)


def _jobs(requests: list[Request], model: str) -> list[Request]:
    return [one for one in requests if one.method == "POST" and one.path == f"/queue/{model}"]


def _later(requests: list[Request]) -> set[str]:
    """What is asked of jobs, below the address that names one of them; the key goes with each."""
    asked = [one for one in requests if "/requests/" in one.path]
    assert len({one.headers["authorization"] for one in asked}) == 1
    assert len({one.path.partition("/requests/")[0] for one in asked}) == 1
    return {f"{one.method} …{''.join(one.path.partition('/requests/')[2].partition('/')[1:])}" for one in asked}


def _same_uploads(ours: list[Request], theirs: list[Request]) -> None:
    tokens = [next(one for one in some if one.path == "/rest/storage/auth/token") for some in (ours, theirs)]
    same_request(*tokens)
    assert [body_of(one) for one in tokens] == [{}, {}]
    stored = [[one for one in some if one.path == "/cdn/files/upload"][:2] for some in (ours, theirs)]
    for mine, other in zip(*stored, strict=True):
        assert (mine.method, mine.path, mine.query, mine.body) == (other.method, other.path, other.query, other.body)
        proofs = [one.headers["authorization"].partition(" ")[0] for one in (mine, other)]
        assert proofs == ["Bearer", "Bearer"], "a token of the storage, never the key"
        assert mine.headers["content-type"] == other.headers["content-type"]
        assert mine.headers["x-fal-object-lifecycle"] == other.headers["x-fal-object-lifecycle"]


def _kept(sandbox: ProviderSandbox, url: str, path: Path) -> str:
    """A file that the sandbox has, on disk."""
    path.write_bytes(sandbox.bench.read(url))
    return str(path)
