"""Which anti-virus programs protect this machine, told from its processes.  Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from agent.system.process_watch import Running
from agent.tools import any_of, names_of
from checks.facts.antivirus import AntivirusState, Product
from checks.policy.protection import KnownAntivirus

Role = Literal["main", "guard"]
Living = Collection[tuple[str, Role]]
"""Products, and what of them runs."""


class Signatures(NamedTuple):
    """Microseconds since the epoch: when they were made, and since when that is known here."""

    made_us: int
    seen_us: int


NO_SIGNATURES = Signatures(0, 0)


class ProductTable:
    """The policy's table, made ready for many questions."""

    def __init__(self, known: Iterable[KnownAntivirus]) -> None:
        self.known = tuple(known)
        self._programs = tuple(
            (each, any_of(each.programs), any_of(each.guards or each.programs))
            for each in self.known
        )

    def roles_of(self, running: Running) -> tuple[KnownAntivirus | None, frozenset[Role]]:
        """Whose program it is, and what it does there; nobody's and nothing for any other."""
        names = names_of(running)
        for product, programs, guards in self._programs:
            roles: set[Role] = set()
            if any(programs.fullmatch(name) for name in names):
                roles.add("main")
            if any(guards.fullmatch(name) for name in names):
                roles.add("guard")
            if roles:
                return product, frozenset(roles)
        return None, frozenset()


class LogPlaces:
    """Where programs write what they find: filled by who sees them, followed by another."""

    def __init__(self) -> None:
        self._products: dict[str, str] = {}
        self.mute = ""

    def add(self, product: str, paths: Iterable[str]) -> None:
        for path in paths:
            self._products.setdefault(path, product)

    def all(self) -> list[tuple[str, str]]:
        """Paths with whose log it is."""
        return list(self._products.items())

    def missing(self) -> str:
        """Why something that runs cannot be followed; empty when all can."""
        return self.mute


def state_of(
    table: ProductTable,
    *,
    installed: Collection[str],
    living: Living,
    signatures: Mapping[str, Signatures],
    without_guard: Collection[str] = (),
) -> AntivirusState:
    """A guard that is left without its product's main program protects nothing.

    `without_guard` are products that were never set up to use one.
    """
    present = {*installed, *(product for product, _ in living)}
    return AntivirusState(
        products=tuple(
            Product(
                product=known.product,
                running=(known.product, "main") in living,
                guarding={(known.product, "main"), (known.product, "guard")} <= set(living),
                guard_set_up=known.product not in without_guard,
                signatures_at_us=signatures.get(known.product, NO_SIGNATURES).made_us,
                signatures_seen_us=signatures.get(known.product, NO_SIGNATURES).seen_us,
            )
            for known in table.known
            if known.product in present
        )
    )


def is_whole(state: AntivirusState) -> bool:
    """Whether everything that is here runs, and guards if it is set up to."""
    return all(each.running and each.guarding >= each.guard_set_up for each in state.products)
