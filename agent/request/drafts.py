"""Drafts of fixes: what each clause adds, and what "it" and lists of things go back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.request import questions
from agent.request.constraints import Said
from agent.request.filled import Clause
from agent.request.names import Names
from agent.request.nouns import PEOPLE, Noun
from agent.request.references import Reference
from agent.request.words import Word

FIXES: frozenset[str] = frozenset({"remove", "add", "change", "repair", "match", "regenerate"})
COMPLAINTS: frozenset[str] = frozenset({"bare", "have", "state", "wrong"})
"""Doings that are fixes, and those that leave open what to do."""


class Ask(Exception):
    """The request leaves something open; the text is the question."""


@dataclass(slots=True)
class Draft:
    """A fix in the making: what its clauses have told so far."""

    clause: Clause
    does: str
    noun: Noun
    holder: Noun | None = None
    wanted: tuple[Word, ...] = ()
    words: list[Word] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    scope: list[Reference] = field(default_factory=list)
    likes: list[Word] = field(default_factory=list)

    @property
    def sentence(self) -> int:
        return self.clause.sentence


@dataclass(frozen=True, slots=True)
class Told:
    """What a request's words are, for everything that is read out of them."""

    request: str
    names: Names
    references: Mapping[str, Reference]
    people: Sequence[tuple[int, str]]
    """Where characters are named, and which."""


