"""What a provider's own client sends, beside what our editor sends for the same job."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.editors.remote.world import Case, edit_for, editor_of
from tools.sandbox.providers import ProviderSandbox, Request
from tools.types import Edit

AUTH = ("authorization", "x-goog-api-key", "x-runway-version")


def sent_by_us(case: Case, sandbox: ProviderSandbox, folder: Path) -> tuple[Edit, list[Request]]:
    """The edit that our editor submitted, and the requests that it made of it."""
    before, edit = len(sandbox.bench.requests), edit_for(case, folder)
    asyncio.run(editor_of(case, sandbox, folder / "home").submit(edit))
    return edit, sandbox.bench.requests[before:]


def paid(requests: list[Request], path: str) -> Request:
    """The one request to a path, which ends with it."""
    (found,) = [request for request in requests if request.method == "POST" and request.path.endswith(path)]
    return found


def without_nulls(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value is not None}


def same_request(ours: Request, theirs: Request) -> None:
    """Method, path, query, and what says who asks are the same."""
    assert (ours.method, ours.path, ours.query) == (theirs.method, theirs.path, theirs.query)
    told = [{name: one.headers.get(name) for name in AUTH} for one in (ours, theirs)]
    assert told[0] == told[1]
    kinds = [one.headers.get("content-type", "").partition(";")[0] for one in (ours, theirs)]
    assert kinds[0] == kinds[1]


def body_of(request: Request) -> dict[str, Any]:
    body = json.loads(request.body)
    assert isinstance(body, dict)
    return without_nulls(body)
