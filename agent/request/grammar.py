"""The grammar: common English forms of fix requests, read without a model.

It acts only on what it understood wholly. Constraints and references to shots are taken out first; every clause that is
left must be one known form, or nothing is planned and the person is asked about the words that were not understood.

No shots named: where a character's or prop's thing is meant, all shots of theirs; else the person is asked which. A
clause without shots of its own takes those of the clause after it in the same sentence ("the earpiece and the logo in
SH040"), else of the clause before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

from agent.request.constraints import KEEPS, constraints_of
from agent.request.fixes import BROKEN, PRONOUNS, VERBS, Asks, asks_of
from agent.request.pairs import REMARK_ONLY, Command, command_of, is_chat, remark_asks
from agent.request.plan import Constraints, Fix, Outline, Reading
from agent.request.refusals import DECLINED, NO_FIX, is_attack, is_other, is_other_thing
from agent.request.resolve import NUMBERS, ORDINALS, Resolved, is_named, joined, names_of, references, shots_of
from agent.request.text import QUOTATION, QUOTES, Plain, plain, without

MOST_AGAIN = 3
"""Shots that are made again on a few words alone; more is asked about first."""
SENTENCE = re.compile(r"(?<!\d)[.;!?](?!\d)|\n")
VERB = "|".join(VERBS.values())
CLAUSE = re.compile(
    rf" (?:,|-|:|and|then|also|plus|but|&|\+|as well as|, and|and then|and also|, then|, also|while|,? ?so) (?= *(?:please |also |then |just )*(?:{VERB}|take|get|give|there's|there is|no|the same|her|his|their|the|a|an|that|this|don't|do not|\S+ 's) )"
)
SPARE_WORDS = re.compile(
    r"[,:()&+-]|\b(?:and|but|then|also|please|pls|thanks|thank you|just|so|ok|okay|the|in|on|of|for|at|shots?|it|is|that|this|too|as well|there|here|with|from|both|only|hi|hello|hey|cheers|"
    r"thx|plus|while|though|however|otherwise|again|now|to|if|possible|budget|total|max|she|he|they|it's|really|very|much|be|great|nice|good|a|an|all|scene|film|frames?)\b"
)


PRAISE = re.compile(
    r"\b(?:(?:it|that|this|she|he|everything|all|the rest|rest) )?(?:looks?|is|are|was|were|feels?|seems?) (?:really |very |so |just |all )?(?:great|good|fine|perfect|ok|okay|nice|lovely|"
    r"beautiful|amazing|solid|right|approved|locked)(?: (?:otherwise|apart from that|as is|now))*\b|\b(?:love it|great work|good work|nice work|well done|i love (?:it|this|the rest)|no rush|take your time)\b"
)
FILLERS = re.compile(
    r"(?<![\w'])(?:wherever|everywhere|every time|whenever|in every shot|in all shots|in all the shots)(?: that| where)? (?:she|he|it|they)(?:'s|'re)? ?(?:appears?|is|are|in|shows? up|wears?|visible|seen|has|have|it|them)*(?: (?:in it|in frame|in them|on screen|it|in|visible))*(?![\w'])|"
    r"(?<![\w'])in (?:all|every one|each) of (?:her|his|their|its) shots(?![\w'])|(?<![\w'])(?:in )?all (?:her|his|their|its) shots(?![\w'])"
)
"""Words that say nothing which the subject's own shots do not."""
PRONOUN_FIRST = re.compile(
    r"^(?:(?:please|so|and|but|just|then|can you|could you|would you|will you|we should|let's|kindly|maybe) )*(?:it|they|she|he|that|this|them|those|(?:bring|put|get|add|give) (?:it|them|that|this) back|(?:remove|delete|erase|lose|fix|repair|restore|clean up|sort out|correct|get rid of|take out) (?:it|them|that|this)|"
    r"(?:take|get) (?:it|them|that|this) (?:out|off|away)|(?:please )?(?:fix|remove|repair|restore|correct)(?: please)?$|make (?:it|them))(?![\w'])"
)


@dataclass(slots=True)
class _Clause:
    """One clause: its own words, where they stand, what they ask for and which shots they name."""

    text: str
    first: int
    end: int
    sentence: int
    asks: Asks | None = None
    told: list[Resolved] = field(default_factory=list)


class _Known(NamedTuple):
    words: Plain
    outline: Outline
    constraints: Constraints


