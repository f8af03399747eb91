"""The agent about itself, and its silence, as lines for people."""

from checks.facts.health import (
    AgentStarted,
    AgentStopping,
    AgentTampered,
    EndpointSilent,
    SensorGap,
)
from collector.dashboard.lines import Line, Lines
from collector.dashboard.reasons import reason
from collector.dashboard.wording import Words


def started(fact: AgentStarted, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    yield Line(label=say("Last run ended"), text=word("previous_end", fact.previous_end))
    yield Line(label=say("Last heard before"), moment_us=fact.previous_seen_us)
    yield Line(label=say("Changed"), text=", ".join(word("what", each) for each in fact.changed))
    yield Line(label=say("Debugger"), text=fact.traced_by, mono=True)
    yield Line(label=say("Computer"), text=fact.host)
    yield Line(label=say("System"), text=fact.system)
    yield Line(label=say("Client version"), text=fact.version)


def stopping(fact: AgentStopping, words: Words) -> Lines:
    yield Line(label=words.says.gettext("Reason"), text=words.says.word("goodbye", fact.reason))


def tampered(fact: AgentTampered, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("What"), text=words.says.word("what", fact.what))
    yield Line(label=say("Detail"), text=fact.detail, mono=True)


def gap(fact: SensorGap, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Sensor"), text=words.says.word("sensor", fact.sensor))
    yield Line(label=say("Cause"), text=words.says.word("cause", fact.cause))
    yield Line(label=say("From"), moment_us=fact.from_us)
    yield Line(label=say("Until"), moment_us=fact.to_us)
    yield Line(label=say("Lost"), text=str(fact.lost) if fact.lost else "")
    yield Line(label=say("Detail"), text=reason(fact.detail, words.says))


def silent(fact: EndpointSilent, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Last heard"), moment_us=fact.last_heard_us)
    yield Line(label=say("Silent for"), text=words.span(fact.silent_for_us))
    yield Line(
        label=say("Seen alive by"),
        text=", ".join(fact.witnesses) or say("nobody: it may be switched off"),
    )
