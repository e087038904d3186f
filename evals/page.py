"""The page of an evaluation run: its figures, and its worst cases as pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from evals.runner import CaseLine, Plan, Row

SHOWN = 12
"""Cases per gallery."""


def write_page(plan: Plan, result: Row, lines: Sequence[CaseLine], out: Path) -> Path:
    """Writes `out`/page.html, self-contained, and returns it."""
    templates = Environment(
        loader=PackageLoader("evals"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    rows = [row for line in lines for row in line.rows]
    page = templates.get_template("page.html").render(
        plan=plan, figures=figures(result), tables=_tables(result), galleries=_galleries(rows, out)
    )
    beside = out / ".page.html.new"
    beside.write_text(page, encoding="utf-8")
    return beside.replace(out / "page.html")


def figures(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """All single figures of a result with their path as a name; families have a table of their own."""
    if not isinstance(value, dict):
        return [(name, value)] if isinstance(value, int | float | str) else []
    skipped = ("families", "by_category", "ci95", "confusion", "kinds")
    return [
        figure
        for key, inner in value.items()
        if key not in skipped
        for figure in figures(inner, f"{name} · {key}" if name else str(key))
    ]


def _tables(result: Row) -> list[tuple[str, list[str], list[list[Any]]]]:
    tables = []
    for key, title in (("families", "Families"), ("kinds", "Rendered and photographic films")):
        held: dict[str, dict[str, Any]] = result.get(key) or {}
        if held:
            names = list(next(iter(held.values())))
            tables.append((title, ["", *names], [[k, *(_cell(v[n]) for n in names)] for k, v in held.items()]))
    return tables


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "–".join(_cell(v) for v in value)
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def _galleries(rows: Sequence[Row], out: Path) -> list[tuple[str, list[dict[str, str]]]]:
    """Misses (largest first), false alarms (surest first) and hits (worst placed first)."""
    pictured = [row for row in rows if row.get("picture")]
    if not pictured:
        return []
    misses = [
        (e["size"], row, f"{e['family']}, {e['size']:.1%} of the frame") for row, e in _errors(pictured, hit=False)
    ]
    alarms = [(f["confidence"], row, f["observed"]) for row in pictured for f in row["false"]]
    hits = [(-e["iou"], row, f"{e['family']}, IoU {e['iou']:.2f}") for row, e in _errors(pictured, hit=True)]
    titles = (("Missed", misses), ("False alarms", alarms), ("Found, worst placed first", hits))
    return [(title, [_shown(*case, out) for case in _worst(cases)]) for title, cases in titles]


def _errors(rows: Sequence[Row], *, hit: bool) -> list[tuple[Row, Row]]:
    return [(row, error) for row in rows for error in row["errors"] if error["hit"] is hit]


def _worst(cases: list[tuple[float, Row, str]]) -> list[tuple[float, Row, str]]:
    return sorted(cases, key=lambda c: -c[0])[:SHOWN]


def _shown(_: float, row: Row, words: str, out: Path) -> dict[str, str]:
    data = base64.b64encode((out / row["picture"]).read_bytes()).decode()
    return {"source": f"data:image/jpeg;base64,{data}", "words": f"{row['case']} {row['shot']}: {words}"}