def read(request: str, outline: Outline) -> Reading:
    """What a request means, by its words alone."""
    words = _matched_with(plain(request, _vocabulary(outline), COMMON_WORDS))
    taken = constraints_of(words, outline)
    if is_attack(words.text, without(words.text, taken.spans)):
        return Reading(kind="answer", words=DECLINED)
    panels = [found.span() for panel in outline.panels for found in re.finditer(re.escape(panel.lower()), words.text)]
    fillers = [found.span() for found in FILLERS.finditer(words.text)]
    rest = without(words.text, [*taken.spans, *panels, *fillers])
    told = references(Plain(request, words.words), outline)
    told = [one for one in told if not any(a < one.end and one.first < b for a, b in taken.spans)]
    clauses = _clauses(rest, told)
    _ask(clauses, outline, told, rest)
    problem = taken.problem or next((one.problem for one in told if one.problem), "")
    asking = [one for one in clauses if one.asks is not None]
    if any(one.asks and one.asks.operation == "add" and is_other_thing(one.asks.noun) for one in asking):
        return Reading(kind="answer", words=NO_FIX)
    if not asking:
        return _nothing(rest, words, taken.constraints, problem)
    left = [one for one in clauses if one.asks is None and not _is_spare(one.text)]
    odd = [words.original(one.first, one.end) for one in left if not _is_remark(one, asking, outline)]
    if odd:
        return _puzzled(odd)
    if problem:
        return Reading(kind="question", words=f"{problem[:1].upper()}{problem[1:]}. Which shots do you mean?")
    return _planned([one for one in clauses if one.asks or one.told], _Known(words, outline, taken.constraints))


def _matched_with(words: Plain) -> Plain:
    """ "match the sky in SH090 to SH010" names two shots and no range of them."""
    if not re.search(r"\b(?:match|align|conform)\b", words.text):
        return words
    made = [replace(word, text="with") if word.text == "to" else word for word in words.words]
    return Plain(words.request, tuple(made))


def _nothing(rest: str, words: Plain, constraints: Constraints, problem: str) -> Reading:
    """No clause asks for a fix: an answer to what is something else, else a question."""
    bare = re.sub(
        r"^(?:(?:hi|hello|hey|please|pls|ok|okay|so|suture|,|can you|could you|would you|will you) )+",
        "",
        " ".join(rest.split()),
    )
    if is_other(bare) or is_other(words.text) or not bare:
        return Reading(kind="answer", words=NO_FIX)
    if problem:
        return Reading(kind="question", words=f"{problem[:1].upper()}{problem[1:]}.")
    del constraints
    return _puzzled([words.request.strip()])


def _puzzled(odd: Sequence[str]) -> Reading:
    said = "; ".join(f"“{one}”" for one in odd)
    words = (
        f"I did not understand {said}, so nothing was done. Without a model I read plain English forms, such as “remove "
        "Mara's earpiece in SH020”, “make the jacket red from SH030 on”, “fix the flickering lamp at 00:12”. Say it so?"
    )
    return Reading(kind="question", words=words, not_understood=tuple(odd))


def _clauses(rest: str, told: Sequence[Resolved]) -> list[_Clause]:
    """The clauses of the words that are left, with the references that lie in them taken out."""
    blanked = without(rest, [(one.first, one.end) for one in told])
    made: list[_Clause] = []
    at = 0
    for number, sentence in enumerate(SENTENCE.split(blanked)):
        start = at
        for piece in _pieces(sentence):
            first = start + piece[0]
            inside = [one for one in told if first <= one.first < start + piece[1] + 1]
            made.append(
                _Clause(" ".join(sentence[piece[0] : piece[1]].split()), first, start + piece[1], number, told=inside)
            )
        at += len(sentence) + 1
    return [one for one in made if one.text or one.told]


def _pieces(sentence: str) -> list[tuple[int, int]]:
    """Where the clauses of a sentence lie."""
    spread = re.sub(r" {2,}", lambda gap: " " + "\0" * (len(gap[0]) - 2) + " ", sentence)
    cuts = [0]
    for found in CLAUSE.finditer(spread.replace("\0", " ")):
        cuts += [found.start(), found.end()]
    cuts.append(len(sentence))
    return [(cuts[n], cuts[n + 1]) for n in range(0, len(cuts), 2)]


