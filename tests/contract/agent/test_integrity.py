"""The agent's own files on a real disk: what changes the fingerprint, and what does not."""

import os
from pathlib import Path

import pytest

from agent.integrity import OwnFiles


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "agent"
    (folder / "system").mkdir(parents=True)
    (folder / "cli.py").write_text("one")
    (folder / "system" / "kernel.py").write_text("two")
    (folder / "messages.toml").write_text("three")
    return folder


@pytest.fixture
def files(package: Path, tmp_path: Path) -> OwnFiles:
    return OwnFiles([package], tmp_path / "agent.toml")


def test_nothing_changed_gives_the_same_fingerprint(files):
    assert files.fingerprint() == files.fingerprint()


def test_two_watchers_of_the_same_files_agree(files, package, tmp_path):
    (package / "cli.py").write_text("else")
    files.fingerprint()

    assert OwnFiles([package], tmp_path / "agent.toml").fingerprint() == files.fingerprint()


def test_a_file_written_anew_changes_the_binary_only(files, package):
    before = files.fingerprint()

    (package / "system" / "kernel.py").write_text("owt")

    assert files.fingerprint().binary != before.binary
    assert files.fingerprint().configuration == before.configuration


def test_setting_the_times_back_hides_nothing(files, package):
    target = package / "system" / "kernel.py"
    before, stood = files.fingerprint(), target.stat()

    target.write_text("owt")
    os.utime(target, ns=(stood.st_atime_ns, stood.st_mtime_ns))

    assert files.fingerprint().binary != before.binary


@pytest.mark.parametrize("place", ["new.py", "system/new.so", "deeper/still/new.py"])
def test_a_file_that_came_changes_the_binary(files, package, place):
    before = files.fingerprint()

    (package / place).parent.mkdir(parents=True, exist_ok=True)
    (package / place).write_text("new")

    assert files.fingerprint().binary != before.binary


def test_a_file_in_a_folder_that_came_later_is_watched(files, package):
    files.fingerprint()
    (package / "later").mkdir()
    before = files.fingerprint()

    (package / "later" / "new.py").write_text("new")

    assert files.fingerprint().binary != before.binary


def test_a_file_that_left_changes_the_binary(files, package):
    before = files.fingerprint()

    (package / "cli.py").unlink()

    assert files.fingerprint().binary != before.binary


def test_a_package_that_left_is_a_change_and_no_fault(files, package):
    before = files.fingerprint()

    package.rename(package.with_name("elsewhere"))

    assert files.fingerprint().binary != before.binary


def test_compiled_files_do_not_count(files, package):
    before = files.fingerprint()

    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "cli.cpython-311.pyc").write_bytes(b"compiled")

    assert files.fingerprint() == before


def test_the_settings_are_told_apart_from_the_program(files, tmp_path):
    before = files.fingerprint()

    (tmp_path / "agent.toml").write_text("new")

    assert files.fingerprint().binary == before.binary
    assert files.fingerprint().configuration != before.configuration
