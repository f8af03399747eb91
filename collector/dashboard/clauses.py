"""The clauses of a violation in the order in which people here ask for them."""

import msgspec

from collector.citations import Cited, citations

OWN = ("regulation", "gb22239", "gb28448", "csl")
"""The hospital's own regulation and the country's; all others unfold on request."""


class Clauses(msgspec.Struct, frozen=True, kw_only=True):
    own: tuple[Cited, ...]
    further: tuple[Cited, ...]


def clauses_of(rule: str, protection_level: int) -> Clauses:
    cited = citations(rule, protection_level)
    own = [clause for name in OWN for clause in cited if clause.framework == name]
    further = [clause for clause in cited if clause.framework not in OWN]
    return Clauses(own=tuple(own), further=tuple(further))
