"""The part of the packet filter for frames that are no IP: what two neighbours say by hand.

Only on links that are strange (`checks.links.is_strange`): there it leaves with the cable.
"""

from collections.abc import Sequence

from agent.system.bpf_assembler import JEQ, JSET, LD_B, LD_MEM, LD_W, RET, Assembler
from agent.system.bpf_headers import SNAP
from agent.system.bpf_quiet import M_LINK, PACKET_OUTGOING, PACKET_TYPE

_PROTOCOL = 0xFFFFF000  # SKF_AD_OFF + SKF_AD_PROTOCOL
_DESTINATION = 0xFFE00000  # SKF_LL_OFF: the first octet of an Ethernet frame's destination
_GROUP = 0x01  # its bit for multicast and broadcast: IEEE 802
_FOR_THIS_HOST = 0  # PACKET_HOST

BUSINESS_OF_THE_LINK = (
    0x0806,  # ARP
    0x8035,  # RARP
    0x8863,  # PPPoE, which has a link of its own
    0x8864,
    0x887B,  # HomePlug
    0x888E,  # IEEE 802.1X
    0x8899,  # Realtek's loop detection
    0x88B4,  # WAPI
    0x88C7,  # IEEE 802.11i pre-authentication
    0x88CC,  # LLDP
    0x88E1,  # HomePlug AV
    0x88E5,  # MACsec, which has a link of its own
    0x890D,  # IEEE 802.11z
    0x9000,  # loop detection
)
"""EtherTypes (IEEE's registry) that neighbours use without anybody meaning to exchange
anything.  Multicast and broadcast frames are the link's own business, whatever is in them.
"""


def pass_others(program: Assembler, strange: Sequence[int]) -> None:
    """Ends the program: unicast frames of strange links pass, everything else is dropped."""
    program.op(LD_MEM, M_LINK)
    for index in strange:
        program.when(JEQ, index, "no ip")
    program.op(RET, 0)
    program.label("no ip")
    program.op(LD_W, _PROTOCOL)
    for ethertype in BUSINESS_OF_THE_LINK:
        program.drop_when(JEQ, ethertype)
    program.op(LD_W, PACKET_TYPE)
    program.when(JEQ, _FOR_THIS_HOST, "unicast")
    program.jump(JEQ, PACKET_OUTGOING, true="outgoing")
    program.op(RET, 0)
    program.label("outgoing")
    program.op(LD_B, _DESTINATION)
    program.jump(JSET, _GROUP, false="unicast")
    program.op(RET, 0)
    program.label("unicast")
    program.op(RET, SNAP)
