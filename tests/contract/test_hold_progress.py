"""How far a medium is that is held and scanned where nobody sees it, as `status` tells it."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import re
import time

import pytest

from agent.commands.status import media_lines
from agent.media.board import BOARD_FILE, read_board
from agent.sensors.board import BoardSensor
from tests.clamd import clamd  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.support.held import Holding, Sticks, require_gate, ward

FILES = {f"{number}.txt": b"%d" % number * 500 for number in range(1500)}
SCANNING = re.compile(r"  .+: held, scanning for \d+ s: (\d+) files, (\d+) of (\d+) bytes.*")


@pytest.fixture
def holding(tmp_path, clamd):
    with ward(tmp_path) as made:
        require_gate(made)
        holding = Holding(made, tmp_path, clamd.address)
        yield holding
        holding.sensor.stop()


@pytest.fixture
def sticks():
    made = Sticks()
    yield made
    made.end()


class Board:
    """The sensor of the board beside the one that holds, and what is read of its file."""

    def __init__(self, holding, folder, *, later=0):
        """Its clock is `later` seconds ahead."""
        self.long_holds = []
        self._holding, self._file, self._heard = holding, folder / BOARD_FILE, 0
        self.sensor = BoardSensor(
            folder,
            holding.under_way,
            standing_of=lambda _key: None,
            on_long_hold=lambda *told: self.long_holds.append(told),
            monotonic=lambda: time.monotonic() + later,
        )
        self.sensor.start(holding._document)

    def until_released(self, before=0):
        """What the file said on the way of the medium that came after so many others."""
        told = []
        while not told or told[-1].held or told[-1].state != "clean":
            self._holding.turn(0.005)
            for fact in self._holding.facts[self._heard :]:
                self.sensor.hear(fact, (), 0)
            self._heard = len(self._holding.facts)
            self.sensor.wake()
            told += read_board(self._file).media[before:]
        return told


def insert(holding, sticks, loops, name, serial):
    node = sticks.insert(loops.make(name, FILES))
    holding.plug(node, serial)
    return node


def test_files_and_octets_grow_while_it_is_held(holding, sticks, loops, tmp_path):
    board = Board(holding, tmp_path)
    insert(holding, sticks, loops, "first", "S1")

    told = board.until_released()

    scanning = [each for each in told if each.state == "scanning"]
    found = [SCANNING.fullmatch(line) for each in scanning for line in [*media_lines([each])][1:]]
    assert all(found)
    counts = [int(one[1]) for one in found]
    assert len(set(counts)) > 3
    assert counts == sorted(counts)
    assert 0 < scanning[-1].progress.bytes <= scanning[-1].progress.used
    assert told[-1].files == len(FILES)


def test_the_next_one_s_rest_is_known_from_its_insertion_on(holding, sticks, loops, tmp_path):
    board = Board(holding, tmp_path)
    insert(holding, sticks, loops, "first", "S1")
    board.until_released()
    insert(holding, sticks, loops, "second", "S2")

    told = board.until_released(before=1)

    on_the_way = [each for each in told if each.progress is not None]
    assert on_the_way[0].progress.rest > 0
    assert re.search(r"held, .* about \d+ s", [*media_lines(on_the_way[:1])][1])


def test_who_waits_long_is_told_how_long_it_still_takes(holding, sticks, loops, tmp_path):
    board = Board(holding, tmp_path, later=60)
    insert(holding, sticks, loops, "slow", "S1")

    told = board.until_released()

    assert board.long_holds
    assert {name for name, _ in board.long_holds} == {told[-1].name}
    assert all(rest > 0 for _, rest in board.long_holds)


def test_who_waits_a_moment_is_told_nothing_on_the_way(holding, sticks, loops, tmp_path):
    board = Board(holding, tmp_path)
    insert(holding, sticks, loops, "quick", "S1")
    board.until_released()

    assert board.long_holds == []
