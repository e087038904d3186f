"""How a report says things: statuses, origins, measured values and their limits in a supervisor's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from markupsafe import Markup, escape

from agent.request.plan import Constraints
from agent.schema import Candidate, Condition, OutcomeStatus, PassResult
from tools.types import Action, Check

Tone = Literal["right", "wait", "wrong", "quiet"]

STATUS: Mapping[OutcomeStatus, tuple[str, Tone]] = {
    "clean": ("left alone", "quiet"),
    "fixed": ("fixed", "right"),
    "regenerated": ("made again", "right"),
    "waiting": ("waits for you", "wait"),
    "pivot": ("needs another idea", "wait"),
    "failed": ("a tool failed", "wrong"),
}
TALLY: Mapping[OutcomeStatus, str] = {
    "fixed": "fixed",
    "regenerated": "made again",
    "waiting": "waiting for you",
    "pivot": "in need of another idea",
    "failed": "stopped by a tool",
    "clean": "left alone",
}
ORIGINS = {
    "sheet-panel": "Born in a panel of the sheet",
    "reference": "The wrong reference was attached",
    "prompt": "Asked for by the prompt",
    "chained-frame": "Carried over from the shot before",
    "shot": "Born in the shot",
    "model": "Made by the model, in this shot only",
    "unknown": "Origin unknown",
}
ACTIONS: Mapping[Action, str] = {
    "inpaint": "Repair the region",
    "retake": "Retake a stretch of time",
    "regenerate": "Make the shot again",
    "leave": "Leave alone",
    "ask": "Ask a person",
}
SHARES = {"small", "keeper"}
AT_LEAST = {"keeper"}


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 shot", "3 shots"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def usd(amount: Decimal | float) -> str:
    """ "$1.20"; up to four decimals where cents would hide something."""
    cents = round(float(amount), 2)
    return f"${cents:.2f}" if abs(float(amount) - cents) < 5e-5 else f"${float(amount):.4f}".rstrip("0")


def about_usd(amount: Decimal | float) -> str:
    """What is expected, in cents: "$3.70", "under $0.01"."""
    return "under $0.01" if 0 < amount < 0.005 else f"${amount:.2f}"


def coded(text: str) -> Markup:
    """Words for the page with what stands between `backticks` as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(one) if at % 2 else one for at, one in enumerate(parts))


class Ranked(NamedTuple):
    """Candidates that nothing tells apart, as one row: the first of them, and the methods they stand for."""

    first: Candidate
    methods: tuple[str, ...]
    why: str

    @property
    def name(self) -> str:
        """ "plate", "plate, texture", "plate (auto, spatial or texture)"."""
        *others, last = self.methods
        if others:
            return f"{self.first.editor} ({', '.join(others)} or {last})"
        return self.first.editor if last == "auto" else f"{self.first.editor}, {last}"


def ranked(candidates: Sequence[Candidate]) -> list[Ranked]:
    """A ranking with one row for an editor's methods that cost, promise and say the same."""
    rows: dict[tuple[object, ...], list[Candidate]] = {}
    for one in candidates:
        rows.setdefault((one.editor, one.usd, one.p, one.cost, _apart(one)), []).append(one)
    return [Ranked(same[0], tuple(one.method for one in same), _apart(same[0])) for same in rows.values()]


def _apart(candidate: Candidate) -> str:
    """What is said of a candidate beyond its price and chance."""
    return candidate.why.partition("; ")[2]


def sentence(text: str) -> str:
    """A reason as a sentence: first letter large, a stop at the end."""
    text = opening(text)
    return text + ("" if text[-1:] in {"", ".", "!", "?", ":", "…"} else ".")


def opening(text: str) -> str:
    """Words as a heading has them: first letter large, no stop; a name such as mara/face stays as it is written."""
    text = text.strip().removesuffix(".")
    named = "/" in text.partition(" ")[0]
    return text if named else text[:1].upper() + text[1:]


def measured(condition: Condition) -> str:
    """A condition's value."""
    return "not measured" if condition.value is None else _number(condition, condition.value, ".1%")


def limit_of(condition: Condition) -> str:
    """A condition's limit with its direction."""
    if condition.limit is None:
        return ""
    return f"{'≥' if condition.name in AT_LEAST else '≤'} {_number(condition, condition.limit, '.0%')}"


def _number(condition: Condition, value: float, share: str) -> str:
    if condition.name in SHARES:
        return format(value, share).replace(".0%", "%")
    return f"{value:.4f}".rstrip("0").rstrip(".")


def check_value(check: Check) -> str:
    """A check's value with its unit."""
    return f"{check.value:.4g} {check.unit}".strip()


def check_limit(check: Check) -> str:
    """A check's limit with its direction, which the verdict tells."""
    at_least = check.value != check.limit and check.holds == (check.value > check.limit)
    return f"{'≥' if at_least else '≤'} {check.limit:.4g}"


def verdict(result: PassResult) -> str:
    """The run in one sentence: "3 errors, traced to 1 cause; 1 more in doubt. 2 shots fixed, 2 waiting for you."."""
    found = [finding for finding in result.findings if finding.status != "acknowledged"]
    if not found:
        return f"No error was found in {counted(len(result.shots), 'shot')}."
    asked = {decision.finding for decision in result.decisions if decision.action == "ask"}
    errors = {finding.id for finding in found if finding.id not in asked}
    causes = [cause for cause in result.causes if not errors.isdisjoint(cause.findings)]
    traced = f", traced to {counted(len(causes), 'cause')}" if causes else ""
    sure = f"{counted(len(errors), 'error')}{traced}" if errors else "No error is sure"
    doubts = f"; {len(found) - len(errors)} {'more ' if errors else ''}in doubt" if len(found) > len(errors) else ""
    return f"{sure}{doubts}. {_tally(result)}"


def _tally(result: PassResult) -> str:
    states = [outcome.status for outcome in result.outcomes]
    told = [(states.count(status), words) for status, words in TALLY.items() if status in states]
    if not told:
        return "Nothing was edited."
    first, *rest = told
    parts = [f"{counted(first[0], 'shot')} {first[1]}", *(f"{number} {words}" for number, words in rest)]
    return ", ".join(parts) + "."


def constraint_words(said: Constraints) -> list[str]:
    """What a request said about how, one line each."""
    lines = {
        f"stays as it is: {', '.join(said.keep)}": bool(said.keep),
        f"costs at most {said.budget_usd} USD": said.budget_usd is not None,
        f"not touched: {', '.join(said.spare)}": bool(said.spare),
        f"never done: {', '.join(said.forbid)}": bool(said.forbid),
        f"done by {', '.join(said.only)} only": bool(said.only),
        "nothing is done before you approve": said.ask_first,
    }
    return [words for words, holds in lines.items() if holds]
