"""The labelled pictures of the sheets suite: two sliders of repaired stories, and a turnaround with a stray scarf."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from evals.runner import Row
from evals.suites._sheets_boxes import CLEAN_PANEL, PANEL, ROWS, SLIDERS, panel_box
from tools.media.sheets import read_picture
from tools.types import Box, Rgb
from tools.vision.appearance import Figure, figure_in, garment_disagreement
from tools.vision.turnaround import unexplained_colours

LABELLED = (*SLIDERS, "elara")
DRAWS, JITTER = 4, 0.1
"""How often the boxes are drawn anew beside once as they are, and by what share of the size each side moves then."""


def labelled_rows(case: str, data: Path) -> list[Row]:
    """One row per character and panel of a slider and draw of boxes, or one for the turnaround."""
    labels: dict[str, Any] = json.loads((data / "labels.json").read_text(encoding="utf-8"))["continuity"]
    if case == "elara":
        return [_elara(labels["elara"], read_picture(data / labels["elara"]["reference"]))]
    picture = read_picture(data / "audit-repair" / f"{case}.png")
    told = labels[f"audit_repair_{case}"]["before_errors"]
    return [row for draw in range(DRAWS + 1) for row in _slider(case, picture, told, draw)]


def _slider(case: str, picture: Rgb, told: dict[str, list[str]], draw: int) -> Iterator[Row]:
    """Each character held against the first panel, which is clean; what nobody labelled above is left out."""
    rng = np.random.default_rng([draw, len(told)])
    figures: dict[tuple[int, str, str], Figure] = {}
    for number, row, who in _keys(case):
        box = SLIDERS[case][number][who]
        drawn = jittered(box, rng, PANEL, PANEL) if draw else box
        figures[number, row, who] = figure_in(picture[panel_box(number, row).slices], drawn)
    for (number, row, who), seen in figures.items():
        wrong = row == "before" and any(words.startswith(who) for words in told.get(str(number), []))
        is_reference = (number, row) == (CLEAN_PANEL, "before")
        if is_reference or (row == "before" and not wrong):
            continue
        value = garment_disagreement(figures[CLEAN_PANEL, "before", who], seen)
        yield {
            "kind": "slider",
            "case": case,
            "draw": draw,
            "panel": number,
            "row": row,
            "who": who,
            "wrong": wrong,
            "value": round(value, 4),
        }


def _keys(case: str) -> list[tuple[int, str, str]]:
    return [(number, row, who) for number, boxes in SLIDERS[case].items() for row in ROWS for who in boxes]


def jittered(box: Box, rng: np.random.Generator, width: int, height: int) -> Box:
    """A box whose sides moved by up to JITTER of its size, inside a picture of `width` × `height`."""
    left, top, right, bottom = rng.uniform(-JITTER, JITTER, 4) * (box.w, box.h, box.w, box.h)
    x, y = max(0, round(box.x + left)), max(0, round(box.y + top))
    right, bottom = min(width, round(box.x + box.w + right)), min(height, round(box.y + box.h + bottom))
    return Box(x, y, int(right) - x, int(bottom) - y)


def _elara(label: dict[str, Any], sheet: Rgb) -> Row:
    boxes = {view: Box(*box) for view, box in label["panels"].items()}
    error = next(error for error in label["errors"] if "box" in error)
    found = unexplained_colours({view: sheet[box.slices] for view, box in boxes.items()})
    top, tail = found[0], Box(*error["box"])
    panel, place = boxes[top.panel], top.box or Box(0, 0, 0, 0)
    place = place._replace(x=place.x + panel.x, y=place.y + panel.y)
    return {
        "kind": "turnaround",
        "case": "elara",
        "shares": {one.panel: round(one.share, 5) for one in found},
        "top": top.panel,
        "right": int(top.panel == error["panel"]),
        "box": list(place),
        "covered": round(place.common(tail) / tail.area, 4),
        "iou": round(place.iou(tail), 4),
    }
