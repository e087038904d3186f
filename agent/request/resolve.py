"""Words that refer to shots, scenes and times, resolved against a film's outline.

"SH020 and SH030", "from the second scene on", "the next shot", "all close-ups", "every shot with Mara but SH040", "at
00:12", "frames 240 to 260". Frames and times count from the film's start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent.request.plan import Outline, ShotNote
from agent.request.text import Plain, plain

ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "6th": 6, "7th": 7, "8th": 8, "9th": 9, "10th": 10,
    "opening": 1, "final": -1, "last": -1, "closing": -1, "penultimate": -2,
}  # fmt: skip
NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "couple": 2,
}  # fmt: skip
SIZES = {
    r"(extreme |big )?close ?-?ups?|closeups?|close shots?|ecus?|cus?|closes|tight shots?": r"\b(close|closeup|close-up|ecu|cu|tight)\b",
    r"wides?|wide shots?|wide angles?|establishing shots?|establishers?|long shots?|masters?": r"\b(wide|establishing|long shot|ws|ls|master|aerial)\b",
    r"mediums?|medium shots?|mid ?-?shots?|waist shots?|two ?-?shots?": r"\b(medium|mid-shot|mid shot|ms|waist|two-shot|two shot)\b",
    r"inserts?|insert shots?|detail shots?|details": r"\b(insert|detail|macro)\b",
    r"over ?-?the ?-?shoulders?( shots?)?|otss?": r"\b(over the shoulder|over-the-shoulder|ots)\b",
    r"pov shots?|povs?": r"\bpov\b",
}
ORD = "|".join(ORDINALS)
NUM = rf"\d+|{'|'.join(NUMBERS)}"
SHOT_ID = r"(?:sc\d+[_-])?sh ?-?\d+[a-z]?"
SCENE_ID = r"(?:scene )?sc ?-?\d+|scene (?:number )?(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten)"
CLOCK = r"\d+:\d+(?::\d+)?(?:\.\d+)?"
SECONDS = r"\d+(?:[.,]\d+)? ?(?:s|secs?|seconds?)\b"
AND = r"(?: , and | , or | , | and | & | or | plus | \+ )"
TO = r"(?: to | through | thru | until | till | up to | - |-)"


class Resolved(NamedTuple):
    """What a stretch of words refers to. `span` is in film frames; `problem` says why it refers to nothing."""

    first: int
    end: int
    shots: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    problem: str = ""
    spares: bool = False
    """True for words that take shots out ("except SH040")."""
    broad: bool = False
    """True for words that name no single shots ("from the second scene on"): of a person's thing, that person's only."""


class _Film(NamedTuple):
    outline: Outline
    named: Sequence[str]

    @property
    def ids(self) -> list[str]:
        return [shot.id for shot in self.outline.shots]

    @property
    def scenes(self) -> list[str]:
        return list(dict.fromkeys(shot.scene for shot in self.outline.shots if shot.scene))

    def between(self, first: str, last: str) -> tuple[str, ...]:
        ids = self.ids
        a, b = ids.index(first), ids.index(last)
        return tuple(ids[min(a, b) : max(a, b) + 1])

    def at(self, frames: tuple[int, int]) -> tuple[str, ...]:
        return tuple(s.id for s in self.outline.shots if s.first <= frames[1] and frames[0] <= s.last)


class Unknown(Exception):
    """The words name something that the film does not have."""


def references(words: Plain, outline: Outline, named: Sequence[str] = ()) -> list[Resolved]:
    """Every reference in the words, from left to right; earlier ones give later ones something to refer to."""
    text, at, found = words.text, 0, []
    known = list(named)
    while at < len(text):
        one = _next(text, at, _Film(outline, known))
        if one is None:
            break
        found.append(one)
        if not one.spares:
            known += [shot for shot in one.shots if shot not in known] or []
            known = [shot for shot in known if shot not in one.shots] + list(one.shots)
        at = one.end
    return found


def resolve(words: str, outline: Outline, named: Sequence[str] = ()) -> Resolved | None:
    """What reference words mean together; None where they refer to nothing that is understood."""
    found = references(plain(words), outline, named)
    if not found:
        return None
    problem = next((one.problem for one in found if one.problem), "")
    return joined(found, outline, problem)


def joined(found: Sequence[Resolved], outline: Outline, problem: str = "") -> Resolved:
    """Several references as one: their shots in film order without those taken out, and the tightest span."""
    wanted = {shot for one in found if not one.spares for shot in one.shots}
    out = {shot for one in found if one.spares for shot in one.shots}
    if not wanted and out:
        wanted = {shot.id for shot in outline.shots}
    spans = [one.span for one in found if one.span]
    timed = [one for one in found if one.span and not one.spares]
    plainly = [one for one in found if not one.span and one.shots and not one.spares]
    if timed and plainly:
        inside = {shot for one in timed for shot in one.shots} & {shot for one in plainly for shot in one.shots}
        if not inside:
            problem = problem or "the time or frame lies outside of the shot (frames count from the film's start)"
        wanted = inside or wanted
    ordered = tuple(shot.id for shot in outline.shots if shot.id in wanted - out)
    span = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None
    kept = [one for one in found if not one.spares]
    broad = bool(kept) and all(one.broad for one in kept)
    return Resolved(found[0].first, found[-1].end, ordered, span, problem, broad=broad)


def mentioned(request: str, outline: Outline) -> set[str] | None:
    """Every shot that some words of a request can mean; None where no words of it refer to shots."""
    found = references(plain(request, names_of(outline)), outline)
    told = {shot for one in found if not one.spares for shot in one.shots}
    if any(one.spares for one in found) and not told:
        told = {shot.id for shot in outline.shots}
    return told or None


def names_of(outline: Outline) -> set[str]:
    """Ids of characters and props as people write them, and the parts that a character's id is made of."""
    ids = [one.lower() for one in (*outline.characters, *outline.props)]
    spaced = {re.sub(r"[_-]+", " ", one) for one in ids}
    parts = {part for one in outline.characters for part in re.split(r"[_-]", one.lower()) if part}
    return {*ids, *spaced, *parts}


