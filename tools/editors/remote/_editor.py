"""What all remote editors share: fitting, prices, the handle that finds a job again, and the way of a result back.

A provider's file says how its job is sent, asked for, brought and stopped; everything else is here, so that no provider
has a way of its own to round money, to cut a clip, or to keep a result.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import ClassVar, Literal
from weakref import finalize

from pydantic import Field, ValidationError

from tools.editors import fitting
from tools.editors.base import Capabilities, Price
from tools.editors.fitting import Fit
from tools.editors.http import Door, Patience, Reply, Secrets, Sorter
from tools.editors.pricing import Footage, bill
from tools.editors.registry import Entry, House, Provider
from tools.errors import BadInput, Broken, EditorError, Refused, Unknown
from tools.media.probe import probe
from tools.types import Edit, Frozen, Job, Progress, Quote, Reference, Take

RETRY_SECONDS = "SUTURE_RETRY_SECONDS"
"""The first wait before a request is sent again, in seconds; 0 never waits."""


class Handle(Frozen):
    """Everything that finds a job again in any later process; kept as JSON in a `Job`. Nothing of it is secret."""

    id: str
    fit: Fit
    urls: dict[str, str] = Field(default_factory=dict)
    facts: dict[str, str | int | float | bool] = Field(default_factory=dict)


class Files:
    """The files of one edit as a provider wants them, made when they are asked for, once."""

    def __init__(self, edit: Edit, fit: Fit, can: Capabilities, folder: Path) -> None:
        self.edit, self.fit, self.can, self.folder = edit, fit, can, folder
        self._coded: dict[str, Path] = {}

    async def clip(self) -> Path:
        """The footage, as H.264 in MP4 at the fit's size, rate and length."""
        return await self._once("clip", partial(fitting.send_clip, self.edit, self.fit, self.folder))

    async def mask(self) -> Path:
        """The mask as a video in step with the clip, white as the roster says."""
        make = partial(fitting.send_mask, self.edit, self.fit, self.folder, self.can.mask_white)
        return await self._once("mask", make)

    async def _once(self, name: str, make: Callable[[], Path]) -> Path:
        """A file that takes long to code: a submit that is tried again finds it."""
        if name not in self._coded:
            self._coded[name] = await asyncio.to_thread(make)
        return self._coded[name]

    async def frame(self, index: int) -> Path:
        """One frame of the edit's clip at the fit's size, PNG; `index` counts from the clip's first frame."""
        return await asyncio.to_thread(fitting.frame_png, self.edit, self.fit, index, self.folder)

    async def still_mask(self) -> Path:
        """The mask of a clip of one frame, PNG, white as the roster says."""
        return await asyncio.to_thread(fitting.send_still_mask, self.edit, self.fit, self.folder, self.can.mask_white)

    async def references(self, most: int | None = None) -> list[Path]:
        """The edit's reference pictures that are only looked at, PNG, as many as the editor takes.

        A picture that is not to be trusted somewhere is left out: a model cannot be told where.
        """
        looked = [one for one in self.edit.references if one.role == "look" and one.mask is None][
            : self.can.references if most is None else most
        ]
        return [await self._reference(one) for one in looked]

    async def end(self, role: Literal["first", "last"]) -> Path | None:
        """The picture that the made clip must open or close with; None where there is none.

        Of a retake it is the kept frame beside the window, else the reference of that role.
        """
        made = fitting.first_frame if role == "first" else fitting.last_frame
        return await asyncio.to_thread(made, self.edit, self.fit, self.folder)

    async def _reference(self, reference: Reference) -> Path:
        return await asyncio.to_thread(fitting.reference_png, reference, self.folder, self.can.limits)


