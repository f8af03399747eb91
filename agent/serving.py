"""Runs the service in this process until a signal ends it."""

import signal
from types import FrameType

from agent.assembly import Surroundings, build
from agent.identity import NotEnrolled
from agent.logs import log_to_standard_error
from agent.service import Service
from agent.speech import complain
from agent.spool_file import SpoolTaken
from agent.system.memory import keep_to_one_arena


def serve(around: Surroundings) -> int:
    """Until SIGTERM or SIGINT; the exit status, 2 where the service cannot start as set up."""
    keep_to_one_arena()
    log_to_standard_error(around.settings.log.level)
    try:
        service = build(around)
    except (NotEnrolled, SpoolTaken) as wrong:
        complain(wrong)
        return 2
    _stop_on_signals(service)
    service.run()
    return 0


def _stop_on_signals(service: Service) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        service.stop()

    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, stop)
