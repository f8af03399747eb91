"""What programs say about why they could not see or take something, in the reader's language.

Agents, checks and the door write English sentences into records; each that is known has a
catalogue entry here.  What is unknown (an agent of another version) is shown as it came.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from checks.facts import KINDS
from collector.i18n import Translator
from collector.judging.receipts import NOT_BELIEVED

AND = "; "
"""Between reasons that a sensor gives at once."""
REASONS = (
    "{fact} never reported",
    "{fact} is {minutes} minutes old",
    "{rule} crashed: {error}",
    "the beacon's receipt is not signed by the key of the policy",
    "the beacon's receipt cannot be verified: {error}",
    "the beacon's receipt: {error}",
    "the beacon cannot be asked: {error}",
    *NOT_BELIEVED,
    "may not listen to packets: {error}",
    "may not capture packets: {error}",
    "no eBPF, processes may stay unknown: {error}",
    "programs of processes that end at once may stay unknown: {error}",
    "changes of the packet filter are not heard: {error}",
    "file accesses on a medium are not seen: {error}",
    "media are not held here, only watched; they can be opened before their scan: {error}",
    "media stay held by an earlier run, and none is scanned or released: {error}",
    "a medium that follows another at once may be taken for it: {error}",
    "no udevd: file-system ids and labels of media are not known",
    "more servers of DNS over HTTPS than the packet filter takes: none is known",
    "a command is just undoing cuts",
    "a cut could not be held: {error}",
    "the agent is stopping",
    "the agent lost its spool and began anew: what it had not sent is gone",
    "the spool was unreadable and begun anew: {error}",
    "the memory of the place was unreadable and begins anew: {error}",
    "the disk was full and so was the memory kept for that",
    "announcements lost; settings read again",
    "announcements lost; tables read again",
    "device events: {error}",
    "file accesses: the kernel's queue was full",
    "attempts",
    "packets",
    "waiting: {error}",
    "not_believed: {error}",
    "forked: {error}",
)
"""Of sensors, gaps and unknown verdicts."""
REFUSALS = (
    (
        "the body was altered on its way, or signed with another key than the one that agent "
        "{agent} enrolled with"
    ),
    "it was not made with the key that agent {agent} enrolled with",
    "the clocks of agent {agent} and collector differ by {seconds} s; 300 s are allowed",
    "header {header} is missing",
    "no agent of the name in header Wardwatch-Agent; enrol it with a token",
    "agent {agent} may not send any more; enrol it anew",
    "the key belongs to agent {agent}; make a new one",
    "Content-Encoding {encoding}; use zstd or identity",
    (
        "agent {agent}: {why}. Known so far from machine {machine} (enrolled as {host}); this "
        "batch is from machine {other} at {remote}. Enrol one of them anew: wardwatch-agent "
        "enrol --again"
    ),
    (
        "observations {first} to {last} overlap with other content that was received under this "
        "name up to {until}"
    ),
    (
        "the batch before it ({previous}) is not the last one received under this name ({known}, "
        "up to {until})"
    ),
)
"""Of the collector's door."""
PROBLEMS = (
    "bad-request",
    "batch-forked",
    "key-known",
    "malformed-batch",
    "malformed-request",
    "not-signed",
    "revoked-agent",
    "too-large",
    "unknown-agent",
    "unknown-encoding",
    "wrong-date",
    "wrong-signature",
    "wrong-token",
)
"""Names of problems (`collector.problems`) that are kept as refusals."""
LONGEST = 1_000
"""Characters; what is longer is none of these sentences, and not worth the search."""
_FACTS: Mapping[str, str] = MappingProxyType({kind.__name__: tag for tag, kind in KINDS.items()})
_PATTERNS = tuple(
    (message, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(message)), re.DOTALL))
    for message in (*REASONS, *REFUSALS)
)


def reason(text: str, says: Translator) -> str:
    """The text in this language, as far as its sentences are known."""
    whole = _one(text, says)
    if whole is not None:
        return whole
    parts = [_one(part, says) or part for part in text.split(AND)]
    return says.gettext(AND).join(parts)


def _one(text: str, says: Translator) -> str | None:
    for message, pattern in _PATTERNS if len(text) <= LONGEST else ():
        found = pattern.fullmatch(text)
        if found:
            return says.format(message, _places(found.groupdict(), says))
    return None


def _places(found: Mapping[str, str], says: Translator) -> dict[str, str]:
    """A fact's class becomes the words for it; a reason within a reason is said, too."""
    told = dict(found)
    if "fact" in told:
        told["fact"] = says.word("fact", _FACTS.get(told["fact"], told["fact"]))
    for nested in ("why", "error"):
        if nested in told:
            told[nested] = reason(told[nested], says)
    return told
