"""The endpoint register 终端台账 from a shell."""

from pathlib import Path

from cyclopts import App

from collector.commands.opened import (
    ADMINISTRATOR,
    CommandFailed,
    ConfigFile,
    journal_of,
    settings_of,
    state_of,
    when,
)
from collector.commands.tables import (
    Judged,
    complain_of,
    complain_of_rows,
    says_in,
    write_table,
)
from collector.endpoints.acts import EndpointActs
from collector.endpoints.columns import headings, printable, row_of
from collector.endpoints.imports import read_lines
from collector.judging.records import SHOWN_STATES
from collector.policies import SqlPolicies
from collector.queries.endpoints import (
    EndpointFilter,
    every_endpoint,
    older_versions,
    troubled_first,
)
from collector.sheets import SheetRefused, rows_of
from collector.speech import say
from collector.store.engine import open_store
from collector.version import own_version

LINES_MOST = 1_000_000

endpoint = App(name="endpoint", help="The endpoint register.")


@endpoint.command(name="list")
def endpoint_list(
    *,
    state: str = "",
    department: str = "",
    zone: str = "",
    text: str = "",
    config: ConfigFile = None,
) -> None:
    """List endpoints: id, state, name, department, owner, version, when last heard.

    Example: wardwatch-collector endpoint list --state silent
    """
    if state and state not in SHOWN_STATES:
        raise CommandFailed(f"{state!r} is no state; there are {', '.join(SHOWN_STATES)}")
    store = open_store(state_of(settings_of(config)))
    older = older_versions(store, own_version())
    wanted = EndpointFilter(state=state, department=department, zone=zone, text=text, older=older)
    for each in troubled_first(store, wanted, limit=LINES_MOST):
        line = each.registered
        heard = when(each.last_heard_us) if each.last_heard_us else "never"
        told = (each.agent, each.state, line.name, line.department, line.owner, each.version, heard)
        say("\t".join(map(printable, told)))
    store.dispose()


@endpoint.command(name="import")
def endpoint_import(
    file: Path, *, actor: str = ADMINISTRATOR, dry_run: bool = False, config: ConfigFile = None
) -> int:
    """Take in a CSV or Excel file: all of it, or nothing where a row is wrong.

    Example: wardwatch-collector endpoint import endpoints.xlsx --dry-run

    Parameters
    ----------
    file
        Columns as `endpoint export` writes them; an endpoint is known by its id or its name.
    actor
        Who does it.
    dry_run
        Only say what would change.
    config
        The settings, instead of /etc/wardwatch/collector.toml.
    """
    settings = settings_of(config)
    store = open_store(state_of(settings))
    with journal_of(settings) as journal:
        policy = SqlPolicies(journal.engine, journal.writer).current()
        zones = {zone.name for zone in policy.zones}
        try:
            reading = read_lines(rows_of(file.read_bytes()), every_endpoint(store), zones=zones)
        except SheetRefused as refused:
            raise CommandFailed(f"{file}: {refused}") from refused
        if reading.faulty:
            complain_of(reading.faults, reading.faulty)
            return 1
        complain_of_rows(reading.warnings)
        told = f"{len(reading.changed)} changed, {reading.same} as before"
        if dry_run:
            told += "; nothing was changed"
        else:
            acts = EndpointActs(journal=journal, changes=Judged(store))
            if not acts.take_in(reading.changed, actor=actor, reason=file.name):
                told += "; recorded, and in force as soon as the collector runs"
    store.dispose()
    say(told)
    return 0


@endpoint.command(name="export")
def endpoint_export(file: Path, *, language: str = "zh_CN", config: ConfigFile = None) -> None:
    """Write the register as .csv or .xlsx.

    Example: wardwatch-collector endpoint export endpoints.xlsx
    """
    says, settings = says_in(language), settings_of(config)
    with journal_of(settings) as journal:
        timezone = SqlPolicies(journal.engine, journal.writer).current().hospital.timezone
    store = open_store(state_of(settings))
    records = every_endpoint(store)
    store.dispose()
    rows = [headings(says), *(row_of(each, says, timezone=timezone) for each in records)]
    write_table(file, rows, title=says.gettext("Endpoint register"))
    say(f"{len(records)} endpoints")