def _ask(clauses: list[_Clause], outline: Outline, told: Sequence[Resolved], rest: str) -> None:
    """What each clause asks for; a noun alone takes the verb of the clause before ("… and the logo"); what was split
    and is understood only together is joined again."""
    del told, rest
    before: _Clause | None = None
    for place, clause in enumerate(clauses):
        clause.asks = asks_of(clause.text, outline)
        same = before is not None and before.sentence == clause.sentence and before.asks is not None
        if clause.asks is None and same and before is not None and before.asks is not None and clause.text:
            verb = {"add": "restore", "match": "match"}.get(before.asks.operation, before.asks.operation)
            again = asks_of(f"{verb} {clause.text}", outline)
            if again is not None and again.operation == before.asks.operation and not _is_spare(clause.text):
                clause.asks = again
        if (
            place
            and clause.text
            and (clause.asks is None or PRONOUN_FIRST.match(clause.text) or command_of(clause.text))
        ):
            _rejoin(clauses, place, outline)
        if clause.asks is not None:
            before = clause


def _rejoin(clauses: list[_Clause], place: int, outline: Outline) -> None:
    """A clause that was cut at an "and" or a comma inside it, or a command about what was named before."""
    earlier, clause = clauses[place - 1], clauses[place]
    if _commanded(earlier, clause, outline) or is_chat(earlier.text):
        return
    pronoun = PRONOUN_FIRST.match(clause.text)
    if not earlier.text or (earlier.sentence != clause.sentence and not pronoun):
        return
    for glue in (" and ", " , ", " but "):
        asks = asks_of(f"{earlier.text}{glue}{clause.text}", outline)
        if asks is not None:
            earlier.asks, earlier.end = asks, clause.end
            earlier.told = [*earlier.told, *clause.told]
            clause.text, clause.told, clause.asks = "", [], None
            return


def _commanded(earlier: _Clause, clause: _Clause, outline: Outline) -> bool:
    """Whether a clause is a command about the thing that the clause before names, which then asks for both."""
    command = command_of(clause.text)
    if command is None or not earlier.text:
        return False
    same = earlier.asks is not None and (command.operation in (earlier.asks.operation, "repair"))
    asks = earlier.asks if same else remark_asks(earlier.text, command, outline)
    if asks is None:
        return False
    earlier.asks, earlier.end = asks, clause.end
    earlier.told = [*earlier.told, *clause.told]
    clause.text, clause.told, clause.asks = "", [], None
    return True


def _is_remark(clause: _Clause, asking: Sequence[_Clause], outline: Outline) -> bool:
    """Whether a clause only says something about what another clause asks for."""
    if REMARK_ONLY.fullmatch(clause.text) and not re.search(rf"\b(?:{VERB})\b", clause.text):
        return True
    nouns = {one.asks.noun.split()[-1] for one in asking if one.asks and one.asks.noun}
    asks = remark_asks(clause.text, Command("remove"), outline)
    if asks is None or not asks.noun or asks.noun.split()[-1] not in nouns:
        return False
    for one in asking:
        if one.asks is not None and one.asks.noun.split()[-1:] == asks.noun.split()[-1:]:
            one.asks = one.asks._replace(place=one.asks.place or asks.place, owner=one.asks.owner or asks.owner)
    return True


def _is_spare(text: str) -> bool:
    """Whether words say nothing by themselves: filler, praise, the number of a list."""
    praised = PRAISE.sub("", text)
    if is_chat(text):
        return True
    return not SPARE_WORDS.sub("", praised).strip(" .0123456789)#*")


def _planned(clauses: list[_Clause], known: _Known) -> Reading:
    """The plan of all clauses; a clause that only names shots does so for those beside it."""
    fixes: list[Fix] = []
    for place in (n for n, one in enumerate(clauses) if one.asks is not None):
        for one in _each_owner(clauses[place]):
            made = _fix(place, [*clauses[:place], one, *clauses[place + 1 :]], known)
            if isinstance(made, str):
                return Reading(kind="question", words=made)
            fixes.append(made)
    again = {shot for fix in fixes if fix.operation == "regenerate" for shot in fix.shots}
    if len(again) > MOST_AGAIN:
        words = f"That would make {len(again)} shots again ({', '.join(sorted(again))}). Which of them do you mean?"
        return Reading(kind="question", words=words)
    return Reading(kind="plan", fixes=tuple(fixes), constraints=known.constraints)


def _each_owner(clause: _Clause) -> list[_Clause]:
    """A clause about several people's things is one for each of them."""
    assert clause.asks is not None
    owners = clause.asks.owner.split(",")
    return [replace(clause, asks=clause.asks._replace(owner=owner)) for owner in owners]


