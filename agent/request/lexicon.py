"""The lexicon: which words stand for which symbols of the grammar, and what words of other languages say in English.

Words are data, lexicon/en.toml and one file per further language; the forms that they make up are in forms.py.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from agent.request.words import Word, merged

LANGUAGES = {"de": "German", "fr": "French", "es": "Spanish", "it": "Italian"}
LISTS = {
    "drop": "DROP",
    "determiners": "DET",
    "faulty": "FAULTY",
    "prepositions": "PREP",
    "join": "AND",
    "adjectives": "ADJ",
    "nounable": "NOUNABLE",
    "things": "THING",
}
"""Tables of plain word lists, and the symbol of each."""
Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The symbols of every phrase, and the tables that are looked up by noun."""

    phrases: Mapping[Phrase, frozenset[str]]
    longest: int
    vague: frozenset[str]
    """Nouns that say nothing of what is meant."""
    unseen: frozenset[str]
    """Nouns of what is not in a picture."""
    closed: frozenset[str]
    """Words that are no noun."""
    referring: frozenset[str]
    """Words of references."""

    @property
    def words(self) -> frozenset[str]:
        return (
            frozenset(word for phrase in self.phrases for word in phrase)
            | self.vague
            | self.unseen
            | self.closed
            | self.referring
        )

    def marked(self, words: Sequence[Word]) -> list[Word]:
        """The words with their symbols, phrases as one token; the longest phrase wins."""
        made: list[Word] = []
        at = 0
        while at < len(words):
            if words[at].marks:
                made.append(words[at])
                at += 1
                continue
            size, symbols = self._longest(words, at)
            made.append(merged(words[at : at + size], " ".join(w.text for w in words[at : at + size]), *symbols))
            at += size
        return made

    def _longest(self, words: Sequence[Word], at: int) -> tuple[int, frozenset[str]]:
        for size in range(min(self.longest, len(words) - at), 0, -1):
            symbols = self.phrases.get(tuple(word.text for word in words[at : at + size]))
            if symbols is not None and not any(word.marks for word in words[at + 1 : at + size]):
                return size, symbols
        return 1, frozenset()


@cache
def english() -> Lexicon:
    """The English lexicon."""
    said = _toml("en")
    phrases: dict[Phrase, set[str]] = {}
    for symbol, words in said["symbols"].items():
        _enter(phrases, words, symbol)
        _enter(phrases, _inflected(words, symbol, "ing"), symbol)
        if symbol in DONE:
            _enter(phrases, _inflected(words, symbol, "ed"), DONE[symbol])
    for keep, words in said["keep"].items():
        _enter(phrases, words, f"K.{keep}")
    _enter(phrases, _asking(said["asking"], ("us to", "you to", "me to", "to")), "DROP")
    _enter(phrases, _asking(said["asking"], ("", "to have", "to see")), "WANT")
    for table, symbol in LISTS.items():
        _enter(phrases, said[table]["words"], symbol)
    frozen = {phrase: frozenset(symbols) for phrase, symbols in phrases.items()}
    lists = {table: frozenset(said[table]["words"]) for table in ("vague", "unseen", "closed", "referring")}
    return Lexicon(frozen, max(len(phrase) for phrase in frozen), **lists)


def _asking(said: dict[str, list[str]], endings: Sequence[str]) -> list[str]:
    """Who wants something done: "the client wants us to"."""
    people = [f"{article}{one}" for one in said["who"] for article in ("", "the ", "my ", "our ")]
    return [f"{one} {wants} {ending}".strip() for one in people for wants in said["wants"] for ending in endings]


INFLECTED = frozenset(
    {
        "REMOVE",
        "TAKE",
        "ADD",
        "PUT",
        "GIVE",
        "MAKE",
        "CHANGE",
        "PAINT",
        "REPLACE",
        "REPAIR",
        "MATCH",
        "AGAIN",
        "KEEP",
        "TOUCH",
    }
)
"""Symbols whose words are verbs in their base form."""
DONE = {
    "REMOVE": "GONE",
    "ADD": "RESTORED",
    "REPAIR": "FIXED",
    "CHANGE": "CHANGED",
    "PAINT": "CHANGED",
    "REPLACE": "REPLACED",
}
"""What a verb's participle stands for."""


def _inflected(words: Iterable[str], symbol: str, ending: str) -> list[str]:
    """The forms of a symbol's verbs with an ending, as far as they are regular."""
    verbs = [one.partition(" ") for one in words if symbol in INFLECTED]
    return [
        f"{_with_ending(verb, ending)}{space}{rest}"
        for verb, space, rest in verbs
        if verb.isalpha() and not verb.endswith("ing")
    ]


def _with_ending(verb: str, ending: str) -> str:
    """ "erase" and "ing" as "erasing", "swap" and "ed" as "swapped"."""
    if verb.endswith("e") and not verb.endswith(("ee", "ye")):
        return verb[:-1] + ending
    if verb.endswith("y") and verb[-2] not in "aeo" and ending == "ed":
        return verb[:-1] + "ied"
    short = (
        len(verb) <= 5 and len(verb) > 2 and verb[-1] in "bgmnptd" and verb[-2] in "aeiou" and verb[-3] not in "aeiou"
    )
    return verb + (verb[-1] if short else "") + ending


def _enter(phrases: dict[Phrase, set[str]], words: Iterable[str], symbol: str) -> None:
    for one in words:
        phrases.setdefault(tuple(one.split()), set()).add(symbol)


@cache
def foreign(language: str) -> Mapping[Phrase, Phrase]:
    """What the phrases of another language are in English words."""
    table: dict[str, str] = _toml(language)["words"]
    return {tuple(said.split()): tuple(meant.split()) for said, meant in table.items()}


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((files("agent.request") / "lexicon" / f"{name}.toml").read_text(encoding="utf-8"))


def language_of(words: Sequence[Word]) -> str | None:
    """The language other than English that the words are in; None for English and for what is not known."""
    texts = [word.text for word in words if not word.marks and word.text.isalpha()]
    known = english().words
    shares = {one: _known(texts, {phrase[0] for phrase in foreign(one)}) for one in LANGUAGES}
    best = max(shares, key=lambda one: shares[one])
    return best if shares[best] > _known(texts, known) else None


def _known(texts: Sequence[str], known: Iterable[str]) -> int:
    return sum(text in set(known) for text in texts)


def in_english(words: Sequence[Word], language: str) -> list[Word]:
    """The words with those that the language's table knows in English; how they were said stays."""
    table = foreign(language)
    longest = max(len(phrase) for phrase in table)
    made: list[Word] = []
    at = 0
    while at < len(words):
        size = _size(words, at, table, longest)
        if size:
            first, last = words[at].first, words[at + size - 1].end
            said = " ".join(word.said for word in words[at : at + size])
            meant = table[tuple(word.text for word in words[at : at + size])]
            made += [Word(text, "" if place else said, first, last) for place, text in enumerate(meant)]
        else:
            made.append(words[at])
        at += size or 1
    return made


def _size(words: Sequence[Word], at: int, table: Mapping[Phrase, Phrase], longest: int) -> int:
    sizes = range(min(longest, len(words) - at), 0, -1)
    return next((size for size in sizes if tuple(word.text for word in words[at : at + size]) in table), 0)
