"""Words that refer to shots and times, resolved against a film."""

from __future__ import annotations

import pytest

from agent.request.moments import seconds_of
from agent.request.resolve import Resolved, Unresolved, mentioned, resolve
from tests.request.films import FILM

EVERY = ("SH010", "SH020", "SH030", "SH040", "SH050")


@pytest.mark.parametrize(
    ("words", "shots"),
    [
        ("SH020", ("SH020",)),
        ("sh 20 and 40", ("SH020", "SH040")),
        ("shots 20, 30 and 40", ("SH020", "SH030", "SH040")),
        ("SH020-SH040", ("SH020", "SH030", "SH040")),
        ("from SH020 to SH040", ("SH020", "SH030", "SH040")),
        ("from SH030 on", ("SH030", "SH040", "SH050")),
        ("from the second scene on", ("SH030", "SH040", "SH050")),
        ("the second scene", ("SH030", "SH040")),
        ("scene SC030", ("SH050",)),
        ("the second shot of the second scene", ("SH040",)),
        ("until SH030", ("SH010", "SH020", "SH030")),
        ("up to the end of the first scene", ("SH010", "SH020")),
        ("before SH030", ("SH010", "SH020")),
        ("the last three shots", ("SH030", "SH040", "SH050")),
        ("the opening shot", ("SH010",)),
        ("the penultimate shot", ("SH040",)),
        ("the shot after SH020", ("SH030",)),
        ("the next shot", ("SH040",)),
        ("the one before it", ("SH020",)),
        ("all close-ups", ("SH020", "SH040")),
        ("every wide", ("SH010", "SH050")),
        ("the close-up of Jonas", ("SH040",)),
        ("every shot with Mara", ("SH020", "SH030", "SH050")),
        ("every shot with Mara and Jonas", ("SH030",)),
        ("all shots with Mara but SH030", ("SH020", "SH050")),
        ("everywhere except in SH010 and SH020", ("SH030", "SH040", "SH050")),
        ("SH010 to SH020 and SH040", ("SH010", "SH020", "SH040")),
        ("the whole film", EVERY),
    ],
)
def test_words_mean_shots(words: str, shots: tuple[str, ...]) -> None:
    assert resolve(words, FILM, named=("SH030",)) == Resolved(shots=shots)


@pytest.mark.parametrize(
    ("words", "span", "shots"),
    [
        ("at 0:05", (125, 125), ("SH020",)),
        ("at 5.5 seconds", (137, 137), ("SH020",)),
        ("from 0:03 to 0:05", (75, 125), ("SH010", "SH020")),
        ("between 3 and 5 seconds", (75, 125), ("SH010", "SH020")),
        ("frame 240", (240, 240), ("SH030",)),
        ("frames 240-260", (240, 260), ("SH030",)),
        ("in SH030, frame 240", (240, 240), ("SH030",)),
        ("the last 2 seconds", (450, 499), ("SH050",)),
        ("from 0:18 to 0:20", (450, 499), ("SH050",)),
    ],
)
def test_times_count_from_the_films_start(words: str, span: tuple[int, int], shots: tuple[str, ...]) -> None:
    assert resolve(words, FILM) == Resolved(shots=shots, span=span)


def test_a_moment_is_the_frame_that_shows_then() -> None:
    ntsc = FILM.model_copy(update={"fps": 24000 / 1001})
    assert resolve("at 10 seconds", ntsc) == Resolved(shots=("SH030",), span=(239, 239))
    assert seconds_of("00:00:02:05", 25.0) == pytest.approx(2.2)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("SH060 and SH010", "60"),
        ("shot 2", "no shot 2"),
        ("at 1:30", "20.0 seconds"),
        ("frame 900", "frame 499"),
        ("the seventh scene", "only 3 scenes"),
        ("the close-up", "SH020 or SH040"),
        ("every insert", "no shot's prompt"),
        ("the next shot", "of which shot"),
        ("in SH010, at 0:05", "no shot"),
    ],
)
def test_what_means_nothing_here_says_why(words: str, why: str) -> None:
    got = resolve(words.replace("SH060", "shot 60"), FILM)
    assert isinstance(got, Unresolved)
    assert why in got.why


def test_words_about_no_shot_mean_none() -> None:
    assert resolve("the earpiece on her left ear", FILM) is None
    assert mentioned("remove the earpiece", FILM) is None


def test_a_request_means_the_shots_that_it_speaks_of() -> None:
    assert mentioned("remove it in SH020, and redo the last shot", FILM) == {"SH020", "SH050"}
