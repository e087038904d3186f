"""Veo on Google Cloud by `predictLongRunning`: shots from references or between frames, extensions, masked edits.

Three families: "frames" and "references" of Veo 3.1, and "mask", which only the experimental Veo 2 has.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from tools.editors.fitting import Fit
from tools.editors.http import Reply
from tools.editors.pricing import Footage
from tools.editors.registry import Entry, House, Provider
from tools.editors.remote._editor import Files, Handle, RemoteEditor
from tools.editors.remote._google import google_error, judged
from tools.editors.remote._google_cloud import FILE, PROJECT, CloudLogin
from tools.editors.remote._inline import decoded, encoded, written
from tools.errors import Broken, EditorError, Refused, Unknown
from tools.types import Edit, Progress

LOCATION = "GOOGLE_CLOUD_LOCATION"
MOST_SEED = 2**32
MORE, LONGEST = 7, 8
"""Seconds that an extension adds, and the duration that it must be asked with."""
SHORTEST_LEAD, MOST_LEAD = Fraction(1), Fraction(6)
"""Seconds of right footage before a window that are sent to be gone on with."""
BLAMES_CONTENT = ("safety", "policy", "support code", "responsible ai")
Body = dict[str, Any]


class Veo(RemoteEditor):
    """Veo 3.1 from frames: the kept frame before and after a window, or those that a shot opens and closes with."""

    def __init__(self, house: House, entry: Entry) -> None:
        self.location = house.environment.get(LOCATION) or str(entry.capabilities.settings["location"])
        assert entry.provider is not None, f"{entry.name} has no provider"
        here = entry.model_copy(update={"provider": located(entry.provider, self.location)})
        super().__init__(house, here)
        self.login = CloudLogin(house.environment)

    def credentials(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.login.token}"}

    def secrets(self) -> list[str]:
        """A project's name is none; tokens are learned when they are fetched."""
        return []

    def sort(self, reply: Reply) -> EditorError | None:
        return google_error(reply, key=f"{FILE} for {PROJECT}", model=str(self.capabilities.model))

    # What is sent.

    def refuses(self, edit: Edit) -> str | None:
        wrong = self.login.missing()
        if wrong is not None:
            return wrong
        if edit.action == "retake" and edit.window is not None and edit.window[0] == 0:
            return "makes footage onward from a kept frame, and the window opens at the cut"
        if edit.action == "regenerate" and not any(one.role == "first" for one in edit.references):
            return "needs the frame that the shot opens with"
        return None

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        """An extension is billed as the longest clip."""
        seconds = fit.seconds if lead_of(edit, fit) is None else Fraction(LONGEST)
        return Footage(width=fit.width, height=fit.height, rate=fit.rate, seconds_out=seconds)

    async def send(self, edit: Edit, files: Files) -> Handle:
        lead = lead_of(edit, files.fit)
        if lead is not None:
            footage = await _media(await Files(edit, lead, self.capabilities, files.folder).clip(), "video/mp4")
            return await self._started(edit, {"video": footage}, continued(files.fit, lead), LONGEST)
        ends = {"image": await files.end("first"), "lastFrame": await files.end("last")}
        shown = {field: await _media(path, "image/png") for field, path in ends.items() if path is not None}
        return await self._started(edit, shown, files.fit, files.fit.seconds_asked or LONGEST)

    async def _started(self, edit: Edit, shown: Body, fit: Fit, seconds: int) -> Handle:
        settings = self.capabilities.settings
        parameters: Body = {
            "sampleCount": 1,
            "durationSeconds": seconds,
            "aspectRatio": "16:9" if fit.width >= fit.height else "9:16",
            "personGeneration": settings["person_generation"],
            "seed": edit.seed % MOST_SEED,
            **{field: settings[name] for field, name in OPTIONAL.items() if name in settings},
        }
        body = {"instances": [{"prompt": edit.prompt, **shown}], "parameters": parameters}
        await self._signed_in()
        told = (await self.door.pay("POST", self._model_url("predictLongRunning"), json=body)).json()
        name = told.get("name")
        if not isinstance(name, str) or "/operations/" not in name:
            raise Unknown(f"{self.provider.title} accepted the job without naming it; look at the project's operations")
        return Handle(id=name, fit=fit)

    def _model_url(self, verb: str) -> str:
        place = f"projects/{self.environment[PROJECT]}/locations/{self.location}"
        return self.url(f"v1/{place}/publishers/google/models/{self.capabilities.model}:{verb}")

    async def _signed_in(self) -> None:
        self.door.learn(await asyncio.to_thread(self.login.refresh))

    # What became of it.

    async def ask(self, handle: Handle) -> Progress:
        told = await self._operation(handle)
        error = told.get("error")
        if not told.get("done"):
            return Progress(state="running")
        if error:
            words = str(error.get("message", ""))
            if any(one in words.lower() for one in BLAMES_CONTENT):
                raise Refused(f"{self.provider.title} will not have the content: {judged([words])}")
            return Progress(state="failed", why=f"{words} ({error.get('code')})")
        self._video(told)
        return Progress(state="done", fraction=1.0)

    async def _operation(self, handle: Handle) -> Body:
        await self._signed_in()
        asked = {"operationName": handle.id}
        told = (await self.door.ask("POST", self._model_url("fetchPredictOperation"), json=asked)).json()
        if not isinstance(told, dict) or "name" not in told:
            raise Broken(f"{self.provider.title} answered something that is no operation; its API may have changed")
        return told

    def _video(self, told: Body) -> Body:
        """The one video of an operation that is done. A clip that was held back is no error to Google: it is here."""
        response = told.get("response") or {}
        videos = response.get("videos") or []
        if videos:
            return dict(videos[0])
        if int(response.get("raiMediaFilteredCount") or 0) > 0:
            why = judged(response.get("raiMediaFilteredReasons") or ())
            raise Refused(f"{self.provider.title} held the clip back by its safety filter: {why}")
        raise Broken(f"{self.provider.title} finished without a video")

    async def bring(self, handle: Handle, path: Path) -> str:
        """The clip lies inside the answer, as no bucket was named."""
        video = self._video(await self._operation(handle))
        if not video.get("bytesBase64Encoded"):
            raise Broken(f"{self.provider.title} put the clip into a bucket that nobody named ({video.get('gcsUri')})")
        data = await asyncio.to_thread(decoded, video["bytesBase64Encoded"], "video", self.provider.title)
        return await asyncio.to_thread(written, data, path)


