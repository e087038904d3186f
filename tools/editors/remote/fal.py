"""fal.ai: many models behind one queue. An endpoint's input is made by its family (`_fal_inputs`); the rest is alike.

`COMPLETED` on the queue does not mean success: the result's own status says that. Results are kept for minutes only, so
they are fetched as soon as a job is over.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tools.editors.base import Price
from tools.editors.http import MEGABYTE, Reply
from tools.editors.registry import Entry, House
from tools.editors.remote._editor import Files, Handle, RemoteEditor
from tools.editors.remote._fal_inputs import FAMILIES
from tools.errors import BadInput, Broken, EditorError, Refused, TryAgain, Unknown
from tools.types import Edit, Progress

WEBHOOK = "SUTURE_WEBHOOK_URL"
JUDGED = ("content_policy_violation", "nsfw", "moderation", "safety")
WHOLE = 100 * MEGABYTE
"""Files above this size go up in parts."""
PART = 10 * MEGABYTE
PRICED_BY = {"second": "per_second", "image": "per_job", "megapixel": "per_megapixel", "video": "per_job"}


class Fal(RemoteEditor):
    """One endpoint of fal's queue."""

    def credentials(self) -> Mapping[str, str]:
        return {"authorization": f"Key {self.environment['FAL_KEY']}"}

    def sort(self, reply: Reply) -> EditorError | None:
        """Models answer {"detail": [{"msg", "type"}]} with 422, the platform {"detail": words, "error_type"}."""
        if reply.ok:
            return None
        detail = reply.json()["detail"]
        words = detail if isinstance(detail, str) else "; ".join(f"{one['msg']} ({one['type']})" for one in detail)
        if reply.status in (401, 403):
            return Refused(f"FAL_KEY is not accepted: {words}")
        if reply.headers.get("x-fal-request-timeout-type") == "user":
            return Broken(f"the model did not start in time: {words}")
        if reply.status in (408, 409, 429) or reply.status >= 500:
            return TryAgain(words)
        return Refused(f"will not have the content: {words}" if _judged(words) else words)

    async def send(self, edit: Edit, files: Files) -> Handle:
        build = FAMILIES[str(self.capabilities.settings["family"])]
        told = await build(edit, files, self.upload)
        hook = self.environment.get(WEBHOOK)
        asked = {"fal_webhook": f"{hook.rstrip('/')}/fal"} if hook else None
        reply = await self.door.pay("POST", self.url(str(self.capabilities.model), "queue"), json=told, params=asked)
        said = reply.json()
        names = ("status_url", "response_url", "cancel_url")
        if not isinstance(said.get("request_id"), str) or not all(isinstance(said.get(name), str) for name in names):
            raise Unknown("fal accepted the job without naming it; look at its dashboard")
        return Handle(id=said["request_id"], fit=files.fit, urls={name: said[name] for name in names})

    async def ask(self, handle: Handle) -> Progress:
        told = (await self.door.ask("GET", handle.urls["status_url"])).json()
        if not isinstance(told, dict) or "status" not in told:
            raise Broken("fal answered something that is no status; its API may have changed")
        if told["status"] != "COMPLETED":
            return Progress(state="running")
        error = str(told.get("error") or told.get("error_type") or "")
        if _judged(error):
            raise Refused(f"fal: will not have the content: {error}")
        return Progress(state="failed", why=error) if error else Progress(state="done", fraction=1.0)

    async def bring(self, handle: Handle, path: Path) -> str:
        try:
            result = (await self.door.ask("GET", handle.urls["response_url"])).json()
        except TryAgain as error:
            raise Broken(f"{error}; the model failed") from None
        try:
            return await self.door.download(self._found(handle, result), path, kind=self._kind)
        except Refused as expired:
            if "expired" not in str(expired):
                raise
            raise Broken(f"{expired}; fal gives a result one address") from None

    @property
    def _kind(self) -> Any:
        return "image" if self.capabilities.medium == "still" else "video"

    def _found(self, handle: Handle, result: Any) -> str:
        """The address of the file in a model's result."""
        if not isinstance(result, dict):
            raise Broken("fal answered something that is no result; its API may have changed")
        if any(result.get("has_nsfw_concepts") or ()):
            raise Refused("fal: will not have the content: the picture was blackened (has_nsfw_concepts)")
        files = result.get("images") or [result.get("video")]
        found = files[0].get("url") if isinstance(files[0], dict) else None
        if not isinstance(found, str):
            raise Broken(f"fal finished {handle.id} without a file")
        if isinstance(result.get("seed"), int):
            self.receipts[handle.id] = {"seed": result["seed"]}
        return found

    async def stop(self, handle: Handle) -> None:
        """Asks for it; a job that is over, or unknown, is left as it is."""
        with suppress(Refused):
            await self.door.ask("PUT", handle.urls["cancel_url"])

    # Uploads.

    async def upload(self, path: Path, kind: str) -> str:
        """The address of a file in fal's storage; by the older way where the newer one is out of order."""
        try:
            told = await self._token()
        except (TryAgain, Broken):
            return await self._upload_by_bucket(path, kind)
        proof = {"authorization": f"{told['token_type']} {told['token']}"}
        if path.stat().st_size > WHOLE:
            return await self._upload_in_parts(path, kind, proof)
        data = await asyncio.to_thread(path.read_bytes)
        named = {**proof, "content-type": kind, "x-fal-file-name": path.name}
        reply = await self.door.ask("POST", self.url("files/upload", "cdn"), bare=True, content=data, headers=named)
        return str(reply.json()["access_url"])

    async def _token(self) -> Mapping[str, Any]:
        where = self.url("storage/auth/token", "rest")
        told = (await self.door.ask("POST", where, params={"storage_type": "fal-cdn-v3"}, json={})).json()
        if not isinstance(told, dict) or "token" not in told:
            raise Broken("fal's storage answered without a token")
        return told

    async def _upload_in_parts(self, path: Path, kind: str, proof: Mapping[str, str]) -> str:
        where, named = self.url("files/upload/multipart", "cdn"), {"content-type": kind, "x-fal-file-name": path.name}
        opened = (await self.door.ask("POST", where, bare=True, headers={**proof, **named})).json()
        access, upload = opened["access_url"], opened["uploadId"]
        parts = []
        for number in range(1, math.ceil(path.stat().st_size / PART) + 1):
            data = await asyncio.to_thread(_part, path, number)
            target = f"{access}/multipart/{upload}/{number}"
            reply = await self.door.ask("PUT", target, bare=True, content=data, headers=proof)
            parts.append({"partNumber": number, "etag": reply.headers.get("etag", "")})
        done = {**proof, "content-type": "application/json"}
        ends = f"{access}/multipart/{upload}/complete"
        await self.door.ask("POST", ends, bare=True, content=json.dumps({"parts": parts}).encode(), headers=done)
        return str(access)

    async def _upload_by_bucket(self, path: Path, kind: str) -> str:
        asked = {"file_name": path.name, "content_type": kind}
        where = self.url("storage/upload/initiate", "rest")
        told = (await self.door.ask("POST", where, params={"storage_type": "gcs"}, json=asked)).json()
        data = await asyncio.to_thread(path.read_bytes)
        await self.door.ask("PUT", told["upload_url"], bare=True, content=data, headers={"content-type": kind})
        return str(told["file_url"])


