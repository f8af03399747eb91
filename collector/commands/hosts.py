"""The hosts of the segments from a shell."""

from cyclopts import App

from collector.commands.opened import CommandFailed, ConfigFile, journal_of, settings_of, state_of
from collector.policies import SqlPolicies
from collector.queries.hosts import STANDINGS, HostSeen, entry_for, hosts
from collector.speech import say
from collector.store.engine import open_store

host = App(name="host", help="Hosts that endpoints hear on their segments.")


@host.command(name="list")
def host_list(*, standing: str = "", config: ConfigFile = None) -> None:
    """List the hosts: standing, hardware address, addresses, name.

    Example: wardwatch-collector host list --standing unmanaged
    """
    if standing and standing not in STANDINGS:
        raise CommandFailed(f"{standing!r} is no standing; there are {', '.join(STANDINGS)}")
    for seen in _hosts(config, standing):
        record = seen.record
        addresses = ",".join(record.addresses)
        say(f"{seen.standing}\t{record.mac}\t{addresses}\t{seen.called or record.name}")


@host.command(name="propose")
def host_propose(*, config: ConfigFile = None) -> None:
    """Print an entry for the policy for each host that nobody enrolled.

    Example: wardwatch-collector host propose
    """
    for seen in _hosts(config, "unmanaged"):
        say(entry_for(seen.record))


def _hosts(config: ConfigFile, standing: str) -> list[HostSeen]:
    settings = settings_of(config)
    with journal_of(settings) as journal:
        policy = SqlPolicies(journal.engine, journal.writer).current()
    store = open_store(state_of(settings))
    found = hosts(store, policy, standing=standing)
    store.dispose()
    return found
