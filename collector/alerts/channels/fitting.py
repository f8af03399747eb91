"""The adapter of each kind of channel."""

from collector.alerts.channels.settings import ChannelSettings
from collector.alerts.channels.syslog import SyslogAdapter
from collector.alerts.channels.web import WebAdapter
from collector.alerts.channels.worker import Adapter


def adapter_for(channel: ChannelSettings) -> Adapter:
    return SyslogAdapter(channel) if channel.kind == "syslog" else WebAdapter(channel)
