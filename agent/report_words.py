"""How a report says things: statuses, origins, measured values and their limits in a supervisor's words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from agent.request.plan import Constraints
from agent.schema import Condition, OutcomeStatus, PassResult
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
    """ "$1.20"; four decimals where cents would hide something."""
    cents = round(float(amount), 2)
    return f"${cents:.2f}" if abs(float(amount) - cents) < 5e-5 else f"${float(amount):.4f}"


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


def verdict(result: PassResult) -> str:
    """The run in one sentence: "3 errors, traced to 1 cause. 2 shots fixed, 3 waiting for you, 4 left alone."."""
    errors = [finding for finding in result.findings if finding.status != "acknowledged"]
    if not errors:
        return f"No error was found in {counted(len(result.shots), 'shot')}."
    traced = f", traced to {counted(len(result.causes), 'cause')}" if result.causes else ""
    return f"{counted(len(errors), 'error')}{traced}. {_tally(result)}"


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
