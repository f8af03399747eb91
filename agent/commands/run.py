"""`wardwatch-agent run`: the service."""

import os
from pathlib import Path

from agent.composition import production
from agent.config import Settings
from agent.serving import serve
from agent.system.sdnotify import ServiceManager


def run(settings: Settings, configuration: Path | None) -> int:
    return serve(production(settings, configuration, ServiceManager(os.environ)))