OPTIONAL: Mapping[str, str] = {"resolution": "resolution", "generateAudio": "generate_audio"}
"""Parameters that a model takes only where the roster sets them."""


class VeoReferences(Veo):
    """Veo 3.1 from up to three pictures of what is in the shot; always eight seconds."""

    def refuses(self, edit: Edit) -> str | None:
        wrong = self.login.missing()
        if wrong is None and not any(one.role == "look" and one.mask is None for one in edit.references):
            return "needs a reference picture to make a shot from"
        return wrong

    async def send(self, edit: Edit, files: Files) -> Handle:
        shown = [
            {"image": await _media(path, "image/png"), "referenceType": "ASSET"} for path in await files.references()
        ]
        fit = files.fit.model_copy(update={"pinned": "none"})
        return await self._started(edit, {"referenceImages": shown}, fit, LONGEST)


class VeoMask(Veo):
    """The experimental Veo 2: footage with a mask in which a thing is put, or from which one is taken."""

    MODES: ClassVar[Mapping[str, str]] = {"repair": "INSERT", "remove": "REMOVE"}

    def refuses(self, edit: Edit) -> str | None:
        del edit
        return self.login.missing()

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        del edit
        return Footage(width=fit.width, height=fit.height, rate=fit.rate, seconds_out=Fraction(LONGEST))

    async def send(self, edit: Edit, files: Files) -> Handle:
        mask = await _media(await files.mask(), "video/mp4")
        shown = {
            "video": await _media(await files.clip(), "video/mp4"),
            "mask": {**mask, "maskMode": self.MODES[edit.purpose]},
        }
        return await self._started(edit, shown, files.fit, LONGEST)


def lead_of(edit: Edit, fit: Fit) -> Fit | None:
    """The footage before a window that reaches the clip's end; None where it can be made from frames only."""
    if edit.action != "retake" or edit.window is None or fit.pinned != "first":
        return None
    last = edit.window[0] - 1
    frames = min(last + 1, math.floor(MOST_LEAD * fit.rate * fit.step))
    first = last + 1 - frames
    lead = fit.model_copy(
        update={
            "first": first, "frames": frames, "replaced": (first, last), "wrong": None,
            "made": False, "pinned": "none", "seconds_asked": None,
        }
    )  # fmt: skip
    lead = lead.model_copy(update={"count": lead.sent_index(last) + 1})
    enough = lead.seconds >= SHORTEST_LEAD and fit.second_of(fit.last + 1) <= MORE
    return lead if enough else None


def continued(fit: Fit, lead: Fit) -> Fit:
    """How the result of an extension is read: the footage that was sent, and then what was made."""
    seconds = lead.seconds + MORE
    return fit.model_copy(
        update={
            "first": lead.first,
            "frames": fit.last - lead.first + 1,
            "pinned": "none",
            "seconds_asked": math.ceil(seconds),
            "count": math.floor(seconds * fit.rate),
        }
    )


def located(provider: Provider, location: str) -> Provider:
    """The provider at the host of a location; "global" has one without."""
    host = "aiplatform" if location == "global" else f"{location}-aiplatform"
    return provider.model_copy(
        update={"hosts": {use: one.replace("{location}-aiplatform", host) for use, one in provider.hosts.items()}}
    )


async def _media(path: Path, mime: str) -> Body:
    return {"bytesBase64Encoded": await encoded(path), "mimeType": mime}


def build(house: House, entry: Entry) -> Veo:
    """The editor for the registry."""
    families = {"frames": Veo, "references": VeoReferences, "mask": VeoMask}
    return families[str(entry.capabilities.settings["family"])](house, entry)