def is_named(name: str, one: str, outline: Outline) -> bool:
    """Whether a name means a character or prop of that id."""
    parts = re.split(r"[_-]", one.lower()) if one in outline.characters else []
    return name in (one.lower(), re.sub(r"[_-]+", " ", one.lower()), *parts)


def _next(text: str, at: int, film: _Film) -> Resolved | None:
    best: tuple[int, int, re.Match[str], Callable[[re.Match[str], _Film], Resolved]] | None = None
    for pattern, how in _rules(film):
        found = pattern.search(text, at)
        if found and (best is None or (found.start(), -found.end()) < (best[0], -best[1])):
            best = (found.start(), found.end(), found, how)
    if best is None:
        return None
    _, _, found, how = best
    try:
        return how(found, film)._replace(broad=how in BROAD)
    except Unknown as error:
        return Resolved(found.start(), found.end(), problem=str(error))


LEAD = r"(?:(?:just |only )?(?:in|on|for|at|during|across|of|from|inside|within) )?(?:both |just |only )?"
OUT = r"(?:, |, but |\( )?(?:except|but|other than|apart from|besides|excluding|aside from|bar|minus|not)(?: for)?(?: not)?(?: in| on)? (?:the )?(?:shots? )?"
THE = r"(?:the |that |this |all |of |all of )*"
NO_VERB = r"(?! (?:take|remove|put|fix|make|change|replace|get|give|add|delete|erase|lose|the same|there|swap|restore|repair|match|clean|turn|bring)\b)"
LIST = rf"{SHOT_ID}(?:{AND}(?:in |on |shots? )?(?:{SHOT_ID}{NO_VERB}|\d+(?! (?:dollar|usd|buck|cent|euro|second|frame|percent|minute|s\b|x\b)|[\w:.,$%])))*"
NUMBERED = rf"shots? (?:number |no )?(?:\d+)(?:{AND}(?:shots? )?\d+)*"
WHO = "{who}"


