"""What was done to an extra uplink, as lines for people."""

from typing import get_args

from checks.facts.containment import ContainmentActed
from collector.dashboard.lines import Line, Lines
from collector.dashboard.wording import Words

EXPLAINED = ("clinical", "loopback", "intranet_link", "own_uplink", "only_way", "memory_lost")
"""Reasons that have words; any other is what the kernel said."""
NOT_PEOPLE = ("policy", "timer", "removal")
"""Actors that are no account."""
ACTIONS: tuple[str, ...] = get_args(ContainmentActed.__annotations__["action"])
WAYS: tuple[str, ...] = get_args(ContainmentActed.__annotations__["way"])


def containment(fact: ContainmentActed, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    yield Line(label=say("Action"), text=word("containment", fact.action))
    yield Line(label=say("Interface"), text=fact.interface, mono=True)
    yield Line(label=say("How it is cut"), text=word("containment_way", fact.way))
    yield Line(label=say("Ground"), text=fact.ground)
    by = word("containment_actor", fact.actor) if fact.actor in NOT_PEOPLE else fact.actor
    yield Line(label=say("Ordered by"), text=by)
    yield Line(label=say("Until"), moment_us=fact.until_us)
    explained = fact.reason in EXPLAINED
    yield Line(
        label=say("Reason"),
        text=word("containment_reason", fact.reason) if explained else fact.reason,
    )
