"""References in running words: where they stand, and what each means.

The forms are regular expressions over tokens that are joined by spaces, in which the film's names are one token each
(S2 a shot, Z0 a scene, C1 a character, P0 a prop). At every place the longest form wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, NamedTuple

from agent.request.moments import frame_at, seconds_of
from agent.request.names import Names
from agent.request.plan import Outline, ShotNote
from agent.request.sizes import SIZES, of_size
from agent.request.words import Word

Kind = Literal["shots", "scene", "filter", "time"]
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "1st": 1, "2nd": 2, "3rd": 3, "opening": 1, "final": -1, "last": -1,
    "closing": -1, "penultimate": -2, "second-to-last": -2, "next-to-last": -2,
    **{f"{n}th": n for n in range(4, 41)},
}  # fmt: skip
NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """What one stretch of words means. `why` says what is wrong with it where it means nothing here."""

    words: str
    kind: Kind = "shots"
    shots: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    excludes: bool = False
    """Whether it takes shots out ("but not SH040")."""
    why: str = ""


class Placed(NamedTuple):
    """A reference and the tokens that say it, words[first:end]."""

    first: int
    end: int
    reference: Reference


class Unknown(Exception):
    """The words name something that the film does not have; the text is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Film:
    """What references are resolved against; `named` grows from left to right."""

    names: Names
    named: tuple[str, ...] = ()
    line: str = ""
    at: int = 0

    @property
    def outline(self) -> Outline:
        return self.names.outline

    @property
    def ids(self) -> list[str]:
        return [shot.id for shot in self.outline.shots]

    def of(self, texts: Sequence[str]) -> tuple[str, ...]:
        wanted = set(texts)
        return tuple(one for one in self.ids if one in wanted)


def references(words: Sequence[Word], names: Names, named: Sequence[str] = ()) -> list[Placed]:
    """Every reference in the words, from left to right; earlier ones give later ones something to refer to."""
    texts = [word.text.replace("\n", ";") for word in words]
    starts = [0]
    for text in texts:
        starts.append(starts[-1] + len(text) + 1)
    line = " ".join(texts) + " "
    film, place = Film(names, tuple(named), line), 0
    found: list[Placed] = []
    while place < len(words):
        placed = _longest(words, place, starts, film)
        if placed is None:
            place += 1
            continue
        found = _added(found, placed, texts)
        if placed.reference.shots and not placed.reference.excludes:
            film = replace(film, named=placed.reference.shots)
        place = placed.end
    return found


def _added(found: list[Placed], placed: Placed, texts: Sequence[str]) -> list[Placed]:
    """The references with one more; "SH010 to SH030 and SH050" is one."""
    last = found[-1] if found else None
    between = set(texts[last.end : placed.first]) if last else set()
    follows = "".join(texts[placed.end : placed.end + 1])
    joins = bool(between) and between <= {"and", "&", "plus", ","} and between != {","}
    if last is None or not joins or (follows[:1].isalnum() and follows not in ENDING) or not _adds(last, placed):
        return [*found, placed]
    shots = (*last.reference.shots, *placed.reference.shots)
    words = f"{last.reference.words} and {placed.reference.words}"
    kind: Kind = "shots" if placed.reference.kind == "shots" else last.reference.kind
    return [*found[:-1], Placed(last.first, placed.end, Reference(words, kind, tuple(dict.fromkeys(shots))))]


ENDING = frozenset({"and", "but", "please", "pls", "keep", "without", "for", "at", "with", "only", "too", "constraint"})
"""Words that may follow a list of references without belonging to its last one."""


def _adds(last: Placed, placed: Placed) -> bool:
    return all(not (one.why or one.span or one.excludes) for one in (last.reference, placed.reference))


def _longest(words: Sequence[Word], place: int, starts: Sequence[int], film: Film) -> Placed | None:
    """The longest form that begins at a token."""
    best: tuple[int, Reference] | None = None
    here = replace(film, at=starts[place])
    for pattern, meant in forms():
        found = pattern.match(film.line, starts[place])
        if found is None or (best is not None and found.end() <= best[0]):
            continue
        reference = _meant(found, meant, here)
        if reference is not None:
            best = found.end(), reference
    if best is None:
        return None
    end = next(n for n, start in enumerate(starts) if start >= best[0])
    said = " ".join(word.said for word in words[place:end])
    return Placed(place, end, replace(best[1], words=said))


