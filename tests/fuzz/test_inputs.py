"""What the guided fuzzer does: a venue that breaks can be broken again, and an old venue makes way for a new one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.door import Door
from tests.fuzz.inputs import HISTORY, again, inputs
from tests.fuzz.mutation import valid

LONG = 10**9
ACTIONS = [json.dumps(request).encode() for request in valid("exchange")]


class Forger(Door):
    """A venue in which whoever has a TWAP finds money."""

    def _check(self) -> None:
        for user in self.venue.state.users.values():
            user.raw_1e8 += 10**15 * len(user.twaps)
        super()._check()


@pytest.fixture
def opened() -> Iterator[Callable[[type[Door], int], Door]]:
    made: list[Door] = []

    def open_door(kind: type[Door], life: int) -> Door:
        made.append(kind(life))
        return made[-1]

    yield open_door
    for door in made:
        door.close()


def put_in(each: Callable[[bytes], None]) -> None:
    for action in ACTIONS:
        each(action)


def test_what_broke_a_venue_breaks_the_next_one_too(opened: Any, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        put_in(inputs(opened(Forger, LONG), "exchange", tmp_path))
    heard = (tmp_path / HISTORY).read_text().splitlines()
    assert heard == [action.hex() for action in ACTIONS[: len(heard)]]
    with pytest.raises(AssertionError):
        again(inputs(opened(Forger, LONG), "exchange", tmp_path), tmp_path / HISTORY)
    again(inputs(opened(Door, LONG), "exchange", tmp_path), tmp_path / HISTORY)


def test_an_old_venue_makes_way_for_a_new_one(opened: Any, tmp_path: Path) -> None:
    door = opened(Door, 5)
    first = door.venue
    put_in(inputs(door, "exchange", tmp_path))
    assert door.venue is not first
    assert door.post("/info", b'{"type":"exchangeStatus"}')[0] == 200
