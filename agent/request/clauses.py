"""From words to clauses: where a request falls into clauses, each of which is wholly one known form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agent.request.filled import Clause, clause_of
from agent.request.forms import Fitting, Form, fitting
from agent.request.names import Names
from agent.request.nouns import PRONOUNS, Noun, noun_of
from agent.request.words import STOPS, Word

BREAKS = STOPS | {",", ":", "(", ")", "-", "–", "—", "->", "=>", "→", "•", "*", "/", "…"}
MOST_CLAUSES = 40


@dataclass(slots=True)
class Parsed:
    """The clauses of a request, and the words of sentences that fall into none."""

    clauses: list[Clause] = field(default_factory=list)
    odd: list[Word] = field(default_factory=list)


def clauses_of(words: Sequence[Word], names: Names) -> Parsed:
    """The words as clauses. Where a sentence does not fall into known clauses wholly, its odd words are told."""
    parsed = Parsed()
    before: Form | None = None
    for number, sentence in enumerate(_sentences(words)):
        got = _Sentence(sentence, names, number).clauses(before)
        if got is None:
            parsed.odd += _odd(sentence, names)
            continue
        parsed.clauses += got
        before = got[-1].form if got else before
    return parsed


def _sentences(words: Sequence[Word]) -> list[list[Word]]:
    made: list[list[Word]] = [[]]
    for word in words:
        if word.text in STOPS:
            made.append([])
        else:
            made[-1].append(word)
    return [sentence for sentence in made if any(not _breaks(word) for word in sentence)]


def _breaks(word: Word) -> bool:
    return word.text in BREAKS or word.has("AND", "CONSTRAINT")


@dataclass(slots=True)
class _Sentence:
    """One sentence, tried from left to right: short clauses first, longer ones where those fail."""

    words: Sequence[Word]
    names: Names
    number: int
    failed: set[tuple[int, str]] = field(default_factory=set)

    def clauses(self, before: Form | None) -> list[Clause] | None:
        """All clauses of the sentence; None where words are left over."""
        return self._from(0, before, 0)

    def _from(self, first: int, before: Form | None, depth: int) -> list[Clause] | None:
        while first < len(self.words) and _breaks(self.words[first]):
            first += 1
        if first == len(self.words):
            return []
        key = first, f"{before.verb} {before.does}" if before else ""
        if key in self.failed or depth > MOST_CLAUSES:
            return None
        for end in self._ends(first):
            for clause in self._readings(first, end, before):
                rest = self._from(end, clause.form or before, depth + 1)
                if rest is not None:
                    return [clause, *rest]
        self.failed.add(key)
        return None

    def _ends(self, first: int) -> list[int]:
        """Where a clause that begins here may end: before a break, or before what begins another clause."""
        places = range(first + 1, len(self.words))
        soft = [place for place in places if _breaks(self.words[place]) or self.words[place].has("WITHOUT")]
        return [*soft, len(self.words)]

    def _readings(self, first: int, end: int, before: Form | None) -> list[Clause]:
        words = self.words[first:end]
        colon = end < len(self.words) and self.words[end].text == ":"
        heads = colon or end == len(self.words)
        fits = (one for one in fitting(words, before) if _may_follow(one, before))
        made = (clause_of(one, words, self._noun) for one in fits)
        return [
            replace(clause, sentence=self.number, heads=heads, colon=colon) for clause in made if clause is not None
        ]

    def _noun(self, words: Sequence[Word]) -> Noun | None:
        return noun_of(words, self.names)


def _may_follow(one: Fitting, before: Form | None) -> bool:
    """How something should be needs a noun before it ("her hair: less curly"), and how it should not, how it should."""
    needs = "bare" if one.form.verb == "W" else "change" if one.form.does == "contrast" else ""
    return not needs or (before is not None and before.does == needs)


def _odd(sentence: Sequence[Word], names: Names) -> list[Word]:
    """The words of a sentence that fit nothing: those that nobody knows, else all that say something."""
    pieces: list[list[Word]] = [[]]
    for word in sentence:
        if _breaks(word):
            pieces.append([])
        else:
            pieces[-1].append(word)
    failing = [piece for piece in pieces if piece and _Sentence(piece, names, 0).clauses(None) is None]
    words = [word for piece in failing or [list(sentence)] for word in piece if word.text[:1].isalnum()]
    unknown = [word for word in words if not word.marks and word.text not in PRONOUNS]
    return unknown or [word for word in words if not word.has("REF", "LIKE", "DET", "PREP", "AND", "CONSTRAINT")]