def _fix(place: int, asking: list[_Clause], known: _Known) -> Fix | str:
    """The fix of one clause, or the question that it leaves open."""
    clause, outline = asking[place], known.outline
    asks = clause.asks
    assert asks is not None
    told, like = _split_like(clause.told, asks, known)
    where = told or _shared(place, asking, known)
    found = joined(where, outline) if where else None
    if found is not None and found.problem:
        return f"{found.problem[:1].upper()}{found.problem[1:]}. Which shots do you mean?"
    subject = _subject(asks, asking[:place], found.shots if found else (), known)
    if subject == "?":
        return (
            f"Whose {asks.noun or 'is it'}? “{asks.owner}” can be {' or '.join(_candidates(asks.owner, found, known))}."
        )
    if asks.operation != "regenerate" and not asks.noun:
        who = subject or "it"
        return f"What is wrong with {who}? Say the thing, such as “remove the earpiece” or “fix the melted hand”."
    if asks.operation == "match" and like is None:
        return "What should it match? Name the shot or the panel, such as “as in SH040”."
    shots = _shots(found, subject, known)
    if not shots:
        noun = asks.noun or "shot"
        return (
            f"In which shots? Say where the {noun} is, such as “in SH020”, “from the second scene on” or “everywhere”."
        )
    return Fix(
        operation=asks.operation,
        shots=shots,
        span=found.span if found else None,
        subject=subject,
        thing=asks.noun,
        place=asks.place,
        wanted=_said_wanted(asks.wanted, known),
        like=like,
        quote=known.words.original(clause.first, clause.end) or known.words.request.strip(),
    )


LIKE_AT = re.compile(
    r"(?:match(?:es|ing)?|as|like|with|to|same as|identical to|follow|than|from)(?: (?:it is|it was|they are|they were|the ones?|what|that|those|we see|the))* ?$"
)
LIKE = re.compile(
    r"(?:as|like|ones?|that|those|is|was|are|what|same|looks?|looked|does|did|do|has|had|were) (?:in|from|of|at) $"
)


def _said_wanted(wanted: str, known: _Known) -> str:
    """What should be there; words in quotation marks as they stand in the request."""
    if QUOTATION not in wanted:
        return wanted
    quoted = next((one for found in QUOTES.finditer(known.words.request) for one in found.groups() if one), "")
    return wanted.replace(QUOTATION, quoted)


def _split_like(told: list[Resolved], asks: Asks, known: _Known) -> tuple[list[Resolved], str | None]:
    """Of a match, the reference that it must look like: the one after "match", "as in", "like"."""
    panel = next((p for p in known.outline.panels if p.lower() in known.words.request.lower()), None)
    if asks.operation != "match":
        return told, None
    text = known.words.text
    for one in told:
        if LIKE.search(f"{text[: one.first]}{text[one.first : one.end].split(chr(32))[0]} ") or LIKE_AT.search(
            text[: one.first]
        ):
            return [other for other in told if other is not one], one.shots[0] if one.shots else panel
    return told, panel


def _shared(place: int, asking: list[_Clause], known: _Known) -> list[Resolved]:
    """The references of a clause without any: those of the next clause of its sentence, else of the one before."""
    mine = asking[place].sentence
    for later in asking[place + 1 :]:
        if later.sentence == mine and later.told:
            return _split_like(later.told, later.asks or Asks("remove", ""), known)[0]
    for earlier in reversed(asking[:place]):
        if earlier.told:
            return _split_like(earlier.told, earlier.asks or Asks("remove", ""), known)[0]
    return []


def _shots(found: Resolved | None, subject: str | None, known: _Known) -> tuple[str, ...]:
    shots = found.shots if found else shots_of(subject, known.outline.shots) if subject else ()
    if found is not None and found.broad and subject is not None and any(s.characters for s in known.outline.shots):
        theirs = shots_of(subject, known.outline.shots)
        shots = tuple(shot for shot in shots if shot in theirs)
    return tuple(shot for shot in shots if shot not in known.constraints.spare)


def _subject(asks: Asks, before: Sequence[_Clause], shots: Sequence[str], known: _Known) -> str | None:
    """The character or prop that a thing belongs to; "?" where a pronoun can mean several."""
    if not asks.owner:
        return None
    if asks.owner not in PRONOUNS:
        return _named(asks.owner, known.outline)
    for clause in reversed(before):
        if clause.asks and clause.asks.owner and clause.asks.owner not in PRONOUNS:
            return _named(clause.asks.owner, known.outline)
    if asks.owner == "its":
        return None
    named = [n for n in names_of(known.outline) if re.search(rf"\b{re.escape(n)}\b", known.words.text)]
    people = {p for n in named if (p := _named(n, known.outline)) in known.outline.characters}
    if len(people) == 1:
        return people.pop()
    found = Resolved(0, 0, tuple(shots)) if shots else None
    candidates = _candidates(asks.owner, found, known)
    return candidates[0] if len(candidates) == 1 else "?" if candidates else None


