"""Both ways of cutting a link, as `agent.cuts` asks for them."""

from collections.abc import Iterable

from agent.system import link_down, packet_cut
from agent.system.link_down import Configured


class KernelHands:
    """Acts on the network namespace of this process."""

    def drop_packets_of(self, interfaces: Iterable[str]) -> None:
        """Of exactly these links, none is cut otherwise.  Raises OSError."""
        packet_cut.cut(interfaces)

    def is_dropping(self) -> bool:
        """Raises OSError."""
        return packet_cut.is_cutting()

    def index_of(self, interface: str) -> int | None:
        return link_down.index_of(interface)

    def configured(self, index: int) -> Configured:
        """Raises OSError."""
        return link_down.configured(index)

    def take_down(self, index: int) -> None:
        """Raises OSError."""
        link_down.take_down(index)

    def bring_up(self, before: Configured) -> None:
        """Raises OSError."""
        link_down.bring_up(before)
