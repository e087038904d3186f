"""Boxes [x, y, w, h] drawn by hand around the characters of the audit-repair sliders, in pixels of a panel.

The rows of a slider show the same poses, so that a box holds for both. Panels are cut as ../shared/data says.
"""

from __future__ import annotations

from tools.types import Box

CLEAN_PANEL, PANEL, PITCH, LEFT = 1, 236, 240, 63
ROWS = {"before": 63, "after": 303}
SLIDERS: dict[str, dict[int, dict[str, Box]]] = {
    "slider2": {
        1: {"girl": Box(48, 89, 71, 121), "grandpa": Box(125, 68, 80, 146)},
        2: {"girl": Box(127, 73, 103, 149), "grandpa": Box(29, 41, 101, 181)},
        3: {"girl": Box(130, 71, 91, 148), "grandpa": Box(29, 33, 107, 183)},
        4: {"girl": Box(129, 61, 100, 134), "grandpa": Box(20, 32, 109, 162)},
        5: {"girl": Box(33, 43, 102, 96), "grandpa": Box(120, 49, 80, 101)},
        6: {"girl": Box(48, 54, 91, 104), "grandpa": Box(125, 53, 82, 117)},
    },
    "slider4": {
        1: {"girl": Box(15, 52, 89, 173), "grandpa": Box(86, 3, 102, 215)},
        2: {"girl": Box(37, 14, 179, 222)},
        3: {"girl": Box(144, 76, 57, 153), "grandpa": Box(33, 14, 102, 211)},
        4: {"girl": Box(141, 78, 44, 145), "grandpa": Box(43, 16, 87, 206)},
        5: {"girl": Box(127, 78, 70, 113), "grandpa": Box(33, 50, 106, 152)},
        6: {"girl": Box(10, 28, 91, 208), "grandpa": Box(80, 10, 144, 226)},
    },
}


def panel_box(number: int, row: str) -> Box:
    """Where a panel (1 to 6) of a row lies in a slider."""
    return Box(LEFT + PITCH * (number - 1), ROWS[row], PANEL, PANEL)
