"""From what is configured to the scanner that is asked."""

from agent.config import Scanner
from agent.system.clamd import ScannerSettings


def scanner_of(chosen: Scanner) -> ScannerSettings:
    return ScannerSettings(chosen.address, chosen.second, chosen.largest_bytes)
