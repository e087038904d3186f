"""Which frames look for views themselves, and from which the others are filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tools.editors.local.cleanplate.order import STRIDE, Turn, shared, turns
from tools.types import Bits


def square(x: int) -> Bits:
    mask = np.zeros((40, 120), np.bool_)
    mask[10:30, x : x + 20] = True
    return mask


NOTHING = np.zeros((40, 120), np.bool_)


def all_turns(hole: Callable[[int], Bits], count: int) -> list[Turn]:
    """The turns of a film of `count` frames, group by group."""
    waiting, made = list(range(count)), list[Turn]()
    last = None
    while waiting:
        some = turns(last, waiting, hole)
        made += some
        waiting = waiting[len(some) :]
        last = some[0].index
    return made


def keys_of(made: Sequence[Turn]) -> list[int]:
    return [turn.index for turn in made if turn.key]


def test_a_hole_that_stays_has_few_key_frames() -> None:
    made = all_turns(lambda _: square(30), 2 * STRIDE + 1)
    assert keys_of(made) == [0, STRIDE, 2 * STRIDE]
    assert [turn.index for turn in made[1:9]] == [8, 4, 2, 1, 3, 6, 5, 7]


def test_a_hole_that_moves_is_looked_at_in_every_frame() -> None:
    made = all_turns(lambda index: square(4 * index), 20)
    assert keys_of(made) == list(range(20))
    assert [turn.beside for turn in made] == [(), *((index,) for index in range(19))]


def test_a_hole_that_comes_and_goes_between_two_alike_frames_is_not_skipped() -> None:
    made = all_turns(lambda index: square(30) if index == 3 else NOTHING, 9)
    assert 3 in keys_of(made)
    assert 2 in keys_of(made)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 30])
@pytest.mark.parametrize("speed", [0.0, 0.3, 1.0, 5.0])
def test_every_frame_has_its_turn_after_those_it_is_filled_from(count: int, speed: float) -> None:
    done: set[int] = set()
    kept: set[int] = set()
    for turn in all_turns(lambda index: square(int(speed * index)), count):
        assert turn.index not in done
        assert kept.issuperset(turn.beside)
        if turn.key:
            assert len(turn.beside) == min(1, turn.index)
        else:
            low, high = sorted(turn.beside)
            assert low < turn.index < high
        done.add(turn.index)
        if turn.carried:
            kept.add(turn.index)
    assert done == set(range(count))


def test_empty_holes_are_alike() -> None:
    assert shared(NOTHING, NOTHING) == 1
    assert shared(square(0), NOTHING) == 0
    assert shared(square(0), square(10)) == pytest.approx(1 / 3)