def _part(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek((number - 1) * PART)
        return file.read(PART)


def _judged(words: str) -> bool:
    return any(mark in words.lower() for mark in JUDGED)


def build(house: House, entry: Entry) -> Fal:
    """The editor for the registry. BadInput for a family that nobody wrote."""
    family = entry.capabilities.settings.get("family")
    if family not in FAMILIES:
        raise BadInput(f"roster.toml: [editors.{entry.name}] settings.family: fal has no family {family!r}")
    return Fal(house, entry)


async def refreshed_prices(house: House, entries: Sequence[Entry]) -> dict[str, Price]:
    """Today's prices of the entries that fal's price list names in a unit that is understood, by editor."""
    editors = {entry.name: Fal(house, entry) for entry in entries}
    found: dict[str, Price] = {}
    for name, editor in editors.items():
        asked = {"endpoint_id": str(editor.capabilities.model)}
        told = (await editor.door.ask("GET", editor.url("v1/models/pricing", "api"), params=asked)).json()
        price = next((one for one in told["prices"] if one.get("endpoint_id") == asked["endpoint_id"]), None)
        unit = PRICED_BY.get(str(price["unit"]).rstrip("s")) if price else None
        if price is not None and unit is not None and price.get("currency") == "USD":
            today = datetime.now(UTC).date()
            source = f"api.fal.ai/v1/models/pricing, a {price['unit']}"
            usd = {unit: Decimal(str(price["unit_price"]))}
            found[name] = Price.model_validate({**usd, "on": today, "source": source})
    return found
