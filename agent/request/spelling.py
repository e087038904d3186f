"""Slips of the pen: words that are one or two letters away from one that is known, and from only one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from agent.request.words import Word, singular

SHORTEST, SHORT, LONG = 4, 5, 8
"""Letters from which a word may be one slip away from a known one, up to which no letter may be exchanged for another
("belt" and "bolt"), and from which it may be two slips away."""


def spelt(
    words: Sequence[Word],
    right: Collection[str],
    targets: Collection[str],
    *,
    exchange: bool = True,
    sure: bool = False,
) -> list[Word]:
    """The words with slips corrected. Words in `right` stay as they are; others become the one of `targets` that is
    near enough, where there is only one such. Without `exchange` no letter may stand for another ("growing" and
    "glowing"); `sure` allows only letters swapped or doubled."""
    usable = [one for one in targets if len(one) >= SHORTEST]
    return [
        word
        if word.marks or _is_right(word.text, right)
        else _corrected(word, _fitting(word.text, usable, exchange, sure))
        for word in words
    ]


def _fitting(text: str, targets: Sequence[str], exchange: bool, sure: bool) -> list[str]:
    """The words that a slip may stand for by its kind."""
    kept = [one for one in targets if exchange or len(one) != len(text) or sorted(one) == sorted(text)]
    return [one for one in kept if not sure or is_slip(text, one)]


def _is_right(text: str, right: Collection[str]) -> bool:
    return not text.isalpha() or len(text) < SHORTEST or text in right or singular(text) in right


def _corrected(word: Word, targets: Sequence[str]) -> Word:
    allowed = 2 if len(word.text) >= LONG else 1
    far = {one: distance(word.text, one, allowed) for one in targets if _comparable(word.text, one, allowed)}
    near = min(far.values(), default=allowed + 1)
    closest = {singular(one): one for one, how in far.items() if how == near}
    if near > allowed or len(closest) != 1:
        return word
    meant = min((one for one, how in far.items() if how == near), key=lambda one: (abs(len(one) - len(word.text)), one))
    return replace(word, text=meant, said=meant)


def _comparable(text: str, one: str, allowed: int) -> bool:
    """Whether a word may be meant at all: about as long, and beginning alike or with its first two letters swapped."""
    if len(one) == len(text) <= SHORT and sorted(one) != sorted(text):
        return False
    alike = one[:1] == text[:1] or (one[:1] == text[1:2] and one[1:2] == text[:1])
    return len(one) >= SHORTEST and abs(len(one) - len(text)) <= allowed and alike


def is_slip(text: str, one: str) -> bool:
    """Whether two words differ by letters swapped or doubled alone."""
    return sorted(text) == sorted(one) or undoubled(text) == undoubled(one)


def undoubled(word: str) -> str:
    return "".join(letter for place, letter in enumerate(word) if letter != word[place - 1 : place])


def distance(a: str, b: str, most: int) -> int:
    """Slips between two words: letters left out, added, exchanged or swapped (optimal string alignment distance);
    more than `most` is told as most + 1."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            best = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
        rows.append(row)
    return rows[-1][-1]
