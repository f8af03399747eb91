"""Media in words: what one is, where else it is, when it should have been seen."""

from checks.facts.base import Process, UnknownProcess
from checks.facts.copying import MediumWritten
from checks.facts.keyboards import KeyboardAppeared
from checks.facts.media import Medium
from checks.facts.media_register import MediumOverdue, MediumTwice
from checks.facts.scan_late import ScanLate
from collector.dashboard.lines import Line, Lines
from collector.dashboard.shown_who import account, called
from collector.dashboard.wording import Words


def medium(body: Medium, words: Words) -> Lines:
    say = words.says.gettext
    kind = words.says.word("medium_kind", body.kind)
    yield Line(label=say("Medium"), text=f"{kind} · {body.describe()}")
    yield Line(label=say("Serial number"), text=body.serial or say("none"), mono=True)
    ids = ":".join(part for part in (body.vendor_id, body.product_id) if part)
    yield Line(label=say("Bus"), text=f"{body.bus} {ids}".strip(), mono=True)
    if body.capacity:
        yield Line(label=say("Capacity"), text=words.size(body.capacity))
    volumes = [
        " ".join(part for part in (p.filesystem, p.label, words.size(p.size)) if part)
        for p in body.partitions
    ]
    yield Line(label=say("Partitions"), text=", ".join(volumes))


def twice(fact: MediumTwice, words: Words) -> Lines:
    say = words.says.gettext
    yield from medium(fact.medium, words)
    yield Line(label=say("Plugged in"), moment_us=fact.since_us)
    yield Line(label=say("Still plugged in at"), text=fact.other_name or fact.other)


def overdue(fact: MediumOverdue, words: Words) -> Lines:
    say, line = words.says.gettext, fact.entry
    yield Line(label=say("Register number"), text=line.number, mono=True)
    yield Line(label=say("Owner"), text=line.owner)
    yield Line(label=say("Department"), text=line.department)
    yield Line(label=say("Inventory"), text=line.inventory.isoformat() if line.inventory else "")
    yield Line(label=say("Last seen"), moment_us=fact.last_us)
    if not fact.last_us:
        yield Line(label=say("Last seen"), text=say("never"))


def late(fact: ScanLate, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Scan"), text=words.says.word("scan_late", fact.what))
    yield Line(label=say("Allowed"), text=f"{fact.allowed} s")
    if fact.used:
        yield Line(label=say("Used space"), text=words.size(fact.used))
    yield from medium(fact.medium, words)
    yield Line(label=say("Mounted at"), text=fact.mount_point, mono=True)


def keyboard(fact: KeyboardAppeared, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Description"), text=fact.name)
    yield Line(label=say("Identity"), text=fact.device, mono=True)


def written(fact: MediumWritten, words: Words) -> Lines:
    say = words.says.gettext
    counts = f"{fact.files} · {words.size(fact.bytes)}"
    least = f"{say('at least')} {counts}" if fact.at_least else counts
    yield Line(label=say("Files written"), text=least)
    ranked = sorted(fact.types.items(), key=lambda pair: (-pair[1], pair[0]))
    types = ", ".join(f"{kind or say('none')}: {count}" for kind, count in ranked)
    yield Line(label=say("File types"), text=types, mono=True)
    if fact.unsized:
        yield Line(label=say("Of unknown size"), text=str(fact.unsized))
    if fact.housekeeping:
        yield Line(label=say("Written by the desktop itself"), text=str(fact.housekeeping))
    for writer in fact.writers:
        named = f"{_writer(writer.process, words)} · {writer.files}"
        yield Line(label=say("Written by"), text=named, mono=True)
    if fact.others:
        yield Line(label=say("Written by"), text=f"{say('others')} · {fact.others}")
    yield Line(label=say("File"), text=", ".join(fact.file_names), mono=True)
    yield Line(
        label=say("When it was told"), text=words.says.word("written_occasion", fact.occasion)
    )
    yield from medium(fact.medium, words)
    yield Line(label=say("Mounted at"), text=fact.mount_point, mono=True)


def _writer(process: Process | UnknownProcess, words: Words) -> str:
    if isinstance(process, UnknownProcess):
        return words.says.word("who_unknown", process.why)
    return " · ".join(part for part in (called(process), account(process)) if part)
