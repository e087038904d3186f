"""Clauses that ask for a fix: verbs and complaints in the forms that people use, with the noun that they are about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from agent.request.plan import Operation, Outline
from agent.request.resolve import is_named, names_of
from agent.request.text import QUOTATION, singular

VERBS: dict[Operation, str] = {
    "remove": r"remove|delete|erase|lose|clear|wipe(?: out| off| away)?|paint out|clean off|kill|strip(?: off)?|eliminate|cut out|edit out|clone out|mask out|take (?:out|off|away)|get rid of|take care of removing|ditch|drop|rub out|scrub(?: out)?|hide|zap|nix|do away with|pull(?: out| off)?|rid (?:us|me) of|banish|blank out|patch out|roto out|retouch out",
    "add": r"add(?: back)?|restore|bring back|put back|put in|reinstate|re-?add|return|put",
    "change": r"change|make|turn|replace|swap(?: out)?|recolou?r|switch|exchange|substitute|convert|tint|paint|dye|set|adjust|correct",
    "repair": r"fix(?: up)?|repair|clean(?: up)?|mend|sort(?: out)?|correct|smooth(?: out)?|steady|heal|patch(?: up)?|tidy(?: up)?|deal with|take care of|address|touch up|rescue|stop",
    "match": r"match|align|conform|bring into line|make consistent",
    "regenerate": r"regenerate|recreate|re-?generate|re-?roll|redo|remake|re-?shoot|re-?render|re-?do|re-?make",
}  # fmt: skip
BROKEN = (
    r"flicker(?:s|ing|y|ed)?|glitch(?:es|ing|y|ed)?|melt(?:s|ing|ed|y)?|warp(?:s|ing|ed|y)?|morph(?:s|ing|ed)?|jitter(?:s|ing|y)?|stutter(?:s|ing)?|"
    r"pop(?:s|ping)?(?: in(?: and out)?)?|wobbl(?:es|ing|y|e)|shimmer(?:s|ing)?|deform(?:s|ed|ing)?|distort(?:s|ed|ing|ion)?|mangled|garbled|smear(?:s|ed|ing)?|"
    r"broken|blurr?(?:s|ed|y|ing)?|jump(?:s|ing|y)?|twitch(?:es|ing|y)?|tear(?:s|ing)|buzz(?:es|ing)|artifact(?:s|ing|ed)?|artefact(?:s|ing|ed)?|smudg(?:es|ed|y|e)|"
    r"swim(?:s|ming)?|boil(?:s|ing)?|fuses?|fused|merges?|merged|malformed|twisted|disfigured|dissolv(?:es|ing)|strob(?:es|ing)|freezes|frozen|pulsat(?:es|ing)|puls(?:es|ing)|vibrat(?:es|ing)|crawl(?:s|ing)?|stretch(?:es|ed|ing)?|squash(?:es|ed)?|collaps(?:es|ed|ing)|bend(?:s|ing)?|bent|six[ -]fingered|extra-fingered"
)  # fmt: skip
FAULTY = rf"(?:{BROKEN}|wrong|weird|strange|odd|bad|ugly|stray|extra|unwanted|random|accidental|visible|annoying|distracting|floating|duplicate|doubled|unexplained|incorrect|incorrectly|creepy|messed[ -]up|messy|off|awful|horrible|superfluous|spurious|rogue|phantom|ghost|hallucinated|misplaced|stupid|damn|little|whole|entire)"
DETERMINERS = r"(?:(?:(?:two|one|three|four|some|several|both|all|most|each) of|the|a|an|that|this|those|these|all|any|every|some|both|each|of|such|another|of the|what|whatever) )*"
PRONOUNS = {
    "her": "she",
    "hers": "she",
    "she": "she",
    "his": "he",
    "him": "he",
    "he": "he",
    "their": "they",
    "them": "they",
    "they": "they",
    "its": "it",
}
OWNERS = r"her|his|their|its|hers|him|them|she|he|they"
JOINS = r"on|off|of|from|around|in|at|over|under|behind|beside|next to|near|above|below|inside|across|along|against|with|onto|into|out of|off of|by|between|between the"
PICTURE = r"(?:frame|shot|picture|image|screen|corner|left|right|top|bottom|centre|center|middle|background|foreground|side|edge|upper|lower|distance|hand side|half|third)"
POLITE = (
    r"(?:one thing|quick one|small thing|small one|just one thing|quick note|quick fix|as discussed|\d+ ?\)|\d+ ?\.|one thing|quick one|small thing|small one|just one thing|quick note|quick fix|as discussed|per the client|please|pls|plz|kindly|hey|hi|hello|suture|ok|okay|so|well|now|then|and then|also|and also|and|but|just|maybe|perhaps|simply|quickly|"
    r"can you|could you|would you|will you|can we|could we|would you mind|would it be possible to|is it possible to|is there a way to|i want you to|i want to|i'd like you to|i'd like to|i would like you to|i would like to|i'd love it if you could|i'd love to|i need you to|"
    r"i need to|we need to|we have to|we should|we must|you should|you need to|you must|you can|let's|let us|need to|needs to|go ahead and|try to|try and|make sure to|make sure you|be sure to|help me|help me to|"
    r"i want|we want|i need|we need|i think|i guess|the client wants(?: us)?(?: you)? to|the director wants(?: us)?(?: you)? to|director wants(?: us)? to|client wants(?: us)? to|it would be (?:great|nice|good) (?:if you could|to)|"
    r"note|fix request|todo|to do|request|task|urgent|fyi|asap|one more thing|another thing|next|first|second|third|finally|lastly|additionally|furthermore|oh|oops|sorry|thanks|thank you|thx|cheers|for me|for us|if you can|if possible|when you can|if you could|thanks a lot|many thanks|please and thank you|would be great|,|:|-|\+|&)"
)  # fmt: skip
COMPLAINT = (
    r"(?:(?:and|but|,|-|which|that|who|it|she|he|they|this|these|those|there|:|\() )*(?:(?:really|clearly|obviously|definitely|simply|just) )*"
    r"(?:(?:should|must)(?: not|n't)(?: (?:be|have|be there|be wearing|be in|exist|be visible|have (?:one|it|them|any)|wear (?:one|it|them|any)|be on|be seen|show|appear|be wearing (?:one|it|them|any)))*"
    r"|(?:is|are)(?: not|n't)? (?:wrong|not supposed to(?: be(?: there)?| have(?: (?:one|it|any))?| wear(?: (?:one|it))?)?|not meant to(?: be(?: there)?)?|supposed to be there|not in (?:the )?(?:script|canon|bible|continuity|story|sheet)|a mistake|an error|out of place|not right|a continuity (?:error|mistake|break)|a goof)"
    r"|(?:does not|doesn't|do not|don't) belong(?: (?:there|here|in (?:it|this|the) ?(?:film|shot|world|scene)?))?"
    r"|(?:has|have|needs?|must|got) to go(?: away)?|not allowed|no good|wrong|mistake|by mistake|continuity error|not canon|breaks continuity|(?:get|take) (?:it|them|that) (?:out|off|away)|(?:remove|delete|erase|lose|kill) (?:it|them|that|this)|must go|should go|out|gone please|be gone|(?:(?:we|i|you) )?(?:need|want|would like|'d like) (?:it|them|that|this) (?:gone|out|removed|off|away|deleted|erased))"
    r"(?: (?:there|here|please|at all|anymore|any more|in (?:the|this) (?:film|shot|scene)|on (?:her|him|it)))*"
)  # fmt: skip


class Asks(NamedTuple):
    """What one clause asks for."""

    operation: Operation
    noun: str
    """The noun phrase, as it stands in the words, without determiners."""
    owner: str = ""
    """A name or pronoun that the thing belongs to."""
    place: str = ""
    wanted: str = ""
    like: str = ""
    """The words that name what it must match."""


def asks_of(clause: str, outline: Outline) -> Asks | None:
    """What a clause asks for, references and constraints taken out; None where it is not understood wholly."""
    words = bare(clause)
    if not words:
        return None
    for form in FORMS:
        found = form(words, outline)
        if found is not None:
            return found
    return None


def bare(clause: str) -> str:
    """A clause without politeness at either end."""
    words, before = " ".join(clause.split()), None
    while words != before:
        before = words
        words = re.sub(rf"^{POLITE}(?: |$)", "", words).strip(" ,:-")
        words = re.sub(
            r" (?:please|pls|plz|thanks|thank you|thx|cheers|for me|for us|too|as well|again please|now|asap|if you can|if possible|if you could|ok|okay|completely|entirely|altogether|totally|quickly|instead please|there|here|also|properly|though|and|but|,|:|-|\(|\)|in|on|for|at|from|of)$",
            "",
            words,
        ).strip(" ,:-")
    return words


def _remove(words: str, outline: Outline) -> Asks | None:
    found = re.fullmatch(rf"(?:{VERBS['remove']}) (?P<np>.+)", words)
    if found is None:
        found = re.fullmatch(
            r"(?:take|get|pull|wipe|clean|strip|have) (?P<np>.+?) (?:off|out|away|removed|gone|deleted|erased|out of the way|taken (?:out|off|away)|painted out)(?: of)?(?P<where>(?: (?!of)\S+)*)",
            words,
        )
        if found is None:
            found = re.fullmatch(
                r"(?:no(?: more)?|minus|without|(?:i|we) (?:don't|do not) want(?: to see)?(?: any)?|i never want to see) (?P<np>.+)",
                words,
            )
    if found is None:
        found = re.fullmatch(
            r"(?:i'd like|i would like|i want|we want|i need|we need|i'd love|(?:please )?have) (?P<np>.+?) (?:gone|removed|deleted|erased|taken (?:out|off|away)|painted out|out|off|cleaned (?:off|out))",
            words,
        )
    if found is None:
        found = re.fullmatch(r"(?P<np>.+?) (?:- |: |> |->)*(?:remove|delete|erase|lose|kill|gone|paint out|out)", words)
    if found is None:
        return None
    where = found.groupdict().get("where") or ""
    phrase = found["np"] + (f" off{where}" if where.strip() else "")
    return noun_asks("remove", phrase, outline)


def _passive(words: str, outline: Outline) -> Asks | None:
    found = re.fullmatch(
        r"(?P<np>.+?) (?:(?:must|should|has to|have to|needs? to|ought to|can|could|may|is to|are to|want to|wants to|needs|need) )+(?:be )?(?P<verb>go|go away|disappear|vanish|come out|come off|removed|removing|deleted|erased|gone|painted out|taken (?:out|off|away)|cleaned off|lost|cut|out)",
        words,
    )
    return None if found is None else noun_asks("remove", found["np"], outline)


def _complaint(words: str, outline: Outline) -> Asks | None:
    """ "Mara has an earpiece, she shouldn't", "there's a logo on the mug", "the boom is visible"."""
    return _there(words, outline) or _has(words, outline) or _seen(words, outline)


def _there(words: str, outline: Outline) -> Asks | None:
    """ "there should be no life jacket", "there's a logo on the mug"."""
    tail = rf"(?P<tail> {COMPLAINT})?"
    none = re.fullmatch(
        r"(?:there )?(?:should|must|shouldn't|should not|mustn't|can't|cannot) (?:not )?be (?:no|any|a|an) (?P<np>.+)",
        words,
    )
    if none is not None and re.search(r"\bno\b|n't|\bnot\b", words):
        return noun_asks("remove", none["np"], outline)
    there = re.fullmatch(
        rf"(?:there is|there's|there are|there're|theres|i see|i can see|we see|you can see|we can see|i spotted|i noticed|spotted|noticed|found|got|we have|we've got|you've got|someone left|they left|who left|why is there|why are there) (?P<np>.+?){tail}",
        words,
    )
    if there is not None:
        return noun_asks(
            "remove",
            re.sub(
                r" (?:visible|showing|left|hanging|standing|lying|in view|sticking out|poking out|showing up|creeping in)$",
                "",
                there["np"],
            ),
            outline,
        )
    return None


def _has(words: str, outline: Outline) -> Asks | None:
    """ "Mara has an earpiece, she shouldn't"."""
    tail = rf"(?P<tail> {COMPLAINT})?"
    has = re.fullmatch(
        rf"(?P<who>.+?) (?:has got|has|have|had|is wearing|wears|is holding|holds|carries|is carrying|got|suddenly has|still has|still wears|is still wearing|shouldn't have|should not have|shouldn't wear|should not wear|shouldn't be wearing|should not be wearing|must not have|isn't supposed to have|is not supposed to have|isn't supposed to wear|is not meant to have) (?P<np>(?:a|an|the|some|any|this|that|two|her|his|extra|one|another|these|those) .+?){tail}",
        words,
    )
    if has is not None and (
        "n't" in words
        or " not " in words
        or "no " in words
        or has["tail"]
        or "wrong" in words
        or "suddenly" in words
        or "still" in words
        or "extra" in words
    ):
        asked = noun_asks("remove", has["np"], outline)
        owner = _owner(has["who"], outline)
        return asked._replace(owner=owner) if asked and owner and not asked.owner else asked
    return None


def _seen(words: str, outline: Outline) -> Asks | None:
    """ "the boom is visible", "the boom is wrong"."""
    seen = re.fullmatch(
        rf"(?P<np>.+?) (?:is|are|was|were)? ?(?:visible|showing|still (?:there|visible|showing)|in (?:the )?(?:shot|frame|view|picture)|showing up|peeking in|creeping in|sticking out|poking (?:in|out)|(?:is|are) there)(?P<tail> {COMPLAINT})?",
        words,
    )
    if seen is not None:
        return noun_asks("remove", seen["np"], outline)
    wrong = re.fullmatch(rf"(?P<np>.+?) (?:{COMPLAINT})", words)
    return None if wrong is None else noun_asks("remove", wrong["np"], outline)


def _add(words: str, outline: Outline) -> Asks | None:
    """ "put the scarf back on Mara", "give her back her scarf", "the scarf is missing", "Mara should wear a scarf"."""
    return _put_back(words, outline) or _given(words, outline) or _gone(words, outline) or _lacking(words, outline)


def _put_back(words: str, outline: Outline) -> Asks | None:
    back = re.fullmatch(
        r"(?:i'd like|i would like|i want|we want|i need|we need|i'd love|have) (?P<np>.+?) (?:back(?: (?:in|on))?|restored|reinstated|put back|brought back|to be there|there again)",
        words,
    )
    if back is not None:
        return noun_asks("add", back["np"], outline)
    found = re.fullmatch(rf"(?:{VERBS['add']}) (?P<np>.+)", words)
    if found is not None:
        phrase = re.sub(r"^back ", "", found["np"])
        phrase = re.sub(r" back(?= (?:on|in|to|onto|into|where|around|at)\b|$)", "", phrase)
        phrase = re.sub(r" where (?:it|they) (?:was|were|belongs?|should be)$", "", phrase)
        if (
            words.startswith("put ")
            and " back" not in words
            and not re.search(r"\b(?:on|in|onto|into|around|at|over)\b", phrase)
        ):
            return None
        return noun_asks("add", re.sub(r"\b(?:onto|to|into)\b", "on", phrase), outline)
    return None


def _given(words: str, outline: Outline) -> Asks | None:
    found = re.fullmatch(
        r"(?:give|hand|get) (?P<who>\S+(?: 's)?) (?:back )?(?P<np>(?:a|an|the|her|his|their|its) .+?)(?: back)?", words
    )
    if found is not None:
        asked = noun_asks("add", found["np"], outline)
        owner = _owner(found["who"], outline)
        return (
            asked._replace(owner=owner) if asked and owner and (not asked.owner or asked.owner in PRONOUNS) else asked
        )
    return None


def _gone(words: str, outline: Outline) -> Asks | None:
    gone = re.fullmatch(
        r"(?P<np>.+?) (?:is|are|has|have|was|were|goes|went|'s)? ?(?:suddenly |all of a sudden )?(?:missing|gone|gone missing|vanish(?:es|ed|ing)?|disappear(?:s|ed|ing)?|lost|absent|not there|nowhere to be seen|not visible)(?: (?:,|and|but|so|-|bring|put|it|them|back|restore|please|should|must|be|there|add|needs|to|again|,))*",
        words,
    )
    if gone is not None:
        return noun_asks("add", gone["np"], outline)
    found = re.fullmatch(r"(?:missing|bring back|no) ?:? (?P<np>.+)", words)
    if found is not None and words.startswith("missing"):
        return noun_asks("add", found["np"], outline)
    return None


def _lacking(words: str, outline: Outline) -> Asks | None:
    found = re.fullmatch(
        r"(?P<who>.+?) (?:lost|is missing|has lost|loses|forgot|should (?:have|wear|hold|carry|be wearing|be holding|be carrying|still have|still be wearing)|needs|must (?:have|wear)|is supposed to (?:have|wear|be wearing|hold)|ought to have|ought to be wearing) (?P<np>(?:a|an|the|her|his|their|its|some|that) .+)",
        words,
    )
    if found is not None:
        asked = noun_asks("add", found["np"], outline)
        owner = _owner(found["who"], outline)
        return asked._replace(owner=owner) if asked and owner else asked
    return None


def _change(words: str, outline: Outline) -> Asks | None:
    can = re.fullmatch(r"(?:can|could|may) (?P<np>.+?) be (?:made |changed to |turned )?(?P<wanted>.+?)", words)
    if can is not None:
        return _can_be(can["np"], can["wanted"], outline)
    can = re.fullmatch(r"(?:can|could|may) (?P<np>.+?) be (?:made |changed to |turned )?(?P<wanted>.+?)", words)
    if can is not None:
        gone = re.fullmatch(
            r"(?:removed|deleted|erased|gone|lost|taken (?:out|off|away)|painted out|cleaned (?:up|off|out)|cut|edited out|got rid of)",
            can["wanted"],
        )
        whole = re.fullmatch(r"(?:fixed|repaired|mended|cleaned up|sorted(?: out)?|corrected)", can["wanted"])
        if gone or whole:
            return noun_asks("remove" if gone else "repair", can["np"], outline)
        return _wanted(can["np"], can["wanted"], outline)
    swap = re.fullmatch(
        r"(?:replace|swap(?: out)?|exchange|substitute|switch(?: out)?|trade) (?P<np>.+?) (?:with|for|by|to) (?P<wanted>.+)",
        words,
    )
    if swap is not None:
        return _wanted(swap["np"], swap["wanted"], outline)
    to = re.fullmatch(
        r"(?:change|turn|recolou?r|switch|convert|tint|paint|dye|set|adjust|correct|fix|shift) (?P<np>.+?) (?:in)?(?:to be|to|into|back to|so (?:that )?it is|so (?:that )?it's|so (?:that )?they are) (?P<wanted>.+)",
        words,
    )
    if to is not None:
        return _wanted(re.sub(r" from \w+$", "", to["np"]), to["wanted"], outline)
    should = re.fullmatch(
        r"(?P<np>.+?) (?:(?:is|are|looks?|appears?|turns?|turned|became|becomes|went|goes|was|were|reads?|says) (?:suddenly )?(?P<now>.+?) )?(?:,? ?(?:and|but|,|-|when|while|although|though|which|where) )*(?:it |they |this |that |she |he )?(?:should|must|has to|have to|needs? to|ought to|is supposed to|are supposed to|is meant to|was supposed to|'s supposed to) (?:really |actually |always |still |rather )?(?:be|read|say|look|have been|stay) (?P<wanted>.+?)(?:,? (?:not|and not|instead of|rather than) (?P<not>.+))?",
        words,
    )
    if (
        should is not None
        and not re.match(r"(?:there|no|any)\b", should["np"])
        and not re.match(
            rf"(?:no|not|wearing|holding|carrying|there|in|on|at|a bit|removed|gone|deleted|erased|there|out|taken|lost|fixed|repaired|cleaned|visible|regenerated|redone|{BROKEN})\b",
            should["wanted"],
        )
    ):
        return _wanted(should["np"], should["wanted"], outline)
    make = re.fullmatch(
        r"(?:make|turn|paint|dye|colou?r|tint|have) (?P<np>(?:the|her|his|their|its|that|this|those|these|all|\w+ 's|a|an|\w+) .+?) (?:be |look |appear |all |a bit |a little |slightly |much |more |back |to )*(?P<wanted>\S+)",
        words,
    )
    if make is not None and not re.search(r"\b(?:same|like|match|consistent|again)\b", words):
        return _made(make["np"], make["wanted"], outline)
    return None


def _can_be(phrase: str, wanted: str, outline: Outline) -> Asks | None:
    """ "can the cup be removed", "can the cup be red"."""
    if re.fullmatch(
        r"(?:removed|deleted|erased|gone|lost|taken (?:out|off|away)|painted out|cleaned (?:up|off|out)|cut|edited out|got rid of)",
        wanted,
    ):
        return noun_asks("remove", phrase, outline)
    if re.fullmatch(r"(?:fixed|repaired|mended|cleaned up|sorted(?: out)?|corrected)", wanted):
        return noun_asks("repair", phrase, outline)
    return _wanted(phrase, wanted, outline)


def _made(phrase: str, last: str, outline: Outline) -> Asks | None:
    """ "make her jacket dark red": the words that say how it should be are those after the noun."""
    shades = r"(?:dark|light|bright|pale|deep|navy|olive|royal|sky|warm|cold|blood|forest|matte|shiny|plain|pure)"
    parts = phrase.split()
    wanted = [last]
    while len(parts) > 1 and re.fullmatch(shades, parts[-1]):
        wanted.insert(0, parts.pop())
    return _wanted(" ".join(parts), " ".join(wanted), outline)


def _wanted(phrase: str, wanted: str, outline: Outline) -> Asks | None:
    made = re.sub(r"^(?:(?:a|an|the|be|look|some|its|more|again|back) )+", "", wanted).strip(" ,")
    made = re.sub(r" (?:again|instead|please|like before|as before|throughout|there|here)$", "", made)
    if not made or len(made.split()) > 8:
        return None
    asked = noun_asks("change", phrase, outline)
    return asked._replace(wanted=made) if asked else None


MATCHES = (
    r"(?:match|align|conform) (?P<np>.+?)(?: (?:to|with|against|up with|and))?(?: (?:the|that|those|one|ones|what|it|is|was|like))*",
    r"(?:make|have|get) (?P<np>.+?) (?:to )?(?:match|the same(?: as)?|look like|look the same(?: as)?|be the same(?: as)?|like|consistent(?: with)?|identical(?: to)?|agree(?: with)?|follow|the way it (?:is|was))(?: (?:in|that|the|one|ones|of|it|is|was|what|as|to|with|those|they|are|were|we|see|have))*",
    r"(?P<np>.+?) (?:should|must|has to|needs? to|have to|ought to) (?:match|be the same(?: as)?|look like|look the same(?: as)?|be like|be identical(?: to)?|be as)(?: (?:in|that|the|one|of|it|is|was|what|as|to|with|on))*",
    r"(?:(?:i'd like|i would like|i want|we want|i need|we need|please have|have|get) )?(?P<np>.+?) (?:to (?:match|look like|be like|be the same as)|(?:should|must|ought to|needs? to|has to|have to) (?:look|be) (?:the way|as|how|just as|exactly as|like) (?:it|they|she|he) (?:does|do|did|looks?|looked|was|is|are|were|has|had))(?: (?:in|that|the|one|of|it|is|was|what|as|to|with|on|panel|sheet|reference))*",
    r"(?P<np>.+?) (?:does not|doesn't|do not|don't|is not|isn't|are not|aren't) (?:match|match up|the same(?: as)?|look like|look the same(?: as)?|consistent with|like|identical to|agree with|go with)(?: (?:in|that|the|one|of|it|is|was|what|as|to|with|on|,|and|please|fix|should))*",
    r"(?:use |give (?:her|him|them|it) |put (?:her|him) in )?the same (?P<np>.+?) (?:as|like)(?: (?:in|that|the|one|of|it|is|was|what))*",
)  # fmt: skip


def _match(words: str, outline: Outline) -> Asks | None:
    """References were taken out of the clause; what is left of "match … to SH040" ends at the preposition."""
    found = next((one for form in MATCHES if (one := re.fullmatch(form, words))), None)
    return None if found is None else noun_asks("match", found["np"], outline)


def _repair(words: str, outline: Outline) -> Asks | None:
    found = re.fullmatch(rf"(?:{VERBS['repair']}) (?P<np>.+)", words)
    if found is not None:
        phrase = re.sub(
            rf"(?<=\w\w) (?:that |which |where it |so it |from |when it |as it )?(?:is |are |keeps? |stops? |doesn't |does not )*(?:{BROKEN})$",
            r"",
            found["np"],
        )
        phrase = found["np"] if not _plain_noun(phrase) else phrase
        phrase = (
            re.sub(
                rf"^{DETERMINERS}(?:flickering|melting|warping|glitching|morphing|jitter|flicker|glitch|warp|melt|shimmer|distortion|flickers|wobble|blur|artifacts?|artefacts?|smear|deformation) (?:of|in|on|around|at|with) ",
                "",
                phrase,
            )
            or phrase
        )
        return noun_asks("repair", phrase, outline)
    many = re.fullmatch(
        r"(?P<who>.+?) (?:has|have|had|with|shows|grew|got) (?:(?:only|too many|two|three|four|six|seven|eight|extra|an extra|one|a third|a second|a sixth|no|both|two left|two right) )+(?P<np>fingers?|hands?|arms?|legs?|eyes?|teeth|thumbs?|ears?|feet|foot|toes?|heads?|noses?|limbs?)(?: (?:on|at) (?P<place>.+?))?(?: (?:,|and|please|fix|repair|it|that|this|them|-))*",
        words,
    )
    if many is not None:
        asked = noun_asks("repair", many["np"], outline)
        owner = _owner(many["who"], outline)
        return asked._replace(owner=owner, place=many["place"] or "") if asked and owner else asked
    broken = re.fullmatch(
        rf"(?P<np>.+?) (?:is |are |gets? |looks? |keeps? |starts? |seems? |goes |'s |appears? |has |have |was |were )*(?:all |a bit |slightly |really |badly |totally |suddenly |constantly |to be |to |so |very |quite |strangely )*(?:{BROKEN}|messed up|wrong|weird|off|strange|odd)(?: (?:badly|a lot|like crazy|around|in and out|together|into each other|away|a bit|constantly|,|-|and|please|fix|repair|it|that|them|clean|up|needs|fixing|to|be|fixed|sort|out|into|mush))*",
        words,
    )
    if broken is not None and not broken["np"].startswith(("there ", "make ", "turn ")):
        return noun_asks("repair", broken["np"], outline)
    found = re.fullmatch(
        r"(?P<np>.+?) (?:needs?|must|should|has to|have to) (?:be |to be )?(?:fix(?:ed|ing)|repair(?:ed|ing)?|clean(?:ed|ing)(?: up)?|mend(?:ed|ing)|sort(?:ed|ing)(?: out)?|corrected|steady|smoothed)",
        words,
    )
    return None if found is None else noun_asks("repair", found["np"], outline)


def _regenerate(words: str, outline: Outline) -> Asks | None:
    del outline
    shot = r"(?:the )?(?:whole |entire |full |complete |that |this )*(?:shots?|takes?|clips?|it|them|this|that|everything|thing|one|ones|these|those)?"
    verbs = VERBS["regenerate"]
    forms = (
        rf"(?:have|take|give (?:it|this)) another (?:go|try|pass|roll|attempt)(?: at (?:generating |making |doing )?{shot})?",
        rf"(?:{verbs}) ?{shot}(?: (?:completely|from scratch|again|entirely|whole|anew))*",
        rf"(?:make|do|generate|shoot|render|roll|create|produce) {shot} ?(?:again|over|anew|from scratch|once more)(?: from scratch)?",
        rf"(?:make|give me|get|do|generate|i want|we need|roll) (?:a )?(?:new|fresh|another|different|better) (?:take|version|generation|roll|go)(?: of)?(?: {shot})?",
        r"(?:new|fresh|another) (?:take|version|generation|roll)(?: of(?: it)?)?",
        rf"(?:{shot} )?(?:(?:needs?|must|should|has to|have to|need|ought to) )?(?:be |to be )?(?:regenerated|recreated|generated (?:again|anew)|rendered again|redone|re-?rolled|made again|remade|reshot|re-?generated|re-?rendered|a re-?roll|(?:a |to be )?re-?roll(?:ed|ing)?|a (?:new|fresh|another) (?:take|roll|version|generation)|another (?:take|roll|go)|(?:to be )?re-?shooting|to be (?:made|done) again)",
    )  # fmt: skip
    if any(re.fullmatch(form, words) for form in forms):
        return Asks("regenerate", "")
    return None


FORMS = (_regenerate, _match, _passive, _change, _remove, _add, _repair, _complaint)
UNNOUN = re.compile(
    r"\b(?:i|you|we|is|are|was|were|be|been|do|does|did|done|can|could|would|will|shall|should|must|may|might|because|since|if|then|when|while|"
    r"that|which|who|whom|what|how|why|where|and|or|but|not|no|never|please|so|than|as|to|too|very|have|has|had|it|they|she|he|them|him|also|just|only|"
    r"remove|delete|erase|fix|change|make|keep|leave|ignore|regenerate|everything|anything|something|nothing|stuff|things?|all|whatever|it's|there's|don't|"
    r"errors?|mistakes?|problems?|issues?|faults?|continuity|film|movie|video|shots?|scenes?|takes?|clips?|ones?)\b"
)  # fmt: skip
WORDS_OF_NOUN = 4


def noun_asks(operation: Operation, phrase: str, outline: Outline) -> Asks | None:
    """The noun phrase taken apart: owner, thing and place. None where it is no plain noun phrase."""
    words = " ".join(phrase.split()).strip(" ,:-")
    words = re.sub(
        rf"(?: (?:that says|which says|saying|that reads|reading|with the words|that said|labelled|labeled|called|with|marked|named|titled))? {QUOTATION}\b",
        "",
        f" {words}",
    ).strip()
    words, owner = _owned(words, outline)
    head, place = words, ""
    split = re.match(rf"(?P<head>.+?) (?P<join>{JOINS}) (?P<rest>.+)$", words)
    if split is not None:
        head, rest = split["head"], split["rest"]
        told = _owner(_plain_noun(rest), outline) or _owners(rest, outline)
        beside = split["join"] in (
            "behind",
            "beside",
            "next to",
            "near",
            "above",
            "below",
            "over",
            "under",
            "between",
            "round",
        )
        if told and beside and told not in PRONOUNS:
            place = f"{split['join']} {told}"
        elif told:
            owner = owner or told
        else:
            rest, holder = _owned(rest, outline)
            owner = owner or holder
            place = (
                f"{split['join']} {rest}"
                if not holder
                else f"{split['join']} {'her' if holder in PRONOUNS else holder + chr(39) + 's'} {rest}".strip()
            )
            place = (
                re.sub(r"^(?:of|from|off) ", "", place)
                if re.match(rf"(?:of|from|off) {DETERMINERS}{PICTURE}", place)
                else place
            )
            place = re.sub(r"^(?:in|at|on|from) (?:the )?", "", place)
    thing = _plain_noun(head)
    thing = re.sub(rf"^(?:{FAULTY} )+(?=\S)", "", thing)
    if UNNOUN.search(re.sub(r"\ball-\w+", "", thing)) or len(thing.split()) > WORDS_OF_NOUN or UNPLACE.search(place):
        return None
    if "'" in thing:
        return None
    if (not thing and owner and owner not in PRONOUNS and operation != "repair") or (
        thing and _owner(thing, outline) and thing not in PRONOUNS
    ):
        name = _owner(thing, outline) or owner
        is_person = any(is_named(name, one, outline) for one in outline.characters)
        return Asks(operation, "" if is_person and operation in ("repair", "change", "add") else name, name, place)
    if not thing or _owner(thing, outline):
        return Asks(operation, "", owner or _owner(thing, outline), place)
    *before, last = thing.split()
    return Asks(operation, " ".join((*before, singular(last))), owner, place)


UNPLACE = re.compile(
    r"\b(?:i|you|we|is|are|was|were|because|if|when|while|which|who|why|remove|delete|fix|change|make|keep|ignore|regenerate|don't|not|and then)\b"
)


def _plain_noun(words: str) -> str:
    return re.sub(rf"^{DETERMINERS}", "", words + " ").strip()


def _owned(words: str, outline: Outline) -> tuple[str, str]:
    """The words without a possessor at their beginning, and the possessor."""
    names = "|".join(re.escape(name) for name in sorted(names_of(outline), key=len, reverse=True)) or r"(?!x)x"
    found = re.match(rf"{DETERMINERS}(?P<name>{names}) ?(?:'s|'|s)? (?=\S)", words)
    if found is not None:
        return words[found.end() :], found["name"]
    found = re.match(rf"{DETERMINERS}(?P<who>{OWNERS}) (?=\S)", words)
    if found is not None:
        return words[found.end() :], found["who"]
    return words, ""


def _owners(words: str, outline: Outline) -> str:
    """Several names ("mara and lena"), joined by commas; empty for anything else."""
    parts = [_owner(part, outline) for part in re.split(r" (?:,|and|&|, and) ", words)]
    return ",".join(parts) if len(parts) > 1 and all(part and part not in PRONOUNS for part in parts) else ""


def _owner(words: str, outline: Outline) -> str:
    """The name or pronoun that some words consist of; empty for anything else."""
    bare = _plain_noun(words).removesuffix(" 's").strip()
    if bare in names_of(outline) or bare in PRONOUNS:
        return bare
    return ""


def heads(nouns: Sequence[str]) -> set[str]:
    """The last word of each noun."""
    return {noun.split()[-1] for noun in nouns if noun}
