"""What a request says about how: what it may cost, what must not be done, which shots are spared, with which editor.

What must stay ("don't touch her performance") is a clause of its own and read with the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache

from agent.request.forms import pattern_of
from agent.request.names import Names
from agent.request.plan import Constraints, Keep
from agent.request.references import NUMBERS, Reference
from agent.request.words import Word, coded

WORTH: Mapping[str, int] = {"a": 1, "an": 1, **NUMBERS}
"""Numbers in words."""
Entry = Callable[["Said", Sequence[Word]], None]


@dataclass(slots=True)
class Said:
    """The constraints as they are gathered; `why` says what a constraint leaves open."""

    names: Names
    references: Mapping[str, Reference]
    keep: set[Keep] = field(default_factory=set)
    budget: Decimal | None = None
    spare: set[str] = field(default_factory=set)
    forbid: set[str] = field(default_factory=set)
    only: set[str] = field(default_factory=set)
    ask_first: bool = False
    why: str = ""

    def constraints(self) -> Constraints:
        order = [shot.id for shot in self.names.outline.shots]
        return Constraints.model_validate(
            {
                "keep": tuple(sorted(self.keep)),
                "budget_usd": self.budget,
                "spare": tuple(shot for shot in order if shot in self.spare),
                "forbid": tuple(sorted(self.forbid)),
                "only": tuple(sorted(self.only)),
                "ask_first": self.ask_first,
            }
        )


def taken(words: Sequence[Word], said: Said) -> list[Word]:
    """The words with every constraint in them as one token; `said` has what they said."""
    left = list(words)
    for pattern, entry in _patterns():
        left = _each(left, pattern, entry, said)
    return left


def _each(words: list[Word], pattern: re.Pattern[str], entry: Entry, said: Said) -> list[Word]:
    """The words with every place where a pattern fits entered and made one token."""

    def token(_: re.Match[str], inside: Sequence[Word]) -> Word:
        entry(said, inside)
        return Word("constraint", "", inside[0].first, inside[-1].end, frozenset({"CONSTRAINT"}))

    return _replaced(words, words, pattern, token)


def _ends(words: Sequence[Word]) -> list[int]:
    ends = [0]
    for word in words:
        ends.append(ends[-1] + len(word.code))
    return ends


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Entry], ...]:
    table: tuple[tuple[str, Entry], ...] = (
        ("(?:it this that all everything)? LIM+ (?:: of is the a at to be)* (?:LIM)* MONEY LIMTAIL*", _budget),
        ("MONEY LIMTAIL+", _budget),
        (
            "(?:NOT WITHOUT no) (?:any a the full whole)* (?:AGAIN ROLLS RETAKES NEWTAKE) "
            "(?:SHOTWORD REF any of anything)*",
            _not_again,
        ),
        ("(?:NOT WITHOUT) (?:MAKE ROLL) SHOTWORD* OVERAGAIN", _not_again),
        ("INPAINTONLY", _not_again),
        ("OFFLINE", _offline),
        ("WAITASK (?:APPROVED BEFOREWORD PLANWORD)+", _ask),
        ("ASKV+ (?:PLANWORD the a an your)* FIRST BEFOREWORD*", _ask),
        ("ASKV+ (?:the a an your)* PLANWORD+", _ask),
        ("(?:the a)? PLANWORD FIRST", _ask),
        ("only? EDITWITH (?:the only)* EDITOR EDITTAIL*", _editor),
        ("only EDITOR", _editor),
        ("EDITOR (?:only alone)", _editor),
        ("(?:SPAREV) (?:anything in)* REF+ ASIS?", _spare),
        ("NOT TOUCH (?:anything in)* REF+ ASIS?", _spare),
        ("REF MODAL? (?:BE)? STAY ASIS?", _spare),
        ("REF (?:BE)? ASIS", _spare),
    )  # fmt: skip
    return tuple((pattern_of(pattern, skipping=False), entry) for pattern, entry in table)


def _budget(said: Said, words: Sequence[Word]) -> None:
    sums = [Decimal(word.text) for word in words if word.has("MONEY")]
    said.budget = min([*sums, *([said.budget] if said.budget is not None else [])])


def _not_again(said: Said, words: Sequence[Word]) -> None:
    retake = any(word.has("RETAKES") for word in words)
    said.forbid.add("retake" if retake else "regenerate")


def _offline(said: Said, words: Sequence[Word]) -> None:
    del words
    said.forbid.add("upload")


def _ask(said: Said, words: Sequence[Word]) -> None:
    del words
    said.ask_first = True


def _editor(said: Said, words: Sequence[Word]) -> None:
    said.only |= {said.names.of(word) for word in words if word.has("EDITOR")}


def _spare(said: Said, words: Sequence[Word]) -> None:
    for word in words:
        reference = said.references.get(word.text) if word.has("REF") else None
        if reference is None:
            continue
        if reference.why or reference.span or reference.excludes:
            said.why = (
                reference.why
                or f"a stretch of a shot cannot be spared; name the whole shot that “{reference.words}” is in"
            )
        said.spare |= set(reference.shots)


COUNT = rf"\d+(?:[.,]\d+)?|{'|'.join(NUMBERS)}"
SUM = r"\|(?:us\| \|)?(?:dollars?|bucks?|usd)\| "
MONEY = re.compile(
    r"(?:\|\$\| \|(?P<a>\d+(?:[.,]\d+)?)\| (?:\|(?:usd|dollars?)\| )?)"  # $2, $2 USD
    r"|(?:\|(?P<b>\d+(?:[.,]\d+)?)\| \|\$\| )"  # 2 $
    r"|(?:\|(?:usd|us\$)\| \|(?:\$\| \|)?(?P<c>\d+(?:[.,]\d+)?)\| )"  # USD 2
    r"|(?:\|half\| \|a\| \|(?:dollar|buck)\| )(?P<half>)"
    rf"|(?:\|(?P<d>{COUNT}|an?)\| {SUM}(?:(?:\|and\| )?\|(?P<more>{COUNT})\| \|cents?\| )?)"  # two dollars
    rf"|(?:\|(?P<cents>{COUNT})\| \|cents?\| )"
)


def with_money(words: Sequence[Word]) -> list[Word]:
    """The words with sums of US dollars as one token each, its text the dollars; other currencies are left."""
    return _replaced([replace(word, marks=frozenset()) for word in words], words, MONEY, _sum)


def _sum(found: re.Match[str], inside: Sequence[Word]) -> Word:
    return Word(_dollars(found), "", inside[0].first, inside[-1].end, frozenset({"MONEY"}))


def _replaced(
    seen: Sequence[Word],
    words: Sequence[Word],
    pattern: re.Pattern[str],
    token: Callable[[re.Match[str], Sequence[Word]], Word],
) -> list[Word]:
    """The words with every stretch that a pattern fits as one token; `seen` is what the pattern looks at."""
    made: list[Word] = []
    at, ends, code = 0, _ends(seen), coded(seen)
    while at < len(words):
        found = pattern.match(code, ends[at])
        if found is None:
            made.append(words[at])
            at += 1
            continue
        size = ends.index(found.end()) - at
        made.append(token(found, words[at : at + size]))
        at += size
    return made


def _dollars(found: re.Match[str]) -> str:
    if found["cents"]:
        return str(_amount(found["cents"]) / 100)
    if found["half"] is not None:
        return "0.5"
    whole = _amount(found["a"] or found["b"] or found["c"] or found["d"])
    return str(whole + (_amount(found["more"]) / 100 if found["more"] else 0))


def _amount(words: str) -> Decimal:
    return Decimal(WORTH[words]) if words in WORTH else Decimal(words.replace(",", "."))
