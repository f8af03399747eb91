"""What the agent does at once about a fact: runs the checks, has extra uplinks cut, tells the
user.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from agent.messages import Catalogue
from agent.system.desktop import Desktop
from checks.check import Check
from checks.evaluate import Evaluator, Known
from checks.facts import Fact
from checks.facts.containment import ContainmentActed
from checks.facts.copying import MediumWritten
from checks.facts.holding import MediumHeld
from checks.facts.media import (
    Medium,
    MediumAccessed,
    MediumAttached,
    MediumDetached,
    MediumMounted,
    MediumScanned,
    MediumUnmounted,
)
from checks.facts.media_register import MediumStanding
from checks.facts.network import NetworkState
from checks.facts.quarantine import FilesQuarantined
from checks.finding import Outcome, Severity, Verdict
from checks.policy import PolicyDocument

ABOUT_A_MEDIUM = (
    MediumAttached,
    MediumDetached,
    MediumMounted,
    MediumUnmounted,
    MediumAccessed,
    MediumScanned,
    MediumWritten,
)
_SUBJECTS_REMEMBERED = 500
_MICROSECOND = timedelta(microseconds=1)

_SCAN_MESSAGES: Mapping[str, str] = {
    "clean": "medium_released",
    "infected": "medium_infected",
    "incomplete": "medium_not_scanned",
    "not_scanned": "medium_not_scanned",
}
_LINK_MESSAGES: Mapping[str, str] = {"cut": "link_cut", "undone": "link_restored"}


class Judgement:
    """The checks on this endpoint's facts, with the states they lean on."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        document: PolicyDocument,
        *,
        standing_of: Callable[[str], MediumStanding | None] = lambda _key: None,
    ) -> None:
        """`standing_of` gives what the register says of a medium, by its key."""
        self._evaluator = Evaluator(checks)
        self._standing_of = standing_of
        self._known: dict[type[Fact], Known] = {}
        self.document = document

    def verdicts(self, fact: Fact, at_us: int) -> Sequence[Verdict]:
        if fact.state:
            self._known[type(fact)] = Known(fact=fact, at_us=at_us)
        known = self._known
        standing = self._standing_of(fact.medium.key) if isinstance(fact, ABOUT_A_MEDIUM) else None
        if standing is not None:
            known = {**known, MediumStanding: Known(fact=standing, at_us=at_us)}
        return tuple(
            self._evaluator.verdicts(
                fact,
                at_us=at_us,
                policy=self.document.policy,
                endpoint=self.document.endpoint,
                known=known,
            )
        )


class Reactions:
    """Tells the user, in the policy's language, at most once per subject and while.

    In the mode `observe` nothing is said.
    """

    def __init__(  # noqa: PLR0913 - each is another hand that it moves
        self,
        judgement: Judgement,
        *,
        catalogue: Catalogue,
        desktop: Desktop,
        on_network: Callable[[], None],
        contain: Callable[[Fact, Sequence[Verdict], int], None],
        on_medium: Callable[[Medium], None] = lambda _medium: None,
    ) -> None:
        """`on_medium` is told of each medium that is plugged in; it must not block."""
        self._judgement = judgement
        self._catalogue = catalogue
        self._desktop = desktop
        self._on_network = on_network
        self._contain = contain
        self._on_medium = on_medium
        self._told: dict[tuple[str, str], int] = {}

    def policy_changed(self, document: PolicyDocument) -> None:
        self._judgement.document = document

    def __call__(self, fact: Fact, at_us: int) -> bool:
        """Whether some check says fail, with more than a notice."""
        if isinstance(fact, NetworkState):
            self._on_network()
        if isinstance(fact, MediumAttached):
            self._on_medium(fact.medium)
        verdicts = self._judgement.verdicts(fact, at_us)
        failed = [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL]
        self._contain(fact, failed, at_us)
        document = self._judgement.document
        if document.policy.mode_for(document.endpoint) != "observe":
            for name, subject in self._occasions(fact, failed):
                seconds = fact.estimate if isinstance(fact, MediumHeld) else 0
                self._tell(name, subject, at_us, seconds=seconds)
        return any(verdict.severity is not Severity.NOTICE for verdict in failed)

    def still_held(self, medium: str, rest: int, at_us: int) -> None:
        """The scan of a held medium goes on for about `rest` more seconds; said now and then."""
        document = self._judgement.document
        if document.policy.mode_for(document.endpoint) != "observe":
            self._tell("medium_progress", medium, at_us, seconds=rest)

    def _occasions(self, fact: Fact, failed: Sequence[Verdict]) -> Iterator[tuple[str, str]]:
        """Messages by name, each with what it is about."""
        if self._is_said_by_the_hold(fact):
            return
        if isinstance(fact, MediumHeld) and _hold_message(fact):
            yield _hold_message(fact), fact.medium.describe()
        if isinstance(fact, MediumMounted):
            yield "medium_not_released", fact.medium.describe()
        if isinstance(fact, MediumScanned):
            yield _SCAN_MESSAGES[fact.verdict], fact.medium.describe()
            return
        if isinstance(fact, FilesQuarantined | MediumWritten):
            if message := _files_message(fact, failed):
                yield message, fact.medium.describe()
            return
        if isinstance(fact, ContainmentActed) and fact.action in _LINK_MESSAGES:
            yield _LINK_MESSAGES[fact.action], fact.interface
        for verdict in failed:
            name = self._catalogue.rules.get(verdict.rule)
            if name and verdict.finding:
                yield name, verdict.finding.subject

    def _is_said_by_the_hold(self, fact: Fact) -> bool:
        """Where media are held, how a scan ended is said when they are released or kept, and a
        mount comes only after that.
        """
        document = self._judgement.document
        if document.policy.scan_mode_for(document.endpoint) != "hold":
            return False
        scanned = isinstance(fact, MediumScanned) and fact.verdict != "infected"
        return scanned or isinstance(fact, MediumMounted)

    def _tell(self, name: str, subject: str, at_us: int, *, seconds: int) -> None:
        policy = self._judgement.document.policy
        silent_us = policy.duration("desktop_repeat") // _MICROSECOND
        last = self._told.get((name, subject))
        if last is not None and 0 <= at_us - last < silent_us:
            return
        if len(self._told) >= _SUBJECTS_REMEMBERED:
            self._told.clear()
        self._told[name, subject] = at_us
        hospital = policy.hospital
        self._desktop.show(
            self._catalogue.message(
                name,
                language=hospital.language,
                subject=subject,
                phone=hospital.phone,
                seconds=seconds,
            )
        )


def _files_message(fact: FilesQuarantined | MediumWritten, failed: Sequence[Verdict]) -> str:
    """Empty where no file was moved, or a copy cannot be stopped any more."""
    if isinstance(fact, MediumWritten):
        return "medium_written" if failed and fact.occasion != "ended" else ""
    return "medium_quarantined" if any(one.end == "moved" for one in fact.files) else ""


def _hold_message(fact: MediumHeld) -> str:
    """Empty where the scan's own message says it, or the user has done it."""
    if fact.action == "held":
        return "medium_held"
    if fact.action == "released":
        return "medium_released" if fact.ground == "clean" else ""
    return "" if fact.ground == "infected" else "medium_kept"