def _rules(film: _Film) -> list[tuple[re.Pattern[str], Callable[[re.Match[str], _Film], Resolved]]]:
    names = "|".join(re.escape(name) for name in sorted(names_of(film.outline), key=len, reverse=True)) or r"(?!x)x"
    size = "|".join(SIZES)
    table: list[tuple[str, Callable[[re.Match[str], _Film], Resolved]]] = [
        (rf"{OUT}(?P<list>{LIST}|{NUMBERED})", _except_list),
        (rf"{OUT}(?:the )?(?P<ord>{ORD}) (?:one|shot)", _except_ordinal),
        (rf"{OUT}(?:the )?(?P<size>{size})", _except_size),
        (rf"{LEAD}(?:shots? )?(?P<a>{SHOT_ID}){TO}(?:and including )?(?:shots? )?(?P<b>{SHOT_ID}|\d+)", _range),
        (rf"{LEAD}between (?:shots? )?(?P<a>{SHOT_ID}) and (?:shots? )?(?P<b>{SHOT_ID})", _range),
        (rf"{LEAD}shots (?P<a>\d+){TO}(?P<b>\d+)", _number_range),
        (rf"(?:from|starting (?:at|with|from|in)|beginning (?:at|with)|since) (?:shots? )?(?P<a>{SHOT_ID})(?: on| onwards?| forward| to the end| and (?:on|later|after|all after))\b", _from),
        (rf"starting (?:at|with|from|in) (?:shots? )?(?P<a>{SHOT_ID})", _from),
        (rf"{SHOT_ID} (?:on|onwards?)\b", _from_bare),
        (rf"(?:everything |all shots |every shot |shots )?(?:until|up to|up till|till|through) (?:and including )?(?:shots? )?(?P<a>{SHOT_ID})", _until),
        (rf"(?:in )?{THE}(?:everything|all shots|every shot|shots|all) (?:before) (?:shots? )?(?P<a>{SHOT_ID})", _before_all),
        (rf"(?:in )?{THE}(?:everything|all shots|every shot|shots|all) (?:after) (?:shots? )?(?P<a>{SHOT_ID})", _after_all),
        (rf"{LEAD}{THE}(?:next |very next )?(?:shot|one) (?:right |just |directly |immediately )?(?P<way>after|before|following|preceding) (?:shots? )?(?P<a>{SHOT_ID}|that|it|this|that one)\b", _beside),
        (rf"{LEAD}{THE}(?P<way>next|following|previous|preceding|prior)(?: (?P<n>{NUM}))? (?:shots?|ones?)\b", _neighbour),
        (rf"(?:from|starting (?:at|with|from|in)|beginning (?:at|with)) {THE}(?P<ord>{ORD}) scene(?: on| onwards?| forward| to the end)?\b", _from_scene),
        (rf"(?:from|starting (?:at|with|from|in)) {THE}(?P<scene>{SCENE_ID})(?: on| onwards?| forward| to the end)\b", _from_scene),
        (rf"(?:until|up to|till|through) {THE}(?:the )?(?:end of )?{THE}(?:(?P<ord>{ORD}) scene|(?P<scene>{SCENE_ID}))\b", _until_scene),
        (rf"{LEAD}(?:all (?:the )?shots? (?:in|of) |every shot (?:in|of) |everywhere in |throughout )?{THE}(?P<ord>{ORD}) scene\b", _scene),
        (rf"{LEAD}(?:all (?:the )?shots? (?:in|of) |every shot (?:in|of) |everywhere in |throughout )?{THE}(?P<scene>{SCENE_ID})\b", _scene),
        (rf"{LEAD}{THE}(?P<which>{ORD}) (?:(?P<n>{NUM}) )?shots? (?:of|in) {THE}(?:(?P<ord>{ORD}) scene|(?P<scene>{SCENE_ID}))\b", _some_of_scene),
        (rf"{LEAD}{THE}(?P<ord>first|last|final|opening|closing) (?P<n>{NUM}) shots\b", _some),
        (rf"{LEAD}{THE}(?:second|next)[ -]to[ -]last shot\b", _second_last),
        (rf"{LEAD}{THE}(?P<ords>(?:{ORD})(?:{AND}(?:the )?(?:{ORD}))+) shots?\b", _ordinals),
        (rf"{LEAD}{THE}(?P<ord>{ORD}) shot\b", _ordinal),
        (rf"{LEAD}(?:every|each|any|all|all of|the|all the|both|his|her|their) *(?:the )?(?:of )?(?:(?P<who>{names}) ?(?:'s)? )?(?P<size>{size})\b(?: (?:of|with|on) (?P<whom>{names})\b)?", _sizes),
        (rf"{LEAD}(?:close|wide|medium|tight) (?:shots? )(?:of|on) (?P<whom>{names})\b", _sizes),
        (rf"{LEAD}(?P<who>{names}) ?'s (?P<size>{size})\b", _sizes),
        (rf"(?:in |across |for )?(?:every|each|all|all the|all of the|any|those|the) (?:shots?|scenes?|frames?|takes?) (?:with|of|that show|showing|that have|featuring|that feature|containing|where we see|in which|where|she|he) ?(?P<who>{names})\b(?: (?:in (?:it|them)|appears?|is (?:in|visible|seen)|shows up))?", _with),
        (rf"(?:in |across |for )?(?:all |all of |every one of |each of )?(?P<who>{names}) ?'s (?:shots?|scenes?|takes?)\b", _with),
        (rf"(?:wherever|anywhere|every time|whenever|everywhere)(?: that| where)? (?P<who>{names}) (?:appears?|is(?: seen| in(?: it| frame)?| visible)?|shows? up|is on screen)\b", _with),
        (r"(?:(?:in|across|for|over|through) )?(?:every|each|all|all the|all of the) (?:single )?(?:shots?|frames?)\b(?! (?:with|of|where|that|in))", _all),
        (r"(?:(?:in|across|for|over) )?(?:everywhere|throughout(?: the (?:whole |entire )?(?:film|movie|piece|video|short))?|all over the film|from (?:start|beginning) to (?:end|finish)|(?:in |across |over |for )?the (?:whole|entire) (?:film|movie|piece|video|thing|short))\b", _all),
        (rf"(?:from |between )(?P<a>{CLOCK}|{SECONDS}|\d+(?:\.\d+)?)(?: ?to | and | - |-| until | till )(?P<b>{CLOCK}|{SECONDS})", _times),
        (rf"(?P<a>{CLOCK}) ?(?:-|to) ?(?P<b>{CLOCK})", _times),
        (rf"(?:(?:at|around|about|near|@|by) )*(?:the )?(?:time |timecode |tc )?(?P<a>{CLOCK})(?: mark| in)?", _time),
        (rf"(?:(?:at|around|about|near|@) )*(?:the )?(?P<a>{SECONDS})(?: mark| in| into the film)?", _time),
        (r"(?:(?:in|at|on|around|from|between) )*(?:the )?(?:film )?frames? (?P<a>\d+)(?: to | through | - |-| and | until )(?:frame )?(?P<b>\d+)", _frames),
        (r"(?:(?:in|at|on|around|from) )*(?:the )?(?:film )?frame (?:number |no )?(?P<a>\d+)", _frame),
        (rf"{LEAD}(?:the )?(?:shots? )?(?P<list>{LIST})", _list),
        (rf"{LEAD}(?P<list>{NUMBERED})", _list),
        (r"(?:in )?the (?P<half>first|second|last) half(?: of the (?:film|movie))?\b", _half),
    ]  # fmt: skip
    return [(re.compile(rf"(?<![\w']){pattern}(?![\w])"), how) for pattern, how in table]


