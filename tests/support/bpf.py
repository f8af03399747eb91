"""An interpreter of classic BPF as a packet socket runs it: linux/filter.h."""

import struct
from dataclasses import dataclass

import pytest

from agent.system.bpf_assembler import Instruction

LINK_LAYER = 0xFFE00000  # SKF_LL_OFF


@dataclass(frozen=True)
class Sent:
    """A frame with what the kernel knows beside its octets."""

    octets: bytes
    link: int = 2
    outgoing: bool = True
    random: int = 1
    packet_type: int | None = None
    vlan: int | None = None
    tags: bytes = b""
    kind: int = 0
    to: bytes = bytes(6)

    def ancillary(self, offset: int) -> int:
        kind = self.packet_type if self.packet_type is not None else 4 * self.outgoing
        return {
            0: struct.unpack(">H", self.tags[:2])[0] if self.tags else self.ethertype,
            4: kind,
            8: self.link,
            44: self.vlan or 0,
            48: int(self.vlan is not None),
            56: self.random,
        }[offset]

    @property
    def ethertype(self) -> int:
        return self.kind or (0x86DD if self.octets[0] >> 4 == 6 else 0x0800)

    @property
    def frame(self) -> bytes:
        return self.to + bytes(6) + self.tags + struct.pack(">H", self.ethertype) + self.octets

    def at(self, offset: int, length: int) -> int:
        """Octets from the network layer on, or with SKF_LL_OFF from the link layer on."""
        whole, start = (self.octets, offset)
        if offset >= LINK_LAYER:
            whole, start = self.frame, offset - LINK_LAYER
        if start + length > len(whole):
            raise IndexError
        return int.from_bytes(whole[start : start + length], "big")


def run(program: tuple[Instruction, ...], sent: Sent) -> int:  # noqa: C901, PLR0912, PLR0915 - one case per instruction
    """What a kernel would return: 0 drops."""
    a = x = place = 0
    cells = [0] * 16
    try:
        while True:
            code, true, false, k = program[place]
            place += 1
            match code:
                case 0x80:
                    a = len(sent.octets)
                case 0x14:
                    a = (a - k) & 0xFFFFFFFF
                case 0x2D:
                    place += true if a > x else false
                case 0x20 if k >= 0xFFFFF000:
                    a = sent.ancillary(k - 0xFFFFF000)
                case 0x20:
                    a = sent.at(k, 4)
                case 0x28:
                    a = sent.at(k, 2)
                case 0x30:
                    a = sent.at(k, 1)
                case 0x40:
                    a = sent.at(x + k, 4)
                case 0x48:
                    a = sent.at(x + k, 2)
                case 0x50:
                    a = sent.at(x + k, 1)
                case 0x60:
                    a = cells[k]
                case 0x61:
                    x = cells[k]
                case 0xB1:
                    x = (sent.at(k, 1) & 15) * 4
                case 0x00:
                    a = k
                case 0x01:
                    x = k
                case 0x02:
                    cells[k] = a
                case 0x03:
                    cells[k] = x
                case 0x04:
                    a = (a + k) & 0xFFFFFFFF
                case 0x0C:
                    a = (a + x) & 0xFFFFFFFF
                case 0x64:
                    a = (a << k) & 0xFFFFFFFF
                case 0x54:
                    a &= k
                case 0x05:
                    place += k
                case 0x15:
                    place += true if a == k else false
                case 0x25:
                    place += true if a > k else false
                case 0x35:
                    place += true if a >= k else false
                case 0x45:
                    place += true if a & k else false
                case 0x06:
                    return k
                case _:
                    pytest.fail(f"no such instruction: {code:#x}")
    except (IndexError, struct.error):
        return 0
