"""The hospital's policy from a shell."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from checks.check import discover
from checks.policy import Policy
from checks.policy.paperwork import warnings
from checks.wire import encode
from collector.alerts.mail import visible
from collector.app import wall_clock
from collector.cases import Case
from collector.clocks import microseconds_in
from collector.commands.opened import (
    ADMINISTRATOR,
    ConfigFile,
    checked_policy,
    journal_of,
    policy_text,
    settings_of,
    when,
)
from collector.compared import Comparison
from collector.i18n import translator
from collector.ingest.identities import AgentSignatures
from collector.policies import SqlPolicies
from collector.replay import Replay
from collector.speech import complain, say

DAYS_MOST = 3660
_NAMED = 20

policy = App(name="policy", help="The hospital's policy.")


@policy.command(name="check")
def policy_check(file: Path, *, config: ConfigFile = None) -> None:
    """Say whether a policy can be applied, and where it is wrong.

    Example: wardwatch-collector policy check policy.toml

    Parameters
    ----------
    file
        The policy.
    config
        The settings; checked as well where they are named.  No collector need be here.
    """
    if config is not None:
        settings_of(config)
    read = _checked(file, policy_text(file))
    say(
        f"fine; {len(read.zones)} zones, {len(read.approved)} approved destinations, "
        f"{len(read.media)} media"
    )


@policy.command(name="show")
def policy_show(*, config: ConfigFile = None) -> None:
    """Print the policy in force as it was applied.

    Example: wardwatch-collector policy show
    """
    with journal_of(settings_of(config)) as journal:
        policies = SqlPolicies(journal.engine, journal.writer)
        told = f"# version {policies.current().version}\n{policies.text()}"
        say(told.removesuffix("\n"))


@policy.command(name="apply")
def policy_apply(
    file: Path,
    *,
    actor: str = ADMINISTRATOR,
    over: int | None = None,
    config: ConfigFile = None,
) -> None:
    """Put a policy in force; agents fetch it with their next batch.

    Example: wardwatch-collector policy apply policy.toml --actor wang

    Parameters
    ----------
    file
        The policy.
    actor
        Who applies it.
    over
        The version that `policy show` gave and this one was made from: when another has
        been applied since, nothing is changed.
    config
        The settings, instead of /etc/wardwatch/collector.toml.
    """
    text = policy_text(file)
    _checked(file, text)
    with journal_of(settings_of(config)) as journal:
        policies = SqlPolicies(journal.engine, journal.writer)
        applied = policies.apply(text, actor=actor, over=over)
    say(f"version {applied.version} is in force")


@policy.command(name="replay")
def policy_replay(
    file: Path,
    *,
    days: Annotated[int, Parameter(validator=Number(gte=1, lte=DAYS_MOST))] = 90,
    as_json: Annotated[bool, Parameter("--json")] = False,
    config: ConfigFile = None,
) -> None:
    """Say which cases another policy would have opened in the past, and which it would not have.

    Example: wardwatch-collector policy replay policy.toml --days 30

    Parameters
    ----------
    file
        The policy that is thought of.  Nothing is put in force.
    days
        How far to look back.
    as_json
        All of it, for a program.
    config
        The settings, instead of /etc/wardwatch/collector.toml.
    """
    text = policy_text(file)
    _checked(file, text)
    settings, now_us = settings_of(config), wall_clock()
    with journal_of(settings) as journal:
        running = SqlPolicies(journal.engine, journal.writer)
        compared = Replay(
            journal,
            checks=discover(),
            is_signed=AgentSignatures(journal.engine).is_signed,
            scratch=settings.state_dir,
        ).compare(
            running.text(),
            text,
            version=running.current().version,
            from_us=now_us - microseconds_in(timedelta(days=days)),
            until_us=now_us,
        )
    say(msgspec.json.format(encode(compared)).decode() if as_json else "\n".join(_told(compared)))


def _told(compared: Comparison) -> Iterator[str]:
    yield (
        f"{compared.observations} observations judged twice: version {compared.version} opens "
        f"{compared.running} cases, this policy {compared.candidate}"
    )
    for what, cases in (("opened besides", compared.opened), ("not opened", compared.spared)):
        yield f"{what}: {len(cases)}"
        for (department, rule), count in sorted(_places(cases).items()):
            yield f"  {count} {rule} in {department or 'no department'}"
        for case in cases[:_NAMED]:
            yield f"    {_line(case, compared)}"
        if len(cases) > _NAMED:
            yield f"    and {len(cases) - _NAMED} more (--json tells all)"
    yield f"of another severity: {len(compared.regraded)}"
    for one in compared.regraded[:_NAMED]:
        yield f"    {_line(one.case, compared)} (was {one.before})"


def _places(cases: Iterable[Case]) -> Counter[tuple[str, str]]:
    return Counter((case.department, case.rule) for case in cases)


def _line(case: Case, compared: Comparison) -> str:
    """What endpoints call themselves and things is one line here."""
    name = compared.names.get(case.agent) or case.agent
    told = f"{case.rule} {case.severity} {name}: {translator('en').sentence(case.message, case.params)}"
    return f"{when(case.opened_us)} {visible(told)}"


def _checked(file: Path, text: str) -> Policy:
    read = checked_policy(file, text)
    for warning in warnings(read):
        complain(f"{file}: warning: {warning}")
    return read
