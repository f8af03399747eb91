"""Files that a user may have laid in the agent's way."""

import os
from pathlib import Path

import pytest

from agent.system.bounded_read import beginning, ending
from agent.system.history_files import traces
from agent.system.proxy_places import set_proxies
from agent.system.resolvers import configured_resolvers, follow_resolvers, watched_resolvers


def test_no_more_than_wanted_is_read_of_a_file_without_end(tmp_path: Path):
    huge = tmp_path / "huge"
    huge.write_bytes(b"begin")
    os.truncate(huge, 10 << 30)

    assert beginning(huge, 8) == b"begin\0\0\0"
    assert ending(huge, 4) == bytes(4)


def test_a_pipe_is_no_file_and_nobody_waits_for_its_writer(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")

    assert beginning(tmp_path / "pipe", 8) == b""
    assert beginning(Path("/dev/zero"), 8) == b""


@pytest.mark.parametrize("kind", ["pipe", "circle", "binary"])
def test_hostile_settings_neither_stop_nor_fail_the_readers(tmp_path: Path, kind: str):
    places = ("etc/resolv.conf", "etc/environment", "etc/wpa_supplicant/wpa_supplicant.conf")
    for place in places:
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        if kind == "pipe":
            os.mkfifo(file)
        elif kind == "circle":
            file.symlink_to(file)
        else:
            file.write_bytes(bytes(range(256)) * 40)

    with_watch = watched_resolvers(tmp_path)
    follow_resolvers(with_watch, tmp_path)
    with_watch.close()

    assert configured_resolvers(tmp_path) == ()
    assert list(set_proxies(tmp_path, [tmp_path], unread=pytest.fail)) == []
    assert traces(tmp_path) == ()
