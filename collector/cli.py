"""wardwatch-collector: what an administrator does from a shell.

Commands write into the same databases as a running collector, which notices at once.
Passwords come from a file or are asked for; they never stand among the arguments.
"""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, CycloptsError, Parameter
from sqlalchemy.exc import OperationalError

from checks.policy import Endpoint, Policy, PolicyError, parse_policy, span
from collector import auth
from collector.app import KEY_FOLDER, compose, now, wall_clock
from collector.backup import BackupRefused, Manifest, back_up, restore
from collector.config import ConfigError, Settings, load_settings
from collector.ingest import enrolment
from collector.ingest.writer import JournalFailed
from collector.journal import SqlJournal
from collector.judge import rebuild as rebuild_store
from collector.keys import Keys, KeysMissing
from collector.logs import log_to_standard_error
from collector.policies import NoPolicy, SqlPolicies
from collector.server import CannotListen
from collector.server import serve as serve_forever
from collector.store.engine import JOURNAL_FILE, open_journal, open_store
from collector.store.migrate import NewerSchema, migrate_all
from collector.verify import faults
from collector.version import own_version

FINE, FAILED, WRONG_USAGE, FOUND = 0, 1, 2, 3
"""Exit status, as interfaces.md lists them."""

ADMINISTRATOR = "administrator"
"""The actor of what is done from a shell."""

ConfigFile = Annotated[Path | None, Parameter("--config")]
Repeated = Annotated[list[str], Parameter(negative="", consume_multiple=False)]

app = App(
    name="wardwatch-collector",
    version=own_version,
    help="Accepts what agents send, judges it, opens cases, shows and mails them.",
    result_action="return_value",
)
user = App(name="user", help="Accounts of people.")
token = App(name="token", help="API tokens of scripts.")
enrol_token = App(name="enrol-token", help="One-time tokens with which agents enrol.")
policy = App(name="policy", help="The hospital's policy.")
for group in (user, token, enrol_token, policy):
    app.command(group)


class CommandFailed(Exception):
    """One line for the person at the shell."""


def main() -> int:
    """Runs the command; what went wrong is one line on standard error."""
    try:
        status = app(exit_on_error=False, print_error=True)
    except CycloptsError:
        return WRONG_USAGE
    except (ConfigError, PolicyError) as wrong:
        return _complain(wrong, WRONG_USAGE)
    except (
        CommandFailed,
        KeysMissing,
        NoPolicy,
        NewerSchema,
        BackupRefused,
        CannotListen,
        JournalFailed,
        OperationalError,
        auth.AccountRefused,
        enrolment.TokenUnknown,
        OSError,
    ) as failed:
        return _complain(failed, FAILED)
    return status if isinstance(status, int) else FINE


def _complain(trouble: Exception, status: int) -> int:
    words = str(trouble).splitlines()[0] if str(trouble) else type(trouble).__name__
    print(f"wardwatch-collector: {words}", file=sys.stderr)
    return status


# ------------------------------------------------------------------------ the collector


@app.command
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
    settings = _settings(config)
    if state_dir is not None:
        settings = msgspec.structs.replace(settings, state_dir=state_dir)
    text = policy.read_text("utf-8") if policy else ""
    parse_policy(text)
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    Keys(settings.state_dir / KEY_FOLDER).make(host, now=now())
    migrate_all(settings.state_dir)
    with _journal(settings) as journal:
        policies = SqlPolicies(journal.engine, journal.writer)
        try:
            policies.current()
        except NoPolicy:
            policies.apply(text, actor=ADMINISTRATOR)
    print(f"initialised {settings.state_dir}")


@app.command
def serve(*, config: ConfigFile = None) -> None:
    """Run the collector until SIGTERM.

    Example: wardwatch-collector serve --config /etc/wardwatch/collector.toml
    """
    settings = _settings(config)
    log_to_standard_error(settings.log_level)
    _state(settings)
    migrate_all(settings.state_dir)
    serve_forever(compose(settings), os.environ)


@app.command
def migrate(*, config: ConfigFile = None) -> None:
    """Bring the databases to this version's schema (`serve` does so, too).

    Example: wardwatch-collector migrate
    """
    settings = _settings(config)
    for done in migrate_all(_state(settings)):
        print(f"{done.database}: {done.before or 'new'} -> {done.after}")


@app.command(name="check-config")
def check_config(*, config: ConfigFile = None) -> None:
    """Say whether the settings can be used, and where they are wrong.

    Example: wardwatch-collector check-config --config /etc/wardwatch/collector.toml
    """
    settings = _settings(config)
    print(f"fine; state in {settings.state_dir}, port {settings.listen.port}")


