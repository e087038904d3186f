"""Noun phrases: "the black earpiece on Mara's left ear" taken apart into a thing, whose it is, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agent.request.lexicon import english
from agent.request.names import Names
from agent.request.words import Word, singular

PRONOUNS = {
    "her": "she", "hers": "she", "she": "she", "his": "he", "him": "he", "he": "he", "their": "they", "them": "they",
    "they": "they", "theirs": "they", "its": "it", "it": "it", "that": "it", "this": "it", "these": "it", "those": "it",
    "herself": "she", "himself": "he",
}  # fmt: skip
PEOPLE = frozenset({"she", "he", "they"})
MOST_WORDS = 4
"""Words of a thing."""
ASPECTS = frozenset({"colour", "color", "shade", "hue", "colours", "colors", "tone"})
"""Nouns that only say what of a thing is meant."""
OWNING = frozenset({"of", "on", "from", "off", "at", "out of"})
"""Prepositions by which a character has what stands before."""


@dataclass(frozen=True, slots=True)
class Noun:
    """What a noun phrase says.

    `thing` is the noun in the person's words, "" for a name or pronoun alone. `owners` are ids of characters or props,
    `pronoun` is "she", "he", "they" or "it" where one stands for the owner (with a thing) or for the thing (without).
    """

    thing: str = ""
    meaning: str = ""
    """The thing in English."""
    owners: tuple[str, ...] = ()
    pronoun: str = ""
    place: tuple[str, ...] = ()
    named: bool = False
    """Whether the phrase is a character's or prop's name and nothing else."""
    person: bool = False
    """Whether the name is a character's."""

    @property
    def is_back(self) -> bool:
        """Whether it only points back ("it", "them")."""
        return not self.thing and not self.named


@dataclass(slots=True)
class _At:
    """A place in the words that are read."""

    words: Sequence[Word]
    names: Names
    at: int = 0
    noun: Noun = field(default_factory=Noun)

    @property
    def word(self) -> Word | None:
        return self.words[self.at] if self.at < len(self.words) else None

    def skip(self, *marks: str) -> None:
        while self.word is not None and self.word.has(*marks):
            self.at += 1


def noun_of(words: Sequence[Word], names: Names) -> Noun | None:
    """The noun phrase that the words are, references in it left out; None where they are none."""
    at = _At(list(words), names)
    if not _core(at):
        return None
    while at.word is not None:
        if not (_reference(at) or _place(at) or _clause(at)):
            return None
    return at.noun


def _reference(at: _At) -> bool:
    if at.word is None or not at.word.has("REF", "LIKE"):
        return False
    at.at += 1
    return True


def _core(at: _At) -> bool:
    """Determiners, whose it is, and the noun with its adjectives."""
    if not _alone(at):
        at.skip("DET", "FAULTY")
    if _names(at):
        return True
    if (
        at.word is not None
        and at.word.text in ("somebody", "someone")
        and at.words[at.at + 1 : at.at + 2]
        and at.words[at.at + 1].text == "'s"
    ):
        at.at += 2
    word = at.word
    if word is not None and word.text in PRONOUNS and not _is_noun(at, at.at + 1):
        at.noun = replace(at.noun, pronoun=PRONOUNS[word.text])
        at.at += 1
        return True
    if word is not None and word.text in PRONOUNS and word.text not in ("that", "this", "these", "those"):
        at.noun = replace(at.noun, pronoun=PRONOUNS[word.text])
        at.at += 1
    return _thing(at)


def _alone(at: _At) -> bool:
    """Whether a demonstrative stands by itself ("remove that")."""
    return at.word is not None and at.word.text in PRONOUNS and not _is_noun(at, at.at + 1)


