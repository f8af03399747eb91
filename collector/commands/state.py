"""The collector itself: its state, its journal, the service."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from collector.app import KEY_FOLDER, compose, now, wall_clock
from collector.backup import Manifest, back_up
from collector.backup import restore as restore_from
from collector.commands.opened import (
    ADMINISTRATOR,
    ConfigFile,
    checked_policy,
    journal_of,
    policy_text,
    settings_of,
    state_of,
    when,
)
from collector.judge import rebuild as rebuild_store
from collector.keys import Keys
from collector.logs import log_to_standard_error
from collector.policies import NoPolicy, SqlPolicies
from collector.server import serve as serve_forever
from collector.speech import say
from collector.store.engine import open_store
from collector.store.migrate import migrate_all
from collector.verify import faults
from collector.version import own_version

FINE, FOUND = 0, 3
"""Exit status of `verify`, as interfaces.md lists them."""

Repeated = Annotated[list[str], Parameter(negative="", consume_multiple=False)]


def init(
    *,
    host: Repeated,
    policy: Path | None = None,
    state_dir: Path | None = None,
    config: ConfigFile = None,
) -> None:
    """Make keys, databases and the first policy; what is there already is kept.

    Example: wardwatch-collector init --host wardwatch.example --host 10.20.0.5

    Parameters
    ----------
    host
        A name or address by which agents and browsers reach the collector; may be repeated.
    policy
        The first policy; without it the defaults, with no address plan.
    state_dir
        Where everything is kept, instead of the configured place.
    config
        The settings, instead of /etc/wardwatch/collector.toml.
    """
    settings = settings_of(config)
    if state_dir is not None:
        settings = msgspec.structs.replace(settings, state_dir=state_dir)
    text = policy_text(policy) if policy else ""
    if policy:
        checked_policy(policy, text)
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    Keys(settings.state_dir / KEY_FOLDER).make(host, now=now())
    migrate_all(settings.state_dir)
    with journal_of(settings) as journal:
        policies = SqlPolicies(journal.engine, journal.writer)
        try:
            policies.current()
        except NoPolicy:
            policies.apply(text, actor=ADMINISTRATOR)
    say(f"initialised {settings.state_dir}")


def serve(*, config: ConfigFile = None) -> None:
    """Run the collector until SIGTERM.

    Example: wardwatch-collector serve --config /etc/wardwatch/collector.toml
    """
    settings = settings_of(config)
    log_to_standard_error(settings.log_level)
    state_of(settings)
    migrate_all(settings.state_dir)
    serve_forever(compose(settings), os.environ)


def migrate(*, config: ConfigFile = None) -> None:
    """Bring the databases to this version's schema (`serve` does so, too).

    Example: wardwatch-collector migrate
    """
    settings = settings_of(config)
    for done in migrate_all(state_of(settings)):
        say(f"{done.database}: {done.before or 'new'} -> {done.after}")


def check_config(*, config: ConfigFile = None) -> None:
    """Say whether the settings can be used, and where they are wrong.

    Example: wardwatch-collector check-config --config /etc/wardwatch/collector.toml
    """
    settings = settings_of(config)
    say(f"fine; state in {settings.state_dir}, port {settings.listen.port}")


def backup(archive: Path, *, config: ConfigFile = None) -> None:
    """Save journal, store and keys into one file, also while the collector runs.

    Example: wardwatch-collector backup /var/backups/wardwatch.tar
    """
    manifest = Manifest(format=1, made_us=wall_clock(), version=own_version())
    back_up(state_of(settings_of(config)), archive, manifest)
    say(f"saved {archive}; it holds the keys, keep it safe")


def restore(archive: Path, *, config: ConfigFile = None) -> None:
    """Bring a backup back into an empty state directory.

    Example: wardwatch-collector restore /var/backups/wardwatch.tar
    """
    settings = settings_of(config)
    manifest = restore_from(archive, settings.state_dir)
    migrate_all(settings.state_dir)
    made = when(manifest.made_us)
    say(f"restored the state of {made} into {settings.state_dir}")


def verify(*, config: ConfigFile = None) -> int:
    """Check every signature and the chain of every agent's record; status 3 if wrong.

    Example: wardwatch-collector verify
    """
    found = 0
    with journal_of(settings_of(config)) as journal:
        for fault in faults(journal.engine, journal):
            found += 1
            say(f"entry {fault.entry or '-'} {fault.agent or '-'}: {fault.what}")
        checked = journal.newest()
    say(f"{checked} entries checked, {found} faults")
    return FOUND if found else FINE


def rebuild(*, config: ConfigFile = None) -> None:
    """Empty what was derived; the collector derives it anew from the journal.

    Example: wardwatch-collector rebuild
    """
    settings = settings_of(config)
    store = open_store(state_of(settings))
    try:
        with journal_of(settings) as journal:
            rebuild_store(store, journal)
    finally:
        store.dispose()
    say("emptied; the collector judges the journal from its beginning")
