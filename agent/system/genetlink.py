"""Generic netlink: finding a family by its name, asking it, hearing it.

linux/genetlink.h; Documentation/userspace-api/netlink/intro.rst.
"""

import struct
from dataclasses import dataclass

from agent.system.nlmsg import Message, Questions, attribute, attributes, each_attribute

PROTOCOL = 16  # NETLINK_GENERIC
CONTROL = 0x10  # GENL_ID_CTRL, also the number of its multicast group "notify"
HEADER = struct.Struct("=BBxx")
"""Command, version."""
_GETFAMILY = 3
_FAMILY_ID, _FAMILY_NAME, _GROUPS = 1, 2, 7
_GROUP_NAME, _GROUP_ID = 1, 2


@dataclass(frozen=True, slots=True)
class Family:
    """Numbers that the kernel gave a family when its module was loaded."""

    number: int
    groups: dict[str, int]


class GenericQuestions:
    """A generic netlink socket that is only asked."""

    def __init__(self) -> None:
        self._questions = Questions(PROTOCOL)

    def family(self, name: str) -> Family | None:
        """None while no module of this name is there."""
        body = HEADER.pack(_GETFAMILY, 1) + attribute(_FAMILY_NAME, name.encode() + b"\0")
        try:
            return parse_family(self._questions.one(CONTROL, body))
        except FileNotFoundError:
            return None

    def dump(self, family: Family, command: int, body: bytes = b"") -> list[Message]:
        """Raises OSError as `Questions.dump` does."""
        return self._questions.dump(family.number, HEADER.pack(command, 0) + body)

    def close(self) -> None:
        self._questions.close()


def parse_family(message: Message) -> Family:
    values = attributes(message.payload, HEADER.size)
    groups = (attributes(group, 0) for _, group in each_attribute(values.get(_GROUPS, b"")))
    return Family(
        number=struct.unpack_from("=H", values[_FAMILY_ID])[0],
        groups={
            group[_GROUP_NAME].rstrip(b"\0").decode(): struct.unpack("=I", group[_GROUP_ID])[0]
            for group in groups
            if _GROUP_NAME in group and _GROUP_ID in group
        },
    )