def _names(at: _At) -> bool:
    """Characters and props: possessors, or the whole phrase ("Mara", "Mara and Jonas")."""
    start, owners = at.at, []
    while at.word is not None and at.word.has("CHAR", "PROP"):
        owners.append(at.names.of(at.word))
        at.at += 1
        if at.word is not None and at.word.text == "'s" and _joins(at, 1):
            at.at += 1
        if _joins(at, 0):
            at.at += 1
    if not owners:
        return False
    possessed = at.word is not None and at.word.text == "'s"
    if possessed:
        at.at += 1
        at.noun = replace(at.noun, owners=tuple(owners))
        return _thing(at)
    if len(owners) == 1 and at.words[start].has("PROP") and _is_noun(at, at.at):
        at.noun = replace(at.noun, owners=tuple(owners))  # "the thermos logo"
        return _thing(at)
    said = at.words[start].said if len(owners) == 1 else ""
    at.noun = replace(at.noun, thing=said, owners=tuple(owners), named=True, person=at.words[start].has("CHAR"))
    return True


def _joins(at: _At, ahead: int) -> bool:
    """Whether "and" and another character follow."""
    here, then = at.at + ahead, at.at + ahead + 1
    return then < len(at.words) and at.words[here].text in ("and", "&", ",") and at.words[then].has("CHAR") and here > 0


def _is_noun(at: _At, place: int) -> bool:
    """Whether a word can be part of a noun."""
    return place < len(at.words) and nouny(at.words[place])


SOFT = frozenset({"PLANWORD", "LIM", "LIMTAIL", "EDITTAIL", "APPROVED", "SHOTWORD", "NUMBER"})
"""Symbols that mean something only beside others."""
ARTICLES = frozenset({"the", "a", "an"})


def nouny(word: Word) -> bool:
    """Whether a word can stand in a noun: a plain word, or one whose other meaning a noun may have."""
    if word.has(
        "QUOTE", "REF", "LIKE", "AND", "SEP", "CHAR", "SHOT", "SCENE", "PANEL", "EDITOR", "MONEY", "CONSTRAINT", "PREP"
    ):
        return False
    if not word.text[:1].isalpha() or word.text in PRONOUNS or word.text in english().closed or word.text in ARTICLES:
        return False
    if word.has("THING", "NOUNABLE", "ADJ", "FAULTY", "PROP", "FLAW") or any(
        mark.startswith("K.") for mark in word.marks
    ):
        return True
    return not (word.marks - SOFT) and not _is_adverb(word.text)


NOUNS_IN_LY = frozenset({"family", "belly", "jelly", "butterfly", "dragonfly", "assembly", "lily", "doily", "bully"})


def _is_participle(word: Word) -> bool:
    """Whether a word at a noun's end says what it does ("the pole growing …")."""
    return word.text.endswith("ing") and len(word.text) > 6 and not word.marks


def _is_adverb(text: str) -> bool:
    return text.endswith("ly") and len(text) > 4 and text not in NOUNS_IN_LY


def _thing(at: _At) -> bool:
    """The noun with what stands before it."""
    said: list[Word] = []
    heads = 0
    while at.word is not None and (nouny(at.word) or at.word.has("QUOTE", "BROKEN") or _two(at, said)):
        word = at.word
        at.at += 1
        if word.has("QUOTE") or (
            word.has("BROKEN", "FAULTY") and not word.has("THING") and at.word is not None and _is_noun(at, at.at)
        ):
            continue
        said.append(word)
        heads += not (word.has("ADJ", "FAULTY", "AND", "BROKEN") and not word.has("THING", "NOUNABLE", "PROP"))
    if not heads or len(said) > MOST_WORDS or said[-1].has("AND") or not nouny(said[-1]) or _is_participle(said[-1]):
        return False
    if at.word is not None and at.word.text == "'s":
        return _possessor(at, said)
    owner = at.names.of(said[-1]) if said[-1].has("PROP") else None
    if owner and not at.noun.owners:
        at.noun = replace(at.noun, owners=(owner,))
    meaning = " ".join(word.text for word in said)
    at.noun = replace(at.noun, thing=_noun_words(said, at.names), meaning=meaning)
    return True


def _two(at: _At, said: Sequence[Word]) -> bool:
    """ "black and white": an "and" between two adjectives."""
    place = at.at
    return (
        bool(said)
        and said[-1].has("ADJ")
        and at.words[place].text == "and"
        and place + 2 < len(at.words)
        and at.words[place + 1].has("ADJ")
        and _is_noun(at, place + 2)
    )