class RemoteEditor(ABC):
    """Base of all editors that talk to a provider."""

    result: ClassVar[Literal["video", "image"]] = "video"

    def __init__(self, house: House, entry: Entry) -> None:
        assert entry.provider is not None, f"{entry.name} has no provider"
        self.name = entry.name
        self.capabilities: Capabilities = entry.capabilities
        self.provider: Provider = entry.provider
        self.environment: Mapping[str, str] = house.environment
        self.home = house.home / entry.name
        self.receipts: dict[str, dict[str, str | int | float | bool]] = {}
        """What a provider said of a finished job, by its id, for the take: `billed_usd`, the seed, a revised prompt."""
        self._tries: dict[str, Files] = {}
        self.hosts = hosts_of(self.provider, self.environment)
        self.door = self.door_for(self.sort)

    def door_for(self, sort: Sorter) -> Door:
        """A door to the provider whose answers mean what `sort` says."""
        return Door(
            self.provider.title,
            (*self.hosts.values(), *self.provider.trusted),
            headers=self.credentials,
            sort=sort,
            secrets=Secrets(self.secrets()),
            patience=patience_of(self.environment),
        )

    # What a provider's file says.

    @abstractmethod
    def credentials(self) -> Mapping[str, str]:
        """The headers that carry the key."""

    @abstractmethod
    def sort(self, reply: Reply) -> EditorError | None:
        """The provider's own errors (`tools.editors.http.Sorter`)."""

    @abstractmethod
    async def send(self, edit: Edit, files: Files) -> Handle:
        """Uploads what is needed and submits the job."""

    @abstractmethod
    async def ask(self, handle: Handle) -> Progress:
        """How the job stands. Refused where its content was judged, Broken where it is lost or failed for good."""

    @abstractmethod
    async def bring(self, handle: Handle, path: Path) -> str:
        """Downloads the result to `path`; its sha256."""

    async def stop(self, handle: Handle) -> None:  # noqa: B027 - most providers cannot stop a job
        """Stops the job where the provider can."""

    async def look_up(self, edit: Edit, fit: Fit, since: datetime, known: Collection[str]) -> Handle | None:
        """A lost job; `known` are ids of other edits' jobs. Most providers keep no list that names our jobs."""
        del fit, since, known
        raise Unknown(f"{self.provider.title} has no list in which the job of {edit.key} could be found")

    def refuses(self, edit: Edit) -> str | None:  # noqa: ARG002
        """Why the model cannot do an edit that the roster's capabilities allow; None when it can."""
        return None

    def footage(self, edit: Edit, fit: Fit) -> Footage:
        """What is billed; by default what is sent and what is made."""
        takes_footage = edit.action != "regenerate" and edit.clip.frames > 1
        return Footage(
            width=fit.width,
            height=fit.height,
            rate=fit.rate,
            seconds_in=fit.seconds if takes_footage else Fraction(0),
            seconds_out=fit.seconds,
        )

    def price(self, fit: Fit) -> Price:  # noqa: ARG002
        """What footage that is sent like that is billed by; the roster's price."""
        return self.capabilities.price

    # The contract.

    def quote(self, edit: Edit) -> Quote:
        """The roster's price for what would be sent. Refused with the limit that stands in the way."""
        fit = self.fitted(edit)
        price = self.price(fit)
        usd = bill(price, self.footage(edit, fit))
        high = (usd * Decimal(str(price.high))).quantize(Decimal("0.0001"))
        wait = self.capabilities.seconds_per_job + self.capabilities.seconds_per_second * float(fit.seconds)
        unsure = "" if price.sure else "; no provider's page was found for this price"
        why = f"{float(fit.seconds):.2f} s at {fit.width}x{fit.height}, price of {price.on} ({price.source}){unsure}"
        most, hurry = high if high > usd else None, round(max(1.0, float(fit.speed)), 3)
        return Quote(usd=usd, seconds=round(wait, 1), why=why, high=most, hurry=hurry)

    async def submit(self, edit: Edit) -> Job:
        fit = await asyncio.to_thread(self.fitted, edit)
        files = self._files_of(edit, fit)
        handle = await self.send(edit, files)
        self._forget(edit)
        return self.job(handle)

    def _files_of(self, edit: Edit, fit: Fit) -> Files:
        """The files of an edit: those of an earlier try of the very same one, where it was not accepted."""
        known = self._tries.get(edit.key)
        if known is not None and (known.edit, known.fit) == (edit, fit):
            return known
        self._forget(edit)
        self.home.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(dir=self.home, prefix=".send."))
        finalize(self, rmtree, folder, ignore_errors=True)
        self._tries[edit.key] = Files(edit, fit, self.capabilities, folder)
        return self._tries[edit.key]

    def _forget(self, edit: Edit) -> None:
        files = self._tries.pop(edit.key, None)
        if files is not None:
            rmtree(files.folder, ignore_errors=True)

    async def find(self, edit: Edit, since: datetime, known: Collection[str]) -> Job | None:
        fit = await asyncio.to_thread(self.fitted, edit)
        handle = await self.look_up(
            edit, fit, since, {self.read(Job(editor=self.name, handle=one)).id for one in known}
        )
        return self.job(handle) if handle else None

    async def poll(self, job: Job) -> Progress:
        return await self.ask(self.read(job))

    async def fetch(self, job: Job, folder: Path) -> Take:
        handle = self.read(job)
        raw = folder / f"result{'.png' if self.result == 'image' else '.mp4'}"
        digest = await self.bring(handle, raw)
        media = await asyncio.to_thread(fitting.fitted_take, raw, handle.fit, folder)
        raw.unlink(missing_ok=True)
        said = self.receipts.pop(handle.id, {})
        named = {"model": self.capabilities.model or self.name, "sha256": digest}
        return Take(media=media, how={**named, **handle.facts, **said})

    async def cancel(self, job: Job) -> None:
        await self.stop(self.read(job))

    # What they share.

    def fitted(self, edit: Edit) -> Fit:
        """How the edit's footage is sent. Refused, with the reason, when it cannot be."""
        can = self.capabilities
        if edit.action not in can.actions:
            raise Refused(f"{self.name} cannot {edit.action}")
        if edit.purpose not in can.purposes:
            raise Refused(f"{self.name} only {' or '.join(sorted(can.purposes))}s")
        if can.mask == "required" and edit.mask is None:
            raise Refused(f"{self.name} needs a mask")
        why = self.refuses(edit)
        if why is not None:
            raise Refused(f"{self.name}: {why}")
        return fitting.plan_fit(edit, probe(edit.clip.media), can)

    def url(self, path: str, use: str = "api") -> str:
        """An address of the provider."""
        return f"{self.hosts[use].rstrip('/')}/{path.lstrip('/')}"

    def secrets(self) -> list[str]:
        """The values of the provider's keys that are set."""
        return [value for group in self.provider.keys for key in group if (value := self.environment.get(key, ""))]

    def job(self, handle: Handle) -> Job:
        return Job(editor=self.name, handle=handle.model_dump_json())

    def read(self, job: Job) -> Handle:
        """The handle of a job; Broken when it is none of ours."""
        try:
            return Handle.model_validate_json(job.handle)
        except ValidationError:
            raise Broken(f"{self.name} cannot read the handle of its job; submit the edit again") from None

    def kept(self, name: str) -> Path:
        """Where a result lies that came with the answer itself; names are ids of jobs."""
        return self.home / f"{name}{'.png' if self.result == 'image' else '.mp4'}"


def hosts_of(provider: Provider, environment: Mapping[str, str]) -> dict[str, str]:
    """The provider's addresses by their use, or those that stand in for them."""
    base = environment.get(provider.base_variable, "")
    if not base:
        return dict(provider.hosts)
    if not base.startswith(("http://", "https://")):
        raise BadInput(f"{provider.base_variable}: give an address that begins with https://")
    if len(provider.hosts) == 1:
        return dict.fromkeys(provider.hosts, base)
    return {use: f"{base.rstrip('/')}/{use}" for use in provider.hosts}


def patience_of(environment: Mapping[str, str]) -> Patience:
    """The door's patience, with the first wait that the environment names."""
    said = environment.get(RETRY_SECONDS, "")
    try:
        return Patience(first=float(said)) if said else Patience()
    except ValueError:
        raise BadInput(f"{RETRY_SECONDS}: give seconds, such as 0.5") from None
