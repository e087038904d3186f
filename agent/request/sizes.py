"""Shot sizes in words, told by what a shot was made from."""

from __future__ import annotations

import re

SIZES: tuple[tuple[str, str], ...] = (
    (r"(?:extreme |big |tight )?close (?:shots|shot|ups|up)|(?:extreme |big |tight )?(?:close-ups|close-up|closeups|closeup)|ecus|ecu|cus|cu|tight shots|tight shot", r"\b(?:close(?:[ -]?up)? (?:on|of|shot)|close[ -]?ups?|close:|close shot|tight (?:on|shot)|e?cu)\b|\bclose on\b"),
    (r"wide angles?|wide shots|wide shot|wides|establishing shots|establishing shot|establishers|establisher|long shots|long shot|master shots|master shot|masters", r"\b(?:wide|establishing|long shot|master shot|aerial|ws)\b"),
    (r"medium shots|medium shot|mediums|mid shots|mid shot|mid-shots|mid-shot|waist shots|waist shot", r"\b(?:medium|mid[ -]shot|waist shot|ms)\b"),
    (r"two-shots|two-shot|two shots|two shot|twoshots|twoshot", r"\btwo[ -]?shot\b"),
    (r"over the shoulder shots|over the shoulder shot|over the shoulders|over the shoulder|over-the-shoulders|over-the-shoulder shots|over-the-shoulder shot|over-the-shoulder|otss|ots shots|ots shot|ots", r"\bover[ -](?:the|her|his)[ -]shoulder\b|\bots\b"),
    (r"insert shots|insert shot|inserts|insert|detail shots|detail shot", r"\b(?:insert|detail|macro)\b"),
    (r"pov shots|pov shot|povs|pov", r"\b(?:pov|point of view)\b"),
)  # fmt: skip
"""How a size is said, and what says it in a prompt."""

BARE = {"wide": "wides", "medium": "mediums", "insert": "inserts"}
"""Sizes that are a size only where no noun follows."""


def of_size(words: str, prompt: str) -> bool:
    """Whether a prompt tells of a shot of the size that some words name."""
    spoken_as = BARE.get(words.strip(), words.strip())
    said = next(told for spoken, told in SIZES if re.fullmatch(spoken, spoken_as))
    return re.search(said, prompt.lower()) is not None
