"""Gemini Omni by the Interactions API: edits and extensions of footage by words, shots from pictures, follow-ups.

Two families of one model: "edit" sends footage (which Google blocks in some countries), "made" sends pictures only.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from tools.editors.fitting import Fit
from tools.editors.http import Reply
from tools.editors.pricing import Footage
from tools.editors.registry import Entry, House
from tools.editors.remote._editor import Files, Handle, RemoteEditor, patience_of
from tools.editors.remote._gemini_files import GeminiFiles, file_name
from tools.editors.remote._google import google_error
from tools.editors.remote._inline import decoded, encoded, written
from tools.errors import Broken, EditorError, Refused, Unknown
from tools.types import Edit, Progress

REVISION = "2026-05-20"
"""The API's revision that the client library names too."""
FAILED = ("failed", "incomplete", "budget_exceeded", "requires_action", "cancelled")
KEEP = "Keep everything else exactly as it is."
FOLLOW_UP = "follow-up"
SHORTEST_LEAD = Fraction(1)
"""Seconds of right footage from which it can be told how a shot goes on."""
SHORTEST_MORE, MOST_MORE = 3, 10
"""Seconds that one extension makes."""
MOST_SEED = 2**31
MILLION = 1_000_000
Body = dict[str, Any]


class Omni(RemoteEditor):
    """`POST /v1beta/interactions`, asked for until it is over. Shots from references; footage between two frames."""

    def __init__(self, house: House, entry: Entry) -> None:
        super().__init__(house, entry)
        self.files = GeminiFiles(self.door, self.url, patience_of(self.environment))

    def credentials(self) -> Mapping[str, str]:
        return {"x-goog-api-key": self.environment["GEMINI_API_KEY"], "api-revision": REVISION}

    def sort(self, reply: Reply) -> EditorError | None:
        return google_error(reply, key="GEMINI_API_KEY", model=str(self.capabilities.model))

    # What is sent.

    def refuses(self, edit: Edit) -> str | None:
        if edit.action == "retake" and edit.window is not None and edit.window[0] == 0:
            return "makes footage onward from a kept frame, and the window opens at the cut"
        if edit.action == "regenerate" and not _shown(edit):
            return "needs a reference picture, or a first frame, to make a shot from"
        return None

    async def send(self, edit: Edit, files: Files) -> Handle:
        looked_at = await files.references() if edit.action == "regenerate" else []
        if looked_at:
            fit = files.fit.model_copy(update={"pinned": "none"})
            return await self._made(edit, fit, "reference_to_video", looked_at)
        ends = [await files.end("first"), await files.end("last")]
        return await self._made(edit, files.fit, "image_to_video", [path for path in ends if path is not None])

    async def _made(self, edit: Edit, fit: Fit, task: str, pictures: Sequence[Path]) -> Handle:
        body = self._body(edit, fit, task, await _images(pictures))
        body["response_format"]["duration"] = f"{fit.seconds_asked}s"
        return await self._created(body, fit)

    def _body(self, edit: Edit, fit: Fit, task: str, shown: list[Body], words: str = "") -> Body:
        config: Body = {"video_config": {"task": task}}
        if self.capabilities.settings.get("seeds"):
            config["seed"] = edit.seed % MOST_SEED
        body: Body = {
            "model": str(self.capabilities.model),
            "input": [{"type": "text", "text": words or edit.prompt}, *shown],
            "response_format": {
                "type": "video",
                "aspect_ratio": "16:9" if fit.width >= fit.height else "9:16",
                "resolution": str(self.capabilities.settings["resolution"]),
                "delivery": "uri",
            },
            "generation_config": config,
            "background": True,
            "store": True,
        }
        hook = self.environment.get("SUTURE_WEBHOOK_URL")
        return body | ({"webhook_config": {"uris": [f"{hook.rstrip('/')}/google"]}} if hook else {})

    async def _created(self, body: Body, fit: Fit) -> Handle:
        told = (await self.door.pay("POST", self.url("v1beta/interactions"), json=body)).json()
        name = told.get("id")
        if not isinstance(name, str) or not name:
            raise Unknown(f"{self.provider.title} accepted the job without naming it; look at the project's usage")
        return Handle(id=name, fit=fit, facts={"interaction": name})

    # What became of it.

    async def ask(self, handle: Handle) -> Progress:
        told = await self._interaction(handle)
        status = told["status"]
        if status in FAILED:
            return Progress(state="failed", why=f"{status}: {_errors(told)}".strip(": "))
        if status != "completed":
            return Progress(state="running")
        uri = self._video(told).get("uri")
        state = await self.files.state(file_name(uri)) if uri else "ACTIVE"
        if state == "FAILED":
            return Progress(state="failed", why="the file of the result could not be made")
        return Progress(state="done", fraction=1.0) if state == "ACTIVE" else Progress(state="running")

    async def _interaction(self, handle: Handle) -> Body:
        told = (await self.door.ask("GET", self.url(f"v1beta/interactions/{handle.id}"))).json()
        if not isinstance(told, dict) or "status" not in told:
            raise Broken(f"{self.provider.title} answered something that is no interaction; its API may have changed")
        return told

    def _video(self, told: Body) -> Body:
        """The video part of a completed interaction; Refused where there is none, or a step says why not."""
        outputs = [step for step in told.get("steps") or () if step.get("type") == "model_output"]
        wrong = next((step["error"] for step in outputs if step.get("error")), None)
        if wrong is not None:
            raise Refused(f"{self.provider.title} will not have the content: {wrong.get('message')}", billed=False)
        parts = [part for step in outputs for part in step.get("content") or ()]
        found = next((part for part in parts if part.get("type") == "video"), None)
        if found is None:
            words = " ".join(str(part.get("text", "")) for part in parts)[:200]
            raise Refused(f"{self.provider.title} completed without a video: {words or 'no reason given'}")
        return dict(found)

    async def bring(self, handle: Handle, path: Path) -> str:
        """What is stored comes inside the answer, or by the address of a file that lives two days."""
        for last in (False, True):
            told = await self._interaction(handle)
            video = self._video(told)
            self._note_bill(handle, told)
            if video.get("data"):
                return written(decoded(video["data"], "video", self.provider.title), path)
            try:
                return await self.files.download(str(video.get("uri")), path)
            except Refused as expired:
                if last:
                    raise Broken(f"{expired}; results live two days") from None
        raise AssertionError("the second try returns or raises")

    def _note_bill(self, handle: Handle, told: Body) -> None:
        """The bill by the tokens that were counted, where the price of a token is known."""
        usage, rates = told.get("usage") or {}, self.capabilities.settings
        read, written = usage.get("total_input_tokens"), usage.get("total_output_tokens")
        if "usd_out" in rates and isinstance(read, int) and isinstance(written, int):
            usd = (float(rates["usd_in"]) * read + float(rates["usd_out"]) * written) / MILLION
            self.receipts[handle.id] = {"billed_usd": round(usd, 4), "tokens": read + written}

    async def stop(self, handle: Handle) -> None:
        await self.door.ask("POST", self.url(f"v1beta/interactions/{handle.id}/cancel"))


