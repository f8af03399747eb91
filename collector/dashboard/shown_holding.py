"""What became of a medium that was held before its scan, as lines for people."""

from typing import get_args

from checks.facts.holding import MediumHeld
from collector.dashboard.lines import Line, Lines
from collector.dashboard.shown_media import medium
from collector.dashboard.wording import Words

ACTIONS: tuple[str, ...] = get_args(MediumHeld.__annotations__["action"])
GROUNDS = (
    *("infected", "incomplete", "not_scanned", "signatures_old", "no_file_system", "unreadable"),
    *("clean", "emergency", "in_use", "policy"),
)


def holding(fact: MediumHeld, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    yield Line(label=say("Action"), text=word("holding", fact.action))
    known = fact.ground in GROUNDS
    ground = word("holding_ground", fact.ground) if known else fact.ground
    yield Line(label=say("Ground"), text=ground)
    yield Line(label=say("Reason"), text=fact.reason)
    yield Line(label=say("Released for"), text=fact.name)
    yield Line(label=say("Account"), text=fact.actor)
    yield Line(label=say("To be scanned"), text=words.size(fact.used) if fact.used else "")
    yield from medium(fact.medium, words)
