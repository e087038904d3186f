"""read-sheet says what a picture is and what is none, and asks only for what is not known."""

from __future__ import annotations

from prompts import render


def test_all_is_asked_for_with_boxes_in_one_picture() -> None:
    prompt = render("read-sheet", subject="mara", wants=["pictures", "facts"], parts=[2, 3, 4, 5])
    assert (prompt.name, prompt.version) == ("read-sheet", 1)
    for said in ("the sheet of mara", "Pictures 2, 3, 4, 5 show parts", "in pixels of picture 1", "word for word"):
        assert said in prompt.text
    for none in ("colour chips", "logos", "ornament", "captions", "lists and cards of text"):
        assert none in prompt.text
    assert "empty" not in prompt.text


def test_what_film_toml_says_is_not_asked_for() -> None:
    facts = render("read-sheet", subject="mara", wants=["facts"], parts=[]).text
    assert "leave `panels` empty" in facts
    assert "Pictures" not in facts
    assert "leave `facts` empty" in render("read-sheet", subject="mara", wants=["pictures"], parts=[]).text
