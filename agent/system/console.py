"""Who gives a command: the account behind sudo, too."""

import os
from pathlib import Path

from agent.system.processes import account, login


def commander(proc: Path = Path("/proc")) -> str:
    """The account that logged in, where the kernel knows it (/proc/PID/loginuid); else the one
    that this process runs as.
    """
    return login(proc / "self") or account(os.getuid())
