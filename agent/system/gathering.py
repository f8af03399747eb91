"""Many file descriptors, coming and going, behind one that can be selected on."""

import contextlib
import select


class Gathering:
    """An epoll(7) instance: readable while any of its members is."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def fileno(self) -> int:
        return self._epoll.fileno()

    def add(self, descriptor: int) -> None:
        self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        with contextlib.suppress(OSError):  # closed already: the kernel took it out itself
            self._epoll.unregister(descriptor)

    def close(self) -> None:
        self._epoll.close()
