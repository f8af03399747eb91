"""`wardwatch-agent station`: the page of an import station, for a browser on this machine.

The running service scans; this process shows what it says, and copies what is clean.
"""

import sys
import threading

from agent.config import Settings
from agent.scanner import scanner_of
from agent.speech import complain, say
from agent.station.copier import Copier
from agent.station.feed import Feed
from agent.station.server import make_server
from agent.system.engines import engine_of
from agent.system.inotify import FolderWatch


def run(settings: Settings, port: int) -> int:
    """Until it is ended; exit status 1 where it cannot begin."""
    try:
        watch = FolderWatch()
        feed = Feed(settings.state)
        copier = Copier(feed, engine_of(scanner_of(settings.scanner)))
        server = make_server(feed, copier.ask, port)
    except OSError as unable:
        complain(f"no station: {unable}")
        return 1
    threading.Thread(target=feed.follow, args=(watch,), name="feed", daemon=True).start()
    host, own_port = server.server_address[:2]
    say(f"http://{host!s}:{own_port}/")
    sys.stdout.flush()
    with server:
        server.serve_forever()
    return 0
