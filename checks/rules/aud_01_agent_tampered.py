"""The agent was stopped, removed, debugged or changed.

Whoever stops the watching can do the rest unseen.  A planned shutdown or restart of the
machine, an upgrade and suspend are announced by a signed goodbye and are no alarm.  The
agent ending without a word while the machine kept running, being stopped by hand, being
traced by a debugger, and a changed binary, configuration or policy file all are.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.health import AgentStarted, AgentStopping, AgentTampered
from checks.finding import Finding

KILLED = "the agent ended without a word while the machine kept running"
CHANGED = "the agent's {what} changed between two runs"
TRACED = "{debugger} traces the agent"
STOPPED = "the agent was stopped"
REMOVED = "the agent was removed"
TAMPERED = "while the agent ran: {what} ({detail})"


@check(
    rule="AUD-01",
    on=(AgentStarted, AgentStopping, AgentTampered),
    remedy=(
        "Find out who was logged in and why. The service restarts by itself; the time without "
        "it is a hole in the coverage."
    ),
)
def agent_tampered(
    fact: AgentStarted | AgentStopping | AgentTampered, context: Context
) -> Iterator[Finding]:
    subject = context.endpoint.id
    if isinstance(fact, AgentStopping):
        if fact.reason in ("stopped", "removed"):
            message = REMOVED if fact.reason == "removed" else STOPPED
            yield Finding(subject=subject, message=message)
    elif isinstance(fact, AgentTampered):
        params = {"what": fact.what, "detail": fact.detail or "-"}
        yield Finding(subject=subject, message=TAMPERED, params=params)
    else:
        yield from _at_start(fact, subject)


def _at_start(started: AgentStarted, subject: str) -> Iterator[Finding]:
    if started.previous_end == "killed":
        yield Finding(subject=subject, message=KILLED)
    for what in started.changed:
        yield Finding(subject=subject, message=CHANGED, params={"what": what})
    if started.traced_by:
        yield Finding(subject=subject, message=TRACED, params={"debugger": started.traced_by})
