"""Forms filled with nouns: the clause that a form makes of words, where every slot holds what belongs into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.request.forms import Doing, Fitting, Form
from agent.request.nouns import PEOPLE, PRONOUNS, SOFT, Noun, is_vague
from agent.request.words import Word, singular

MOST_WANTED = 14
"""Words of what should be there."""
WANTABLE = {
    "QUOTE", "ADJ", "DET", "PREP", "AND", "CHAR", "PROP", "SAY", "WEAR", "HAVE", "BE", "REF", "LIKE", "FAULTY", "THING",
    "NOUNABLE", "INSTEAD", "NUMBER",
}  # fmt: skip
"""Symbols of words that can describe."""
DESCRIBING = frozenset(
    {"her", "his", "their", "its", "'s", ",", "that", "which", "one", "ones", "it", "again", "back", "there"}
)
HAVABLE = ("DET", "ADJ", "FAULTY", "NUMBER", "THING", "PROP", "BROKEN")
"""Symbols of words that begin what somebody has ("has come" is something else)."""
WHOSE = ("her", "his", "their", "its")
AWAY = {"TAKE": {"off", "from", "out of"}, "PUT": {"on", "in", "onto", "into", "around", "over"}}
"""Prepositions by which something is taken away, and put."""
DONE = ("GONE", "VISIBLE", "FIXED", "RESTORED", "WRONG")
"""Symbols of words that say what was done, not how something should be."""

NounOf = Callable[[Sequence[Word]], Noun | None]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: what it does, its nouns, and the words that say it.

    `noun` is what it is about, `holder` who has it where another noun says so. `topics` are what it wants kept by name.
    """

    does: Doing
    words: tuple[Word, ...]
    noun: Noun | None = None
    holder: Noun | None = None
    wanted: tuple[Word, ...] = ()
    form: Form | None = None
    topics: tuple[str, ...] = ()
    sentence: int = 0
    heads: bool = False
    """Whether it stands before a colon, or ends its line."""
    colon: bool = False

    @property
    def references(self) -> list[Word]:
        return [word for word in self.words if word.has("REF")]

    @property
    def likes(self) -> list[Word]:
        return [word for word in self.words if word.has("LIKE")]


@dataclass(frozen=True, slots=True)
class _Filling:
    """A form that fits words, and how nouns are read."""

    form: Form
    slots: Mapping[str, list[Word]]
    words: tuple[Word, ...]
    noun_of: NounOf

    def clause(self, noun: Noun | None, holder: Noun | None = None, wanted: Sequence[Word] = ()) -> Clause | None:
        """The clause about a noun; None without one."""
        if noun is None:
            return None
        return Clause(self.form.does, self.words, noun, holder, tuple(wanted), self.form)

    def noun(self, *slots: str) -> Noun | None:
        return self.noun_of([word for slot in slots for word in self.slots.get(slot, ())])

    @property
    def wanted(self) -> list[Word]:
        return self.slots.get("W", [])


def clause_of(one: Fitting, words: Sequence[Word], noun_of: NounOf) -> Clause | None:
    """The clause that a form makes of words; None where a slot holds what does not belong into it."""
    filling = _Filling(one.form, one.slots, tuple(words), noun_of)
    makes = {"keep": _keep, "praise": _keep, "match": _match, "change": _change, "where": _where}
    return makes.get(one.form.does, _plain)(filling)


def _where(one: _Filling) -> Clause | None:
    return Clause("where", one.words) if any(word.has("REF") for word in one.words) else None


def _plain(one: _Filling) -> Clause | None:
    """A clause about one noun, or about what somebody has."""
    special = {"G": _given, "B": _body, "O": _moved, "M": _held, "Q": _placed}
    for slot, make in special.items():
        if slot in one.slots:
            return make(one)
    if one.form.verb == "OVERAGAIN" and not any(word.has("REF") for word in one.words):
        return None
    if "N" not in one.slots:
        return (
            Clause(one.form.does, one.words, Noun(pronoun="it"), None, tuple(one.wanted), one.form)
            if _is_whole(one)
            else None
        )
    noun = one.noun("N")
    if noun is None or (one.form.does == "bare" and noun.is_back) or not _is_whole(one):
        return None
    return one.clause(noun, None, one.wanted)


def _is_whole(one: _Filling) -> bool:
    return not one.wanted or is_wantable(one.wanted)


def _moved(one: _Filling) -> Clause | None:
    """ "Take the hat off Mara", "put the hat on Mara": the preposition says that it is taken away or put."""
    said = one.slots["O"]
    if not any(word.has("PREP") and word.text in AWAY[one.form.verb] for word in said):
        return None
    return one.clause(one.noun_of(_without_back(said)))


def _placed(one: _Filling) -> Clause | None:
    """ "The tag is missing from the stall": the place stands behind the verb."""
    return one.clause(one.noun("N", "Q"))


def _held(one: _Filling) -> Clause | None:
    """What somebody has, lacks or should have."""
    holder = one.noun("N")
    if holder is None or not (holder.person or holder.pronoun in PEOPLE or _may_hold(one, holder)):
        return None
    if one.form.does == "have" and not one.slots["M"][0].has(*HAVABLE) and one.slots["M"][0].text not in WHOSE:
        return None
    return one.clause(one.noun("M"), holder)


def _may_hold(one: _Filling, holder: Noun) -> bool:
    """Whether a thing may have another: a board its letters, a suit its patch."""
    return one.form.does in ("add", "have", "remove") and bool(holder.thing) and not holder.pronoun


