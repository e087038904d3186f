"""Panels as pictures: what each shows, and where a faulty one must not be believed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from agent.schema import PanelFault, Sheet
from tools.media.sheets import read_picture
from tools.types import Bits, Rgb


def panel_pictures(sheets: Iterable[Sheet]) -> dict[str, Rgb]:
    """The panels' pictures by their reference, such as "mara/face"."""
    pictures = {}
    for sheet in sheets:
        whole = read_picture(sheet.image)
        pictures.update({panel.ref: whole[panel.box.slices] for panel in sheet.panels})
    return pictures


def untrusted_places(root: Path, sheets: Iterable[Sheet], faults: Iterable[PanelFault]) -> dict[str, Bits]:
    """Where each faulty panel must not be believed, as masks of the panels' size."""
    boxes = {panel.ref: panel.box for sheet in sheets for panel in sheet.panels}
    places: dict[str, Bits] = {}
    for fault in (fault for fault in faults if fault.panel in boxes):
        mask = read_picture(root / fault.mask)[boxes[fault.panel].slices][..., 0] > 0
        places[fault.panel] = places.get(fault.panel, np.zeros_like(mask)) | mask
    return places
