"""The scanner that a machine's settings ask for."""

from agent.media.engine import Engine
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.second_engine import TwoEngines


def engine_of(settings: ScannerSettings) -> Engine:
    """clamd, and a second one where there is one.  Raises ValueError for a wrong address."""
    clamd = Clamd(settings)
    return TwoEngines(clamd, settings.second) if settings.second else clamd
