"""From clauses to fixes: whose a thing is, and which shots a clause without shots of its own means.

A clause without shots takes those at the head of its line ("SH020: …"), else of the clause before it in its sentence,
else of the one after, else those that the request spoke of before, where these are the same throughout. A request that
names no shot at all means every shot of the character or prop that it names; one that names neither is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.request import questions
from agent.request.constraints import Said
from agent.request.drafts import Ask, Draft, Drafts, Told
from agent.request.filled import Clause
from agent.request.nouns import PEOPLE, Noun, is_unseen, is_vague
from agent.request.people import meant_by
from agent.request.plan import Fix, Operation, Outline
from agent.request.references import Reference
from agent.request.resolve import Resolved, Unresolved, combined
from agent.request.words import Word

MOST_AGAIN = 3
"""Shots that are made again on a few words alone; more is asked about first."""


def fixes_of(clauses: Sequence[Clause], told: Told, said: Said) -> tuple[Fix, ...]:
    """The fixes that the clauses ask for; what must stay goes into `said`. Raises Ask with the question."""
    drafts = Drafts(told, said)
    for clause in clauses:
        drafts.take(clause)
    drafts.close()
    fixes = [fix for draft in drafts.made for fix in _fixes(draft, drafts.made, told, said)]
    _check_again(fixes)
    return tuple(dict.fromkeys(fixes))


def _fixes(draft: Draft, drafts: Sequence[Draft], told: Told, said: Said) -> list[Fix]:
    """A draft as fixes: one per owner of the thing. Raises Ask."""
    found = _found(draft, drafts, told)
    broad = _is_broad(draft, drafts)
    owners = _owners(draft, drafts, found.shots if found else (), told)
    shots = _shots(draft, found, owners, told, said, broad=broad)
    like = _like(draft, told)
    noun = draft.noun
    _check(draft, noun, like)
    return [
        Fix(
            operation=_operation(draft, like),
            shots=shots,
            span=found.span if found else None,
            subject=owner,
            thing=_thing(noun, owner, draft),
            place=" ".join(noun.place),
            wanted=_said(draft.wanted, told.request),
            like=like,
            quote=_quote(draft.words, told.request),
        )
        for owner in owners or (None,)
    ]


def _operation(draft: Draft, like: str | None) -> Operation:
    return "match" if draft.does == "change" and like and not draft.wanted else draft.does  # type: ignore[return-value]


def _thing(noun: Noun, owner: str | None, draft: Draft) -> str:
    if draft.does == "regenerate":
        return ""
    return noun.thing or owner or ""


def _check(draft: Draft, noun: Noun, like: str | None) -> None:
    """Raises Ask where a fix leaves open what it is about or what should be there."""
    if draft.does == "regenerate":
        return
    if is_vague(noun):
        raise Ask(questions.what_thing(noun.thing))
    if is_unseen(noun):
        raise Ask(questions.not_seen(noun.thing))
    if draft.does == "repair" and noun.person and not noun.place:
        raise Ask(questions.what_of(noun.thing))
    if draft.does == "change" and not draft.wanted and not like:
        raise Ask(questions.how_should(noun.thing))
    if draft.does == "match" and not like:
        raise Ask(questions.like_what(noun.thing))


def _found(draft: Draft, drafts: Sequence[Draft], told: Told) -> Resolved | None:
    """The shots and frames that a draft's words mean; None where no words mean any. Raises Ask."""
    own = [one for one in draft.references if not one.excludes]
    out = [one for one in draft.references if one.excludes]
    used = [*(own or _shared(draft, drafts)), *out]
    if own and draft.scope and _narrows(own, draft.scope):
        used += draft.scope
    if all(one.excludes for one in used):
        return None
    got = combined(used, told.names.outline)
    if isinstance(got, Unresolved):
        raise Ask(questions.which_shots(got.words, got.why))
    return got


def _is_broad(draft: Draft, drafts: Sequence[Draft]) -> bool:
    """Whether a draft's shots were named as a stretch of the film and not one by one."""
    used = [one for one in draft.references if not one.excludes] or _shared(draft, drafts)
    return bool(used) and all(one.kind in ("scene", "filter") for one in used)


def _narrows(own: Sequence[Reference], scope: Sequence[Reference]) -> bool:
    """Whether a clause's own references say when or which of those at the head of its line."""
    kinds = {one.kind for one in own}, {one.kind for one in scope}
    return kinds[0].isdisjoint(kinds[1]) and ({"time"} in kinds or {"filter"} in kinds)


