"""Cuts links and undoes it, so that nothing is cut that nobody remembers.

A cut is on disk before it is made and forgotten after it is undone; both can be done twice.
So whoever is killed in the middle leaves a state from which the next one goes on.
"""

import errno
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Literal, Protocol

from msgspec.structs import replace

from agent.containment import Wish
from agent.containment_memory import Cut, Excused, Kept, load, save
from agent.system.link_down import Configured
from checks.facts.containment import ContainmentActed
from checks.facts.network import NetworkState
from checks.policy.network import Containment
from checks.policy.spans import span

EVERY_LINK = "*"
POLICY, TIMER = "policy", "timer"
"""Actors beside the accounts of people."""
_MICROSECOND = timedelta(microseconds=1)
_GONE = (errno.ENODEV, errno.ENXIO)
_FORBIDDEN = (errno.EPERM, errno.EACCES)


class Hands(Protocol):
    """What it takes to cut links (`agent.system.link_cut`); every method but `index_of`
    raises OSError where the kernel refuses.
    """

    def drop_packets_of(self, interfaces: Iterable[str]) -> None: ...

    def is_dropping(self) -> bool: ...

    def index_of(self, interface: str) -> int | None: ...

    def configured(self, index: int) -> Configured: ...

    def take_down(self, index: int) -> None: ...

    def bring_up(self, before: Configured) -> None: ...


class Cuts:
    """One process at a time may have them (`agent.system.claim`)."""

    def __init__(self, path: Path, hands: Hands) -> None:
        """Takes up what was left.  A spoilt memory can name no link: then nothing stays cut
        that can be told without it, and the loss is an act to be told.

        Raises:
            OSError: the memory cannot be read, or the kernel refuses.
        """
        self._path = path
        self._hands = hands
        kept = load(path)
        self._kept = kept or Kept()
        if kept is None:
            hands.drop_packets_of(())
            lost = ContainmentActed(
                action="undone",
                interface=EVERY_LINK,
                way="nftables",
                ground="",
                actor=POLICY,
                reason="memory_lost",
            )
            self._keep(Kept(untold=(lost,)))

    @property
    def standing(self) -> tuple[Cut, ...]:
        return self._kept.cuts

    def of(self, interface: str) -> Cut | None:
        return next((cut for cut in self._kept.cuts if cut.interface == interface), None)

    def is_excused(self, interface: str, at_us: int) -> bool:
        return any(
            each.interface == interface and at_us < each.until_us for each in self._kept.excused
        )

    def untold(self) -> tuple[ContainmentActed, ...]:
        return self._kept.untold

    def all_told(self) -> None:
        """What was `untold` is in the spool.  Raises OSError: it will be told again."""
        if self._kept.untold:
            self._keep(replace(self._kept, untold=()))

    def make(self, wish: Wish, containment: Containment, *, at_us: int) -> ContainmentActed:
        """Cuts the link for as long as the policy says.  Raises OSError when it is not cut; then nothing is as if it were."""
        before = self._kept
        hold_us = span(containment.hold) // _MICROSECOND
        cut = Cut(
            interface=wish.interface,
            way=containment.way,
            ground=wish.ground,
            until_us=at_us + hold_us,
            hold_us=hold_us,
            before=self._before(wish.interface) if containment.way == "link_down" else None,
        )
        act = _act("cut", cut, actor=POLICY, until_us=cut.until_us)
        self._keep(replace(before, cuts=(*before.cuts, cut), untold=(*before.untold, act)))
        try:
            self._apply(cut)
        except OSError:
            self._keep(before)
            raise
        return act

    def hold(self, network: NetworkState) -> None:
        """What is cut stays so: also a link that left and came back, and after somebody
        flushed the packet filter.  Raises OSError.
        """
        if self._dropped() and not self._hands.is_dropping():
            self._hands.drop_packets_of(self._dropped())
        up = {link.name: link.index for link in network.links if link.up}
        for cut in self._kept.cuts:
            index = up.get(cut.interface)
            if cut.before is None or index is None:
                continue
            if index != cut.before.index:
                self._exchange(cut, replace(cut, before=self._hands.configured(index)))
            self._hands.take_down(index)

    def shorten(self, cut: Cut, until_us: int) -> None:
        """It ends earlier.  Raises OSError."""
        self._exchange(cut, replace(cut, until_us=until_us))

    def undo(self, cut: Cut, *, actor: str, at_us: int) -> ContainmentActed:
        """The link is as it was.  Undone by anybody but the policy, it is left alone for as
        long as the cut was to hold: neither a command nor the timer is argued with.

        Raises:
            OSError: the kernel refuses, or the disk; the cut is still remembered.
        """
        trouble = self._restore(cut)
        act = _act("undone", cut, actor=actor, reason=trouble)
        excused = [each for each in self._kept.excused if each.interface != cut.interface]
        if actor != POLICY:
            excused.append(Excused(interface=cut.interface, until_us=at_us + cut.hold_us))
        self._keep(
            Kept(
                cuts=tuple(each for each in self._kept.cuts if each != cut),
                excused=tuple(excused),
                untold=(*self._kept.untold, act),
            )
        )
        return act

    def _restore(self, cut: Cut) -> str:
        """What could not be given back, in the kernel's words; empty when all was."""
        if cut.before is None:
            self._hands.drop_packets_of(self._dropped() - {cut.interface})
            return ""
        index = self._hands.index_of(cut.interface)
        if index is None:
            return ""
        before = cut.before if index == cut.before.index else Configured(index=index)
        try:
            self._hands.bring_up(before)
        except OSError as refusal:
            if refusal.errno in _FORBIDDEN:
                raise
            if refusal.errno not in _GONE:
                return str(refusal)
        return ""

    def _apply(self, cut: Cut) -> None:
        if cut.before is None:
            self._hands.drop_packets_of(self._dropped())
        else:
            self._hands.take_down(cut.before.index)

    def _before(self, interface: str) -> Configured:
        index = self._hands.index_of(interface)
        if index is None:
            raise OSError(errno.ENODEV, f"{interface} is gone")
        return self._hands.configured(index)

    def _dropped(self) -> frozenset[str]:
        return frozenset(cut.interface for cut in self._kept.cuts if cut.before is None)

    def _exchange(self, old: Cut, new: Cut) -> None:
        cuts = tuple(new if each == old else each for each in self._kept.cuts)
        self._keep(replace(self._kept, cuts=cuts))

    def _keep(self, kept: Kept) -> None:
        save(self._path, kept)
        self._kept = kept


def told(
    action: Literal["refused", "failed"], wish: Wish, containment: Containment, *, reason: str
) -> ContainmentActed:
    """That a wish was not fulfilled."""
    return ContainmentActed(
        action=action,
        interface=wish.interface,
        way=containment.way,
        ground=wish.ground,
        actor=POLICY,
        reason=reason,
    )


def _act(
    action: Literal["cut", "undone"], cut: Cut, *, actor: str, until_us: int = 0, reason: str = ""
) -> ContainmentActed:
    return ContainmentActed(
        action=action,
        interface=cut.interface,
        way=cut.way,
        ground=cut.ground,
        actor=actor,
        until_us=until_us,
        reason=reason,
    )
