"""Accounts of people and tokens of scripts."""

import getpass
from pathlib import Path

from cyclopts import App

from collector import auth
from collector.app import wall_clock
from collector.commands.opened import CommandFailed, ConfigFile, settings_of, state_of, when
from collector.queries.endpoints import departments
from collector.speech import say
from collector.store.engine import open_store

user = App(name="user", help="Accounts of people.")
token = App(name="token", help="API tokens of scripts.")


@user.command(name="add")
def user_add(
    name: str,
    *,
    role: str,
    department: str = "",
    password_file: Path | None = None,
    config: ConfigFile = None,
) -> None:
    """Add an account; roles: admin, officer, auditor, duty, director, department.

    An account of the role department sees the cases of its department alone, which is named as
    the register of endpoints names it.

    Example: wardwatch-collector user add wang --role officer --password-file password.txt

    Example: wardwatch-collector user add li --role department --department Radiology
    """
    password = _password(password_file)
    store = open_store(state_of(settings_of(config)))
    auth.add_user(
        store,
        name=name,
        password=password,
        role=role,
        department=department,
        now_us=wall_clock(),
    )
    unknown = department and department not in departments(store)
    store.dispose()
    say(f"added {name}")
    if unknown:
        say(f"no endpoint belongs to the department {department} yet")


@user.command(name="passwd")
def user_passwd(name: str, *, password_file: Path | None = None, config: ConfigFile = None) -> None:
    """Give an account a new password; its sessions end.

    Example: wardwatch-collector user passwd wang --password-file password.txt
    """
    store = open_store(state_of(settings_of(config)))
    auth.set_password(store, name=name, password=_password(password_file))
    store.dispose()
    say(f"changed the password of {name}")


@user.command(name="list")
def user_list(*, config: ConfigFile = None) -> None:
    """List the accounts.

    Example: wardwatch-collector user list
    """
    store = open_store(state_of(settings_of(config)))
    for account in auth.list_users(store):
        state = "disabled" if account.disabled else "active"
        role = " of ".join(part for part in (account.role.value, account.department) if part)
        say(f"{account.name}\t{role}\t{state}\t{when(account.created_us)}")
    store.dispose()


@token.command(name="create")
def token_create(name: str, *, role: str, config: ConfigFile = None) -> None:
    """Make an API token and print it, once.

    Example: wardwatch-collector token create reporting --role auditor
    """
    store = open_store(state_of(settings_of(config)))
    say(auth.create_token(store, name=name, role=role, now_us=wall_clock()))
    store.dispose()


@token.command(name="revoke")
def token_revoke(token_id: str, *, config: ConfigFile = None) -> None:
    """End an API token by its id, the part between the underscores.

    Example: wardwatch-collector token revoke 0123456789abcdef
    """
    store = open_store(state_of(settings_of(config)))
    auth.revoke_token(store, token_id=token_id, now_us=wall_clock())
    store.dispose()
    say(f"revoked {token_id}")


def _password(file: Path | None) -> str:
    if file is not None:
        return file.read_text("utf-8").strip()
    password = getpass.getpass("password: ")
    if getpass.getpass("again: ") != password:
        raise CommandFailed("the two passwords differ")
    return password