def _candidates(_owner: str, found: Resolved | None, known: _Known) -> list[str]:
    """Characters that a pronoun can mean: those of the shots that are named, else all."""
    outline = known.outline
    if found and found.shots:
        there = {one for shot in outline.shots if shot.id in found.shots for one in shot.characters}
        if there:
            return [one for one in outline.characters if one in there]
    return list(outline.characters)


def _named(name: str, outline: Outline) -> str | None:
    return next((one for one in (*outline.characters, *outline.props) if is_named(name, one, outline)), None)


@cache
def _lexicon() -> frozenset[str]:
    """Words of the grammar itself, which a slip of the pen may hide."""
    texts = (VERB, BROKEN, *(said for said, _ in KEEPS), THINGS, SLIPS)
    words = {word for text in texts for word in re.findall(r"[a-z]{4,}", text)}
    broken = set(re.findall(r"[a-z]{4,}", BROKEN))
    words |= {f"{word}{end}" for word in broken for end in ("s", "ed", "ing")}
    more = [
        "everything",
        "else",
        "nothing",
        "please",
        "scene",
        "scenes",
        "shots",
        "from",
        "onwards",
        "without",
        "touching",
        "change",
        "keep",
        "leave",
        "dollars",
    ]
    return frozenset({*words, *more, *ORDINALS, *NUMBERS})


COMMON = (
    "there their these those where which would could should about after before again still while being other under over "
    "never every first their your yours mine ours them then than that this what when whose whole white black brown green "
    "blue yellow orange purple grey gray silver golden right left upper lower front behind beside between around above below "
    "missing vanishes vanished disappears disappeared wearing wears holding holds looks changes turns needs supposed belongs "
    "something anything nothing everything someone anyone nobody somebody everyone somehow sometimes always maybe perhaps "
    "because though although through during without within until since later early earlier soon already almost enough quite "
    "really pretty little large small bigger smaller better worse best worst great good nice weird strange funny wrong "
    "another others each both same different similar main whole entire only also even just like liked looking look looked "
    "think thought know known seem seems seen being been were does done doing going gone come comes came people person woman "
    "child girl actor actress extra extras crew lady plane train horse house mouse river water plant plate pants paint point "
    "board brush bread beach bench cable chain clock cloud coast couch crane crown dress drink earth flame floor glass grass "
    "green heart knife leaves metal money motor paper phone photo piano radio shelf shirt shoes skirt smoke snake spoon stage "
    "stain stair steam stone strap straw sugar sword table tower truck wheel world "
    "leave keep makes take takes give gives shows three seven eight place places light lights night morning"
)
SLIPS = (
    "missing vanishes vanished disappears disappeared wearing wears holding holds should shouldn without under performance "
    "background everywhere touch touching"
)
"""Words of the grammar that stand in none of its lists of verbs."""
COMMON_WORDS = frozenset(COMMON.split())
"""Words that are right as they stand and no slip of another."""
THINGS = (
    "earpiece earring earrings necklace bracelet watch wristwatch glasses sunglasses helmet jacket shirt trousers collar scarf "
    "glove gloves badge patch logo poster lamp lantern window mirror table chair bottle phone laptop camera microphone cable "
    "shadow reflection antenna apron backpack sticker watermark umbrella briefcase necktie beard moustache tattoo freckles "
    "finger fingers thumb shoulder elbow eyebrow eyebrows eyelash ponytail haircut lipstick makeup uniform sweater hoodie "
    "waistcoat raincoat headset headphones earphones bandage button buttons pocket zipper sleeve sleeves buckle necklace "
    "pendant brooch medal ribbon feather wristband crown curtain curtains painting picture candle flower flowers bouquet "
    "balloon suitcase newspaper keyboard monitor screen television billboard lamppost streetlight bicycle motorcycle vehicle"
)


def _vocabulary(outline: Outline) -> frozenset[str]:
    """Words that are spelt right: the grammar's, the film's names, and what its canon and prompts speak of."""
    told = " ".join((*outline.characters.values(), *outline.props.values(), *(shot.prompt for shot in outline.shots)))
    spoken = set(re.findall(r"[a-z]{5,}", told.lower()))
    return frozenset({*_lexicon(), *names_of(outline), *spoken})