def _shot(words: str, film: _Film) -> str:
    """The shot that words such as "sh020", "sh 20" or "20" name."""
    wanted = words.replace(" ", "").replace("-", "")
    exact = {one.lower().replace("_", "").replace("-", ""): one for one in film.ids}
    if wanted.replace("_", "") in exact:
        return exact[wanted.replace("_", "")]
    number = re.sub(r"\D", "", wanted.rpartition("sh")[2] or wanted)
    for one in film.ids:
        digits = re.sub(r"\D", "", one.upper().rpartition("SH")[2])
        if number and digits and int(number) == int(digits) and "sc" not in wanted:
            return one
    raise Unknown(f"there is no shot {words.upper()}; the film has {_listed(film.ids)}")


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids) if len(ids) <= 6 else f"{ids[0]} to {ids[-1]}"


def _found(match: re.Match[str], shots: Sequence[str], *, spares: bool = False) -> Resolved:
    return Resolved(match.start(), match.end(), tuple(shots), spares=spares)


def _names(words: str) -> list[str]:
    return re.findall(rf"{SHOT_ID}|(?<![\w])\d+", words)


def _list(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, [_shot(one, film) for one in _names(match["list"])])


def _except_list(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, [_shot(one, film) for one in _names(match["list"])], spares=True)


def _except_ordinal(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, [_nth(film.ids, ORDINALS[match["ord"]], "shot")], spares=True)


def _except_size(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, _sized(match["size"], film), spares=True)


def _range(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, film.between(_shot(match["a"], film), _shot(match["b"], film)))


_number_range = _range


def _from(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, film.between(_shot(match["a"], film), film.ids[-1]))


def _from_bare(match: re.Match[str], film: _Film) -> Resolved:
    words = match[0].rpartition(" ")[0]
    return _found(match, film.between(_shot(words, film), film.ids[-1]))


def _until(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, film.between(film.ids[0], _shot(match["a"], film)))


