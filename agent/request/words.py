"""A request's words: tokens with what they stand for, and the way back to the person's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

STOPS = frozenset({".", ";", "!", "?", "\n"})
"""Marks that end a sentence."""
QUOTATION = "quotation"
"""Stands for words in quotation marks: data, whatever they say."""
LONGEST = 2000
"""Characters of a request that are read."""
ALIKE = str.maketrans({**dict.fromkeys("’‘`´ʼ", "'"), **dict.fromkeys("\t\u00a0\u202f", " "), "\r": "\n"})
QUOTED = re.compile(r"[\"“”„«»‹›]([^\"“”„«»‹›]*)[\"“”„«»‹›]|(?<!\w)'(?=\S)([^'\n]*(?:'\w[^'\n]*)*)(?<=\S)'(?!\w)")
TOKEN = re.compile(
    r"\d+(?::\d{2}){1,3}(?:[.,]\d+)?"  # a clock time
    r"|\d+(?:[.,]\d+)?(?=(?:s|secs?|seconds?|frames?|usd|dollars?|bucks?|cents?)\b)"  # 12s
    r"|[^\W\d_]+(?:-[^\W\d_]+)+(?:'(?:s|t|re|ll|ve|d|m))?\b"  # close-up
    r"|[^\W_]*[^\W\d_][^\W_]*(?:_\w+)*(?:'[^\W\d_]+|(?<=s)'(?=\s))?"  # a word, an id
    r"|\d+(?:[.,]\d+)?"
    r"|->|=>|→|[^\w\s]|_|\n"
)
NOT_IS = {"can't": "can not", "won't": "will not", "shan't": "shall not", "ain't": "is not"}
ENDINGS = {"re": "are", "ll": "will", "ve": "have", "d": "would", "m": "am"}
IS = frozenset({"there", "that", "it", "she", "he", "what", "here", "who", "where", "how", "why", "this"})
"""Words after which 's means "is"."""
BARE = {
    "dont": "do not", "doesnt": "does not", "didnt": "did not", "shouldnt": "should not", "mustnt": "must not",
    "isnt": "is not", "arent": "are not", "cant": "can not", "wont": "will not", "wasnt": "was not",
    "theres": "there is", "thats": "that is", "shes": "she is", "hasnt": "has not", "havent": "have not",
    "wouldnt": "would not", "couldnt": "could not", "id": "i would", "ive": "i have", "im": "i am", "itll": "it will",
    "whats": "what is", "lets": "let us", "gimme": "give me", "gotta": "got to", "wanna": "want to",
    "needn't": "no need to",
}  # fmt: skip
"""What people write without an apostrophe."""


@dataclass(frozen=True, slots=True)
class Word:
    """One token.

    `text` is what it is worked on as, `said` how it was said (lower case, spelt right), `first` and `end` where it
    stands in the request. `marks` are the symbols that it stands for.
    """

    text: str
    said: str
    first: int
    end: int
    marks: frozenset[str] = frozenset()

    def marked(self, *marks: str) -> Word:
        return replace(self, marks=self.marks | set(marks))

    def has(self, *marks: str) -> bool:
        return not self.marks.isdisjoint(marks)

    @property
    def topics(self) -> list[str]:
        """What of a shot the word names that can be kept ("camera")."""
        return [mark.removeprefix("K.") for mark in sorted(self.marks) if mark.startswith("K.")]

    @property
    def code(self) -> str:
        """The token as the forms see it: every symbol and the text between bars, and a space."""
        return "|" + "".join(f"{mark}|" for mark in sorted(self.marks)) + self.text.replace(" ", "_") + "| "


def coded(words: Sequence[Word]) -> str:
    return "".join(word.code for word in words)


def tokens(request: str) -> list[Word]:
    """The tokens of a request; what stands in quotation marks is one token."""
    shown = request.translate(ALIKE)
    made: list[Word] = []
    at = 0
    for found in QUOTED.finditer(shown):
        made += _tokens(shown, at, found.start())
        made.append(Word(QUOTATION, QUOTATION, found.start(), found.end(), frozenset({"QUOTE"})))
        at = found.end()
    return [*made, *_tokens(shown, at, len(shown))]


def _tokens(shown: str, first: int, end: int) -> Iterator[Word]:
    for found in TOKEN.finditer(shown, first, end):
        yield from _split(found[0].lower(), found.start(), found.end())


def _split(text: str, first: int, end: int) -> Iterator[Word]:
    """One word, or the words that a contraction stands for."""
    if text in BARE or text in NOT_IS or text.endswith("n't"):
        whole = BARE.get(text) or NOT_IS.get(text) or text.removesuffix("n't") + " not"
        yield from (Word(part, part, first, end) for part in whole.split())
        return
    stem, mark, ending = text.partition("'")
    if mark and not ending and stem.endswith("s"):  # Jonas' coat
        yield Word(stem, stem, first, end - 1)
        yield Word("'s", "'s", end - 1, end)
        return
    if not mark or not stem:
        yield Word(text, text, first, end)
        return
    middle = first + len(stem)
    if ending == "s" or ending in ENDINGS:
        yield Word(stem, stem, first, middle)
        meant = ENDINGS.get(ending) or ("us" if stem == "let" else "is" if stem in IS else "'s")
        yield Word(meant, meant, middle, end)
    else:  # l'oreillette, dell'orologio
        yield Word(stem + "'", stem + "'", first, middle + 1)
        yield Word(ending, ending, middle + 1, end)


def merged(words: Sequence[Word], text: str, *marks: str) -> Word:
    """Several tokens as one."""
    said = " ".join(word.said for word in words if word.said)
    return Word(text, said, words[0].first, words[-1].end, frozenset(marks))


IRREGULAR = {
    "feet": "foot", "teeth": "tooth", "men": "man", "women": "woman", "people": "person", "children": "child",
    "leaves": "leaf", "knives": "knife", "scarves": "scarf", "wolves": "wolf", "loaves": "loaf", "shelves": "shelf",
    "mice": "mouse", "geese": "goose", "halves": "half", "lens": "lens", "series": "series",
}  # fmt: skip
ALWAYS_MANY = {
    "glasses", "sunglasses", "trousers", "pants", "jeans", "shorts", "scissors", "goggles", "headphones", "tights",
    "credits", "stairs", "clothes", "binoculars", "pyjamas", "leggings", "overalls",
}  # fmt: skip
KEEP_IE = frozenset({"ties", "movies", "cookies", "zombies", "selfies"})


def singular(noun: str) -> str:
    """The singular of an English noun, by its ending."""
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    if noun in ALWAYS_MANY or len(noun) < 4 or noun.endswith(("ss", "us", "is")):
        return noun
    for ending, single in (("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss")):
        if noun.endswith(ending):
            return noun.removesuffix(ending) + single
    if noun.endswith("ies") and len(noun) > 4 and noun not in KEEP_IE:
        return noun.removesuffix("ies") + "y"
    return noun.removesuffix("s")
