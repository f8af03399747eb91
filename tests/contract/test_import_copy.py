"""What an import station copies, from a real medium to a real medium past a real engine."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import os
from pathlib import Path

import pytest

from agent.system.clamd import Clamd, ScannerSettings
from agent.system.import_copy import CopyFailed, copy_clean
from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture

FILES = {
    "image/1.dcm": b"one" * 1000,
    "image/2.dcm": b"",
    "letter.txt": b"dear colleague",
    "aux.txt": b"a device",
    "autorun.inf": b"[autorun]",
}


class Media:
    def __init__(self, folder, loops, address):
        self.folder = folder
        self.loops = loops
        self.engine = Clamd(ScannerSettings(address), sockets=())
        self.source, self.target = folder / "from", folder / "to"

    def insert(self, files, *options):
        self.loops.make("source", files).mount(self.source)
        self.loops.make("target", {"own.txt": b"own"}).mount(self.target, *options)

    def copy(self, still=lambda: True):
        return copy_clean(self.source, self.target, self.engine, still=still)

    def on_target(self):
        found = self.target.rglob("*")
        return {
            str(path.relative_to(self.target)): path.read_bytes()
            for path in found
            if path.is_file()
        }

    def refused(self, still=lambda: True):
        with pytest.raises(CopyFailed) as failed:
            self.copy(still)
        assert self.on_target() == {"own.txt": b"own"}
        return failed.value.reason


@pytest.fixture
def media(tmp_path, loops, clamd):
    return Media(tmp_path, loops, clamd.address)


def test_every_file_is_copied_into_a_new_folder_under_a_safe_name(media):
    media.insert(FILES)

    first, second = media.copy(), media.copy()

    assert (first.files, first.bytes) == (5, sum(map(len, FILES.values())))
    assert first.folder != second.folder
    renamed = {"aux.txt": "_aux.txt", "autorun.inf": "_autorun.inf"}
    expected = {renamed.get(name, name): body for name, body in FILES.items()}
    assert media.on_target() == {"own.txt": b"own"} | {
        f"{folder}/{name}": body
        for folder in (first.folder, second.folder)
        for name, body in expected.items()
    }


def test_names_that_become_the_same_are_kept_apart_and_links_are_not_followed(media):
    media.insert({"a": b"x"})
    Path(os.fsdecode(bytes(media.source) + b"/\xfe.txt")).write_bytes(b"1")
    Path(os.fsdecode(bytes(media.source) + b"/\xff.txt")).write_bytes(b"2")
    (media.source / "link").symlink_to("/etc/hostname")

    folder = media.copy().folder

    assert {name: body for name, body in media.on_target().items() if folder in name} == {
        f"{folder}/a": b"x",
        f"{folder}/_.txt": b"1",
        f"{folder}/_~2.txt": b"2",
    }


def test_malware_that_came_since_the_scan_stops_all_of_it(media):
    media.insert({**FILES, "z.com": eicar()})

    assert media.refused() == "infected"


def test_what_cannot_be_scanned_again_is_not_copied(media):
    media.insert(FILES)
    os.mkfifo(media.source / "z")

    assert media.refused() == "incomplete"


def test_a_target_without_room_is_left_as_it_was(media):
    media.insert({f"{number}.bin": os.urandom(3 << 20) for number in range(2)})
    (media.target / "own.txt").write_bytes(b"own")
    with (media.target / "large").open("wb") as large:
        large.write(bytes(8 << 20))
    with pytest.raises(CopyFailed) as failed:
        media.copy()

    assert failed.value.reason == "full"
    assert sorted(media.on_target()) == ["large", "own.txt"]


def test_a_target_that_cannot_be_written_to_says_so(media):
    media.insert(FILES, "ro")

    assert media.refused() == "unwritable"


def test_what_is_not_allowed_any_more_ends_and_leaves_nothing(media):
    media.insert(FILES)
    answers = iter([True, True, False])

    assert media.refused(lambda: next(answers)) == "gone"


def test_a_folder_where_no_medium_is_mounted_is_not_copied_from(media):
    media.insert(FILES)

    with pytest.raises(CopyFailed, match="gone"):
        copy_clean(media.source / "image", media.target, media.engine, still=lambda: True)


def test_without_an_engine_nothing_is_copied(media):
    media.insert(FILES)
    media.engine = Clamd(ScannerSettings("unix:/nowhere/clamd"), sockets=())

    assert media.refused() == "engine"