Meaning = Callable[[re.Match[str], Film], Reference | None]


def _meant(found: re.Match[str], meant: Meaning, film: Film) -> Reference | None:
    try:
        reference = meant(found, film)
    except Unknown as error:
        reference = Reference("", why=str(error))
    if reference is not None and found.groupdict().get("not"):
        return replace(reference, excludes=True)
    return reference


ORD = "|".join(sorted(ORDINALS, key=len, reverse=True))
NUM = rf"\d+|{'|'.join(NUMBERS)}"
SIZE = "|".join(pattern for pattern, _ in SIZES)
OUT = (
    r"(?P<not>(?:, )?(?:(?:all )?but not|all but|but|except for|except|apart from|other than|excluding|minus|save for|besides|and not|"
    r"just not|only not|not|with the exception of|leaving out) (?:(?:in|for|from|the ones in|those in) )*)?"
)
LEAD = r"(?:(?:in|at|for|on|from|of|within|across|over|during|into|through|only|both|all of|inside|also in|just|between) )*"
THE = r"(?:the |that |this |a )?"
SHOT = rf"(?:(?:shots? (?:number |no \. |no )?)?(?:S\d+|(?:sc\d+[_-]?)?sh ?[_-]?\d+[a-z]?)|(?:shots?|sh) (?:number |no \. |no |# )?\d+|{THE}(?:very )?(?:{ORD}) shot)"
SCENE = rf"(?:(?:the )?(?:scenes? )?Z\d+|(?:the )?scenes? (?:number |no \. )?(?:{NUM})|{THE}(?:very )?(?:{ORD}) scene)"
UNIT = rf"(?:{SHOT}|{SCENE})"
JOIN = r"(?:, and |, or |, |and |or |& |plus |/ |\+ |and also |as well as )"
TO = r"(?:to |through |thru |till |until |up to |- |– |— |-> )(?:and including )?"
CLOCK = r"\d+(?::\d+){1,3}(?:[.,]\d+)?"
SECONDS = r"(?:\d+ (?:m|min|mins|minutes?) (?:and )?)?\d+(?:[.,]\d+)? (?:s|secs?|seconds?)|\d+ (?:m|min|mins|minutes?)"
TIME = rf"(?:{CLOCK}|{SECONDS})"
WHO = r"(?:the )?(?:[CP]\d+|she|he|her|him|they)"
MANY = r"(?:every single |every one of |every |each of |each |all of |all |any |both |the |those |his |her |their )*"
FRAME = r"(?:film )?(?:frames?|fr \.|fr) (?:number |no \. |# )?"


