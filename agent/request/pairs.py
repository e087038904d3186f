"""A remark and what is to be done about it: "A cup is floating above the counter in SH040. Erase it."

The remark names the thing, the command says what to do with it. Neither is a fix alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agent.request.fixes import BROKEN, JOINS, Asks, bare, noun_asks
from agent.request.plan import Operation, Outline

IT = r"(?:it|them|that|this|those|these|that one|this one|the thing|both)"
NEED = r"(?:(?:must|should|has to|have to|needs? to|ought to|can|could|may|is to|are to|wants? to|needs?|need) )+"
AWAY = r"(?:go|go away|disappear|vanish|be (?:removed|deleted|erased|gone|lost|taken (?:out|off|away)|painted out|cleaned (?:up|off|out)|cut|edited out)|come (?:out|off)|removing|erasing)"
REMOVE = r"(?:remove|delete|erase|lose|kill|clear|wipe|strip|eliminate|drop|hide|ditch|zap|nix|get rid of|paint out|edit out|cut out|mask out|do away with)"
REPAIR = r"(?:fix|repair|mend|sort|sort out|clean up|correct|heal|smooth(?: out)?|steady|tidy(?: up)?|patch(?: up)?|deal with|take care of|address|stop|touch up)"
COMMANDS: tuple[tuple[Operation, str], ...] = (
    ("regenerate", rf"(?:generate|make|do|roll|shoot|render|try) {IT} (?:again|over|anew|from scratch|once more)|(?:have|take|give it) another (?:go|try|shot|pass|roll)(?: at (?:generating |making )?{IT})?|(?:re-?roll|regenerate|redo|remake|recreate|re-?shoot) {IT}|{IT} {NEED}be (?:regenerated|redone|remade|re-?rolled|made again|generated again)"),
    ("remove", rf"{REMOVE} {IT}(?: (?:out|off|away))?|(?:take|get|pull|wipe|clean|paint|cut|edit) {IT} (?:out|off|away|gone)|(?:{IT} )?{NEED}{AWAY}|(?:can|could) {IT} {AWAY}|{IT} (?:should not|shouldn't|must not|mustn't) be (?:there|here|visible|seen)|(?:i|we) (?:want|need|would like) {IT} (?:gone|out|removed|off|away)"),
    ("add", rf"(?:put|bring|get|give|add|restore|reinstate|return)(?: {IT})?(?: (?:back|in|back in|again|there))*|(?:{IT} )?{NEED}(?:be )?(?:back|there|restored|added|put back|brought back|visible|in (?:it|frame|there))|(?:can|could) {IT} be (?:restored|put back|brought back|added)"),
    ("repair", rf"{REPAIR}(?: {IT})?(?: up| out)?|(?:{IT} )?{NEED}(?:be )?(?:fixed|fixing|repaired|repairing|mended|sorted(?: out)?|corrected|cleaned up|steady|smooth)"),
)  # fmt: skip
WANTED = re.compile(
    rf"(?:make|turn|paint|dye|colou?r|change|switch|set) {IT} (?:be |to |into |back to |to be |look )*(?P<a>.+)|(?:{IT} |they |it's )?(?:should|must|has to|have to|needs? to|ought to|is supposed to|are supposed to|'s supposed to|was supposed to) (?:really |actually |always )?(?:be|read|say|look) (?P<b>.+)"
)
SAYS = (
    r"is|are|was|were|looks?|looked|seems?|has|have|had|keeps?|came out|comes out|appears?|turned(?: out)?|turns|went|goes|gets?|got|says|said|reads|shows|stays|does not|doesn't|do not|don't|"
    r"isn't|is not|aren't|missing|visible|floating|wrong|vanish\w*|disappear\w*|showing|hanging|standing|lying|sitting|gone"
)
REMARKS = (
    r"(?:there is|there's|there are|theres|we have|we've got|i see|i can see|we see|we can see|you can see|i spotted|i noticed|spotted|noticed|somebody left|someone left|they left|somebody forgot|got) (?P<np>.+)",
    r"(?P<who>.+?) (?:isn't|is not|is no longer|isn't even|not|is missing|lost|has lost|forgot|doesn't have|does not have|has no|hasn't got|has lost|without) (?:(?:wearing|holding|carrying|showing) )?(?P<np>.+)",
    r"why (?:is|are|does|do|has|have) (?P<np>.+) \S+",
    rf"(?P<np>.+?) (?:{SAYS}|{BROKEN})(?: (?P<rest>.+))?",
)  # fmt: skip
LOOSE = rf"(?P<np>.+?)(?: (?:is |are )?(?:floating|visible|hanging|standing|lying|sitting|showing|left|missing|gone|there))?(?P<place>(?: (?:{JOINS})(?: \S+)+| (?:top|bottom|upper|lower) (?:left|right))?)"
CHAT = re.compile(
    r"(?:ta|thanks|thank you|cheers|thx|many thanks)\b.*|(?:i|we|they|the client|the director|client|director|producers?|the producers?|everyone) (?:really |just |still )*(?:don't|do not|doesn't|does not|hates?|hated|dislikes?|can't stand|loves?|loved|likes?|liked)(?: like| love)?(?: (?:it|this|that|the|shot|take|one|at|all|rest|much|how|looks?))*|"
    r"(?:i'm|i am|we're|we are|client is|director is) (?:not |really |very |so |still )*(?:happy|pleased|sure|convinced|satisfied|thrilled)(?: (?:with|about|by))?(?: (?:it|this|that|the|shot|take|one|at|all|rest))*|(?:sorry|apologies)\b.*|(?:quick|small|one|another|last|tiny|minor) (?:one|thing|note|fix|request|question|point)s?(?: (?:for|on|from|about) (?:you|this|me|us|the client))?"
)  # fmt: skip
REMARK_ONLY = re.compile(
    r"(?:it|they|that|this|she|he) (?:came out|comes out|turned out|is|are|was|were|looks?|looked|seems?|keeps?|has|have|had|shouldn't be|should not be|isn't|is not|wasn't) .+"
)


class Command(NamedTuple):
    """What is to be done with something that was named before."""

    operation: Operation
    wanted: str = ""


def command_of(clause: str) -> Command | None:
    """A clause that says what to do with a thing that it does not name; None for any other."""
    words = bare(clause)
    for operation, pattern in COMMANDS:
        if re.fullmatch(pattern, words):
            return Command(operation)
    wanted = WANTED.fullmatch(words)
    if wanted is None:
        return None
    said = re.sub(r"^(?:(?:a|an|the) )+", "", wanted["a"] or wanted["b"] or "")
    return Command("change", said) if 0 < len(said.split()) <= 6 else None


def remark_asks(clause: str, command: Command, outline: Outline) -> Asks | None:
    """What a remark and its command ask for together; None where the remark names no thing."""
    words = bare(clause)
    for pattern in REMARKS:
        found = re.fullmatch(pattern, words)
        if found is None:
            continue
        parts = found.groupdict()
        asks = _thing(parts["np"], parts.get("rest") or "", command, outline)
        if asks is not None and parts.get("who"):
            who = noun_asks(command.operation, parts["who"], outline)
            asks = asks._replace(owner=who.owner or who.noun) if who is not None and (who.owner or who.noun) else asks
        if asks is not None:
            return asks
    return None


def _thing(phrase: str, rest: str, command: Command, outline: Outline) -> Asks | None:
    split = re.fullmatch(LOOSE, phrase)
    assert split is not None, "any words match"
    where = split["place"] or (
        rest
        if re.match(
            rf"(?:(?:floating|visible|hanging|standing|lying|sitting|showing|left|stuck) )?(?:{JOINS}|top|bottom|upper|lower)\b",
            rest,
        )
        else ""
    )
    where = re.sub(r"^(?:floating|visible|hanging|standing|lying|sitting|showing|left|stuck) ", "", where.strip())
    named = re.sub(r" (?:the wrong )?colou?r$", "", split["np"])
    joined = f"{named} {where}" if re.match(rf"(?:{JOINS})\b", where) else named
    asks = noun_asks(command.operation, joined, outline) or noun_asks(command.operation, named, outline)
    if asks is None or not (asks.noun or asks.owner):
        return None
    place = asks.place or (where if where and joined == named else "")
    return asks._replace(wanted=command.wanted, place=place)


def is_chat(clause: str) -> bool:
    """Whether a clause says how somebody feels, and asks for nothing."""
    return CHAT.fullmatch(bare(clause)) is not None or CHAT.fullmatch(" ".join(clause.split())) is not None
