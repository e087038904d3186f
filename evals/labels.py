"""The truth about a labelled film: `labels.json` beside its film.toml.

A shot with no errors is a clean control. Masks and clean takes are files relative to the film's folder, one frame per
frame of the shot.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from tools.errors import BadInput
from tools.types import Action, Box, Category, Frozen


class Origin(Frozen):
    """Where an error was born, e.g. sheet-panel "mara/face"; the kinds are those that a trace can find."""

    kind: Literal["sheet-panel", "reference", "prompt", "chained-frame", "model", "shot"]
    ref: str


class ErrorLabel(Frozen):
    """One error of one shot; `box` is the median over `frames`, which count from the shot's first."""

    category: Category
    subject: str | None
    box: Box
    frames: tuple[int, int]
    mask: str
    origin: Origin
    action: Action


class ShotLabel(Frozen):
    """All errors of a shot, and the same shot without them."""

    errors: tuple[ErrorLabel, ...] = ()
    clean_take: str | None = None


class PanelLabel(Frozen):
    """A faulty panel of a sheet: where the error lies in the sheet's pixels, its mask and the sheet without it."""

    category: Category
    subject: str
    box: Box
    mask: str
    clean_sheet: str


class Labels(Frozen):
    """labels.json."""

    shots: dict[str, ShotLabel]
    panels: dict[str, PanelLabel] = Field(default_factory=dict)


def read_labels(path: Path) -> Labels:
    """The labels of a film; `path` is its folder or the file. BadInput when missing or not as the contract says."""
    file = path / "labels.json" if path.is_dir() else path
    try:
        return Labels.model_validate_json(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror}); a labelled film has labels.json") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{file}: {place or 'document'}: {first['msg']}") from error
