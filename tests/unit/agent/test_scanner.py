"""What is configured of the scanners reaches whoever asks them."""

from agent.config import Scanner
from agent.scanner import scanner_of
from agent.system.clamd import ScannerSettings


def test_nothing_that_is_configured_is_left_out():
    chosen = Scanner(address="tcp:av:3310", largest_bytes=7, second="icap://av/scan")

    assert scanner_of(chosen) == ScannerSettings("tcp:av:3310", second="icap://av/scan", largest=7)