def _body(one: _Filling) -> Clause | None:
    """ "Ida has six fingers"."""
    holder = one.noun("N")
    return None if holder is None else one.clause(Noun(singular(one.slots["B"][0].said)), holder)


def _given(one: _Filling) -> Clause | None:
    """ "Give Mara her bun back", "give the hat back to Mara"."""
    said = _without_back(one.slots["G"])
    to = next((place for place, word in enumerate(said) if word.text == "to"), None)
    if to:
        what, who = one.noun_of(said[:to]), one.noun_of(said[to + 1 :])
    else:
        both = len(said) > 2 and said[1].text in ("and", "&") and said[2].has("CHAR")
        who, what = one.noun_of(said[: 3 if both else 1]), one.noun_of(said[3 if both else 1 :])
    if who is None or what is None or what.is_back or not (who.person or who.pronoun in PEOPLE):
        return None
    return one.clause(what, who)


def _without_back(words: Sequence[Word]) -> list[Word]:
    return [word for word in words if word.text != "back"]


def _match(one: _Filling) -> Clause | None:
    """A likeness: it needs something that is like, here or before."""
    if one.form.verb == "MATCH" and "N" not in one.slots:
        return one.clause(Noun(pronoun="it"))
    return one.clause(one.noun("N")) if any(word.has("LIKE") for word in one.words) else None


def _change(one: _Filling) -> Clause | None:
    """What should be otherwise, and how."""
    if "X" in one.slots:
        return _made(one)
    if "V" in one.slots and "W" not in one.slots:
        return _instead(one)
    wanted = one.wanted
    if any(slot in one.slots and not is_wantable(one.slots[slot]) for slot in "WV"):
        return None
    if wanted and all(word.has(*DONE) for word in wanted):
        return None
    if one.form.verb == "W" and not _describes(wanted):
        return None
    noun = one.noun("N") if "N" in one.slots else Noun(pronoun="it")
    return one.clause(noun, None, _trimmed(wanted))


def _instead(one: _Filling) -> Clause | None:
    """ "A glass instead of the plastic cup": what should be there stands first."""
    wanted = one.slots["N"]
    return one.clause(one.noun("V"), None, _trimmed(wanted)) if is_wantable(wanted) else None


def _made(one: _Filling) -> Clause | None:
    """ "Make the blue jacket orange": the shortest noun that leaves only words of how it should be."""
    said = one.slots["X"]
    for size in range(1, len(said)):
        wanted = [word for word in said[size:] if not word.has("REF")]
        noun = one.noun_of(said[:size])
        if noun is not None and wanted and _describes(wanted):
            return one.clause(noun, None, _trimmed(said[size:]))
    return None


def _describes(wanted: Sequence[Word]) -> bool:
    """Whether words say how something should be: adjectives, or a thing with its article."""
    first = wanted[1:] if wanted[0].has("BE") else wanted
    if not first or not is_wantable(first):
        return False
    if first[0].has("QUOTE"):
        return True
    if first[0].text in ("a", "an", "more", "less", "very"):
        return len(first) > 1
    return all(word.has("ADJ", "AND", "LIKE") or word.text in (",", "on", "off", "again", "back") for word in first)


def is_wantable(words: Sequence[Word]) -> bool:
    """Whether words can say what should be there: a description, and nothing that asks for anything."""
    real = [word for word in words if not word.has("REF", "LIKE")]
    return bool(real) and len(real) <= MOST_WANTED and all(_may_describe(word) for word in real) and not _is_vague(real)


def _may_describe(word: Word) -> bool:
    if word.has(*WANTABLE) or word.topics or word.text in DESCRIBING:
        return True
    return not (word.marks - SOFT) and word.text[:1].isalnum() and word.text not in PRONOUNS


def _is_vague(words: Sequence[Word]) -> bool:
    """Whether a description says nothing ("something else", "better")."""
    nouns = [word for word in words if not word.has("DET", "BE", "PREP")]
    return all(is_vague(Noun(word.said)) or word.text in ("else", "better", "different", "right") for word in nouns)


def _trimmed(words: Sequence[Word]) -> tuple[Word, ...]:
    """What should be there without what only stands around it."""
    cut = next((place for place, word in enumerate(words) if word.has("INSTEAD")), len(words))
    left = list(words[:cut])
    while left and (left[-1].text in ("again", "back", "there", "that", "the") or left[-1].has("REF", "LIKE")):
        left.pop()
    while len(left) > 1 and left[0].has("REF", "LIKE", "BE"):
        left.pop(0)
    return tuple(left)


def _keep(one: _Filling) -> Clause | None:
    """What must stay: topics that have a name, or a thing."""
    said = one.slots.get("N", [])
    topics = _topics(said)
    if topics:
        return Clause("keep", one.words, form=one.form, topics=topics)
    if not said:
        return Clause(one.form.does, one.words, form=one.form)
    return one.clause(one.noun("N"))


def _topics(said: Sequence[Word]) -> tuple[str, ...]:
    """What can be kept by name, where the words are nothing else."""
    beside = ("her", "his", "their", "its", "'s", "in", "of")
    rest = [word for word in said if not (word.has("DET", "CHAR", "REF", "FAULTY") or word.text in beside)]
    if any(not word.topics for word in rest):
        return ()
    return tuple(dict.fromkeys(topic for word in rest for topic in word.topics))