class OmniEdit(Omni):
    """Footage that is uploaded and changed by words. A retake that reaches the clip's end is made by an extension.

    The method "follow-up" says it again to the interaction that edited the same footage last.
    """

    def refuses(self, edit: Edit) -> str | None:
        if edit.method == FOLLOW_UP and edit.action != "inpaint":
            return "only an edit can be followed up"
        return None

    def fitted(self, edit: Edit) -> Fit:
        fit = super().fitted(edit)
        if edit.method == FOLLOW_UP and self._last_turn(fit) is None:
            raise Refused(f"{self.name}: nothing that it made of this footage could be followed up")
        return fit

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        lead = lead_of(edit, fit)
        sent = fit.seconds if lead is None else lead.seconds
        made = fit.seconds if lead is None else Fraction(_more(fit, lead))
        return Footage(width=fit.width, height=fit.height, rate=fit.rate, seconds_in=sent, seconds_out=made)

    async def send(self, edit: Edit, files: Files) -> Handle:
        lead = lead_of(edit, files.fit)
        if lead is not None:
            return await self._extended(edit, files, lead)
        before = self._last_turn(files.fit) if edit.method == FOLLOW_UP else None
        shown = [] if before else [await self._uploaded(files)]
        looked = [
            {"type": "image", "mime_type": "image/png", "data": await encoded(p)} for p in await files.references()
        ]
        body = self._body(edit, files.fit, "edit", [*shown, *looked], words_of(edit, files.fit))
        handle = await self._created(body | ({"previous_interaction_id": before} if before else {}), files.fit)
        self._remember(handle)
        return handle

    async def _extended(self, edit: Edit, files: Files, lead: Fit) -> Handle:
        """The footage before the window, and how it goes on: what comes back is both."""
        footage = await self._uploaded(Files(edit, lead, self.capabilities, files.folder))
        body = self._body(edit, files.fit, "extend", [footage])
        body["response_format"]["duration"] = f"{_more(files.fit, lead)}s"
        return await self._created(body, files.fit)

    async def _uploaded(self, files: Files) -> Body:
        uri = await self.files.upload(await files.clip(), "video/mp4")
        return {"type": "video", "mime_type": "video/mp4", "uri": uri}

    def _last_turn(self, fit: Fit) -> str | None:
        """The interaction that edited the same footage last, as this machine remembers it."""
        note = self._turns(fit)
        return str(json.loads(note.read_bytes())["interaction"]) if note.is_file() else None

    def _remember(self, handle: Handle) -> None:
        note = self._turns(handle.fit)
        note.parent.mkdir(exist_ok=True)
        written(json.dumps({"interaction": handle.id}).encode(), note)

    def _turns(self, fit: Fit) -> Path:
        same = f"{fit.clip}|{fit.first}|{fit.frames}|{fit.count}|{fit.rate}|{fit.width}x{fit.height}|{fit.box}"
        return self.home / "turns" / f"{hashlib.sha256(same.encode()).hexdigest()[:24]}.json"


