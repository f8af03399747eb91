"""A first address plan, proposed from this machine's own links.

Inside is what is directly connected, over the link and gateway that are there now; outside
is all else.  It is a start for the officer to edit, never a judgement: the text says so in
plain words, and its first line marks it as a proposal.
"""

import ipaddress
import json
from collections.abc import Iterator

from checks.facts.network import Link, NetworkState, Route
from checks.plan import is_local

MARK = "# proposed by wardwatch"
NEVER_PROPOSED = ("loopback", "usb_tether", "modem", "bluetooth", "infrared", "ppp", "tunnel")

HEAD = f"""{MARK}
#
# Nobody has decided anything yet.  This address plan was proposed from the links that this
# machine had when it was first started: inside is what is directly connected to it, outside is
# all else.  Read it, correct it, and apply it; then delete the first line.
#
# 尚未经任何人确认。本地址规划由本机首次启动时的网络连接自动提出：直接相连的网段视为内网，
# 其余一律视为外网。请核对、修改后应用，并删除第一行。

[hospital]
name = ""
phone = ""        # the computer centre's; it stands in every message to people
timezone = "Asia/Shanghai"
language = "zh_CN"
"""


def propose(network: NetworkState) -> str:
    """policy.toml for this state; a machine without links gets a plan without zones."""
    zones = "".join(_zone(link, network) for link in network.links if _proposable(link))
    left_out = [link for link in network.links if _mobile(link)]
    notes = "".join(
        f"\n# Left out on purpose: {_printable(link.name)} ({link.kind}) can lead outside.\n"
        for link in left_out
    )
    return HEAD + zones + notes


def _proposable(link: Link) -> bool:
    return link.up and link.kind not in NEVER_PROPOSED and any(_prefixes(link))


def _mobile(link: Link) -> bool:
    return link.up and link.kind in NEVER_PROPOSED and link.kind != "loopback"


def _zone(link: Link, network: NetworkState) -> str:
    prefixes = ", ".join(f'"{prefix}"' for prefix in dict.fromkeys(_prefixes(link)))
    ways = "".join(f"  {way},\n" for way in _ways(link, network))
    return (
        f"\n[[zones]]\nname = {_quoted(f'as found on {link.name}')}\n"
        f"prefixes = [{prefixes}]\nvia = [\n{ways}]\n"
    )


def _quoted(text: str) -> str:
    """A TOML basic string; the kernel allows nearly every octet in a link's name."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def _prefixes(link: Link) -> Iterator[str]:
    for own in link.addresses:
        if not is_local(own.address):
            interface = ipaddress.ip_interface(f"{own.address}/{own.prefix_length}")
            yield str(interface.network)


def _ways(link: Link, network: NetworkState) -> Iterator[str]:
    gateways = {r.gateway: r for r in network.routes if r.interface == link.name and r.gateway}
    if not gateways:
        yield f'{{ interface = "{link.kind}" }}'
    for route in gateways.values():
        yield _way_over(link, route)


def _way_over(link: Link, route: Route) -> str:
    mac = f', gateway_mac = "{route.gateway_mac}"' if route.gateway_mac else ""
    return f'{{ interface = "{link.kind}", gateway = "{route.gateway}"{mac} }}'
