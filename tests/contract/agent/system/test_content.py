"""The content of an open file, on a real file system that is mounted anew for it."""

import os

import pytest

from agent.system.content import read_ahead, was_read
from agent.system.tree import OpenFile
from tests.loopdev import make_loop
from tests.support.live import until

OCTETS = 1 << 20


@pytest.fixture
def unread(tmp_path):
    """A file of which nothing is in memory."""
    medium, point = make_loop(tmp_path, "medium", size=16 << 20), tmp_path / "mnt"
    medium.mount(point)
    (point / "file").write_bytes(os.urandom(OCTETS))
    medium.unmount(point)
    medium.mount(point)
    descriptor = os.open(point / "file", os.O_RDONLY)
    yield OpenFile(b"file", descriptor, OCTETS)
    os.close(descriptor)
    medium.unmount(point)
    medium.release()


def test_what_is_read_ahead_is_in_memory_without_a_reader(unread):
    assert not was_read(unread)

    read_ahead(unread)

    until(lambda: was_read(unread), told="pages of the file are in memory")


def test_reading_ahead_what_is_gone_says_nothing(tmp_path):
    reading, writing = os.pipe()
    try:
        read_ahead(OpenFile(b"file", reading, OCTETS))  # ESPIPE, as a dead medium's EIO
    finally:
        os.close(reading)
        os.close(writing)
