"""The hospital's policy from a shell."""

from pathlib import Path

from cyclopts import App

from checks.policy import Policy
from checks.policy.paperwork import warnings
from collector.commands.opened import (
    ADMINISTRATOR,
    ConfigFile,
    checked_policy,
    journal_of,
    policy_text,
    settings_of,
)
from collector.policies import SqlPolicies
from collector.speech import complain, say

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


def _checked(file: Path, text: str) -> Policy:
    read = checked_policy(file, text)
    for warning in warnings(read):
        complain(f"{file}: warning: {warning}")
    return read
