"""Alert channels from a shell."""

import uuid

from cyclopts import App

from collector.alerts.channels.fitting import adapter_for
from collector.alerts.channels.notice import sample
from collector.app import KEY_FOLDER, base_url_of, wall_clock
from collector.commands.opened import (
    CommandFailed,
    ConfigFile,
    WrongUsage,
    settings_of,
    state_of,
)
from collector.i18n import DEFAULT_LANGUAGE
from collector.keys import Keys
from collector.speech import say

channel = App(name="channel", help="Alert channels beside mail: chat groups, webhooks, syslog.")


@channel.command(name="test")
def channel_test(name: str, *, config: ConfigFile = None) -> None:
    """Send a sample, marked as one, past the outbox; say what the receiver answered.

    Example: wardwatch-collector channel test duty-group

    Parameters
    ----------
    name
        As it stands in collector.toml.
    config
        The settings, instead of /etc/wardwatch/collector.toml.
    """
    settings = settings_of(config)
    chosen = next((each for each in settings.channels if each.name == name), None)
    if chosen is None:
        known = ", ".join(each.name for each in settings.channels) or "none"
        raise WrongUsage(f"collector.toml has no channel {name}; it has: {known}")
    notice = sample(
        f"test:{uuid.uuid4().hex}@{name}",
        base_url=base_url_of(Keys(state_of(settings) / KEY_FOLDER), settings),
        language=chosen.language or DEFAULT_LANGUAGE,
        now_us=wall_clock(),
    )
    receipt = adapter_for(chosen).deliver(notice)
    if not receipt.delivered:
        words = {**receipt.later, **receipt.never}.values()
        raise CommandFailed(f"{chosen.label}: {'; '.join(words)}")
    say(f"{chosen.label}: the sample was taken")
