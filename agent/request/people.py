"""Who a pronoun is: a character that was named before it, else the only one in the shots that can be meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.request.plan import Outline

SHE = re.compile(
    r"\b(?:she|woman|girl|lady|mother|daughter|sister|wife|queen|actress|grandmother|aunt|niece|herself|female|waitress)\b"
)
HE = re.compile(
    r"\b(?:he|man|boy|gentleman|father|son|brother|husband|king|actor|grandfather|grandson|uncle|nephew|himself|male)\b"
)
HER, HIS = re.compile(r"\b(?:her|hers)\b"), re.compile(r"\b(?:his|him)\b")


def gender_of(character: str, outline: Outline) -> str | None:
    """ "she" or "he" where the canon, or the prompt of a shot with nobody else, says so; else None."""
    alone = [shot.prompt for shot in outline.shots if shot.characters == (character,)]
    for text in (outline.characters.get(character, ""), " ".join(alone)):
        for she, he in ((SHE, HE), (HER, HIS)):
            counts = len(she.findall(text.lower())), len(he.findall(text.lower()))
            if counts[0] != counts[1]:
                return "she" if counts[0] > counts[1] else "he"
    return None


def fitting_people(pronoun: str, people: Sequence[str], outline: Outline) -> list[str]:
    """The characters that a pronoun can be."""
    unique = list(dict.fromkeys(people))
    return [one for one in unique if pronoun == "they" or gender_of(one, outline) in (None, pronoun)]


def meant_by(pronoun: str, named: Sequence[str], shots: Sequence[str], outline: Outline) -> list[str]:
    """The characters that a pronoun can mean: of those named before it, else of those in the shots, else of all."""
    before = fitting_people(pronoun, named, outline)
    if before:
        return before
    there = [one for shot in outline.shots if shot.id in shots for one in shot.characters]
    return fitting_people(pronoun, there or list(outline.characters), outline)
