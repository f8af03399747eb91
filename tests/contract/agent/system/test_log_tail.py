"""Following real files as logrotate(8) and programs treat them."""

import os

import pytest

from agent.system.log_tail import BEHIND_MOST, READ_MOST, LogTail, Unremembered


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "clamav.log"
    path.write_text("old\n")
    return path


@pytest.fixture
def tail(log, tmp_path):
    following = LogTail(tmp_path / "places.json")
    assert list(following.lines(str(log))) == []
    return following


def append(path, text):
    with path.open("a") as opened:
        opened.write(text)


def read(tail, log):
    return list(tail.lines(str(log)))


def test_what_is_written_later_is_read_once_and_whole_lines_only(tail, log):
    append(log, "one\ntw")

    assert read(tail, log) == ["one"]
    append(log, "o\n")
    assert read(tail, log) == ["two"]
    assert read(tail, log) == []


def test_what_was_written_before_and_after_a_rotation_is_read(tail, log):
    append(log, "before\n")
    log.rename(log.with_name("clamav.log.1"))
    log.write_text("after\n")

    assert read(tail, log) == ["before", "after"]


def test_a_file_that_was_emptied_begins_anew(tail, log):
    append(log, "a longer line\n")
    assert read(tail, log) == ["a longer line"]
    os.truncate(log, 0)
    append(log, "new\n")

    assert read(tail, log) == ["new"]


def test_a_file_that_came_later_is_read_whole(tail, tmp_path):
    later = tmp_path / "later.log"
    assert read(tail, later) == []
    later.write_text("first\n")

    assert read(tail, later) == ["first"]


def test_after_a_restart_it_goes_on_where_it_was_kept(tail, log, tmp_path):
    append(log, "one\n")
    assert read(tail, log) == ["one"]
    tail.keep()
    append(log, "two\n")

    again = LogTail(tmp_path / "places.json")

    assert read(again, log) == ["two"]


def test_what_is_too_far_behind_is_passed_over_and_counted(tail, log):
    os.truncate(log, log.stat().st_size + BEHIND_MOST + 100)

    read(tail, log)

    assert tail.lost == 100


def test_a_look_reads_so_much_and_the_next_goes_on(tail, log):
    append(log, "x" * 1023 + "\n")
    append(log, ("y" * 1023 + "\n") * (READ_MOST // 1024))

    assert (len(read(tail, log)), len(read(tail, log))) == (1024, 1)


def test_what_is_no_file_is_left_alone(tail, tmp_path):
    os.mkfifo(tmp_path / "fifo")

    assert read(tail, tmp_path / "fifo") == []


def test_an_unreadable_memory_is_set_aside(tmp_path):
    (tmp_path / "places.json").write_bytes(b"{torn")

    with pytest.raises(Unremembered):
        LogTail(tmp_path / "places.json")

    assert (tmp_path / "places.json.broken").exists()