@app.command
def backup(archive: Path, *, config: ConfigFile = None) -> None:
    """Save journal, store and keys into one file, also while the collector runs.

    Example: wardwatch-collector backup /var/backups/wardwatch.tar
    """
    manifest = Manifest(format=1, made_us=wall_clock(), version=own_version())
    back_up(_state(_settings(config)), archive, manifest)
    print(f"saved {archive}; it holds the keys, keep it safe")


@app.command(name="restore")
def restore_backup(archive: Path, *, config: ConfigFile = None) -> None:
    """Bring a backup back into an empty state directory.

    Example: wardwatch-collector restore /var/backups/wardwatch.tar
    """
    settings = _settings(config)
    manifest = restore(archive, settings.state_dir)
    migrate_all(settings.state_dir)
    made = _when(manifest.made_us)
    print(f"restored the state of {made} into {settings.state_dir}")


@app.command
def verify(*, config: ConfigFile = None) -> int:
    """Check every signature and the chain of every agent's record; status 3 if wrong.

    Example: wardwatch-collector verify
    """
    found = 0
    with _journal(_settings(config)) as journal:
        for fault in faults(journal.engine, journal):
            found += 1
            print(f"entry {fault.entry or '-'} {fault.agent or '-'}: {fault.what}")
        checked = journal.newest()
    print(f"{checked} entries checked, {found} faults")
    return FOUND if found else FINE


@app.command
def rebuild(*, config: ConfigFile = None) -> None:
    """Empty what was derived; the collector derives it anew from the journal.

    Example: wardwatch-collector rebuild
    """
    settings = _settings(config)
    store = open_store(_state(settings))
    try:
        with _journal(settings) as journal:
            rebuild_store(store, journal)
    finally:
        store.dispose()
    print("emptied; the collector judges the journal from its beginning")


# ------------------------------------------------------------------------------- people


@user.command(name="add")
def user_add(
    name: str, *, role: str, password_file: Path | None = None, config: ConfigFile = None
) -> None:
    """Add an account; roles: admin, officer, auditor, duty, director.

    Example: wardwatch-collector user add wang --role officer --password-file password.txt
    """
    password = _password(password_file)
    store = open_store(_state(_settings(config)))
    auth.add_user(store, name=name, password=password, role=role, now_us=wall_clock())
    store.dispose()
    print(f"added {name}")


@user.command(name="passwd")
def user_passwd(name: str, *, password_file: Path | None = None, config: ConfigFile = None) -> None:
    """Give an account a new password; its sessions end.

    Example: wardwatch-collector user passwd wang --password-file password.txt
    """
    store = open_store(_state(_settings(config)))
    auth.set_password(store, name=name, password=_password(password_file))
    store.dispose()
    print(f"changed the password of {name}")


@user.command(name="list")
def user_list(*, config: ConfigFile = None) -> None:
    """List the accounts.

    Example: wardwatch-collector user list
    """
    store = open_store(_state(_settings(config)))
    for account in auth.list_users(store):
        state = "disabled" if account.disabled else "active"
        print(f"{account.name}\t{account.role.value}\t{state}\t{_when(account.created_us)}")
    store.dispose()


@token.command(name="create")
def token_create(name: str, *, role: str, config: ConfigFile = None) -> None:
    """Make an API token and print it, once.

    Example: wardwatch-collector token create reporting --role auditor
    """
    store = open_store(_state(_settings(config)))
    print(auth.create_token(store, name=name, role=role, now_us=wall_clock()))
    store.dispose()


@token.command(name="revoke")
def token_revoke(token_id: str, *, config: ConfigFile = None) -> None:
    """End an API token by its id, the part between the underscores.

    Example: wardwatch-collector token revoke 0123456789abcdef
    """
    store = open_store(_state(_settings(config)))
    auth.revoke_token(store, token_id=token_id, now_us=wall_clock())
    store.dispose()
    print(f"revoked {token_id}")


# ------------------------------------------------------------------------------- agents


