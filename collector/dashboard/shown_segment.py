"""Facts about the segment, the place and the history as lines for people."""

from checks.facts.history import OutreachHistory
from checks.facts.network import NeighboursSeen, UnmanagedHost
from checks.facts.place import AdapterAppeared, AddressChanged, EndpointMoved, SwitchPortState
from collector.dashboard.lines import Line, Lines
from collector.dashboard.wording import Words


def neighbours(fact: NeighboursSeen, words: Words) -> Lines:
    for seen in fact.neighbours:
        how = words.says.word("how", seen.how)
        told = (seen.address, seen.name, seen.interface, how)
        yield Line(label=seen.mac, text=" · ".join(part for part in told if part))


def unmanaged(fact: UnmanagedHost, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Hardware address"), text=fact.mac, mono=True)
    yield Line(label=say("Address"), text=", ".join(fact.addresses), mono=True)
    yield Line(label=say("Name"), text=fact.name)
    how = ", ".join(words.says.word("how", each) for each in fact.how)
    yield Line(label=say("Noticed by"), text=how)
    yield Line(label=say("Heard by"), text=", ".join(fact.witnesses))
    yield Line(label=say("First seen"), moment_us=fact.first_seen_us)
    if fact.among > 1:
        yield Line(label=say("Came up within an hour"), text=str(fact.among))


def switch_ports(fact: SwitchPortState, words: Words) -> Lines:
    say = words.says.gettext
    for port in fact.ports:
        vlan = f"VLAN {port.vlan}" if port.vlan else ""
        told = (port.system, port.chassis, port.port, vlan)
        yield Line(label=port.interface, text=" · ".join(part for part in told if part))
    if not fact.ports:
        yield Line(label=say("Switch"), text=say("none speaks"))


def adapter(fact: AdapterAppeared, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Device"), text=words.says.word("link_kind", fact.adapter))
    yield Line(label=say("Description"), text=fact.description)
    yield Line(label=say("Identity"), text=fact.device, mono=True)
    yield Line(label=say("Hardware address"), text=fact.mac, mono=True)
    yield Line(label=say("Interface"), text=fact.interface)


def change(fact: EndpointMoved | AddressChanged, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("What"), text=words.says.word("place", fact.what))
    yield Line(label=say("Before"), text=fact.before, mono=True)
    yield Line(label=say("After"), text=fact.after, mono=True)
    yield Line(label=say("Interface"), text=fact.interface)


def history(fact: OutreachHistory, words: Words) -> Lines:
    for trace in fact.traces:
        when = words.day(trace.at_us) if trace.at_us else ""
        told = (trace.name, trace.detail, when, trace.source)
        label = words.says.word("trace", trace.what)
        yield Line(label=label, text=" · ".join(part for part in told if part))
