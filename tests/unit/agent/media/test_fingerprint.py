"""Which octets of a file are read."""

import pytest

from agent.media.fingerprint import (
    STRICT,
    WITH_CHANGE_TIME,
    WITHOUT_CHANGE_TIME,
    blocks_of,
    sampling_for,
)

SECRET = b"s" * 32
OTHER = b"t" * 32


@pytest.mark.parametrize(
    ("filesystem", "strict", "sampling"),
    [
        ("ext4", False, WITH_CHANGE_TIME),
        ("vfat", False, WITHOUT_CHANGE_TIME),
        ("ntfs3", False, WITHOUT_CHANGE_TIME),
        ("fuseblk", False, WITHOUT_CHANGE_TIME),
        ("ext4", True, STRICT),
    ],
)
def test_less_is_read_only_where_no_program_sets_the_change_time(filesystem, strict, sampling):
    assert sampling_for(filesystem, strict=strict) == sampling


@pytest.mark.parametrize(
    ("size", "sampling"),
    [
        (1, WITH_CHANGE_TIME),
        (16 << 10, WITH_CHANGE_TIME),
        (16 << 20, WITHOUT_CHANGE_TIME),
        (1 << 40, STRICT),
    ],
)
def test_a_small_file_and_a_strict_reading_leave_nothing_out(size, sampling):
    assert blocks_of(b"a", size, sampling, SECRET) == ((0, size),)


def test_of_an_empty_file_nothing_is_read():
    assert blocks_of(b"a", 0, WITH_CHANGE_TIME, SECRET) == ()


@pytest.mark.parametrize("sampling", [WITH_CHANGE_TIME, WITHOUT_CHANGE_TIME])
def test_of_a_large_file_both_ends_and_drawn_blocks_inside_it_are_read(sampling):
    size = (1 << 30) + 5

    blocks = blocks_of(b"a", size, sampling, SECRET)

    assert (0, sampling.edge) in blocks
    assert (size - sampling.edge, sampling.edge) in blocks
    assert len(blocks) > 60
    assert all(start >= 0 and start + length <= size for start, length in blocks)


def test_where_is_drawn_depends_on_the_secret_and_the_name_and_nothing_else():
    size = 1 << 30

    first = blocks_of(b"a", size, WITH_CHANGE_TIME, SECRET)

    assert blocks_of(b"a", size, WITH_CHANGE_TIME, SECRET) == first
    assert blocks_of(b"a", size, WITH_CHANGE_TIME, OTHER) != first
    assert blocks_of(b"b", size, WITH_CHANGE_TIME, SECRET) != first
