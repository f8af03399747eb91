"""Wakes the loop's selector from another thread or a signal handler."""

import os


class Doorbell:
    """An eventfd(2): any number of rings before an answer are one."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        return self._descriptor

    def ring(self) -> None:
        os.eventfd_write(self._descriptor, 1)

    def answer(self) -> None:
        """Takes the rings so far; does nothing when there were none."""
        try:
            os.eventfd_read(self._descriptor)
        except BlockingIOError:
            return

    def close(self) -> None:
        os.close(self._descriptor)