def _before_all(match: re.Match[str], film: _Film) -> Resolved:
    return _some_of(match, film.ids[: film.ids.index(_shot(match["a"], film))], "before it")


def _after_all(match: re.Match[str], film: _Film) -> Resolved:
    return _some_of(match, film.ids[film.ids.index(_shot(match["a"], film)) + 1 :], "after it")


def _some_of(match: re.Match[str], shots: Sequence[str], where: str) -> Resolved:
    if not shots:
        raise Unknown(f"there is no shot {where}")
    return _found(match, shots)


def _beside(match: re.Match[str], film: _Film) -> Resolved:
    words = match["a"]
    if words.startswith(("that", "it", "this")):
        return _stepped(match, film, match["way"])
    place = film.ids.index(_shot(words, film)) + (1 if match["way"] in ("after", "following") else -1)
    if not 0 <= place < len(film.ids):
        raise Unknown(f"there is no shot {match['way']} {words.upper()}")
    return _found(match, [film.ids[place]])


def _stepped(match: re.Match[str], film: _Film, way: str, count: int = 1) -> Resolved:
    """Shots beside those that were named before."""
    if not film.named:
        raise Unknown(f"“{match[0].strip()}” of which shot?")
    places = sorted(film.ids.index(shot) for shot in film.named if shot in film.ids)
    onward = way in ("after", "following", "next")
    shots = film.ids[places[-1] + 1 :][:count] if onward else film.ids[: places[0]][-count:]
    if not shots:
        raise Unknown(f"there is no shot {'after' if onward else 'before'} {film.ids[places[-1 if onward else 0]]}")
    return _found(match, shots)


def _neighbour(match: re.Match[str], film: _Film) -> Resolved:
    return _stepped(match, film, match["way"], _number(match["n"]) if match["n"] else 1)


def _number(words: str) -> int:
    return NUMBERS.get(words) or int(words)


def _nth(ids: Sequence[str], number: int, what: str) -> str:
    place = number - 1 if number > 0 else len(ids) + number
    if not 0 <= place < len(ids):
        raise Unknown(f"there are {len(ids)} {what}s, no {what} number {number}")
    return ids[place]


def _scene_named(match: re.Match[str], film: _Film) -> str:
    if not film.scenes:
        raise Unknown("film.toml names no scenes; say shots instead")
    groups = match.groupdict()
    if groups.get("ord"):
        return _nth(film.scenes, ORDINALS[groups["ord"]], "scene")
    words = str(groups["scene"]).removeprefix("scene ").removeprefix("number ").strip()
    exact = [one for one in film.scenes if re.sub(r"\W", "", one.lower()) == re.sub(r"\W", "", words)]
    if exact:
        return exact[0]
    number = NUMBERS.get(words) or int(re.sub(r"\D", "", words) or 0)
    by_number = [one for one in film.scenes if int(re.sub(r"\D", "", one) or 0) == number]
    if words.startswith("sc") or (by_number and number >= 10):
        if by_number:
            return by_number[0]
        raise Unknown(f"there is no scene {words.upper()}; the film has {', '.join(film.scenes)}")
    return _nth(film.scenes, number, "scene")


def _in_scene(scene: str, film: _Film) -> list[str]:
    return [shot.id for shot in film.outline.shots if shot.scene == scene]


def _scene(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, _in_scene(_scene_named(match, film), film))


def _from_scene(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, film.between(_in_scene(_scene_named(match, film), film)[0], film.ids[-1]))


def _until_scene(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, film.between(film.ids[0], _in_scene(_scene_named(match, film), film)[-1]))


def _some(match: re.Match[str], film: _Film) -> Resolved:
    count = _number(match["n"])
    if count > len(film.ids):
        raise Unknown(f"the film has {len(film.ids)} shots, not {count}")
    return _found(match, film.ids[:count] if ORDINALS[match["ord"]] == 1 else film.ids[-count:])


def _some_of_scene(match: re.Match[str], film: _Film) -> Resolved:
    shots, which = _in_scene(_scene_named(match, film), film), ORDINALS[match["which"]]
    if not match["n"]:
        return _found(match, [_nth(shots, which, "shot")])
    count = _number(match["n"])
    return _found(match, shots[:count] if which > 0 else shots[-count:])


def _second_last(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, [_nth(film.ids, -2, "shot")])


def _ordinal(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, [_nth(film.ids, ORDINALS[match["ord"]], "shot")])


