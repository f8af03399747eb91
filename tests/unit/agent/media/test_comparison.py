"""Files as they are read against what a receipt says of them."""

from agent.media.comparison import Comparison
from agent.media.manifest import Manifest, Part, unpacked_octets

SECRET = b"s" * 32


def part_of(files):
    read = Comparison(SECRET, None, 0)
    for path, mark in files.items():
        read.add(path, mark, 10)
    return Part(
        place="0", secret=SECRET, strict=False, filesystem="ext4", boot=b"b", marks=read.marks
    )


def compared(old, files, sample=2):
    read = Comparison(SECRET, part_of(old), sample)
    for path, mark in files.items():
        read.add(path, mark, 10)
    return read


FILES = {b"folder/%d" % number: b"%016d" % number for number in range(50)}


def test_the_same_files_are_the_same():
    read = compared(FILES, FILES)

    assert (read.is_same, read.changed, read.size, len(read.marks)) == (True, [], 500, 50)


def test_new_and_other_files_changed():
    read = compared(FILES, {**FILES, b"folder/3": b"other", b"new": b"mark"})

    assert (read.is_same, sorted(read.changed)) == (False, [b"folder/3", b"new"])


def test_a_file_that_went_away_or_moved_is_no_longer_the_same():
    without = {path: mark for path, mark in FILES.items() if path != b"folder/3"}
    moved = {**without, b"folder/x": FILES[b"folder/3"]}

    assert (compared(FILES, without).is_same, compared(FILES, without).changed) == (False, [])
    assert compared(FILES, moved).changed == [b"folder/x"]


def test_the_sample_is_of_what_did_not_change_and_drawn_from_all_of_it():
    drawn = {path for _ in range(2000) for path in compared(FILES, FILES).sampled}

    assert drawn == set(FILES)
    assert len(compared(FILES, FILES, sample=7).sampled) == 7
    assert sorted(compared(FILES, FILES, sample=99).sampled) == sorted(FILES)
    assert compared(FILES, FILES, sample=0).sampled == []


def test_no_name_of_a_file_travels():
    octets = unpacked_octets(Manifest(parts=(part_of({"病人名单.xlsx".encode(): b"m"}),)))

    assert "病人".encode() not in octets
    assert b"xlsx" not in octets
