"""What a suite must reach: thresholds.toml beside this file, or a file of one's own in the same form."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from evals.runner import Row

FILE = Path(__file__).with_name("thresholds.toml")


def missed(result: Row, suite: str, file: Path = FILE) -> list[str]:
    """One line per threshold that the result does not reach; a figure that is missing is not reached.

    One that says `labelled` is asked only where the result has labelled pictures, which do not ship.
    """
    wanted: dict[str, dict[str, float | bool]] = tomllib.loads(file.read_text(encoding="utf-8")).get(suite, {})
    lines = []
    for path, bounds in wanted.items():
        value = _at(result, path)
        if value is None and bounds.get("labelled") and result.get("labelled") is not True:
            continue
        if value is None or not bounds.get("least", value) <= value <= bounds.get("most", value):
            lines.append(f"{path} is {value}, not {_words(bounds)}")
    return lines


def _at(result: Any, path: str) -> float | None:
    for key in path.split("."):
        result = result.get(key) if isinstance(result, dict) else None
    return result if isinstance(result, int | float) else None


def _words(bounds: dict[str, float | bool]) -> str:
    parts = [f"at least {bounds['least']}"] if "least" in bounds else []
    return " and ".join(parts + ([f"at most {bounds['most']}"] if "most" in bounds else []))
