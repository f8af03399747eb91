"""A second scanner over ICAP, a real c-icap with a clamd behind it, beside the first."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import os
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from agent.media.engine import EngineUnavailable
from agent.scan_command import scan_path
from agent.system.clamd import ScannerSettings
from agent.system.engines import engine_of
from agent.system.icap import Icap
from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.support.icap import SECOND_ONLY, icap  # noqa: F401 - a fixture


@pytest.fixture
def both(clamd, icap):
    return ScannerSettings(clamd.address, icap.url)


def test_a_file_is_clean_where_both_say_so(both, tmp_path):
    for number in range(50):  # more than one connection of c-icap takes
        (tmp_path / f"{number}.txt").write_bytes(b"letter %d" % number * 5_000)

    report = scan_path(tmp_path, both)

    assert (report.verdict, report.files) == ("clean", 50)
    assert report.engine.startswith("ClamAV ")
    assert "+" in report.engine


def test_what_only_the_second_knows_is_found(both, clamd, tmp_path):
    (tmp_path / "fine.txt").write_bytes(b"fine")
    (tmp_path / "bad.bin").write_bytes(b"x" * 70_000 + SECOND_ONLY)

    alone = scan_path(tmp_path, ScannerSettings(clamd.address))
    report = scan_path(tmp_path, both)

    assert alone.verdict == "clean"
    assert report.verdict == "infected"
    [found] = report.infected
    assert "Second-Only" in found.signature
    assert found.engine in report.engine
    assert not found.engine.startswith("ClamAV ")


def test_what_the_first_knows_needs_no_second_opinion(both, tmp_path):
    (tmp_path / "bad.com").write_bytes(eicar())

    report = scan_path(tmp_path, both)

    assert report.verdict == "infected"
    assert report.infected[0].signature.startswith("Eicar-Test")
    assert report.infected[0].engine.startswith("ClamAV ")


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 4096, 131_072, 300_001])
def test_sizes_around_the_preview_and_the_chunks_are_sent_whole(icap, tmp_path, size):
    body = b"x" * max(0, size - len(SECOND_ONLY)) + SECOND_ONLY[-size:]
    (tmp_path / "file").write_bytes(body)
    with (tmp_path / "file").open("rb") as opened, closing(Icap(icap.url)) as second:
        verdict = second.examine(opened.fileno())

    assert verdict.finding == ("infected" if size > len(SECOND_ONLY) else "clean")


def test_an_archive_is_looked_into_by_the_second(both, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inside.bin", b"y" * 5_000 + SECOND_ONLY)

    assert scan_path(tmp_path, both).verdict == "infected"


def test_without_the_second_no_scan_counts(clamd, tmp_path):
    (tmp_path / "fine.txt").write_bytes(b"fine")

    report = scan_path(tmp_path, ScannerSettings(clamd.address, "icap://127.0.0.1:9/none"))

    assert report.verdict == "not_scanned"


def test_a_second_that_goes_away_in_mid_scan_leaves_it_incomplete(clamd, icap, tmp_path):
    for number in range(30):
        (tmp_path / f"{number}.txt").write_bytes(os.urandom(2_000))
    engine = engine_of(ScannerSettings(clamd.address, icap.url))
    session = engine.session()
    with (tmp_path / "0.txt").open("rb") as first, (tmp_path / "1.txt").open("rb") as second:
        session.submit(first.fileno())
        assert session.verdict()[1].finding == "clean"
        icap.kill()
        try:
            session.submit(second.fileno())
            with pytest.raises(EngineUnavailable, match="second scanner"):
                session.verdict()
        finally:
            session.close()
            icap.start()


def test_an_unknown_service_is_no_clean_word(clamd, icap, tmp_path):
    (tmp_path / "fine.txt").write_bytes(b"fine")
    wrong = icap.url.replace("virus_scan", "nobody")

    assert scan_path(tmp_path, ScannerSettings(clamd.address, wrong)).verdict == "not_scanned"


def test_no_file_stays_open_when_it_is_interrupted(both, tmp_path):
    (tmp_path / "file").write_bytes(b"fine")
    before = open_files()
    session = engine_of(both).session()
    with (tmp_path / "file").open("rb") as opened:
        session.submit(opened.fileno())
        session.submit(opened.fileno())
    session.interrupt()
    with pytest.raises(EngineUnavailable):
        await_two(session)
    session.close()

    assert open_files() == before


def await_two(session):
    """One may have been answered before the interruption."""
    return session.verdict(), session.verdict()


def open_files():
    return sorted(link.name for link in Path("/proc/self/fd").iterdir())