@cache
def forms() -> tuple[tuple[re.Pattern[str], Meaning], ...]:
    """Every form with what it means."""
    table: tuple[tuple[str, Meaning], ...] = (
        (rf"{OUT}{LEAD}(?P<a>{UNIT}) {TO}(?P<b>{UNIT}|\d+)", _range),
        (rf"{LEAD}between (?P<a>{UNIT}) and (?P<b>{UNIT})", _range),
        (rf"{LEAD}(?:from|starting (?:from|at|with|in)|beginning (?:at|with|in)|since|as of) (?P<a>{UNIT}) (?:on|onwards?|forward|and (?:on|onwards?|after|later)|to the end(?: of the film)?|(?:till|until) the end)(?! (?:her|his|their|the|a|C\d+|P\d+))", _from),
        (rf"(?:starting (?:from|at|with|in)|beginning (?:at|with|in)|as of|all from) (?P<a>{UNIT})", _from),
        (rf"{LEAD}(?P<a>{UNIT}) (?:onwards?|and (?:onwards?|after|later|following|all after|everything after(?: it)?))", _from),
        (rf"(?:everything |all (?:the )?shots |every shot |in every shot |shots )?(?:until|till|up to|up until|up till|through|as far as) (?:and including )?(?:the end of )?(?P<a>{UNIT})", _until),
        (rf"{LEAD}(?:everything |all (?:the )?shots |every shot |shots |anything )?(?P<way>before|after) (?P<a>{UNIT})", _beyond),
        (rf"{OUT}{LEAD}{THE}(?:(?P<n>{NUM}) )?(?:shots?|one|ones) (?:right |just |directly |immediately )?(?P<way>after|before|following|preceding) (?P<a>{UNIT}|it|that one|that|this)", _beside),
        (rf"{OUT}{LEAD}{THE}(?:very )?(?P<way>next|following|previous|preceding|prior|subsequent) (?:(?P<n>{NUM}) )?(?:shots?|ones?)", _beside),
        (rf"{OUT}{LEAD}{THE}(?P<ord>first|last|final|opening|closing) (?P<n>{NUM}|couple of|few) shots(?: (?:of|in|from) (?P<scene>{SCENE}))?", _some),
        (rf"{OUT}{LEAD}{THE}(?P<ords>(?:{ORD})(?: {JOIN}(?:the )?(?:{ORD}))*) (?:shots?|ones?)(?: (?:of|in|from) (?P<scene>{SCENE}))?", _ordinals),
        (rf"{OUT}{LEAD}{THE}(?:second|next) (?:to|from) (?:the )?last shot", _second_last),
        (rf"{OUT}{LEAD}{THE}second last shot", _second_last),
        (rf"{OUT}{LEAD}(?:{MANY}(?:shots?|frames?) (?:of|in|from) |everywhere in |everything in |all (?:of|through) )?(?P<scenes>{SCENE}(?: {JOIN}{SCENE}|(?: {JOIN}\d+))*)", _scenes),
        (rf"{OUT}{LEAD}{THE}(?P<ords>(?:{ORD})(?: {JOIN}(?:the )?(?:{ORD}))+) scenes?", _ordinal_scenes),
        (rf"{OUT}{LEAD}{THE}(?P<shots>(?:{SHOT})(?: {JOIN}(?:the )?(?:{SHOT}|\d+))*)", _list),
        (rf"{OUT}{LEAD}(?P<many>{MANY}|a |one of the )(?:(?P<who>{WHO}) 's )?(?P<size>{SIZE})(?: (?:of|with|on) (?P<whom>{WHO}))?", _sized),
        (rf"{OUT}{LEAD}(?P<many>every |each |any |the |all the )(?P<size>wide|medium|insert)(?= (?:$|\\W|and |but |please |keep |remove ))(?P<who>)(?P<whom>)", _sized),
        (rf"{OUT}{LEAD}(?P<many>{MANY})(?:shots?|scenes?|frames?|takes?|ones) (?:(?:with|of|featuring|showing|containing|on) |(?:that|which) (?:show|have|has|contain|feature|shows|features) |where (?:we see |you see )?|in which )(?P<with>{WHO}(?: (?:and|or|, and|&) {WHO})*)(?: (?:in (?:it|them)|appears?|is (?:in|visible|seen|there|present|on screen)|shows up|are (?:in|visible)))?", _with),
        (rf"{OUT}{LEAD}(?P<many>{MANY})(?:of )?(?:the )?(?P<with>C\d+) 's (?:shots?|scenes?)", _with),
        (rf"{OUT}{LEAD}(?P<many>every |each |all |all the |any )(?:shots?|scenes?) (?:that )?(?P<with>{WHO}) (?:is|appears|are) in", _with),
        (rf"{OUT}{LEAD}(?P<many>wherever |whenever |everywhere |anywhere |every time )(?:that |where )?(?P<with>{WHO}) (?:appears?|is (?:in (?:it|frame|shot)|seen|visible|on screen)|shows up|is)", _with),
        (rf"(?:{LEAD}(?:every single|every|each|all the|all of the|all) (?:shots?|frames?)|everywhere|throughout(?: (?:the )?(?:whole |entire )?(?:film|movie|video|piece))?|all over the film|{LEAD}(?:the )?(?:whole|entire|complete|full) (?:film|movie|video|piece|short)|(?:in|across|through|over|throughout) the (?:film|movie|video)|from (?:start|beginning) to (?:end|finish)|all the way through|across the board|film-wide)(?! (?:with|of|where|that|in which|featuring) )", _all),
        (rf"{OUT}{LEAD}(?P<a>{TIME}) {TO}(?P<b>{TIME})", _times),
        (rf"{OUT}{LEAD}(?:from |between )(?P<a>{TIME}|\d+(?:[.,]\d+)?) (?:to|and|-|–|until|till|through) (?P<b>{TIME})", _times),
        (rf"{LEAD}(?:from|starting at) (?P<a>{TIME}) (?:on|onwards?|to the end)", _time_on),
        (rf"(?:until|till|up to) (?P<b>{TIME})", _time_until),
        (rf"{LEAD}{THE}(?P<end>first|last) (?P<n>{NUM}) (?:seconds?|s|secs)(?: of the film)?", _edge),
        (rf"(?:(?:at|around|about|near|@|by|roughly|in|on|from) )*(?:the |time |timecode |tc )*(?P<a>{TIME})(?: (?:mark|in|into the film|into it))*", _time),
        (rf"{OUT}{LEAD}(?:the )?{FRAME}(?P<a>\d+) (?:to|through|and|until|till|-|–|up to) (?:{FRAME})?(?P<b>\d+)", _frames),
        (rf"(?:(?:in|at|on|of|around|from|about) )*(?:the )?{FRAME}(?P<a>\d+)", _frames),
        (rf"{LEAD}(?:this|that|the same|said) (?:shot|one)", _back),
        (rf"{LEAD}(?:these|those|both|the same|all these|all those|both of these) shots?", _back),
        (rf"{LEAD}the shot(?! (?:after|before|following|preceding|with|of|where) )", _the_shot),
    )  # fmt: skip
    return tuple((re.compile(rf"{pattern} (?:too |as well )?"), meant) for pattern, meant in table)


