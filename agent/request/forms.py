"""The forms of clauses: what people say when they ask for a fix, as patterns of symbols.

A pattern is a regular expression over tokens. Capitals are symbols of the lexicon, small letters are words, and single
capitals are slots: N and M take a noun phrase, X a noun phrase with what it should be behind it, W and V what should be
and what should not. References and likenesses may stand anywhere between.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from agent.request.words import Word, coded

Doing = Literal[
    "remove", "add", "change", "repair", "match", "regenerate",  # fixes
    "have", "state", "wrong",  # complaints that do not say what to do
    "keep", "praise", "bare", "where", "region", "contrast",
]  # fmt: skip
"""What a clause does. have: somebody has something. state: something is so. wrong: something is wrong. bare: a noun
alone. where: references alone. contrast: what should not be, after what should. region: a thing, not a shot, is to be
made again."""

FORMS: tuple[tuple[Doing, str], ...] = (
    ("where", "(?:for in on at)?"),
    # the shot again
    ("regenerate", "AGAIN SHOTWORD* OVERAGAIN?"),
    ("regenerate", "AGAIN SHOTWORD* OVERAGAIN? (?:with but) W"),
    ("regenerate", "(?:MAKE ROLL) SHOTWORD* OVERAGAIN"),
    ("regenerate", "(?:MAKE GIVE TAKE WANT NEED ROLL HAVE)? (?:me us)? NEWTAKE (?:of for on)? SHOTWORD*"),
    ("regenerate", "SHOTWORD* (?:MODAL NEED to)? (?:BE HAVE)? (?:REDONE NEWTAKE)"),
    ("regenerate", "SHOTWORD* AGAIN"),
    ("regenerate", "CAN SHOTWORD* BE REDONE"),
    ("regenerate", "OVERAGAIN"),
    ("region", "AGAIN N"),
    # as somewhere else
    ("match", "MATCH N (?:to with and)? (?:that the)*"),
    (
        "match",
        "(?:MAKE CHANGE REPAIR REPLACE TAKE ADD) N (?:to with for so that it they back BE)* "
        "(?:MATCH MATCHES SAME LIKEWORD)* (?:that the)*",
    ),
    ("match", "N MODAL (?:BE MATCH SAME LIKEWORD HAVE)+"),
    ("match", "(?:WANT TAKE)? N to (?:MATCH BE SAME LIKEWORD)+ (?:the)? (?:panel sheet)?"),
    ("match", "N (?:BE)? NOT (?:BE MATCH MATCHES SAME LIKEWORD)*"),
    ("match", "N (?:BE)? DIFFERS"),
    ("match", "(?:NEED GIVE use WANT)? SAME N"),
    ("match", "N (?:BE)? SAME?"),
    ("match", "MATCH (?:it them that)"),
    # broken
    ("repair", "(?:REPAIR REMOVE) (?:DET FAULTY)* FLAW (?:on in of at around with from) N"),
    ("repair", "THEREIS (?:DET FAULTY)* FLAW (?:on in of at around with) N"),
    ("repair", "N HAVE (?:DET FAULTY)* FLAW"),
    ("repair", "THEREIS N BROKEN+"),
    ("repair", "N HAVE (?:DET)? (?:three four six seven eight 3 4 6 7 8 too many extra)+ B"),
    ("repair", "REPAIR N"),
    ("repair", "REPAIR N (?:that which)? BE? BROKEN*"),
    ("repair", "REPAIR (?:it that this them)? up?"),
    ("repair", "STOP N from? BROKEN+"),
    ("repair", "TAKE N FIXED"),
    ("repair", "N (?:BE HAVE)? BROKEN+ (?:in into out together and around up away)*"),
    ("repair", "N MODAL NOT (?:BE)? BROKEN+"),
    ("repair", "N (?:MODAL NEED to)? (?:BE)? (?:FIXED REPAIR)"),
    ("repair", "CAN N BE FIXED"),
    ("repair", "BROKEN N"),
    ("repair", "N REPAIR"),
    # otherwise
    ("change", "(?:CHANGE REPAIR) N from V (?:to into) W"),
    ("change", "(?:CHANGE REPLACE REPAIR PAINT) N (?:to into) W"),
    ("change", "(?:MAKE CHANGE REPAIR) N (?:to so that it they)* READ W"),
    ("change", "(?:CAN)? N (?:MODAL NEED to)* BE CHANGED (?:to into)? W"),
    ("change", "(?:CAN)? N (?:MODAL NEED to)* BE REPLACED (?:with by for) W"),
    ("change", "REPLACE N (?:with by for against) W"),
    ("change", "PAINT N in W"),
    ("change", "(?:MAKE PAINT TURN) X"),
    ("change", "N MODAL (?:BE)? READ W"),
    ("change", "MODAL READ W"),
    ("change", "N BE V INSTEAD W"),
    ("change", "N INSTEAD V"),
    ("contrast", "NOT W"),
    ("change", "N MODAL (?:BE WEAR HAVE) W INSTEAD V"),
    # must go
    ("remove", "REMOVE N (?:out off away)?"),
    ("remove", "REMOVE"),
    ("remove", "(?:TAKE PUT PAINT) N (?:off out away GONE)"),
    ("remove", "TAKE O"),
    ("remove", "(?:WANT TAKE NEED) N (?:to)? (?:BE)? (?:GONE out)"),
    ("remove", "N (?:MODAL) (?:GO)"),
    ("remove", "MODAL GO"),
    ("remove", "N? (?:MODAL NEED to)+ (?:BE)? (?:GONE REMOVE out)"),
    ("remove", "MODAL NOT (?:BE HAVE WEAR there here VISIBLE it one that any)*"),
    ("remove", "(?:CAN) N BE (?:GONE out)"),
    ("remove", "THEREIS N (?:that which who)? MODAL NOT (?:BE there here VISIBLE)*"),
    ("remove", "N (?:that which who)? MODAL NOT (?:BE there here VISIBLE)*"),
    ("remove", "N MODAL NOT (?:BE)? (?:HAVE WEAR) (?:it one that any)?"),
    ("remove", "N MODAL NOT (?:BE)? (?:HAVE WEAR) M"),
    ("remove", "N? NOT BELONG"),
    ("remove", "THEREIS N VISIBLE?"),
    ("remove", "N (?:BE)? VISIBLE"),
    ("remove", "N (?:BE)? VISIBLE Q"),
    ("remove", "THEREIS N VISIBLE Q"),
    ("remove", "WANTNO N VISIBLE?"),
    ("remove", "no (?:more)? N"),
    ("remove", "N (?:REMOVE out)"),
    # must be there
    ("add", "ADD N (?:back OVERAGAIN)*"),
    ("add", "ADD"),
    ("add", "PUT (?:back)? N back"),
    ("add", "PUT back N"),
    ("add", "PUT O"),
    ("add", "GIVE G"),
    ("add", "TAKE N back"),
    ("add", "N (?:BE HAVE)? MISSING"),
    ("add", "N (?:BE HAVE)? MISSING Q"),
    ("add", "N (?:BE HAVE)? MISSING M"),
    ("add", "CAN N BE RESTORED"),
    ("add", "(?:BE)? MISSING N"),
    ("add", "N BE GONE"),
    ("add", "THEREIS N MISSING"),
    ("add", "N MODAL (?:BE)? (?:HAVE WEAR)+ M"),
    ("add", "N MODAL (?:BE)? (?:there here VISIBLE back RESTORED)+"),
    ("add", "MODAL (?:BE)? (?:there here VISIBLE back RESTORED)+"),
    ("add", "there MODAL BE N"),
    ("add", "N NEED M (?:back)?"),
    ("add", "NEED N (?:back)?"),
    ("add", "N HAVE no M"),
    ("add", "N (?:BE)? NOT (?:BE)? (?:HAVE WEAR) M"),
    ("add", "(?:WANT TAKE) N (?:to)? (?:BE)? (?:RESTORED back)+"),
    ("add", "N ADD"),
    # what stays
    ("keep", "KEEP N ASIS?"),
    ("keep", "(?:NOT WITHOUT) TOUCH N ASIS?"),
    ("keep", "N MODAL NOT (?:BE)? (?:TOUCH touched changed altered affected moved)"),
    ("keep", "N (?:MODAL CAN)? (?:BE)? (?:STAY KEEP) ASIS?"),
    ("keep", "N (?:BE)? ASIS"),
    ("keep", "(?:nothing_else) (?:MODAL)? (?:BE)? (?:TOUCH CHANGED touched changes)"),
    ("keep", "no (?:other)? (?:changes change) to? N"),
    ("praise", "N? BE GOOD"),
    ("praise", "(?:i we) NOT like (?:SHOTWORD it this that)*"),
    ("praise", "(?:i we) (?:BE)? NOT happy (?:with about)? (?:SHOTWORD it this that)*"),
    ("praise", "(?:on at in)? (?:the)? (?:top bottom upper lower) (?:left right)"),
    # it should be so
    ("change", "N MODAL BE W"),
    ("change", "N? MODAL W BE"),
    ("change", "MODAL BE W"),
    ("change", "WANT N (?:to)? BE W"),
    ("change", "CAN N BE W"),
    ("change", "CHANGE N"),
    # complaints that leave open what to do
    ("wrong", "N? (?:BE)? (?:NOT)? WRONG"),
    ("wrong", "N? (?:BE HAVE)? (?:DET)? WRONG (?:colour color shade shape size kind way)"),
    ("have", "N (?:BE)? (?:HAVE WEAR) M"),
    ("state", "N (?:BE READ) W"),
    ("bare", "N"),
    ("change", "W"),
)  # fmt: skip

BACK: frozenset[str] = frozenset({"LIKE", "REF", "CONSTRAINT"})
SKIP = r"(?:\S*\|(?:REF|LIKE)\|\S* )*"
SLOTS = {
    "N": r"(?P<N>(?:\S+ )+?)",
    "M": r"(?P<M>(?:\S+ )+?)",
    "W": r"(?P<W>(?:\S+ )+?)",
    "V": r"(?P<V>(?:\S+ )+?)",
    "X": r"(?P<X>(?:\S+ )+)",
    "O": r"(?P<O>(?:\S+ )+)",
    "G": r"(?P<G>(?:\S+ )+)",
    "Q": r"(?P<Q>\S*\|PREP\|\S* (?:\S+ )+)",
    "B": r"(?P<B>\S*\|(?:fingers?|hands?|arms?|legs?|thumbs?|toes?|eyes?|ears?)\| )",
}
"""Q: a preposition with what follows. B: a part of a body. O: a noun phrase that says where it is taken from or put on.
G: who is given what, in either order."""
ATOM = re.compile(r"\(\?:([^)]*)\)([?*+]?)|([\w']+)([?*+]?)")


@dataclass(frozen=True, slots=True)
class Form:
    """One form: what it does, its pattern, and the pattern of a clause that leaves its verb to the one before."""

    does: Doing
    pattern: re.Pattern[str]
    again: re.Pattern[str] | None
    verb: str
    """The pattern's first atom."""


