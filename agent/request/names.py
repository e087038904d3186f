"""The film's own names in a request: shots, scenes, characters, props, panels and editors, each as one token.

A token's text is the kind's letter and the place in the outline: "S2" is the film's third shot, "C0" its first
character. Symbols: SHOT, SCENE, CHAR, PROP, PANEL, EDITOR.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.request.plan import Outline
from agent.request.words import Word, merged, tokens

PARTS = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True, slots=True)
class Names:
    """What stands for what in one film."""

    outline: Outline
    phrases: Mapping[tuple[str, ...], tuple[str, str]]
    """Words → (text, symbol)."""
    english: bool = True
    """Whether the request's nouns are English."""

    @property
    def scenes(self) -> list[str]:
        return scenes_of(self.outline)

    def of(self, word: Word) -> str:
        """The id that a token of a name stands for."""
        ids: dict[str, list[str]] = {
            "SHOT": [shot.id for shot in self.outline.shots],
            "SCENE": self.scenes,
            "CHAR": list(self.outline.characters),
            "PROP": list(self.outline.props),
            "PANEL": list(self.outline.panels),
            "EDITOR": list(self.outline.editors),
        }
        symbol = next(symbol for symbol in ids if symbol in word.marks)
        return ids[symbol][int(word.text[1:])]


def scenes_of(outline: Outline) -> list[str]:
    """The film's scenes in order."""
    return list(dict.fromkeys(shot.scene for shot in outline.shots if shot.scene))


def names_of(outline: Outline) -> Names:
    """Every name of a film, in the ways that people write it."""
    found: dict[tuple[str, ...], set[tuple[str, str]]] = {}
    kinds: list[tuple[str, str, Iterable[str]]] = [
        ("S", "SHOT", (shot.id for shot in outline.shots)),
        ("Z", "SCENE", scenes_of(outline)),
        ("C", "CHAR", outline.characters),
        ("P", "PROP", outline.props),
        ("Q", "PANEL", outline.panels),
        ("E", "EDITOR", outline.editors),
    ]
    for letter, symbol, ids in kinds:
        for place, one in enumerate(ids):
            for way in _ways(one, symbol):
                found.setdefault(way, set()).add((f"{letter}{place}", symbol))
    return Names(outline, {way: next(iter(meant)) for way, meant in found.items() if len(meant) == 1})


def _ways(name: str, symbol: str) -> set[tuple[str, ...]]:
    """How a name may be written: as it is, in its parts, and a shot's last part where a scene stands before it."""
    low = name.lower()
    ways = {tuple(word.text for word in tokens(low)), tuple(PARTS.findall(low)), (low,)}
    if symbol in ("CHAR", "PROP"):
        ways |= {("-".join(PARTS.findall(low)),), ("".join(PARTS.findall(low)),)}
    if symbol in ("SHOT", "SCENE"):
        ways |= {way for part in {low, re.split(r"[_\s-]", low)[-1]} for way in _numbered(part)}
    if symbol == "PANEL":
        owner, _, panel = low.partition("/")
        ways |= {(owner, "'s", panel, "panel"), ("the", panel, "panel", "of", owner), (owner, panel, "panel")}
    return {way for way in ways if way and all(way)}


def _numbered(name: str) -> set[tuple[str, ...]]:
    """An id such as sh020 with its zeros left out, in one word and in two."""
    found = re.fullmatch(r"([^\W\d_]+)[_-]?0*(\d+)([a-z]?)", name)
    if found is None:
        return {tuple(word.text for word in tokens(name))}
    letters, number, last = found.groups()
    digits = {f"{number}{last}", f"{number.zfill(3)}{last}", name.removeprefix(letters).strip("_-")}
    return {way for one in digits for way in ((letters + one,), (letters, one), (letters, "-", one))}


def named(words: Sequence[Word], names: Names) -> list[Word]:
    """The words with the film's names as one token each; the longest name wins."""
    made: list[Word] = []
    at = 0
    longest = max((len(phrase) for phrase in names.phrases), default=0)
    while at < len(words):
        sizes = range(min(longest, len(words) - at), 0, -1)
        size = next((n for n in sizes if tuple(w.text for w in words[at : at + n]) in names.phrases), 0)
        if size:
            text, symbol = names.phrases[tuple(word.text for word in words[at : at + size])]
            made.append(merged(words[at : at + size], text, symbol))
        else:
            made += _possessed(words[at], names)
        at += size or 1
    return made


def _possessed(word: Word, names: Names) -> list[Word]:
    """A word, or a character's name with the ending of a possessor and no apostrophe ("Maras", "Jonas'")."""
    known: Any = names.phrases.get((word.text.removesuffix("s"),))
    if word.marks or not word.text.endswith("s") or known is None or known[1] != "CHAR":
        return [word]
    return [
        Word(known[0], word.said[:-1], word.first, word.end - 1, frozenset({"CHAR"})),
        Word("'s", "'s", word.end - 1, word.end),
    ]
