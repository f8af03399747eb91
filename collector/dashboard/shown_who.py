"""Who acted and over which way, as lines for people."""

from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import Egress
from collector.dashboard.lines import Line, Lines
from collector.dashboard.wording import Words


def who(process: Process | UnknownProcess, words: Words) -> Lines:
    say = words.says.gettext
    if isinstance(process, UnknownProcess):
        yield Line(label=say("Process"), text=words.says.word("who_unknown", process.why))
        return
    yield Line(label=say("Process"), text=called(process), mono=True)
    yield Line(label=say("Command line"), text=process.command, mono=True)
    yield Line(label=say("Started by"), text=process.parent, mono=True)
    yield Line(label=say("User"), text=account(process))
    if process.login != process.user:
        yield Line(label=say("Logged in as"), text=process.login)
    yield Line(label=say("Program's SHA-256"), text=process.sha256, mono=True)
    yield Line(label=say("Login session"), text=process.session)


def called(process: Process) -> str:
    """`/usr/bin/ssh (PID 4312)`."""
    return f"{process.executable or process.name} (PID {process.pid})"


def account(process: Process) -> str:
    """The user's name, else the number; empty when neither is known."""
    return process.user or (str(process.uid) if process.uid >= 0 else "")


def way(egress: Egress, words: Words) -> Lines:
    say = words.says.gettext
    kind = words.says.word("link_kind", egress.kind)
    yield Line(label=say("Interface"), text=f"{egress.interface} · {kind}")
    hop = " · ".join(part for part in (egress.gateway, egress.gateway_mac) if part)
    none = say("none: directly connected") if egress.gateway_known else say("could not be told")
    yield Line(label=say("Gateway"), text=hop or none, mono=bool(hop))
