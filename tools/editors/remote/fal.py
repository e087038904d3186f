"""fal.ai: many models behind one queue. An endpoint's input is made by its builder (`_fal_inputs`); the rest is alike.

`COMPLETED` on the queue does not mean success: the result's own status says that. fal keeps results for minutes only,
so a result is read and kept here in the moment in which its job is found to be over.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal

from tools.editors.base import Price
from tools.editors.fitting import Fit
from tools.editors.http import Reply
from tools.editors.registry import Entry, House
from tools.editors.remote._editor import Files, Handle, RemoteEditor
from tools.editors.remote._fal_inputs import INPUTS, tier_of
from tools.editors.remote._fal_storage import Storage
from tools.editors.remote._inline import written
from tools.editors.webhooks import WEBHOOK
from tools.errors import BadInput, Broken, EditorError, Refused, TryAgain, Unknown
from tools.types import Edit, Progress

LIFETIME = json.dumps({"expiration_duration_seconds": 7 * 86_400})
"""How long result files lie at fal: a week, in which an interrupted pass is resumed."""
JUDGED_TYPES = ("content_policy", "moderation", "nsfw", "sensitive")
JUDGED_WORDS = ("content checker", "content policy", "flagged", "nsfw")
DOORS: Mapping[int, str] = {
    401: "FAL_KEY is not accepted",
    402: "the account of FAL_KEY is empty",
    403: "FAL_KEY has no right to this model, or its account is empty",
}
UNITS: Mapping[str, str] = {"image": "per_job", "video": "per_job", "megapixel": "per_megapixel"}
"""Units of the price list, in the singular, that mean one thing for all models."""
SECOND_FRAMES = "frames_per_billed_second"
"""The setting of a model whose seconds are so many frames, however long they are shown."""


class Failed(Refused):
    """The model could not do the job, or fal has nothing of it."""


class Fal(RemoteEditor):
    """One endpoint of fal's queue that makes video."""

    def __init__(self, house: House, entry: Entry) -> None:
        super().__init__(house, entry)
        self._results = self.door_for(self.sort_result)
        self._storage = Storage(self.door, self.url)

    def credentials(self) -> Mapping[str, str]:
        return {"authorization": f"Key {self.environment['FAL_KEY']}"}

    def sort(self, reply: Reply) -> EditorError | None:
        """Models answer {"detail": [{"msg", "type"}]} with 422, the platform {"detail": words, "error_type"}."""
        if reply.ok:
            return None
        detail = reply.json()["detail"]
        words = detail if isinstance(detail, str) else "; ".join(f"{one['msg']} ({one['type']})" for one in detail)
        if reply.status in DOORS:
            return Refused(f"{DOORS[reply.status]}: {words}")
        if reply.status == 404:
            return Failed(f"{self.capabilities.model} or the job is not known there, or no more: {words}")
        if reply.headers.get("x-fal-request-timeout-type") == "user":
            return Failed(f"the job did not start in time and was not billed: {words}", billed=False)
        if reply.status in (408, 409, 429) or reply.status >= 500:
            return TryAgain(words)
        return Refused(f"will not have the content: {words}" if _judged(detail) else words)

    def sort_result(self, reply: Reply) -> EditorError | None:
        """A result has the model's own status: 500 is the model's failure for good, and fal bills none of those."""
        wrong = self.sort(reply)
        if reply.status == 500 and isinstance(wrong, TryAgain):
            return Failed(f"the model failed: {wrong}", billed=False)
        return wrong

    # The job.

    async def send(self, edit: Edit, files: Files) -> Handle:
        told = await INPUTS[str(self.capabilities.settings["inputs"])](edit, files, self._storage.upload)
        hook = self.environment.get(WEBHOOK)
        reply = await self.door.pay(
            "POST",
            self.url(str(self.capabilities.model), "queue"),
            json=told,
            params={"fal_webhook": f"{hook.rstrip('/')}/fal"} if hook else None,
            headers=self._wishes(),
        )
        said = reply.json()
        name = said.get("request_id") if isinstance(said, dict) else None
        if not isinstance(name, str):
            raise Unknown("fal accepted the job without naming it; look for it at fal.ai/dashboard/requests")
        return Handle(id=name, fit=files.fit, urls=self._urls(name, said))

    def _wishes(self) -> dict[str, str]:
        """A job that has not started when nobody waits any more never starts, and is not billed."""
        in_time = {"x-fal-request-timeout": f"{self.capabilities.deadline_seconds:.1f}"}
        return {**in_time, "x-fal-object-lifecycle-preference": LIFETIME}

    def _urls(self, name: str, said: Mapping[str, Any]) -> dict[str, str]:
        """Where the job is asked for: as fal says, or as it is documented where that is none of fal's addresses."""
        owner, app = str(self.capabilities.model).split("/")[:2]
        base = self.url(f"{owner}/{app}/requests/{name}", "queue")
        usual = {"status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/cancel"}
        return {key: str(said[key]) if self.door.trusts(str(said.get(key))) else url for key, url in usual.items()}

    async def ask(self, handle: Handle) -> Progress:
        try:
            return await self._stands(handle)
        except Failed as failed:
            return Progress(state="failed", why=str(failed), billed=failed.billed)

    async def _stands(self, handle: Handle) -> Progress:
        told = (await self.door.ask("GET", handle.urls["status_url"])).json()
        if not isinstance(told, dict) or "status" not in told:
            raise Broken("fal answered something that is no status; its API may have changed")
        if told["status"] != "COMPLETED":
            return Progress(state="running")
        error = str(told.get("error") or told.get("error_type") or "")
        if _judged(error):
            raise Refused(f"fal: will not have the content: {error}")
        if error:
            return Progress(state="failed", why=error)
        self._file_of(handle, await self._read_result(handle))
        return Progress(state="done", fraction=1.0)

    async def _read_result(self, handle: Handle) -> Any:
        """The job's result as fal has it now, kept for later: fal forgets it within the hour."""
        reply = await self._results.ask("GET", handle.urls["response_url"])
        result = reply.json()
        self.home.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(written, reply.body, self._note(handle))
        return result

    def _note(self, handle: Handle) -> Path:
        return self.home / f"{hashlib.sha256(handle.id.encode()).hexdigest()[:24]}.json"

    async def bring(self, handle: Handle, path: Path) -> str:
        """The result's file, from the result that was kept or, where its address is dead, from a fresh one."""
        note = self._note(handle)
        if note.is_file():
            kept = self._file_of(handle, json.loads(note.read_bytes()))
            with suppress(Refused):
                return await self.door.download(kept, path, kind=self.result)
        try:
            fresh = self._file_of(handle, await self._read_result(handle))
        except Failed as gone:
            raise Broken(str(gone)) from None
        try:
            return await self.door.download(fresh, path, kind=self.result)
        except Refused as expired:
            raise Broken(f"{expired}; the job must be paid again") from None

    def _file_of(self, handle: Handle, result: Any) -> str:
        """The address of the file in a model's result. Failed where there is none."""
        if not isinstance(result, dict):
            raise Broken("fal answered something that is no result; its API may have changed")
        if any(result.get("has_nsfw_concepts") or ()):
            raise Refused("fal: will not have the content: the picture was blackened (has_nsfw_concepts)")
        files = result.get("images") or [result.get("video")]
        found = files[0].get("url") if isinstance(files[0], dict) else None
        if not isinstance(found, str):
            raise Failed(f"fal finished {handle.id} without a file")
        if isinstance(result.get("seed"), int):
            self.receipts[handle.id] = {"seed": result["seed"]}
        return found

    async def stop(self, handle: Handle) -> None:
        """Asks for it; a job that is over, or unknown, is left as it is."""
        with suppress(Refused):
            await self.door.ask("PUT", handle.urls["cancel_url"])

    def price(self, fit: Fit) -> Price:
        """The price at the resolution that is asked for: the settings say its share of the full one."""
        full = self.capabilities.price
        share = Decimal(str(self.capabilities.settings.get(f"share_{tier_of(fit.width, fit.height)}", 1)))
        return full.model_copy(update={"per_frame": full.per_frame * share, "per_second": full.per_second * share})