def _ordinals(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, [_nth(film.ids, ORDINALS[one], "shot") for one in re.findall(ORD, match["ords"])])


def _half(match: re.Match[str], film: _Film) -> Resolved:
    middle = film.outline.shots[-1].last / 2
    first = match["half"] == "first"
    return _found(match, [s.id for s in film.outline.shots if ((s.first + s.last) / 2 < middle) == first])


def _sized(words: str, film: _Film) -> list[str]:
    said = next(pattern for size, pattern in SIZES.items() if re.fullmatch(size, words))
    shots = [shot.id for shot in film.outline.shots if re.search(said, shot.prompt.lower())]
    if not shots:
        raise Unknown(f"no shot's prompt says that it is one of the {words}; name the shots")
    return shots


def _sizes(match: re.Match[str], film: _Film) -> Resolved:
    groups = match.groupdict()
    words = groups.get("size") or "close-ups" if "close" in match[0] else groups.get("size") or "wides"
    shots = _sized(words, film)
    who = groups.get("who") or groups.get("whom")
    if who:
        shots = [shot for shot in shots if shot in _shots_with(who, film)]
    _one_of_them(match, shots)
    return _some_of(match, shots, "like that")


def _shots_with(name: str, film: _Film) -> list[str]:
    everyone = (*film.outline.characters, *film.outline.props)
    ids = {one for one in everyone if is_named(name, one, film.outline)}
    return [shot.id for shot in film.outline.shots if ids & {*shot.characters, *shot.props}]


def _with(match: re.Match[str], film: _Film) -> Resolved:
    shots = _shots_with(match["who"], film)
    _one_of_them(match, shots)
    return _some_of(match, shots, f"with {match['who']}")


def _one_of_them(match: re.Match[str], shots: Sequence[str]) -> None:
    """Raises Unknown where words mean one shot ("the close-up") and several are like that."""
    singular = re.search(
        r"\b(?:the|that|this) (?:\w+ 's )?[\w -]*?(?:shot|close ?-?up|wide|medium|insert|scene|take|frame)\b(?!s)",
        match[0],
    )
    if singular and len(shots) > 1 and not re.search(r"\b(?:every|each|all|any|both)\b", match[0]):
        raise Unknown(f"“{match[0].strip()}” can be {_listed(shots)}")


def _all(match: re.Match[str], film: _Film) -> Resolved:
    return _found(match, film.ids)


def seconds_of(words: str) -> float:
    """Seconds of a clock time ("1:02.5", "0:01:12") or of a number of seconds ("12 s")."""
    if ":" in words:
        total = 0.0
        for part in words.split(":"):
            total = 60 * total + float(part)
        return total
    found = re.match(r"\d+(?:[.,]\d+)?", words)
    assert found is not None, words
    return float(found[0].replace(",", "."))


def _framed(seconds: float, film: _Film) -> int:
    return round(seconds * film.outline.fps)


def _in_film(match: re.Match[str], span: tuple[int, int], film: _Film) -> Resolved:
    last = film.outline.shots[-1].last
    if span[0] > last or span[1] > last:
        ends = (last + 1) / film.outline.fps
        raise Unknown(f"“{match[0].strip()}” lies after the film's end (frame {last}, {ends:.1f} s)")
    return Resolved(match.start(), match.end(), film.at(span), (min(span), max(span)))


def _times(match: re.Match[str], film: _Film) -> Resolved:
    return _in_film(match, (_framed(seconds_of(match["a"]), film), _framed(seconds_of(match["b"]), film)), film)


def _time(match: re.Match[str], film: _Film) -> Resolved:
    frame = _framed(seconds_of(match["a"]), film)
    return _in_film(match, (frame, frame), film)


def _frames(match: re.Match[str], film: _Film) -> Resolved:
    return _in_film(match, (int(match["a"]), int(match["b"])), film)


def _frame(match: re.Match[str], film: _Film) -> Resolved:
    return _in_film(match, (int(match["a"]), int(match["a"])), film)


BROAD = (
    _range,
    _some,
    _from,
    _from_bare,
    _until,
    _before_all,
    _after_all,
    _scene,
    _from_scene,
    _until_scene,
    _sizes,
    _all,
    _half,
)


def shots_of(subject: str, shots: Sequence[ShotNote]) -> tuple[str, ...]:
    """The shots that a character or prop is in."""
    return tuple(shot.id for shot in shots if subject in (*shot.characters, *shot.props))
