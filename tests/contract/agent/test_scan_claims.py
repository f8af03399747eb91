"""Claims of scans by real processes."""

import os
import subprocess
import sys
import time

import pytest

from agent.scan_claims import FOLDER, KEPT, claimants, claimed


def test_a_scan_is_known_while_it_runs_and_a_moment_longer(tmp_path):
    with claimed(tmp_path):
        assert claimants(tmp_path) == {os.getpid()}
    assert claimants(tmp_path) == {os.getpid()}


@pytest.fixture
def ended(tmp_path):
    """The claim of a scan whose process is gone."""
    code = "import pathlib, sys; from agent.scan_claims import claimed\n"
    code += "with claimed(pathlib.Path(sys.argv[1])): pass"
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
    [claim] = (tmp_path / FOLDER).iterdir()
    return claim


def test_what_one_read_that_has_ended_is_still_told_by_it(tmp_path, ended):
    assert claimants(tmp_path) == {int(ended.name)}


def test_an_old_claim_of_one_that_has_ended_is_taken_away(tmp_path, ended):
    long_ago = time.time() - KEPT - 1
    os.utime(ended, (long_ago, long_ago))

    assert claimants(tmp_path) == frozenset()
    assert not ended.exists()


def test_another_process_with_its_number_is_no_scan(tmp_path, ended):
    claim = ended.rename(ended.with_name(str(os.getpid())))

    assert claimants(tmp_path) == frozenset()
    assert not claim.exists()


def test_nothing_is_claimed_where_no_service_keeps_its_state(tmp_path):
    with claimed(tmp_path / "none"):
        assert claimants(tmp_path / "none") == frozenset()