class FalStill(Fal):
    """One endpoint of fal's queue that edits pictures."""

    result: ClassVar[Literal["video", "image"]] = "image"


def _judged(detail: Any) -> bool:
    """Whether an error is a verdict on content, by its type or in its words; a field's name is none."""
    if isinstance(detail, str):
        return any(mark in detail.lower() for mark in (*JUDGED_TYPES, *JUDGED_WORDS))
    return any(
        any(mark in str(one["type"]).lower() for mark in JUDGED_TYPES)
        or any(mark in str(one["msg"]).lower() for mark in JUDGED_WORDS)
        for one in detail
    )


def build(house: House, entry: Entry) -> Fal:
    """The editor for the registry. BadInput for inputs that nobody can make."""
    inputs = entry.capabilities.settings.get("inputs")
    if inputs not in INPUTS:
        raise BadInput(f"roster.toml: [editors.{entry.name}] settings.inputs: {inputs!r} is none of {sorted(INPUTS)}")
    return (FalStill if entry.capabilities.medium == "still" else Fal)(house, entry)


# Prices.


async def refreshed_prices(house: House, entries: Sequence[Entry]) -> dict[str, Price]:
    """Today's prices, by editor, of the entries that fal's price list names in a unit that is understood.

    One question per endpoint: how several are asked for at once is not documented. Raises EditorError as the list does.
    """
    found: dict[str, Price] = {}
    for entry in entries:
        told = await _listed(Fal(house, entry))
        fields = _priced(entry, told) if told else None
        if told and fields is not None:
            source = f"api.fal.ai/v1/models/pricing: {told['unit_price']} USD a {told['unit']}"
            today = datetime.now(UTC).date()
            found[entry.name] = Price.model_validate({**fields, "on": today, "source": source})
    return found


async def _listed(editor: Fal) -> Mapping[str, Any] | None:
    """What the price list says of an editor's endpoint; None where it says nothing in US dollars."""
    model = str(editor.capabilities.model)
    try:
        told = await editor.door.ask("GET", editor.url("v1/models/pricing", "api"), params={"endpoint_id": model})
    except Failed:
        return None
    try:
        named = [one for one in told.json()["prices"] if one["endpoint_id"] == model and one["currency"] == "USD"]
        return next(({"unit_price": Decimal(str(one["unit_price"])), "unit": str(one["unit"])} for one in named), None)
    except (KeyError, TypeError, ArithmeticError):
        raise Broken("fal's price list cannot be read; its API may have changed") from None


def _priced(entry: Entry, told: Mapping[str, Any]) -> dict[str, Decimal] | None:
    """A listed price in the roster's own terms; None for a unit that is not understood."""
    unit, usd = told["unit"].lower().rstrip("s"), told["unit_price"]
    old = entry.capabilities.price
    frames = entry.capabilities.settings.get(SECOND_FRAMES)
    if unit == "second" and frames is not None:
        return {"per_frame": usd / Decimal(str(frames))}
    if unit == "second":
        return {"per_input_second" if old.per_input_second else "per_second": usd}
    if unit in ("1000 token", "1k token", "1,000 token"):
        return {"per_token": usd / 1000}
    return {UNITS[unit]: usd} if unit in UNITS else None
