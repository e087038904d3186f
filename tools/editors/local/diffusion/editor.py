"""What editors with a model of their own share: weights and a recipe from the roster, a quote, a way to be stopped."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError

from tools.editors.local import models
from tools.editors.local.jobs import LocalEditor, Work
from tools.editors.registry import Entry, House
from tools.errors import BadInput
from tools.types import Edit, Frozen, Quote

SLOWER = 60.0
"""How many times longer a processor takes than the GPU of the roster's figures: an order of magnitude, not a figure."""
OFFLOADED = {"none": 1.0, "model": 1.3, "sequential": 10.0}
"""The same for weights that are moved to the GPU piece by piece."""
FETCHED = 1800.0
"""Seconds that weights take to download: tens of GB at some 20 MB a second."""


class ModelEditor(LocalEditor):
    """An editor that computes with weights on this machine."""

    def __init__(self, house: House, entry: Entry) -> None:
        super().__init__(entry.name, entry.capabilities, house.home)
        self.environment = house.environment
        self.weights = entry.capabilities.weights or ""

    @property
    @abstractmethod
    def work_bytes(self) -> int:
        """Memory that is needed beside the weights."""

    def quote(self, edit: Edit) -> Quote:
        """Free; the seconds are the roster's figures for a GPU that holds the weights, and more where none does.

        Refused where the weights do not fit into this machine's memory.
        """
        self.check(edit)
        can = self.capabilities
        placed = models.planned(self.weights, self.environment, self.name, self.work_bytes)
        seconds = can.seconds_per_job + edit.clip.frames / 24 * can.seconds_per_second
        if placed is None:
            return Quote(usd=Decimal(0), seconds=seconds + FETCHED, why="on this machine, once its weights are there")
        slower = SLOWER if placed.device == "cpu" else OFFLOADED[placed.offload]
        return Quote(usd=Decimal(0), seconds=round(seconds * slower, 1), why=f"on this machine: {placed.why}")


Recipe = TypeVar("Recipe", bound=Frozen)


def recipe_of(kind: type[Recipe], entry: Entry) -> Recipe:
    """The recipe that a roster entry's settings make; BadInput names the setting that is wrong."""
    try:
        return kind.model_validate(entry.capabilities.settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = f"roster.toml: [editors.{entry.name}] settings: {'.'.join(map(str, first['loc']))}"
        raise BadInput(f"{where}: {first['msg']}") from error


def asking(work: Work) -> dict[str, Any]:
    """A pipeline's callback, by which a job is stopped between two steps."""

    def asked(_pipeline: Any, _step: int, _time: Any, told: dict[str, Any]) -> dict[str, Any]:
        work.check()
        return told

    return {"callback_on_step_end": asked}
