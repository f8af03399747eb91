"""Words to the service manager: sd_notify(3), over the socket of `NOTIFY_SOCKET`."""

import os
import socket
from collections.abc import Mapping

_MICROSECONDS = 1_000_000


class ServiceManager:
    """Silent where nobody listens: started by hand, or not by systemd."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog = _watchdog(environment)

    def ready(self) -> None:
        self._say("READY=1")

    def alive(self) -> None:
        """To be said at least every `watchdog` seconds where that is not None."""
        self._say("WATCHDOG=1")

    def status(self, line: str) -> None:
        self._say(f"STATUS={line}")

    def stopping(self) -> None:
        self._say("STOPPING=1")

    def _say(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as teller:
            teller.sendto(message.encode(), self._address)


def _address(named: str) -> str:
    """A leading @ stands for the zero byte of an abstract socket: unix(7)."""
    return "\0" + named[1:] if named.startswith("@") else named


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """Half of what the manager waits, in seconds, as sd_watchdog_enabled(3) advises."""
    meant_for = environment.get("WATCHDOG_PID", "")
    limit_us = environment.get("WATCHDOG_USEC", "")
    if not limit_us or (meant_for and int(meant_for) != os.getpid()):
        return None
    return int(limit_us) / _MICROSECONDS / 2
