"""Words that refer to shots, scenes and times, resolved against a film's outline.

"SH020 and SH030", "from the second scene on", "the next shot", "all close-ups", "every shot with Mara but SH040", "at
00:12", "frames 240 to 260". Times and frames count from the film's start; a moment is the frame that shows then.
"Until SH050" and "SH020 to SH050" include both ends, "before" and "after" do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.request.lexicon import in_english, language_of
from agent.request.names import named as with_names
from agent.request.names import names_of
from agent.request.plan import Outline
from agent.request.references import Reference, references
from agent.request.words import Word, tokens
from tools.types import Frozen


class Resolved(Frozen):
    """What reference words mean: shots in the film's order, and film frames where a moment or a stretch was named."""

    shots: tuple[str, ...]
    span: tuple[int, int] | None = None


class Unresolved(Frozen):
    """Reference words that mean nothing in this film, or more than one thing; `why` is one sentence for a person."""

    words: str
    why: str


def resolve(words: str, outline: Outline, *, named: Sequence[str] = ()) -> Resolved | Unresolved | None:
    """What the words refer to; None where they refer to no shot. `named` are the shots that were named before."""
    found = references(prepared(words, outline), names_of(outline), named)
    return combined([one.reference for one in found], outline) if found else None


def mentioned(request: str, outline: Outline) -> set[str] | None:
    """Every shot that some words of a request can mean; None where no words of it refer to shots."""
    found = [
        one.reference for one in references(prepared(request, outline), names_of(outline)) if not one.reference.why
    ]
    included = {shot for one in found if not one.excludes for shot in one.shots}
    if found and not included:
        included = {shot.id for shot in outline.shots}
    return included or None


def prepared(request: str, outline: Outline) -> list[Word]:
    """The tokens of a request, in English, the film's names as one token each."""
    words = tokens(request)
    language = language_of(words)
    return with_names(in_english(words, language) if language else words, names_of(outline))


class _Met(NamedTuple):
    shots: set[str]
    span: tuple[int, int] | None


def combined(found: Sequence[Reference], outline: Outline) -> Resolved | Unresolved:
    """Several references of one clause as one: kinds narrow each other ("in SH020, frames 240 to 260"), the same kind
    adds up, and what is left out goes."""
    for one in found:
        if one.why:
            return Unresolved(words=one.words, why=one.why)
    times = [one for one in found if one.kind == "time" and not one.excludes]
    if len({one.span for one in times}) > 1:
        return Unresolved(
            words=", ".join(one.words for one in times), why="one fix has one stretch of time; ask for them one by one"
        )
    everything = {shot.id for shot in outline.shots}
    met = _Met(everything, None)
    for kind in ("scene", "shots", "filter", "time"):
        same = [one for one in found if one.kind == kind and not one.excludes]
        if same:
            met = _narrowed(met, same)
    left = met.shots - {shot for one in found if one.excludes for shot in one.shots}
    words = ", ".join(one.words for one in found)
    if not left:
        why = f"no shot of the film is all of “{words}”; frames and times count from the film's start"
        return Unresolved(words=words, why=why)
    return Resolved(shots=tuple(shot.id for shot in outline.shots if shot.id in left), span=met.span)


def _narrowed(met: _Met, same: Sequence[Reference]) -> _Met:
    shots = met.shots & {shot for one in same for shot in one.shots}
    return _Met(shots, same[0].span or met.span)
