"""`wardwatch-agent propose`: a first policy.toml from this machine's own links."""

from contextlib import closing

from agent.proposal import propose
from agent.speech import say
from agent.system.network_table import NetworkTable


def run() -> int:
    with closing(NetworkTable()) as table:
        table.reread()
        say(propose(table.state))
    return 0