def _number(words: str) -> int:
    return NUMBERS[words] if words in NUMBERS else int(words)


def _nth(number: int, ids: Sequence[str], what: str) -> str:
    place = number - 1 if number > 0 else len(ids) + number
    if not ids:
        raise Unknown("film.toml names no scenes; name the shots instead")
    if not 0 <= place < len(ids):
        raise Unknown(f"there {'is' if len(ids) == 1 else 'are'} only {len(ids)} {what}{'s' * (len(ids) != 1)}")
    return ids[place]


def _some_ids(ids: Sequence[str]) -> str:
    return ", ".join(ids) if len(ids) <= 8 else f"{ids[0]} to {ids[-1]}"


def _unit(words: str, film: Film) -> tuple[str, ...]:
    """The shots of one shot or one scene."""
    return _in_scene(_scene(words, film), film) if re.search(r"Z\d|scene", words) else (_shot(words, film),)


def _shot(words: str, film: Film) -> str:
    token = re.search(r"S(\d+)", words)
    if token is not None:
        return film.ids[int(token[1])]
    ordinal = re.search(rf"\b({ORD}) shot", words)
    if ordinal is not None:
        return _nth(ORDINALS[ordinal[1]], film.ids, "shot")
    strange = re.search(r"\b(?:sc\d+[_-]?)?sh ?[_-]?\d+[a-z]?\b", words)
    if strange is not None:
        raise Unknown(f"there is no shot {strange[0].upper()}; the film has {_some_ids(film.ids)}")
    number = re.search(r"\d+", words)
    assert number is not None, words
    return _by_number(int(number[0]), film.ids, "shot")


def _by_number(number: int, ids: Sequence[str], what: str) -> str:
    """The one id that ends in a number; never a place in the list, which "shot 2" may not mean."""
    fitting = [one for one in ids if int((re.findall(r"\d+", one) or ["-1"])[-1]) == number]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Unknown(f"{what} {number} can be {' or '.join(fitting)}")
    raise Unknown(f"there is no {what} {number}; the film has {_some_ids(ids)}")


def _scene(words: str, film: Film) -> str:
    scenes = film.names.scenes
    token = re.search(r"Z(\d+)", words)
    if token is not None:
        return scenes[int(token[1])]
    ordinal = re.search(rf"\b({ORD}) scene", words)
    if ordinal is not None:
        return _nth(ORDINALS[ordinal[1]], scenes, "scene")
    if not scenes:
        raise Unknown("film.toml names no scenes; name the shots instead")
    return _by_number(_number(re.findall(NUM, words)[-1]), scenes, "scene")


def _in_scene(scene: str, film: Film) -> tuple[str, ...]:
    return tuple(shot.id for shot in film.outline.shots if shot.scene == scene)


def _plainly(shots: Sequence[str], kind: Kind = "shots") -> Reference:
    return Reference("", kind, tuple(shots))


def _range(found: re.Match[str], film: Film) -> Reference | None:
    """ "SH020 to SH050"; no range where something is matched "to" a shot."""
    if (
        re.search(r"\b(?:match|conform|align)\b[^.;!?\n]*$", film.line[: found.start("b")])
        and "from" not in found[0].split()
    ):
        return None
    last = found["b"]
    ends = _unit(last if not last.isdigit() else f"shot {last}", film)
    return _plainly(_between(_unit(found["a"], film)[0], ends[-1], film), "scene")


