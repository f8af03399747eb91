"""Discovery: every module of this folder that declares facts takes part."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from checks.facts.base import Fact


class DuplicateKind(Exception):
    """Two facts claim one wire name; the start must fail."""


def _declared() -> Iterator[type[Fact]]:
    here = str(Path(__file__).parent)
    for module in sorted({m.name for m in pkgutil.iter_modules([here])} - {"kinds"}):
        loaded = importlib.import_module(f"checks.facts.{module}")
        for value in vars(loaded).values():
            own = getattr(value, "__module__", "") == loaded.__name__
            if own and isinstance(value, type) and issubclass(value, Fact) and value is not Fact:
                yield value


def _by_wire_name() -> Mapping[str, type[Fact]]:
    kinds: dict[str, type[Fact]] = {}
    for kind in _declared():
        name = str(kind.__struct_config__.tag)
        if name in kinds:
            raise DuplicateKind(f"{name}: declared by {kinds[name]} and {kind}")
        kinds[name] = kind
    return MappingProxyType(kinds)


KINDS: Mapping[str, type[Fact]] = _by_wire_name()
