"""What rules say in `decided_by`, in a reader's language."""

import re

from collector.i18n import Translator

DECIDED_PLAINLY = (
    "default",
    "default: outside the address plan",
    "default: not in the media register",
    "scanning.fixed_keyboards",
    "default: no ferry record",
    "default: a serial number has one body",
    "beacon",
)
DECIDED_BY_ENTRY = (
    "approval {entry} not in force (until {date})",
    "approved {entry}",
    "block {entry}",
    "deny {entry}",
    "exception {entry}",
    "lapsed {entry}",
    "media register {entry}",
    "zone {entry}: denied by default",
    "zone {entry}",
    "binding {entry}",
    "thresholds.{entry}",
    "unproven name: {entry}",
)
"""Catalogue ids; the entry is what the hospital called it."""
_PATTERNS = tuple(
    (message, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(message))))
    for message in DECIDED_BY_ENTRY
)


def decider(by: str, says: Translator) -> str:
    """The policy's entry that decided; the words around its name in this language."""
    for message, pattern in _PATTERNS:
        found = pattern.fullmatch(by)
        if found:
            return says.format(message, found.groupdict())
    return says.gettext(by)
