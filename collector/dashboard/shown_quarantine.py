"""Infected files that were moved from a medium, and who opened the quarantine, in words."""

from checks.facts.quarantine import FilesQuarantined, QuarantinedFile, QuarantineOpened
from collector.dashboard.lines import Line, Lines
from collector.dashboard.shown_infected import paths, what
from collector.dashboard.shown_media import medium
from collector.dashboard.wording import Words

FILES_SHOWN = 10


def quarantined(fact: FilesQuarantined, words: Words) -> Lines:
    say = words.says.gettext
    moved = sum(one.end == "moved" for one in fact.files)
    yield Line(label=say("Moved into quarantine"), text=f"{moved} / {len(fact.files)}")
    for one in fact.files[:FILES_SHOWN]:
        yield Line(
            label=words.says.word("quarantine_end", one.end), text=_named(one, words), mono=True
        )
    yield from paths(fact.files, words)
    yield from medium(fact.medium, words)
    yield Line(label=say("Mounted at"), text=fact.mount_point, mono=True)


def opened(fact: QuarantineOpened, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Quarantine"), text=words.says.word("quarantine_act", fact.action))
    yield Line(label=say("User"), text=fact.actor)
    yield Line(
        label=say("Malware"), text=f"{fact.signature} · {fact.sha256}".strip(" ·"), mono=True
    )


def _named(one: QuarantinedFile, words: Words) -> str:
    return " · ".join((*what(one, words), words.size(one.size)))