@cache
def compiled() -> tuple[Form, ...]:
    """Every form, ready."""
    return tuple(_form(does, pattern) for does, pattern in FORMS)


def _form(does: Doing, pattern: str) -> Form:
    atoms = [found[0] for found in ATOM.finditer(pattern)]
    first = next((place for place, atom in enumerate(atoms) if atom in SLOTS), 0)
    again = _compiled(atoms[first:]) if first else None
    return Form(does, _compiled(atoms), again, atoms[0])


def _compiled(atoms: Sequence[str]) -> re.Pattern[str]:
    return re.compile(SKIP + "".join(_atom(atom) for atom in atoms))


def pattern_of(pattern: str, *, skipping: bool = True) -> re.Pattern[str]:
    """A pattern as a regular expression over coded tokens; `skipping` lets references stand between."""
    atoms = [found[0] for found in ATOM.finditer(pattern)]
    return _compiled(atoms) if skipping else re.compile("".join(_atom(atom, "") for atom in atoms))


def _atom(atom: str, skip: str = SKIP) -> str:
    """One atom of a pattern as a regular expression over coded tokens."""
    found = ATOM.fullmatch(atom)
    assert found is not None, atom
    choices, many = (found[1].split(), found[2]) if found[1] is not None else ([found[3]], found[4])
    slots = [SLOTS[one] for one in choices if one in SLOTS]
    tokens = [one for one in choices if one not in SLOTS]
    said = rf"\S*\|(?:{'|'.join(re.escape(one) for one in tokens)})\|\S* " if tokens else ""
    return f"(?:(?:{'|'.join([*slots, *([said] if said else [])])}){skip}){many}"


@dataclass(frozen=True, slots=True)
class Fitting:
    """A form that fits a clause, and the words in its slots."""

    form: Form
    slots: dict[str, list[Word]]


def fitting(words: Sequence[Word], before: Form | None = None) -> list[Fitting]:
    """The forms that a clause fits, best first; `before` is the form whose verb it may leave out."""
    code = coded(words)
    found = [Fitting(form, _slots(match, words)) for form in compiled() if (match := form.pattern.fullmatch(code))]
    if before is not None and before.again is not None:
        match = before.again.fullmatch(code)
        if match is not None:
            again = Fitting(before, _slots(match, words))
            bare = next((n for n, one in enumerate(found) if one.form.does in ("bare", "match", "state")), len(found))
            found.insert(bare, again)
    return found


def _slots(match: re.Match[str], words: Sequence[Word]) -> dict[str, list[Word]]:
    ends = [0]
    for word in words:
        ends.append(ends[-1] + len(word.code))
    slots = {}
    for name, said in match.groupdict().items():
        if said is not None:
            first, last = ends.index(match.start(name)), ends.index(match.end(name))
            slots[name] = list(words[first:last])
    return slots