def _possessor(at: _At, said: Sequence[Word]) -> bool:
    """ "the captain's cap": somebody whom the film does not name; a name that it does not know is not understood."""
    if not any(word.has("DET") for word in at.words[: at.at - len(said)]):
        return False
    at.at += 1
    at.noun = replace(at.noun, place=(*at.noun.place, f"{_noun_words(said, at.names)}'s"))
    return _thing(at)


def _noun_words(said: Sequence[Word], names: Names) -> str:
    words = " ".join(word.said for word in said).split()
    return " ".join((*words[:-1], singular(words[-1]))) if words and names.english else " ".join(words)


def _place(at: _At) -> bool:
    """A preposition and what follows it."""
    start = at.at
    if at.word is None or not at.word.has("PREP"):
        return False
    preposition = at.word.text
    at.at += 1
    inner = _At(at.words, at.names, at.at)
    if not _core(inner):
        at.at = start
        return False
    at.at = inner.at
    at.noun = _placed(at.noun, preposition, inner.noun, at.words[start : inner.at])
    return True


def _placed(noun: Noun, preposition: str, inner: Noun, words: Sequence[Word]) -> Noun:
    """The noun with its place, its owner where the place names one."""
    person = inner.person or (inner.is_back and inner.pronoun in PEOPLE)
    owns = preposition in OWNING or not person
    if owns and not noun.owners and noun.pronoun not in PEOPLE:
        noun = replace(noun, owners=inner.owners, pronoun=inner.pronoun or noun.pronoun)
    if noun.thing in ASPECTS and preposition in ("of", "on") and inner.thing:
        return replace(noun, thing=inner.thing)
    if person and preposition in OWNING:
        return noun
    where = words[1:] if preposition in ("in", "at", "from", "off", "out of") else words
    said = " ".join(word.said for word in where if word.said and not word.has("REF", "LIKE")).replace(" 's", "'s")
    return replace(noun, place=(*noun.place, said))


def _clause(at: _At) -> bool:
    """What else may stand behind a noun: what it says, that it is visible, who wears it."""
    rest = at.words[at.at :]
    codes = [word.text for word in rest]
    if rest[0].has("SAY") and len(rest) > 1 and rest[1].has("QUOTE"):
        at.at += 2
    elif rest[0].has("QUOTE", "VISIBLE") or codes[0] in ("there", "here", "back"):
        at.at += 1
    elif codes[0] in ("that", "which", "who") and len(rest) > 1 and _relative(at, rest):
        pass
    else:
        return _worn(at, rest)
    return True


def _relative(at: _At, rest: Sequence[Word]) -> bool:
    """ "that is on the table", "that flickers"."""
    size = 2 if rest[1].has("BE") and len(rest) > 2 else 1
    after = rest[size]
    if after.has("VISIBLE", "BROKEN") or after.text in ("there", "here"):
        at.at += size + 1
        return True
    if size == 2 and after.has("PREP", "REF"):
        at.at += size
        return True
    at.at += 1
    if _worn(at, at.words[at.at :]):
        return True
    at.at -= 1
    return False


def _worn(at: _At, rest: Sequence[Word]) -> bool:
    """ "Mara is wearing"."""
    size = 2 if len(rest) > 2 and rest[1].has("BE") else 1
    if len(rest) <= size or not rest[size].has("WEAR", "HAVE"):
        return False
    if rest[0].has("CHAR") and not at.noun.owners:
        at.noun = replace(at.noun, owners=(at.names.of(rest[0]),))
    elif rest[0].text in PRONOUNS and not at.noun.pronoun:
        at.noun = replace(at.noun, pronoun=PRONOUNS[rest[0].text])
    else:
        return False
    at.at += size + 1
    return True


def is_vague(noun: Noun) -> bool:
    """Whether a noun says nothing of what is meant ("something", "the problem")."""
    return _in(english().vague, noun)


def is_unseen(noun: Noun) -> bool:
    """Whether a noun is of nothing that is in a picture ("the audio", "the originals")."""
    return _in(english().unseen, noun) and not noun.place


def _in(nouns: frozenset[str], noun: Noun) -> bool:
    words = (noun.meaning or noun.thing).split()
    return bool(words) and not {singular(words[-1]), " ".join(words)}.isdisjoint(nouns)
