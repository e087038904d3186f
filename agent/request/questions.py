"""The questions back: one sentence on what is open, and what to say instead."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = "“remove Mara's earpiece in SH020”, “make the jacket red from SH030 on”, “fix the flickering lamp at 00:12”"


def not_understood(words: Sequence[str], *, english: bool) -> str:
    said = ", ".join(f"“{word}”" for word in words) or "that"
    told = f"I did not understand {said}, so nothing was done. Without a model I read plain forms of"
    if english:
        return f"{told} English, such as {EXAMPLES}. Could you say it so?"
    return f"{told} English, and a few of German, French, Spanish and Italian. Could you say it like {EXAMPLES}?"


def too_long(most: int) -> str:
    return f"That is more than {most} letters, which I do not read without a model. Could you say the fixes one by one?"


def what_to_do(thing: str, does: str) -> str:
    if does == "state":
        return f"How should {_the(thing)} be? Say what should be there, such as “it should be orange”."
    return f"What should be done about {_the(thing)}: remove it, repair it, or change it, and into what?"


def how_should(thing: str) -> str:
    named = thing or "thing"
    return f"What should the {named} be changed to? Say it, such as “to orange”, or name a shot that shows it right."


def like_what(thing: str) -> str:
    named = thing or "thing"
    return f"What should the {named} match? Name the shot or the panel that shows it right, such as “as in SH040”."


def what_thing(thing: str) -> str:
    return f"“{thing}” does not say what is meant. What is wrong in the picture, and what should be done about it?"


def not_seen(thing: str) -> str:
    return f"“{thing}” is nothing in the picture that can be mended; which thing in which shot is meant?"


def what_is(pronoun: str) -> str:
    return f"What is “{pronoun}”? Name the thing and the shot, such as “remove the earpiece in SH020”."


def who(pronoun: str, people: Sequence[str]) -> str:
    words = {"she": "her", "he": "him", "they": "them"}.get(pronoun, pronoun)
    if not people:
        return f"Who is meant by “{words}”? Say the name."
    return f"Who is meant by “{words}”: {' or '.join(people)}?"


def where(thing: str) -> str:
    named = thing or "thing"
    return f"In which shots? Say where the {named} is: “in SH020”, “from the second scene on”, “everywhere”."


def which_shots(words: str, why: str) -> str:
    return f"Which shots are meant by “{words}”? I ask because {why}."


def spared(shots: Sequence[str]) -> str:
    return f"The request asks for a fix in {', '.join(shots)} and not to touch the same. Which of the two holds?"


def region(thing: str) -> str:
    return f"Should the whole shot be made again, or only the {thing or 'thing'} in it be repaired?"


def many_again(shots: Sequence[str]) -> str:
    return f"That would make {len(shots)} shots again ({', '.join(shots)}). Which of them, three at most at a time?"


def open_constraint(why: str) -> str:
    return f"I did not understand what must not be touched: {why}. Which shots are meant?"


def not_there(people: Sequence[str], shots: Sequence[str]) -> str:
    return f"No shot of {', '.join(shots)} is listed with {' or '.join(people)}. Which shots are meant?"


def what_of(person: str) -> str:
    return f"What of {person} should be repaired? Name the part, such as “{person}'s left hand”."


def _the(thing: str) -> str:
    return thing if thing == "it" else f"the {thing}"