def _between(first: str, last: str, film: Film) -> list[str]:
    a, b = film.ids.index(first), film.ids.index(last)
    return film.ids[min(a, b) : max(a, b) + 1]


def _from(found: re.Match[str], film: Film) -> Reference:
    return _plainly(_between(_unit(found["a"], film)[0], film.ids[-1], film), "scene")


def _until(found: re.Match[str], film: Film) -> Reference:
    return _plainly(_between(film.ids[0], _unit(found["a"], film)[-1], film), "scene")


def _beyond(found: re.Match[str], film: Film) -> Reference:
    unit = _unit(found["a"], film)
    before = found["way"] == "before"
    shots = film.ids[: film.ids.index(unit[0])] if before else film.ids[film.ids.index(unit[-1]) + 1 :]
    if not shots:
        raise Unknown(f"there is no shot {found['way']} {unit[0] if before else unit[-1]}")
    return _plainly(shots, "scene")


def _beside(found: re.Match[str], film: Film) -> Reference:
    """The shots next to one that is told here or was named before."""
    told = found.groupdict().get("a")
    beside = _unit(told, film) if told and re.search(r"\d|shot|scene", told) else film.named
    onward = found["way"] in ("after", "following", "next", "subsequent")
    if not beside:
        raise Unknown(f"“{found[0].strip()}” of which shot")
    count = _number(found["n"]) if found["n"] else 1
    edge = film.ids.index(film.of(beside)[-1 if onward else 0])
    shots = film.ids[edge + 1 : edge + 1 + count] if onward else film.ids[max(0, edge - count) : edge]
    if len(shots) < count:
        raise Unknown(
            f"there {'is no shot' if count == 1 else f'are not {count} shots'} {'after' if onward else 'before'} {film.ids[edge]}"
        )
    return _plainly(shots)


def _pool(found: re.Match[str], film: Film) -> Sequence[str]:
    return _in_scene(_scene(found["scene"], film), film) if found["scene"] else film.ids


def _some(found: re.Match[str], film: Film) -> Reference:
    pool = _pool(found, film)
    if found["n"] in ("few", "couple of"):
        raise Unknown(f"how many shots “{found[0].strip()}” are")
    count = _number(found["n"])
    if count > len(pool):
        raise Unknown(f"there are only {len(pool)} shots")
    return _plainly(pool[:count] if ORDINALS[found["ord"]] == 1 else pool[-count:], "scene")


def _ordinals(found: re.Match[str], film: Film) -> Reference | None:
    if re.search(r"\bones?\s*$", found[0].rstrip()) and not found["scene"] and "ones" not in found[0]:
        return None
    pool = _pool(found, film)
    return _plainly([_nth(ORDINALS[one], pool, "shot") for one in re.findall(rf"\b(?:{ORD})\b", found["ords"])])


def _ordinal_scenes(found: re.Match[str], film: Film) -> Reference:
    scenes = [_nth(ORDINALS[one], film.names.scenes, "scene") for one in re.findall(rf"\b(?:{ORD})\b", found["ords"])]
    return _plainly([shot for scene in scenes for shot in _in_scene(scene, film)], "scene")


def _second_last(found: re.Match[str], film: Film) -> Reference:
    del found
    return _plainly([_nth(-2, film.ids, "shot")])


def _scenes(found: re.Match[str], film: Film) -> Reference:
    said = re.findall(rf"{SCENE}|\d+", found["scenes"])
    scenes = [_scene(one if not one.isdigit() else f"scene {one}", film) for one in said]
    return _plainly([shot for scene in scenes for shot in _in_scene(scene, film)], "scene")


def _list(found: re.Match[str], film: Film) -> Reference:
    said = re.findall(rf"{SHOT}|\d+", found["shots"])
    return _plainly(film.of([_shot(one, film) for one in said]))


def _sized(found: re.Match[str], film: Film) -> Reference:
    shots = [shot for shot in film.outline.shots if of_size(found["size"], shot.prompt)]
    for who in (found["who"], found["whom"]):
        shots = [shot for shot in shots if not who or _holds(shot, who, film)]
    if not shots:
        raise Unknown(f"no shot's prompt says that it is “{found[0].strip()}”; name the shots")
    many = found["size"].strip().endswith("s") or re.search(r"\b(?:every|each|all|any|both)\b", found["many"])
    if len(shots) > 1 and not many:
        raise Unknown(f"“{found[0].strip()}” can be {' or '.join(shot.id for shot in shots)}")
    return _plainly([shot.id for shot in shots], "filter")