def lead_of(edit: Edit, fit: Fit) -> Fit | None:
    """The footage before a window that reaches the clip's end; None where the shot does not just go on."""
    if edit.action != "retake" or edit.window is None or edit.window[1] < edit.clip.frames - 1:
        return None
    frames = edit.window[0] - fit.first
    if frames < 1 or fit.second_of(edit.window[0]) < SHORTEST_LEAD:
        return None
    last = edit.window[0] - 1
    return fit.model_copy(
        update={"frames": frames, "count": fit.sent_index(last) + 1, "replaced": (fit.first, last), "wrong": None}
    )


def _more(fit: Fit, lead: Fit) -> int:
    """Whole seconds to ask for. Refused when one extension does not reach the end."""
    missing = math.ceil(fit.second_of(fit.last + 1) - lead.seconds)
    if missing > MOST_MORE:
        raise Refused(f"extends footage by at most {MOST_MORE} s; {missing} s are to be made anew")
    return max(SHORTEST_MORE, missing)


def words_of(edit: Edit, fit: Fit) -> str:
    """A short instruction that says when, and that all else stays."""
    if edit.action != "retake" or edit.window is None:
        return f"{edit.prompt} {KEEP}"
    opens, closes = (float(fit.second_of(index)) for index in (edit.window[0], edit.window[1] + 1))
    return f"Only from second {opens:.2f} to second {closes:.2f}: {edit.prompt} {KEEP}"


def _shown(edit: Edit) -> bool:
    """Whether there is a picture to make a shot from."""
    return any((one.role == "look" and one.mask is None) or one.role == "first" for one in edit.references)


async def _images(paths: Sequence[Path]) -> list[Body]:
    return [{"type": "image", "mime_type": "image/png", "data": await encoded(path)} for path in paths]


def _errors(told: Body) -> str:
    return "; ".join(str(one.get("message") or one.get("code") or "") for one in told.get("errors") or ())


def build(house: House, entry: Entry) -> Omni:
    """The editor for the registry."""
    return OmniEdit(house, entry) if entry.capabilities.settings.get("family") == "edit" else Omni(house, entry)
