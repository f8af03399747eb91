"""Who is answered by an import station's own process."""

import os
import select
import subprocess
import sys
from contextlib import closing

import requests

from agent.media.board import BOARD_FILE, MediaNow, write_board
from agent.station.feed import Feed
from agent.system.inotify import FolderWatch
from tests.support.station import ROOT, station


def test_a_page_from_elsewhere_gets_nothing(tmp_path):
    with station(tmp_path) as place:
        own = {"Origin": place.url}
        asked = requests.get(f"{place.url}/live", headers={"Host": "evil.example"}, timeout=5)

        assert asked.status_code == 403
        assert place.copy("a", "b", Origin="http://evil.example") == 403
        assert place.copy("a", "b") == 409
        assert requests.get(f"{place.url}/station.py", timeout=5).status_code == 404
        assert (
            requests.post(f"{place.url}/copy", data="x", headers=own, timeout=5).status_code == 400
        )


def test_without_an_agent_the_station_is_out_of_order(tmp_path):
    with station(tmp_path) as place:
        assert place.url.startswith("http://127.0.0.1:")
        assert place.page()["running"] is False


_BOARD_BEFORE_THE_WATCH = """
import os, sys, threading
from pathlib import Path
from agent.media.board import BOARD_FILE, MediaNow, write_board
from agent.station.feed import LOOKS_EVERY, Feed
from agent.system.inotify import FolderWatch
state = Path(sys.argv[1])
feed = Feed(state)
write_board(state / BOARD_FILE, MediaNow(pid=os.getpid()))
threading.Thread(target=feed.follow, args=(FolderWatch(),), daemon=True).start()
print(feed.newer(0, LOOKS_EVERY / 2)[1].running)
"""


def test_a_board_that_is_written_before_the_station_watches_is_shown_at_once(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _BOARD_BEFORE_THE_WATCH, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stdout == "True\n"


def test_a_board_is_heard_of_at_once_in_a_folder_that_came_after_the_station(tmp_path):
    state = tmp_path / "state"
    with closing(FolderWatch()) as watch:
        feed = Feed(state)
        feed.catch_up(watch)
        state.mkdir()
        feed.catch_up(watch)

        write_board(state / BOARD_FILE, MediaNow(pid=os.getpid()))

        assert select.select([watch.fileno()], [], [], 5.0)[0]
        feed.catch_up(watch)
        assert feed.page().running
