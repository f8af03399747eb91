"""The one-time tokens with which agents enrol, and the end of the trust in one."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

from cyclopts import App, Parameter

from checks.policy import Endpoint, span
from collector.app import KEY_FOLDER, wall_clock
from collector.commands.opened import (
    ADMINISTRATOR,
    CommandFailed,
    ConfigFile,
    journal_of,
    settings_of,
    state_of,
    when,
)
from collector.config import ConfigError
from collector.ingest import enrolment
from collector.ingest.trust import KnownAgent, end_trust, known_agents
from collector.keys import Keys
from collector.queries.overview import endpoint_names
from collector.speech import say
from collector.store.engine import open_store

REASON_MOST = 200

agents = App(name="agents", help="Agents that enrolled, and whether they are trusted.")
enrol_token = App(name="enrol-token", help="One-time tokens with which agents enrol.")


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
    settings = settings_of(config)
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
    authority = Keys(state_of(settings) / KEY_FOLDER).authority_fingerprint()
    with journal_of(settings) as journal:
        made = journal.writer.submit(
            lambda page: enrolment.create_token(page, wanted, authority=authority)
        )
        say(made.result())


@enrol_token.command(name="list")
def enrol_token_list(*, config: ConfigFile = None) -> None:
    """List the enrolment tokens, without their secrets.

    Example: wardwatch-collector enrol-token list
    """
    with journal_of(settings_of(config)) as journal:
        for made in enrolment.list_tokens(journal.engine):
            state = "revoked" if made.revoked_us else f"{made.uses_left} left"
            place = made.endpoint.department or "-"
            say(f"{made.id}\t{state}\tuntil {when(made.expires_us)}\t{place}")


@enrol_token.command(name="revoke")
def enrol_token_revoke(token_id: str, *, config: ConfigFile = None) -> None:
    """End an enrolment token by its id, the part after `ww1.`.

    Example: wardwatch-collector enrol-token revoke 0123456789abcdef
    """
    with journal_of(settings_of(config)) as journal:
        journal.writer.submit(lambda page: enrolment.revoke_token(page, token_id)).result()
    say(f"revoked {token_id}")


@agents.command(name="list")
def agents_list(*, config: ConfigFile = None) -> None:
    """List the agents that enrolled: id, whether trusted, host, when they sent last.

    Example: wardwatch-collector agents list
    """
    with journal_of(settings_of(config)) as journal:
        for known in known_agents(journal.engine):
            state = f"revoked {when(known.revoked_us)}" if known.revoked_us else "trusted"
            last = when(known.last_received_us) if known.last_received_us else "never"
            say(f"{known.agent}\t{state}\t{known.host}\t{last}")


@agents.command(name="revoke")
def agents_revoke(
    name: str, *, reason: str, actor: str = ADMINISTRATOR, config: ConfigFile = None
) -> None:
    """End the trust in one agent for good: what it sends is refused within a second.

    What it sent before stays, and so do its cases.  A machine that is trusted again enrols anew.
    Scan receipts that it made: wardwatch-collector receipt revoke --station.

    Example: wardwatch-collector agents revoke nk3-pc-017 --reason "stolen"

    Parameters
    ----------
    name
        The endpoint, by its id or its name.
    reason
        Why; it stands in the journal.
    actor
        Who does it.
    config
        The settings, instead of /etc/wardwatch/collector.toml.
    """
    if not reason.strip() or len(reason) > REASON_MOST:
        raise CommandFailed(f"--reason: say why, in {REASON_MOST} characters at most")
    settings = settings_of(config)
    store = open_store(state_of(settings))
    names = endpoint_names(store)
    store.dispose()
    with journal_of(settings) as journal:
        agent = _agent_called(name, known_agents(journal.engine), names)
        journal.writer.submit(
            lambda page: end_trust(page, agent, actor=actor, reason=reason.strip())
        ).result()
    say(f"revoked {agent}")


def _agent_called(name: str, known: Sequence[KnownAgent], names: Mapping[str, str]) -> str:
    """An id, or a name that only one trusted agent has.  Raises CommandFailed."""
    if any(one.agent == name for one in known):
        return name
    trusted = [one for one in known if not one.revoked_us]
    found = [one.agent for one in trusted if names.get(one.agent, one.host) == name]
    if not found:
        raise CommandFailed(f"there is no agent {name}; see: wardwatch-collector agents list")
    if len(found) > 1:
        raise CommandFailed(f"several agents are called {name}; give one of {', '.join(found)}")
    return found[0]
