"""Declaring a check and finding all of them.

A check is one file in `checks/rules`, named by its rule id; its docstring is its
documentation page.  There is no list to edit: `discover` walks the folder, and a file
that fails to import, declares nothing or repeats an id stops the start.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from checks.facts.base import Fact
from checks.finding import Finding
from checks.policy import Endpoint, Policy

AnyFact = TypeVar("AnyFact", bound=Fact)
Judge = Callable[[Any, "Context"], Iterator[Finding]]


class CannotTell(Exception):
    """Raised by a check that cannot judge this fact; the verdict is *unknown*, and the message
    says why.
    """


class BrokenRule(Exception):
    """A file of `checks/rules` that cannot take part; the message names it."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a check may know beside its fact.

    `at_us` is the fact's wall-clock time, as the endpoint says.  `judged_us` is the moment
    by which whoever judges goes where a lie about the time would pay, 0 where only the
    endpoint's own clock is known (`moment_us`).  `known` holds the latest state fact of
    each kind that the check names in `needs` or `uses`, and nothing else.
    """

    policy: Policy
    endpoint: Endpoint
    at_us: int
    judged_us: int = 0
    known: Mapping[type[Fact], Fact] = MappingProxyType({})

    @property
    def moment_us(self) -> int:
        """The moment by which approvals are in force or not."""
        return self.judged_us or self.at_us

    def latest(self, kind: type[AnyFact]) -> AnyFact:
        """The endpoint's last word of this kind; only kinds named in `needs`."""
        fact = self.known[kind]
        assert isinstance(fact, kind)
        return fact

    def latest_if_known(self, kind: type[AnyFact]) -> AnyFact | None:
        """The endpoint's last word of this kind, None while it said none; only kinds named
        in `uses`.
        """
        fact = self.known.get(kind)
        assert fact is None or isinstance(fact, kind)
        return fact


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A declared check; `on` are the kinds it reads, `needs` the states it leans on
    (older than `max_age`, or never reported: the answer is unknown), `uses` those that help
    where they are known, of whatever age.
    """

    rule: str
    judge: Judge
    on: tuple[type[Fact], ...]
    needs: tuple[type[Fact], ...] = ()
    uses: tuple[type[Fact], ...] = ()
    max_age: timedelta = timedelta(hours=1)
    title: str
    documentation: str
    remedy: str


def check(  # noqa: PLR0913 - all that a rule declares, by name
    *,
    rule: str,
    on: type[Fact] | tuple[type[Fact], ...],
    remedy: str,
    needs: tuple[type[Fact], ...] = (),
    uses: tuple[type[Fact], ...] = (),
    max_age: timedelta = timedelta(hours=1),
) -> Callable[[Judge], Check]:
    """Makes a check of a function.

    The first paragraph of the module's docstring is its title, the rest its
    documentation.  `remedy` is what the reader should do now.

    Raises:
        BrokenRule: when the module has no docstring.
    """

    def declare(judge: Judge) -> Check:
        documentation = inspect.getdoc(inspect.getmodule(judge)) or ""
        if not documentation:
            raise BrokenRule(f"{rule}: {judge.__module__} has no docstring")
        title, _, rest = documentation.partition("\n\n")
        return Check(
            rule=rule,
            judge=judge,
            on=on if isinstance(on, tuple) else (on,),
            needs=needs,
            uses=uses,
            max_age=max_age,
            title=" ".join(title.split()),
            documentation=rest,
            remedy=remedy,
        )

    return declare


def discover(package: str = "checks.rules") -> Mapping[str, Check]:
    """Every check by rule id, sorted.

    Raises:
        BrokenRule: a file does not import, declares no check, more than one, one
            whose id is not the file's name, or an id that another file has.
    """
    found: dict[str, Check] = {}
    folder = importlib.import_module(package)
    for name in sorted(module.name for module in pkgutil.iter_modules(folder.__path__)):
        found_check = _only_check(f"{package}.{name}")
        if found_check.rule in found:
            raise BrokenRule(f"{name}: {found_check.rule} is declared twice")
        if not name.startswith(found_check.rule.lower().replace("-", "_") + "_"):
            raise BrokenRule(
                f"{name}: holds {found_check.rule}; the file's name must begin with it"
            )
        found[found_check.rule] = found_check
    return MappingProxyType(dict(sorted(found.items())))


def _only_check(module: str) -> Check:
    try:
        loaded = importlib.import_module(module)
    except Exception as failure:
        raise BrokenRule(f"{module} does not import: {failure}") from failure
    declared = [value for value in vars(loaded).values() if isinstance(value, Check)]
    if len(declared) != 1:
        raise BrokenRule(f"{module} declares {len(declared)} checks, not one")
    return declared[0]