@dataclass(slots=True)
class Drafts:
    """The drafts of a request as its clauses come in."""

    told: Told
    said: Said
    made: list[Draft] = field(default_factory=list)
    head: list[Reference] = field(default_factory=list)
    head_in: int = -1
    person_in: int = -1
    head_stays: bool = False
    person: tuple[str, ...] = ()
    """What stands before a colon ("Mara: remove her ring")."""
    kept: bool = False
    """Whether the clause before told what must stay."""

    def take(self, clause: Clause) -> None:
        if clause.does == "where":
            self._head(clause)
        elif clause.does in ("keep", "praise"):
            self._keep(clause)
        elif clause.does == "region":
            raise Ask(questions.region(clause.noun.thing if clause.noun else ""))
        elif clause.does == "contrast":
            self.made[-1].words += clause.words
        elif clause.does == "bare" and clause.colon and clause.noun is not None and clause.noun.named:
            self._owner(clause, clause.noun)
        else:
            self._fix(clause)
            self.kept = False

    def _owner(self, clause: Clause, noun: Noun) -> None:
        """A name before a colon: what follows is about what is of it, in the shots that stand there."""
        self.person, self.person_in = noun.owners, clause.sentence
        if clause.references:
            self.head, self.head_in, self.head_stays = self._of(clause), clause.sentence, False

    def close(self) -> None:
        """Every draft must say what to do."""
        for draft in self.made:
            if draft.does not in FIXES:
                raise Ask(questions.what_to_do(draft.noun.thing or "it", draft.does))

    def _head(self, clause: Clause) -> None:
        """References alone speak for what follows; at the end, for what came before without any."""
        found = self._of(clause)
        for draft in self.made:
            near = clause.heads or draft.sentence == clause.sentence
            if near and not draft.references and not draft.scope:
                draft.scope = found
        self.head, self.head_in, self.head_stays = found, clause.sentence, clause.heads

    def _of(self, clause: Clause) -> list[Reference]:
        return [self.told.references[word.text] for word in clause.references]

    def _scope(self, clause: Clause) -> list[Reference]:
        return self.head if self.head_stays or clause.sentence == self.head_in else []

    def _keep(self, clause: Clause) -> None:
        if clause.topics:
            self.said.keep |= set(clause.topics)  # type: ignore[arg-type]
        elif clause.does == "keep" and clause.noun is not None and not clause.noun.is_back:
            self.said.keep.add("everything-else")
        elif clause.does == "keep" and not self.kept and not self.made:
            raise Ask(questions.what_is("it"))
        self.kept = True

    def _fix(self, clause: Clause) -> None:
        noun = clause.noun or Noun(pronoun="it")
        last = self.made[-1] if self.made else None
        if clause.does == "regenerate":
            self._again(clause, last)
        elif noun.is_back and clause.does == "state" and last is not None and last.does != "bare":
            last.words += clause.words
        elif noun.is_back and clause.does in (*FIXES, "wrong") and not self._is_person(noun, clause, last):
            self._go_on(clause, last)
        elif last is not None and self._completes(clause, noun, last):
            self._into(last, clause)
        else:
            self._new(clause, noun)

    @staticmethod
    def _is_person(noun: Noun, clause: Clause, last: Draft | None) -> bool:
        """Whether "her" is a person to be taken out, not somebody who was spoken of."""
        return noun.pronoun in PEOPLE and clause.does == "remove" and (last is None or last.does != "have")

    @staticmethod
    def _completes(clause: Clause, noun: Noun, last: Draft) -> bool:
        """ "…, she shouldn't": a person alone who should not have what was said before."""
        alone = noun.named or noun.is_back
        return last.does == "have" and clause.does in ("remove", "wrong") and alone and clause.holder is None

    def _new(self, clause: Clause, noun: Noun) -> None:
        if self.person_in == clause.sentence and clause.holder is None and not noun.owners and not noun.pronoun:
            noun = replace(noun, owners=self.person)
        draft = Draft(clause, clause.does, noun, clause.holder, clause.wanted, list(clause.words))
        draft.references, draft.scope, draft.likes = self._of(clause), self._scope(clause), clause.likes
        for earlier in self.made:
            listed = clause.form is not None and clause.form.verb.startswith("N")
            if earlier.does == "bare" and listed and clause.does in FIXES and earlier.sentence == clause.sentence:
                earlier.does, earlier.wanted, earlier.likes = clause.does, clause.wanted, clause.likes
        self.made.append(draft)

    def _again(self, clause: Clause, last: Draft | None) -> None:
        """A shot again: its own references, else those of what was spoken of."""
        draft = Draft(
            clause, "regenerate", Noun(), None, clause.wanted, list(clause.words), self._of(clause), self._scope(clause)
        )
        if last is not None and last.does in COMPLAINTS and last.sentence == clause.sentence and not draft.references:
            draft.references = last.references
            self.made.pop()
        self.made.append(draft)

    def _go_on(self, clause: Clause, last: Draft | None) -> None:
        """ "Remove it", "it should be red": more about what was spoken of."""
        if last is None:
            raise Ask(questions.what_is(_pronoun(clause)))
        if clause.does == "wrong":
            last.does = "remove" if last.does == "have" else last.does
            last.words += clause.words
            last.references += [one for one in self._of(clause) if one not in last.references]
            return
        self._into(last, clause)

    def _into(self, last: Draft, clause: Clause) -> None:
        does = "remove" if clause.does == "wrong" else clause.does
        open_one = last.does in COMPLAINTS or last.does == does
        complained = last.clause.form is not None and (last.clause.form.verb in ("THEREIS", "N") and not last.wanted)
        if not open_one and not complained:
            raise Ask(questions.what_is(_pronoun(clause)))
        for draft in self._alike(last):
            draft.does = does
            draft.wanted = clause.wanted or draft.wanted
            draft.words += clause.words
            draft.references += [one for one in self._of(clause) if one not in draft.references]
            draft.likes += clause.likes

    def _alike(self, last: Draft) -> list[Draft]:
        """The draft, and those before it in a list of things that nothing was said of yet."""
        found = [last]
        for draft in reversed(self.made[:-1]):
            if draft.does != "bare" or draft.sentence != last.sentence:
                break
            found.append(draft)
        return found


def _pronoun(clause: Clause) -> str:
    found = [word.said for word in clause.words if word.text in ("it", "them", "that", "this", "one", "those", "these")]
    return found[0] if found else "it"
