"""A small film to ask for fixes of."""

from __future__ import annotations

from agent.request.plan import Outline, ShotNote


def _shot(number: int, scene: str, people: tuple[str, ...], prompt: str, props: tuple[str, ...] = ()) -> ShotNote:
    first = (number // 10 - 1) * 100
    return ShotNote(
        id=f"SH{number:03d}",
        first=first,
        last=first + 99,
        scene=scene,
        characters=people,
        props=props,
        prompt=prompt,
    )


FILM = Outline(
    title="A small film",
    fps=25.0,
    shots=(
        _shot(10, "SC010", (), "Wide shot of a harbour."),
        _shot(20, "SC010", ("mara",), "Close-up of Mara."),
        _shot(30, "SC020", ("mara", "jonas"), "Two-shot at the table.", ("mug",)),
        _shot(40, "SC020", ("jonas",), "Close-up of Jonas."),
        _shot(50, "SC030", ("mara", "lena"), "Wide: both leave.", ("mug",)),
    ),
    characters={
        "mara": "A woman in a blue jacket. No earpiece.",
        "jonas": "A man with a beard and a watch.",
        "lena": "A woman in a white coat.",
    },
    props={"mug": "A white mug without a logo."},
    panels=("mara/face", "mara/front"),
    editors=("plate", "vace"),
)
