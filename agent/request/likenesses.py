"""References that show how something should look, told from those that say where it is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from agent.request.words import STOPS, Word, merged

INTO_PANEL = frozenset({"to", "with", "in", "on", "from", "the", "by", "as", "like"})
INTO_MATCH = frozenset({"to", "with", "and", "against"})
INTO_ONE = frozenset({"with", "to", "by", "as", "like", "from"})
"""Words that only lead to a panel, to what is matched, and to "the one in SH020"."""
BEFORE_ONE = frozenset({"the one", "the ones", "that one", "one"})


def with_likes(words: Sequence[Word]) -> list[Word]:
    """The words with every likeness ("as in SH020", "match … to SH010", a panel) as one token, its symbol LIKE."""
    made: list[Word] = []
    matching = differing = False
    for word in words:
        if word.text in STOPS:
            matching = differing = False
        matching = matching or word.has("MATCH")
        differing = differing or word.has("DIFFERS")
        if not word.has("REF", "PANEL"):
            made.append(word)
            continue
        made.append(_read(made, word, matching=matching, differing=differing))
    return made


def _read(made: list[Word], word: Word, *, matching: bool, differing: bool) -> Word:
    """The reference or panel as a likeness where the words before it say so; those words go into it."""
    if word.has("PANEL"):
        return _joined(made, word, INTO_PANEL)
    before = made[-1] if made else word
    if before.has("MATCH", "MATCHES", "DIFFERS") or (differing and before.text in ("in", "from")):
        return merged([word], word.text, "LIKE")
    if before.has("LIKEWORD"):
        return _joined(made, word, frozenset())
    if matching and before.text in INTO_MATCH:
        return _joined(made, word, INTO_MATCH)
    if before.text in BEFORE_ONE and len(made) > 1:
        made.pop()
        return _joined(made, word, INTO_ONE)
    return word


def _joined(made: list[Word], word: Word, texts: frozenset[str]) -> Word:
    """The word with those before it that only lead to it."""
    inside = [word]
    while made and (made[-1].text in texts or (made[-1].has("LIKEWORD") and not made[-1].has("MATCH", "SAME"))):
        inside.insert(0, made.pop())
    return merged(inside, word.text, "LIKE")
