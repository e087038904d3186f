"""What a request says about how: what must stay, what it may cost, what must not be done, which shots are spared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from agent.request.plan import Constraints, Forbidden, Keep, Outline
from agent.request.resolve import SHOT_ID, Resolved, references
from agent.request.text import Plain, Word

KEEPS: tuple[tuple[str, Keep], ...] = (
    (r"(?:every ?thing|all) else|the rest(?: of (?:it|the (?:shot|frame|picture|image|take|scene|film)))?|any ?thing else|"
     r"nothing else|the remainder|(?:the )?other (?:things|stuff|parts)", "everything-else"),
    (r"performances?|acting|delivery|lip ?-?sync|acting beats?|expressions?|gestures?|line readings?|take", "performance"),
    (r"camera(?: (?:moves?|movements?|motion|work|path))?|(?:camera )?moves?|camerawork|pan|push ?-?in|dolly|zoom|tracking|move", "camera"),
    (r"framing|compositions?|crop|frame size|shot size|blocking", "framing"),
    (r"light|lighting|lights|exposure|shadows?", "light"),
    (r"colou?rs?|colou?r grade|grade|grading|look|palette|white balance", "colour"),
    (r"audio|sound(?:track)?|dialogues?|dialogs?|music|voices?|sync", "audio"),
    (r"backgrounds?|set|backdrop|surroundings|environment|location", "background"),
    (r"timing|pace|pacing|length|durations?|edit|cut|rhythm|speed|frame count", "timing"),
)  # fmt: skip
WHAT = "|".join(words for words, _ in KEEPS)
WHOSE = r"(?:(?:the|her|his|their|its|that|this|any|all|of|our|my|original|existing|current|same|\w+ 's) )*"
ITEM = rf"{WHOSE}(?:{WHAT})"
ITEMS = rf"{ITEM}(?:(?: , and | , or | , | and | or | nor ){ITEM})*"
TAIL = (
    r"(?: (?:exactly |just |all |completely )?(?:as is|as (?:it|they|she|he) (?:is|are|was|were)|as in the original|untouched|unchanged|the same|"
    r"intact|alone|identical|unaffected|as(?:-| )is|where it is|in place|like it is|the way (?:it|they) (?:is|are)))?"
)
DONT = r"(?:do not|don't|dont|never|without|not to|please don't|but don't|but do not|avoid|no need to|mustn't|must not|should not|shouldn't|can't|cannot|nobody should|not)"
TOUCH = (
    r"(?:touch(?:ing)?|chang(?:e|ing)|alter(?:ing)?|affect(?:ing)?|mess(?:ing)? (?:with|up)|modify(?:ing)?|los(?:e|ing)|damag(?:e|ing)|ruin(?:ing)?|"
    r"mov(?:e|ing)|redo(?:ing)?|edit(?:ing)?|disturb(?:ing)?|break(?:ing)?|kill(?:ing)?|shift(?:ing)?|harm(?:ing)?)"
)
AMOUNT = r"(?:[$€£]?\d+(?:[.,]\d+)?[$€£]?|a|an|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|hundred|half a)"
UNIT = r"(?:dollars?|bucks?|usd|\$|cents?|us dollars?|quid)"
LIMIT = r"(?:(?:and |but |, |for |keep(?:ing)? (?:it |this |the (?:cost|price|total|bill) )?|spend(?:ing)? |cost(?:s|ing)? |stay(?:ing)? |with |within |on |of |is |a |at |it |must |should |can |to |us |me |the |my |you |may |i |have |'s )*)"
MONEY = rf"(?P<sum>{AMOUNT}) ?(?P<unit>{UNIT})?"
AGAIN = r"(?:re-?roll(?:s|ed|ing)?|regenerat(?:e|ed|ing|ion)s?|re-?generat(?:e|ed|ing|ion)|re-?shoot(?:ing)?|re-?render(?:ing)?|remak(?:e|ing)|new generations?)"
MADE_AGAIN = r"(?:mak(?:e|ing) (?:it|them|the (?:whole )?(?:shot|take|clip)|a new (?:one|take|shot)|any shot) (?:again|over|anew)|redo(?:ing)? (?:it|them|the (?:whole )?(?:shot|take|clip))|start(?:ing)? over|a new take|new takes?)"
WORTH = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
}  # fmt: skip


class Taken(NamedTuple):
    """The constraints of a request, and the stretches of words that said them."""

    constraints: Constraints
    spans: list[tuple[int, int]]
    problem: str = ""


class _Found(NamedTuple):
    first: int
    end: int
    keep: tuple[Keep, ...] = ()
    forbid: tuple[Forbidden, ...] = ()
    budget: Decimal | None = None
    spare: tuple[str, ...] = ()
    only: str = ""
    ask: bool = False
    problem: str = ""


def constraints_of(words: Plain, outline: Outline) -> Taken:
    """Everything that the words say about how."""
    text = words.text
    found: list[_Found] = []
    for one in (
        *_forbidden(text),
        *_asking(text),
        *_spared(words, outline),
        *_kept(text),
        *_money(text),
        *_editors(text, outline),
    ):
        if all(one.end <= other.first or one.first >= other.end for other in found):
            found.append(one)
    sums = [one.budget for one in found if one.budget is not None]
    constraints = Constraints(
        keep=tuple(sorted({keep for one in found for keep in one.keep})),
        budget_usd=min(sums) if sums else None,
        spare=_ordered({shot for one in found for shot in one.spare}, outline),
        forbid=tuple(sorted({what for one in found for what in one.forbid})),
        only=tuple(sorted({one.only for one in found if one.only})),
        ask_first=any(one.ask for one in found),
    )
    problem = next((one.problem for one in found if one.problem), "")
    return Taken(constraints, [(one.first, one.end) for one in found], problem)


def _ordered(shots: set[str], outline: Outline) -> tuple[str, ...]:
    return tuple(shot.id for shot in outline.shots if shot.id in shots)


def _each(patterns: Sequence[str], text: str) -> Iterator[re.Match[str]]:
    for pattern in patterns:
        yield from re.finditer(rf"(?<![\w'])(?:(?:and|but|so|please|also|just) )*{pattern}(?![\w'])", text)


def _kept(text: str) -> Iterator[_Found]:
    patterns = (
        rf"(?:make sure (?:to |you |that )?|be sure to )?(?:keep|leave|preserve|retain|maintain|protect|hold|save) (?P<what>{ITEMS}){TAIL}",
        rf"{DONT} {TOUCH} (?:at )?(?P<what>{ITEMS}){TAIL}",
        rf"{DONT} {TOUCH} (?P<what>any ?thing(?: else)?)(?: else)?",
        rf"{DONT} {TOUCH} (?P<what>it|them|that|those)",
        rf"(?P<what>{ITEMS}) (?:(?:must|should|has to|have to|needs? to|can|is to|are to|'s to|is|are) )*(?:stays?|remains?|be kept|kept|be left|left|is fine|are fine|is good|are good|fine|good|ok|perfect|great){TAIL}",
        r"(?P<what>nothing else)(?: (?:changes|should change|may change|is to change|gets touched|in the (?:shot|frame) (?:changes|should change)|touched|must change))?",
        rf"(?P<what>{ITEMS}) (?:must|should|may) not (?:change|be touched|be changed|be altered|move)",
        rf"same (?P<what>{WHAT})",
    )  # fmt: skip
    for match in _each(patterns, text):
        yield _Found(match.start(), match.end(), keep=_keeps(match["what"]))


def _keeps(words: str) -> tuple[Keep, ...]:
    found = [keep for said, keep in KEEPS if re.search(rf"(?<![\w'])(?:{said})(?![\w'])", words)]
    if re.search(r"any ?thing|nothing else", words) and "everything-else" not in found:
        found.append("everything-else")
    if "everything-else" in found and len(found) > 1 and " and " not in words and "," not in words:
        return ("everything-else",)
    return tuple(dict.fromkeys(found))


def _forbidden(text: str) -> Iterator[_Found]:
    for match in _each(
        (
            rf"(?:{DONT}|no) (?:any )?(?:{AGAIN}|{MADE_AGAIN})(?: (?:it|them|the (?:shot|take|whole shot|clip)s?|any(?:thing| shots?)?|whole shots?|shots?|please))?",
            rf"(?:not|no) {AGAIN}",
        ),
        text,
    ):
        yield _Found(match.start(), match.end(), forbid=("regenerate",))
    for match in _each((rf"(?:{DONT}|no) (?:any )?(?:re-?tak(?:e|es|ing))(?: (?:it|them|anything))?",), text):
        yield _Found(match.start(), match.end(), forbid=("retake",))
    local = (
        r"(?:keep|stay|run|do|work)(?:ing)? (?:it|this|everything|that|all)? ?(?:all )?(?:strictly )?(?:offline|local|locally|on this (?:machine|computer|box)|on (?:the|my) (?:machine|computer))(?: only)?",
        r"(?:offline|local(?:ly)?)(?: only| please)?",
        r"(?:nothing|no (?:footage|frames?|material|pictures?|data|media)|none of (?:it|this|the footage)) (?:may |must |should |can |is to |to )?(?:leaves?|leave|goes out of|go out of|leaving|gets? off) (?:this|the|my|our) (?:machine|computer|building|house|office|network|studio|box)",
        rf"{DONT} (?:upload|send|let)(?:ing)? (?:any|any ?thing|it|the footage|footage|frames|them|this)?(?: (?:anywhere|out|to (?:the cloud|anyone|anybody|a server)|leave (?:this|the|my) (?:machine|computer)))?",
        r"no (?:uploads?|uploading|cloud)(?: services?| tools?)?",
        r"with ?out (?:uploading|the cloud)(?: (?:any ?thing|it|footage))?",
        r"(?:the |my |any |our )?(?:footage|frames?|material|pictures?|film|shots?|nothing|it) (?:must|should|may|can|is to|are to)(?: not|n't|not)? (?:ever )?(?:be )?(?:uploaded|sent (?:out|anywhere)|shared|leave (?:this|the|my) (?:machine|computer|building|house))(?: (?:anywhere|to anyone|to the cloud|at all))*",
        r"on this (?:machine|computer) only",
    )  # fmt: skip
    for match in _each(local, text):
        yield _Found(match.start(), match.end(), forbid=("upload",))


def _asking(text: str) -> Iterator[_Found]:
    patterns = (
        r"(?:ask|check with|run it by|show|tell|let) me (?:see |know )?(?:(?:the|your|a) (?:plan|quote|price|proposal|cost) )?(?:first|before(?:hand)?)(?: (?:you |we |doing|changing|touching|any|that|it|spend(?:ing)?|money|anything|do|start|change|is|spent|anything|commit(?:ting)?)+)*",
        r"(?:ask|check)(?: with me)? (?:first|before(?:hand)?)(?: (?:you |doing|changing|touching|anything|any|it|that|spending|money|starting)+)*",
        r"(?:show|give|send) me (?:the|a|your) (?:plan|quote|price|proposal|cost)(?: (?:first|before(?:hand)?)(?: \w+)*)?",
        r"(?:do not|don't|dont) (?:do|start|change|spend|touch|edit|run) (?:anything |any money |it )?(?:yet|until|before)(?: (?:yet|until|before|i|approve|say|so|agree|ok|okay|it|have|seen|the|plan|we|talk|approved|you|ask|me|asking|without))*",
        r"wait (?:for|until) (?:my|i) (?:ok|okay|approval|go|go-ahead|say so|approve|yes|have approved)(?: first)?",
        r"(?:quote|price|plan|approval|estimate)s? first",
        r"(?:i want to|let me|i'd like to) (?:see|approve|check|review) (?:the |a |your )?(?:plan|quote|price|it|proposal|cost) (?:first|before(?:hand)?)(?: \w+)*",
        r"with my (?:approval|ok|okay)(?: only)?",
    )  # fmt: skip
    for match in _each(patterns, text):
        yield _Found(match.start(), match.end(), ask=True)


def _money(text: str) -> Iterator[_Found]:
    under = r"(?:under|below|less than|at (?:the )?most|max(?:imum)?(?: of)?|no more than|not more than|up to|within|cap(?:ped)?(?: at)?|budget(?: of| is|:)?|limit(?: of| is)?|for|not over|never more than|only|ceiling(?: of)?)"
    patterns = (
        rf"{LIMIT}{under}(?: :)? (?:a (?:budget|total|maximum|max|cap|limit) of )?{MONEY}(?: (?:max(?:imum)?|tops|at most|total|in total|per shot|or less|altogether|all in|overall))*",
        rf"{LIMIT}{MONEY} (?:max(?:imum)?|tops|at most|or less|limit|budget|cap)(?: (?:in total|total|altogether))?",
        rf"{LIMIT}(?:budget|limit|cap|max) ?:? ?{MONEY}",
        rf"{DONT} (?:spend(?:ing)?|pay|go over|use|exceed)(?: (?:more than|over|above|beyond))? {MONEY}",
    )  # fmt: skip
    for match in _each(patterns, text):
        amount = _sum(match["sum"], match["unit"] or "", match[0])
        if amount is not None:
            yield _Found(match.start(), match.end(), budget=amount)


def _sum(words: str, unit: str, whole: str) -> Decimal | None:
    """US dollars; None where the words are about no money."""
    monied = unit or re.search(r"[$]", words) or re.search(r"\b(?:budget|spend|spending|cost|costs)\b", whole)
    if not monied:
        return None
    if words == "half a":
        return Decimal("0.5")
    digits = re.sub(r"[$€£]", "", words).replace(",", ".")
    value = Decimal(WORTH[words]) if words in WORTH else Decimal(digits)
    return value / 100 if unit.startswith("cent") else value


def _editors(text: str, outline: Outline) -> Iterator[_Found]:
    names = "|".join(re.escape(one.lower()) for one in outline.editors)
    if not names:
        return
    patterns = (
        rf"(?:(?:only|just) )?(?:with|using|use|via|through|by)(?: only| just)? (?:the )?(?P<name>{names})(?: (?:only|alone|editor(?: only)?|tool|and nothing else))*",
        rf"(?P<name>{names}) only",
    )
    for match in _each(patterns, text):
        yield _Found(match.start(), match.end(), only=next(e for e in outline.editors if e.lower() == match["name"]))


def _spared(words: Plain, outline: Outline) -> Iterator[_Found]:
    """ "don't touch SH050", "leave the last shot alone", "SH050 stays as it is"."""
    text = words.text
    shots = rf"(?:{SHOT_ID}|shots? \d+|the [\w-]+ (?:shot|scene)|the [\w-]+ (?:two|three|four) shots|scene \w+|sc ?\d+)"
    many = rf"(?:(?:in |on )?{shots}(?:(?: , and | , | and | or | nor ){shots})*)"
    patterns = (
        rf"{DONT} (?:{TOUCH}|do any ?thing (?:to|in|with)|work on|go near|include) (?:any ?thing in )?(?P<what>{many})(?: (?:at all|please|though))*",
        rf"(?:leave|keep) (?P<what>{many}) (?:alone|untouched|as (?:is|it is|they are)|unchanged|out(?: of it)?|be|intact|exactly as (?:it is|is))",
        rf"(?P<what>{many}) (?:(?:must|should|has to|needs to|is to) )?(?:stays?|remains?|is fine|are fine|is off limits|is ok|are ok|is locked|are locked|is approved){TAIL}",
        rf"hands off (?:of )?(?P<what>{many})",
        rf"skip (?P<what>{many})",
    )  # fmt: skip
    for match in _each(patterns, text):
        inner = Plain(words.request, tuple(Word(one, 0, 0) for one in match["what"].split()))
        told = references(inner, outline)
        problem = next((one.problem for one in told if one.problem), "")
        yield _Found(match.start(), match.end(), spare=_shots(told), problem=problem)


def _shots(told: Sequence[Resolved]) -> tuple[str, ...]:
    return tuple(shot for one in told for shot in one.shots)