def _shared(draft: Draft, drafts: Sequence[Draft]) -> list[Reference]:
    """The references of other words that a draft without its own takes."""
    if draft.scope:
        return draft.scope
    place = drafts.index(draft)
    near = [*reversed(drafts[:place]), *drafts[place + 1 :]]
    for other in near:
        if other.sentence == draft.sentence and (other.references or other.scope):
            return other.references or other.scope
    spoken = [other.references or other.scope for other in drafts[:place] if other.references or other.scope]
    if spoken and all(one == spoken[0] for one in spoken):
        return spoken[0]
    if spoken:
        raise Ask(questions.where(draft.noun.thing))
    return []


def _owners(draft: Draft, drafts: Sequence[Draft], shots: Sequence[str], told: Told) -> tuple[str, ...]:
    """Whose a thing is. Raises Ask where a pronoun can be several people."""
    if draft.does == "regenerate":
        return ()
    noun, holder = draft.noun, draft.holder
    if holder is not None and holder.owners:
        return holder.owners
    pronoun = holder.pronoun if holder is not None and holder.pronoun in PEOPLE else noun.pronoun
    if noun.owners and not (holder is not None and holder.pronoun in PEOPLE):
        return noun.owners
    if pronoun in PEOPLE:
        return (_person(pronoun, draft, shots, told),)
    if pronoun == "it" and noun.thing:
        return _things_before(draft, drafts)
    return ()


def _person(pronoun: str, draft: Draft, shots: Sequence[str], told: Told) -> str:
    at = min(word.first for word in draft.words)
    end = max(word.end for word in draft.words)
    named = [one for place, one in told.people if place < end]
    people = meant_by(pronoun, named, shots, told.names.outline)
    del at
    if len(people) != 1:
        raise Ask(questions.who(pronoun, people))
    return people[0]


def _things_before(draft: Draft, drafts: Sequence[Draft]) -> tuple[str, ...]:
    """The prop that "its" speaks of."""
    for other in reversed(drafts[: drafts.index(draft)]):
        if other.noun.owners:
            return other.noun.owners
    return ()


def _shots(
    draft: Draft, found: Resolved | None, owners: Sequence[str], told: Told, said: Said, *, broad: bool
) -> tuple[str, ...]:
    """The shots of a fix, without those that are spared. Raises Ask where nothing says which.

    Of a stretch of the film only the shots count that the thing's owner is in.
    """
    outline = told.names.outline
    if found is not None:
        shots = _with_owner(found.shots, owners, outline) if broad else found.shots
    elif len(outline.shots) == 1:
        shots = (outline.shots[0].id,)
    else:
        wanted = set(owners)
        shots = tuple(shot.id for shot in outline.shots if wanted & {*shot.characters, *shot.props})
    if not shots:
        raise Ask(questions.where(draft.noun.thing))
    out = {shot for one in draft.references if one.excludes for shot in one.shots}
    left = tuple(shot for shot in shots if shot not in said.spare and shot not in out)
    if not left:
        raise Ask(questions.spared(shots))
    return left


def _with_owner(shots: Sequence[str], owners: Sequence[str], outline: Outline) -> tuple[str, ...]:
    """The shots that a character is in, where the film says so at all."""
    people = {
        one for one in owners if one in outline.characters and any(one in shot.characters for shot in outline.shots)
    }
    there = {shot.id for shot in outline.shots if people & {*shot.characters}}
    if people and not there & {*shots}:
        raise Ask(questions.not_there(list(people), shots))
    return tuple(shot for shot in shots if not people or shot in there)


def _like(draft: Draft, told: Told) -> str | None:
    """The one shot or panel that shows it right. Raises Ask where it is not one."""
    if not draft.likes:
        return None
    token = draft.likes[-1].text
    if token not in told.references:
        return told.names.outline.panels[int(token[1:])]
    reference = told.references[token]
    if reference.why or len(reference.shots) != 1:
        raise Ask(questions.which_shots(reference.words, reference.why or "it must be one shot that shows it right"))
    return reference.shots[0]


def _said(words: Sequence[Word], request: str) -> str:
    """Words as the person said them, references among them left out."""
    parts: list[list[Word]] = [[]]
    for word in words:
        if word.has("REF", "LIKE"):
            parts.append([])
        else:
            parts[-1].append(word)
    said = [request[part[0].first : part[-1].end] for part in parts if part]
    return " ".join(" ".join(said).split()).strip(" ,;:.")


def _quote(words: Sequence[Word], request: str) -> str:
    """The stretch of the request from the first of the words to the last."""
    return request[min(word.first for word in words) : max(word.end for word in words)].strip(" ,;:")


def _check_again(fixes: Sequence[Fix]) -> None:
    again = dict.fromkeys(shot for fix in fixes if fix.operation == "regenerate" for shot in fix.shots)
    if len(again) > MOST_AGAIN:
        raise Ask(questions.many_again(list(again)))