def _holds(shot: ShotNote, who: str, film: Film) -> bool:
    return _identity(who, film) in (*shot.characters, *shot.props)


def _identity(who: str, film: Film) -> str:
    """The character or prop of a token; a pronoun is whoever was named last before it."""
    token = re.search(r"([CP])(\d+)", who) or next(
        iter(list(re.finditer(r"(C)(\d+)", film.line[: film.at]))[-1:]), None
    )
    if token is None:
        raise Unknown(f"who “{who.strip()}” is")
    ids = film.outline.characters if token[1] == "C" else film.outline.props
    return list(ids)[int(token[2])]


def _with(found: re.Match[str], film: Film) -> Reference:
    who = re.findall(WHO, found["with"])
    either = re.search(r"\bor\b", found["with"]) is not None
    test = any if either else all
    shots = [shot.id for shot in film.outline.shots if test(_holds(shot, one, film) for one in who)]
    if not shots:
        raise Unknown(f"no shot is listed with {' and '.join(_identity(one, film) for one in who)}")
    single = re.search(r"\b(?:shot|scene|take|frame)\b", found[0]) and not re.search(
        r"\b(?:every|each|all|any|wherever|whenever|everywhere)\b", found[0]
    )
    if len(shots) > 1 and single:
        raise Unknown(
            f"“{found[0].strip()}” can be {' or '.join(shots)}".replace(who[0].strip(), _identity(who[0], film))
        )
    return _plainly(shots, "filter")


def _all(found: re.Match[str], film: Film) -> Reference:
    del found
    return _plainly(film.ids, "scene")


def _timed(first: int, last: int, film: Film) -> Reference:
    """A stretch of film frames; the film's very end may be named as a time."""
    end = film.outline.shots[-1].last
    if last == end + 1 and first < last:
        last = end
    if first > end or last > end:
        raise Unknown(f"the film ends at frame {end}, after {(end + 1) / film.outline.fps:.1f} seconds")
    if first > last:
        raise Unknown("the end lies before the start")
    shots = [shot.id for shot in film.outline.shots if shot.first <= last and first <= shot.last]
    return Reference("", "time", tuple(shots), (first, last))


def _times(found: re.Match[str], film: Film) -> Reference:
    fps = film.outline.fps
    first = found["a"] if re.search(r":|[a-z]", found["a"]) else f"{found['a']} s"
    return _timed(frame_at(seconds_of(first, fps), fps), frame_at(seconds_of(found["b"], fps), fps), film)


def _time(found: re.Match[str], film: Film) -> Reference:
    frame = frame_at(seconds_of(found["a"], film.outline.fps), film.outline.fps)
    if frame > film.outline.shots[-1].last:
        raise Unknown(f"the film ends after {(film.outline.shots[-1].last + 1) / film.outline.fps:.1f} seconds")
    return _timed(frame, frame, film)


def _time_on(found: re.Match[str], film: Film) -> Reference:
    return _timed(
        frame_at(seconds_of(found["a"], film.outline.fps), film.outline.fps), film.outline.shots[-1].last, film
    )


def _time_until(found: re.Match[str], film: Film) -> Reference:
    return _timed(0, frame_at(seconds_of(found["b"], film.outline.fps), film.outline.fps), film)


def _edge(found: re.Match[str], film: Film) -> Reference:
    frames, end = frame_at(_number(found["n"]), film.outline.fps), film.outline.shots[-1].last
    return _timed(0, frames, film) if found["end"] == "first" else _timed(max(0, end + 1 - frames), end, film)


def _frames(found: re.Match[str], film: Film) -> Reference:
    first = int(found["a"])
    return _timed(first, int(found.groupdict().get("b") or first), film)


def _back(found: re.Match[str], film: Film) -> Reference:
    if not film.named:
        raise Unknown(f"which shots “{found[0].strip()}” are")
    return _plainly(film.of(film.named))


def _the_shot(found: re.Match[str], film: Film) -> Reference:
    """ "The shot": the one that was named, or the only one there is."""
    if len(film.ids) == 1:
        return _plainly(film.ids)
    if len(film.named) != 1:
        raise Unknown(f"which shot “{found[0].strip()}” is")
    return _plainly(film.named)
