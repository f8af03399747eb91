"""Whether somebody has a file open for writing, by asking for a lease of it: fcntl(2), F_SETLEASE."""

import fcntl
import signal


def is_open_for_writing(descriptor: int) -> bool:
    """Of a file that is open for reading only here; maps of memory count as long as they last.

    False also where nobody can tell: FUSE and network file systems, another's file without
    CAP_LEASE.
    """
    try:
        # Whoever opens it in the moment of the lease rings with this, which nobody heeds, and
        # not with SIGIO, which would end us.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False