@enrol_token.command(name="create")
def enrol_token_create(  # noqa: PLR0913 - one option for each line of the register
    *,
    uses: int = 1,
    valid: str = "24h",
    name: str = "",
    department: str = "",
    owner: str = "",
    place: str = "",
    phone: str = "",
    zone: str = "",
    groups: Annotated[tuple[str, ...], Parameter(name="--group", negative="")] = (),
    clinical: str = "",
    config: ConfigFile = None,
) -> None:
    """Make an enrolment token and print it, once.

    Example: wardwatch-collector enrol-token create --department 内科三病区 --uses 20 --valid 7d

    Parameters
    ----------
    uses
        How many endpoints may enrol with it.
    valid
        For how long, like 90s, 5m, 24h or 7d.
    name
        The endpoint's name; without it each endpoint's own host name.
    department
        Where it belongs; the register of endpoints shows it.
    owner
        Who answers for it.
    place
        Building, floor and room.
    phone
        How its place is reached.
    zone
        Its zone of the address plan.
    groups
        Groups that policies name; may be repeated.
    clinical
        Its clinical class, e.g. icu: nothing is ever done to those by itself.
    config
        The settings, instead of /etc/wardwatch/collector.toml.
    """
    if uses < 1:
        raise ConfigError("--uses: at least 1")
    settings = _settings(config)
    endpoint = Endpoint(
        id="",
        name=name,
        department=department,
        owner=owner,
        place=place,
        phone=phone,
        zone=zone,
        groups=groups,
        clinical=clinical,
    )
    life_us = span(valid) // timedelta(microseconds=1)
    wanted = enrolment.NewToken(expires_us=wall_clock() + life_us, uses=uses, endpoint=endpoint)
    authority = Keys(_state(settings) / KEY_FOLDER).authority_fingerprint()
    with _journal(settings) as journal:
        made = journal.writer.submit(
            lambda page: enrolment.create_token(page, wanted, authority=authority)
        )
        print(made.result())


@enrol_token.command(name="list")
def enrol_token_list(*, config: ConfigFile = None) -> None:
    """List the enrolment tokens, without their secrets.

    Example: wardwatch-collector enrol-token list
    """
    with _journal(_settings(config)) as journal:
        for made in enrolment.list_tokens(journal.engine):
            state = "revoked" if made.revoked_us else f"{made.uses_left} left"
            place = made.endpoint.department or "-"
            print(f"{made.id}\t{state}\tuntil {_when(made.expires_us)}\t{place}")


@enrol_token.command(name="revoke")
def enrol_token_revoke(token_id: str, *, config: ConfigFile = None) -> None:
    """End an enrolment token by its id, the part after `ww1.`.

    Example: wardwatch-collector enrol-token revoke 0123456789abcdef
    """
    with _journal(_settings(config)) as journal:
        journal.writer.submit(lambda page: enrolment.revoke_token(page, token_id)).result()
    print(f"revoked {token_id}")


# ------------------------------------------------------------------------------- policy


@policy.command(name="check")
def policy_check(file: Path) -> None:
    """Say whether a policy can be applied, and where it is wrong.

    Example: wardwatch-collector policy check policy.toml
    """
    read = _policy_file(file)
    print(
        f"fine; {len(read.zones)} zones, {len(read.approved)} approved destinations, "
        f"{len(read.media)} media"
    )


@policy.command(name="show")
def policy_show(*, config: ConfigFile = None) -> None:
    """Print the policy in force as it was applied.

    Example: wardwatch-collector policy show
    """
    with _journal(_settings(config)) as journal:
        policies = SqlPolicies(journal.engine, journal.writer)
        print(f"# version {policies.current().version}")
        print(policies.text(), end="")


@policy.command(name="apply")
def policy_apply(file: Path, *, actor: str = ADMINISTRATOR, config: ConfigFile = None) -> None:
    """Put a policy in force; agents fetch it with their next batch.

    Example: wardwatch-collector policy apply policy.toml --actor wang
    """
    _policy_file(file)
    with _journal(_settings(config)) as journal:
        policies = SqlPolicies(journal.engine, journal.writer)
        applied = policies.apply(file.read_text("utf-8"), actor=actor)
    print(f"version {applied.version} is in force")


# ------------------------------------------------------------------------------ helpers


def _policy_file(file: Path) -> Policy:
    try:
        return parse_policy(file.read_text("utf-8"))
    except PolicyError as wrong:
        raise PolicyError(f"{file}: {wrong}") from wrong
    except UnicodeDecodeError as wrong:
        raise PolicyError(f"{file}: not UTF-8: {wrong}") from wrong


def _settings(config: Path | None) -> Settings:
    return load_settings(config, os.environ)


def _state(settings: Settings) -> Path:
    """The state directory, when `init` was run in it."""
    if not (settings.state_dir / JOURNAL_FILE).exists():
        raise CommandFailed(
            f"{settings.state_dir} holds no collector; run: wardwatch-collector init --host NAME"
        )
    return settings.state_dir


@contextmanager
def _journal(settings: Settings) -> Iterator[SqlJournal]:
    journal = SqlJournal(open_journal(_state(settings)), clock=wall_clock)
    journal.start()
    try:
        yield journal
    finally:
        journal.close()
        journal.engine.dispose()


def _password(file: Path | None) -> str:
    if file is not None:
        return file.read_text("utf-8").strip()
    password = getpass.getpass("password: ")
    if getpass.getpass("again: ") != password:
        raise CommandFailed("the two passwords differ")
    return password


def _when(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
