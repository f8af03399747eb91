"""Media as the entries tell of them: registered by people, seen by endpoints."""

import msgspec

from checks.facts import Fact
from checks.facts.health import AgentStarted, AgentStopping
from checks.facts.media import Medium, MediumAttached, MediumDetached, MediumMounted
from checks.facts.media_register import (
    MediumOverdue,
    MediumStanding,
    MediumTwice,
    RegisteredMedium,
)
from checks.policy import Endpoint
from collector.entries import MediaChanged
from collector.judging.media import (
    KEY_LIMIT,
    MediaSource,
    MediumFact,
    Place,
    SeenMedium,
    changed_fields,
    placed,
    seen_now,
)
from collector.judging.mediarows import dumped, line_row
from collector.judging.memory import Memory
from collector.judging.receiptbook import ReceiptBook
from collector.judging.standing import standing_of
from collector.judging.tally import Tally

COMPARED_MOST = 500
"""Of more lines in one act the story does not say what each said before."""
_COMES = (MediumAttached, MediumMounted)
_ABOUT_MEDIA = MediumFact | MediumTwice


class MediaBook:
    """Tallies rows of the register and of the media that were seen.  What is committed is
    asked of `known`; what this step moved lies over it.
    """

    def __init__(
        self, memory: Memory, tally: Tally, known: MediaSource, *, receipts: ReceiptBook
    ) -> None:
        self._memory = memory
        self._tally = tally
        self._known = known
        self._receipts = receipts

    def standing(self, agent: str, fact: Fact, at_us: int) -> MediumStanding | None:
        """What is known of the fact's medium, None for a fact that is about none."""
        if not isinstance(fact, _ABOUT_MEDIA):
            return None
        return standing_of(
            fact.medium,
            self,
            policy=self._memory.policy,
            endpoint_of=self._endpoint,
            receipt_of=lambda key, counts: self._receipts.in_force(key, at_us, counts),
            clean_us_of=self._receipts.last_clean_us,
            asked_by=agent,
            at_us=at_us,
        )

    def take(self, agent: str, fact: Fact, *, at_us: int, received_us: int) -> None:
        """What this fact tells of media; most tell nothing."""
        if isinstance(fact, AgentStarted | AgentStopping):
            self._unplug_all(agent)  # what is still there is told anew
        if not isinstance(fact, MediumFact) or not 0 < len(fact.medium.key) <= KEY_LIMIT:
            return
        at_us = min(at_us, received_us)
        key = fact.medium.key
        self._tally.media_seen[key] = seen_now(self.seen(key), fact, agent, at_us)
        place = self._place(key, agent)
        if isinstance(fact, (*_COMES, MediumDetached)):
            place = placed(place, fact, at_us=at_us, received_us=received_us)
        else:
            place = msgspec.structs.replace(
                place, first_us=place.first_us or at_us, last_us=max(place.last_us, at_us)
            )
        if isinstance(fact, MediumMounted) and not place.used:
            place = msgspec.structs.replace(place, used=True)
            self._count_use(fact.medium)
        zone = self._endpoint(agent).zone
        self._tally.media_places[key, agent] = msgspec.structs.replace(place, zone=zone)

    def told(self, agent: str, fact: Fact, at_us: int) -> None:
        """The collector's own word was said: not again."""
        if isinstance(fact, MediumOverdue) and fact.entry.inventory is not None:
            row = (fact.entry.number, fact.entry.inventory.isoformat(), at_us)
            self._tally.media_told.append(row)
        if isinstance(fact, MediumTwice):
            place = self._place(fact.medium.key, agent)
            told = msgspec.structs.replace(place, told_us=at_us)
            self._tally.media_places[place.key, agent] = told

    def changed(self, entry: int, done: MediaChanged, at_us: int) -> None:
        """A person changed the register."""
        numbers = (*(line.number for line in done.lines), *done.removed)
        before = self._known.lines(numbers) if len(numbers) <= COMPARED_MOST else {}
        for line in done.lines:
            counted_us = at_us if done.act in ("counted", "returned") else 0
            returned_us = at_us if done.act == "returned" else 0
            row = line_row(line, at_us, counted_us=counted_us, returned_us=returned_us)
            self._tally.media_lines[line.number] = row
            was = changed_fields(before.get(line.number), line)
            self._tell((line.number, entry, at_us), done, was)
        for number in done.removed:
            self._tally.media_lines.pop(number, None)
            self._tally.media_removed.append(number)
            self._tell((number, entry, at_us), done, {})

    # ----------------------------------------------------- MediaSource, with this step's

    def line_for(self, medium: Medium) -> RegisteredMedium | None:
        return self._known.line_for(medium)  # an act on the register is a step of its own

    def lines(self, numbers: tuple[str, ...]) -> dict[str, RegisteredMedium]:
        return self._known.lines(numbers)

    def uses(self, number: str) -> int:
        return self._known.uses(number) + self._tally.media_uses.get(number, 0)

    def seen(self, key: str) -> SeenMedium | None:
        return self._tally.media_seen.get(key) or self._known.seen(key)

    def of_serial(self, serial: str) -> list[SeenMedium]:
        moved = self._tally.media_seen
        fresh = [seen for seen in moved.values() if seen.medium.serial == serial]
        stored = [seen for seen in self._known.of_serial(serial) if seen.key not in moved]
        return sorted((*fresh, *stored), key=lambda seen: -seen.last_us)

    def places(self, key: str) -> list[Place]:
        moved = self._tally.media_places
        fresh = [place for place in moved.values() if place.key == key]
        stored = [p for p in self._known.places(key) if (p.key, p.agent) not in moved]
        return sorted((*fresh, *stored), key=lambda place: -place.last_us)

    def plugged_in(self, agent: str) -> list[Place]:
        moved = self._tally.media_places
        fresh = [p for p in moved.values() if p.agent == agent and p.since_us]
        stored = [p for p in self._known.plugged_in(agent) if (p.key, p.agent) not in moved]
        return [*fresh, *stored]

    # ----------------------------------------------------------------------- helpers

    def _place(self, key: str, agent: str) -> Place:
        known = (place for place in self.places(key) if place.agent == agent)
        return next(known, Place(key=key, agent=agent))

    def _unplug_all(self, agent: str) -> None:
        for place in self.plugged_in(agent):
            gone = msgspec.structs.replace(place, since_us=0, used=False)
            self._tally.media_places[place.key, agent] = gone

    def _count_use(self, medium: Medium) -> None:
        line = self.line_for(medium) or self._memory.policy.medium(medium)
        if line is not None:
            uses = self._tally.media_uses
            uses[line.number] = uses.get(line.number, 0) + 1

    def _endpoint(self, agent: str) -> Endpoint:
        record = self._memory.endpoints.get(agent)
        return record.registered if record else Endpoint(id=agent)

    def _tell(self, when: tuple[str, int, int], done: MediaChanged, was: dict[str, str]) -> None:
        """`when`: of which number, by which entry, at what time."""
        row = (*when, done.actor, done.act, done.reason, dumped(was))
        self._tally.media_acts.append(row)
