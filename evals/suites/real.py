"""The real suite: what a vision-language model says of real material with hand-made labels. Reported, not gated.

With a model configured (SUTURE_MODEL) each project is scanned with it, and its words are held against the labels'.
Without one the requests are written down with their pictures, so that a person can judge them: `requests/index.html`
in the case's folder.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.footage import data_folder
from evals.runner import CaseLine, Plan, Row
from evals.suites._real_projects import RealCase, RealError, elara, pizza, slider

MAKERS: dict[str, Callable[[Path, Path], RealCase]] = {
    "elara": elara,
    "slider2": lambda data, folder: slider("slider2", data, folder),
    "slider4": lambda data, folder: slider("slider4", data, folder),
    "pizza-collab": pizza,
}
COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an and as at behind but by for from gone has have her his in is it its of on only one or out over plain "
        "than the their to under was were where whole with clip lost became storyboard",
    )
)
"""Words that tell no error from another."""
ENOUGH = 0.5
"""Share of an error's telling words that a finding must say to be about it."""


@dataclass(frozen=True, slots=True)
class Real:
    """`suture eval real`."""

    name: str = "real"

    def cases(self, plan: Plan) -> Sequence[str]:
        del plan
        return tuple(MAKERS) if data_folder() else ()

    def run(self, plan: Plan, case: str, folder: Path) -> CaseLine:
        """Makes the project, looks, and holds what was said against the labels."""
        del plan
        data = data_folder()
        assert data is not None, "without the pictures there are no cases"
        made = MAKERS[case](data, folder / "film")
        rows = looked_at(case, made, folder)
        shutil.rmtree(folder / "film")
        return CaseLine(case=case, rows=tuple(rows))

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        rows = [row for line in lines for row in line.rows]
        asked = [row for row in rows if row["model"]]
        hits = [error["hit"] for row in asked for error in row["errors"]]
        return {
            "suite": self.name,
            "split": plan.split,
            "seed": plan.seed,
            "model": asked[0]["model"] if asked else "none configured: requests were written down, not sent",
            "errors": len(hits),
            "recall": round(sum(hits) / len(hits), 4) if hits else None,
            "other_findings": sum(row["others"] for row in asked),
            "requests": sum(row["requests"] for row in rows),
            "tokens": sum(row["tokens"] for row in rows),
            "usd": round(sum(row["usd"] for row in rows), 4),
        }


def looked_at(case: str, made: RealCase, folder: Path) -> list[Row]:
    """One row: what was asked, and which labelled errors somebody named. Requests are kept in `folder`/requests."""
    from agent import runs  # noqa: PLC0415 - the mind loads when the suite runs
    from agent.config import load_settings  # noqa: PLC0415
    from agent.deps import RunOptions  # noqa: PLC0415

    model = load_settings(made.project).model
    options = RunOptions(goal="scan", inspector="vlm" if model else "auto", dry_run=model is None)
    result = runs.start(made.project, options)
    written = made.project / ".suture" / "runs" / result.run / "requests"
    if written.is_dir():
        shutil.move(written, folder / "requests")
    said = [f"{f.shot} {f.subject or ''} {f.observed} {f.expected}" for f in result.findings]
    said += [f"sheet {cause.ref} {cause.why}" for cause in result.causes if cause.kind == "sheet-panel"]
    hits = [_row(error, said) for error in made.errors]
    return [
        {
            "case": case,
            "model": model or "",
            "errors": hits,
            "others": sum(not any(_tells(words, error) for error in made.errors) for words in said),
            "said": said,
            "requests": sum(use.calls for use in result.model_use) or len(list((folder / "requests").glob("[0-9]*"))),
            "tokens": sum(use.tokens_in + use.tokens_out for use in result.model_use),
            "usd": float(sum(use.usd for use in result.model_use)),
        }
    ]


def _row(error: RealError, said: Sequence[str]) -> Row:
    return {**error.model_dump(), "hit": any(_tells(words, error) for words in said)}


def _tells(words: str, error: RealError) -> bool:
    """Whether words say enough of what a label says, at its shot or sheet."""
    telling = _stems(error.what) - COMMON
    return words.startswith(error.where) and len(telling & _stems(words)) >= ENOUGH * max(1, len(telling))


def _stems(words: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[a-z]+", words.lower())}
