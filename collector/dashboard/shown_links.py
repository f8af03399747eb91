"""Links, radios, forwarding and devices that lead outside, as lines for people."""

from checks.facts.forwarding import ForwardingState, Translation
from checks.facts.network import Link, NetworkState, UplinkDevice
from checks.facts.radios import RadioState
from collector.dashboard.lines import Line, Lines
from collector.dashboard.wording import Words

AUTHENTICATIONS = ("open", "psk", "sae", "802.1x")
"""What `Wifi.authentication` may say."""


def network(fact: NetworkState, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    for link in fact.links:
        if link.kind == "loopback":
            continue
        own = ", ".join(f"{a.address}/{a.prefix_length}" for a in link.addresses)
        up = say("up") if link.up and link.carrier else say("down")
        told = " · ".join(
            part
            for part in (
                word("link_kind", link.kind),
                up,
                own,
                _air(link, words),
                link.mac,
                link.description,
            )
            if part
        )
        yield Line(label=link.name, text=told)
    for route in fact.routes:
        if route.is_default:
            yield Line(
                label=say("Default gateway"),
                text=f"{route.gateway or '–'} · {route.interface}",
                mono=True,
            )


def _air(link: Link, words: Words) -> str:
    """Mode, network, access point and authentication of a wireless link."""
    wifi = link.wifi
    if wifi is None:
        return ""
    mode = words.says.word("wifi_mode", wifi.mode)
    proof = words.says.word("authentication", wifi.authentication) if wifi.authentication else ""
    return " ".join(part for part in (mode, wifi.ssid, wifi.bssid, proof) if part)


def radios(fact: RadioState, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    for radio in fact.radios:
        on = say("enabled") if radio.enabled else say("switched off")
        told = (word("radio", radio.kind), on, radio.description)
        yield Line(label=radio.device, text=" · ".join(part for part in told if part))
    if not fact.radios:
        yield Line(label=say("Radios"), text=say("none found"))


def forwarding(fact: ForwardingState, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Passes on IPv4 between"), text=", ".join(fact.ipv4) or say("none"))
    yield Line(label=say("Passes on IPv6 between"), text=", ".join(fact.ipv6) or say("none"))
    for rule in fact.translations:
        yield Line(label=say("Changes addresses"), text=_translation(rule, words), mono=True)
    if not fact.translations_known:
        unread = say("the packet filter could not be read")
        yield Line(label=say("Changes addresses"), text=unread)
    yield Line(label=say("Shares with"), text=", ".join(fact.sharing))


def _translation(rule: Translation, words: Words) -> str:
    places = (("from {place}", rule.source), ("to {place}", rule.interface))
    told = [words.says.format(text, {"place": place}) for text, place in places if place]
    return " ".join((rule.family, rule.table, rule.chain, *told))


def uplink(fact: UplinkDevice, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Device"), text=words.says.word("link_kind", fact.uplink))
    yield Line(label=say("Description"), text=fact.description)
    yield Line(label=say("Identity"), text=fact.device, mono=True)
    yield Line(label=say("Interface"), text=fact.interface)
    yield Line(
        label=say("Action"),
        text=say("plugged in") if fact.action == "attached" else say("removed"),
    )
