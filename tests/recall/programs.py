"""Programs of a ward that the product tells by what they are or do.

Usage: python -m tests.recall.programs relay ADDRESS PORT FAR_ADDRESS FAR_PORT
       python -m tests.recall.programs wait
"""

import socket
import sys
import threading

READY = "ready\n"


def relay(address: str, port: str, far: str, far_port: str) -> None:
    """Takes one connection of another host, has one of its own outside, and keeps both."""
    with socket.create_server((address, int(port))) as server:
        print(READY, end="", flush=True)
        taken, _ = server.accept()
        with taken, socket.create_connection((far, int(far_port))) as onward:
            onward.sendall(b"for somebody else")
            wait()


def wait() -> None:
    """Until somebody ends this process."""
    print(READY, end="", flush=True)
    threading.Event().wait()


def main() -> None:
    match sys.argv[1:]:
        case ["relay", address, port, far, far_port]:
            relay(address, port, far, far_port)
        case _:
            wait()


if __name__ == "__main__":
    main()
