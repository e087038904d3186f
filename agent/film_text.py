"""Text that comes from a film, made fit to stand in a prompt of an image model: clean lines that describe.

An image model reads a prompt as one text and knows no fence, so lines that read like instructions to a machine are left
out. What slips through can change nothing outside the mask: every result goes through the gate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST_LINE, MOST_LINES = 240, 8
"""Characters of one line of film text, and lines of one piece of it."""

NEGATED = re.compile(
    r"\b(no|not|never|none|nothing|nobody|without|cannot|kein\w*|nicht|ohne|sans|pas|sin|senza|non|sem)\b"
    r"|n[’']t\b|\b(нет|без|не)\b",
    re.IGNORECASE,
)
"""Words by which a line speaks of what is not there."""
RELATIVE = re.compile(r"\b(frames?|shots?|panels?|regions?|place|surround\w*|set-up)\b|@\d", re.IGNORECASE)
"""Words by which a finding points at other pictures instead of describing."""


def describes(line: str, names: Iterable[str] = ()) -> bool:
    """Whether a line says what a picture shows, and not where else it can be seen."""
    return not RELATIVE.search(line) and not any(name in line for name in names)


OPENING = r"^\W*(?:(?:please|now|then|instead|and|also|important|note|system|assistant|user)\W+)*"
ORDERS = re.compile(
    rf"{OPENING}(?:(?:delete|erase|remove|replace|approve|reject|do not|don[’']t)\b"
    r"|(?:print|output|respond|answer|reply|repeat|execute|run|call|upload|download|send|stop|write|act|make|change|keep"
    r"|paint|draw|fill|show|say|set|use)\s+(?:the|an?|all|this|that|your|it|every|everything|only|to|as|me|with)\b)",
    re.IGNORECASE,
)
"""Lines that tell somebody to do something."""
HIJACKS = re.compile(
    rf"{OPENING}(?:ignore|disregard|forget|override|bypass|regenerate|reveal|pretend)\b"
    r"|\b(?:ignore|disregard|forget|override|bypass)\s+(?:all|any|the|this|that|every\w*|previous|prior|above|your)\b"
    r"|\b(?:previous|prior|above|following|these|your|system)\s+(?:instructions?|prompts?|rules)\b"
    r"|\byou\s+(?:must|should|shall|are|will|have to|need to)\b|\b(?:system|developer)\s+(?:message|prompt)\b"
    r"|\bas an? (?:ai|assistant|language model)\b|https?:",
    re.IGNORECASE,
)
"""Lines that speak to a machine which reads a prompt."""


def hijacks(line: str) -> bool:
    """Whether a line wants to be obeyed in place of the prompt that it stands in."""
    return bool(HIJACKS.search(line))


def is_order(line: str) -> bool:
    """Whether a line reads as an instruction and not as a description."""
    return hijacks(line) or bool(ORDERS.search(line))


def told_lines(text: str) -> list[str]:
    """Film text as a few clean sentences, instructions left out."""
    lines = [line for line in sentences(cleaned(text)) if not is_order(line)]
    return [shortened(line, LONGEST_LINE) for line in lines[:MOST_LINES]]


def is_negated(line: str) -> bool:
    """Whether a line speaks of what is not there."""
    return bool(NEGATED.search(line))


def sentences(text: str) -> list[str]:
    """A text's sentences, each with its own end."""
    return [line for line in re.split(r"(?<=[.!?;])\s+", text.strip()) if line]


QUOTES = re.compile(r"[\"“”„‟«»‹›`´]|(?<!\w)['‘’‚‛]|['‘’‚‛](?!\w)")
MARKUP = re.compile(r"[<>{}\[\]|\\@#*_~]|-{2,}")


def cleaned(text: str) -> str:
    """Film text fit for a prompt: one line, no quotation marks, no invisible characters, nothing that providers read as
    a reference or a switch (@Image1, <<<video_1>>>, --duration)."""
    shown_only = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in unicodedata.normalize("NFC", text))
    return " ".join(MARKUP.sub(" ", QUOTES.sub("", shown_only)).split())


def shortened(text: str, limit: int | None) -> str:
    """The text within a limit, cut at the end of a sentence, else of a word."""
    if limit is None or len(text) <= limit:
        return text
    kept = ""
    for line in re.split(r"(?<=[.!?])\s+", text):
        longer = f"{kept} {line}".strip()
        if len(longer) > limit:
            break
        kept = longer
    return kept or text[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:. ") + "."
