"""A proxy that is not listed is set on this machine, or this machine is one for others.

A proxy carries whatever it is given past the boundary's controls: they see one connection to
one machine and nothing of where it leads.  It is set in the environment, for the system or
the desktop, in a browser, in a tool, or by an automatic script (PAC).

The grade is `used` while a connection to it is open, and when a program here takes
connections of other hosts and has connections of its own outside: then this machine is a
way out for others, by what it does and whatever it is called.  Proxies of the policy are
fine, and so are relays whose way onward is approved.
"""

from collections.abc import Iterator

from checks.approvals import standing
from checks.check import Context, check
from checks.facts.connections import ConnectionSeen
from checks.facts.proxies import Proxy, ProxyState, Relay
from checks.facts.witness import IntranetWitness
from checks.finding import Finding
from checks.subjects import is_about
from checks.wording import endpoint_of, process_name

SET = "the proxy {proxy} is set here ({source})"
USED = "the proxy {proxy} is in use here ({source})"
RELAYS = "{process} takes connections of other hosts on port {port} and connects on to {onward}"
HERE = ("localhost", "127.0.0.1", "::1")


@check(
    rule="EXT-07",
    on=ProxyState,
    uses=(IntranetWitness,),
    remedy=(
        "Take the setting away, or end the program that relays, and find out who needed the way "
        "out and for what."
    ),
)
def proxy(state: ProxyState, context: Context) -> Iterator[Finding]:
    for setting in _most_telling(state.proxies):
        if not _is_listed(setting.address, setting.port, context):
            yield _of_setting(setting)
    for relay in state.relays:
        if not _is_listed_here(relay, context) and not _is_approved(relay, context):
            yield _of_relay(relay)


def _most_telling(proxies: tuple[Proxy, ...]) -> Iterator[Proxy]:
    """Each proxy once, however often it is set; one that is in use before others."""
    by_address: dict[tuple[str, int], Proxy] = {}
    for setting in sorted(proxies, key=lambda setting: not setting.in_use):
        by_address.setdefault((setting.address, setting.port), setting)
    yield from by_address.values()


def _of_setting(setting: Proxy) -> Finding:
    name = endpoint_of(setting.address, setting.port)
    return Finding(
        subject=name,
        message=USED if setting.in_use else SET,
        params={"proxy": name, "source": setting.source or setting.how},
        grade="used" if setting.in_use else "",
    )


def _of_relay(relay: Relay) -> Finding:
    name = process_name(relay.process)
    return Finding(
        subject=name,
        message=RELAYS,
        params={"process": name, "port": str(relay.port), "onward": relay.onward},
        grade="used",
    )


def _is_listed(address: str, port: int, context: Context) -> bool:
    return any(
        entry.address.lower() == address.lower()
        and entry.port in (0, port)
        and is_about(entry.subject, context.endpoint)
        for entry in context.policy.proxies
    )


def _is_listed_here(relay: Relay, context: Context) -> bool:
    """The policy lists a proxy on the machine itself by a loopback address."""
    return any(_is_listed(address, relay.port, context) for address in HERE)


def _is_approved(relay: Relay, context: Context) -> bool:
    if relay.egress is None:
        return False
    address, _, port = relay.onward.rpartition(":")
    connection = ConnectionSeen(
        protocol="tcp",
        source="",
        source_port=0,
        destination=address.strip("[]"),
        destination_port=int(port),
        direction="out",
        answer="two_way",
        egress=relay.egress,
        process=relay.process,
        first_seen_us=context.at_us,
    )
    return standing(connection, context).accepted
