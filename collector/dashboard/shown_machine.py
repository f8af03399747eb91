"""The machine itself, its protection and its parts, as lines for people."""

from checks.facts.antivirus import AntivirusState, MalwareDetected, Product
from checks.facts.autoplay import AutoplayState
from checks.facts.hardware import HardwareChanged, HardwareState
from collector.dashboard.lines import Line, Lines
from collector.dashboard.wording import Words


def antivirus(fact: AntivirusState, words: Words) -> Lines:
    say = words.says.gettext
    for product in fact.products:
        yield Line(label=product.product, text=_protects(product, words))
        yield Line(label=say("Signatures of"), moment_us=product.signatures_at_us)
    if not fact.products:
        yield Line(label=say("Anti-virus"), text=say("none installed"))


def _protects(product: Product, words: Words) -> str:
    say = words.says.gettext
    if not product.running:
        return say("does not run")
    return f"{say('runs')} · {_guard(product, words)}"


def _guard(product: Product, words: Words) -> str:
    say = words.says.gettext
    if product.guarding:
        return say("real-time protection on")
    if product.guard_set_up:
        return say("real-time protection off")
    return say("real-time protection not set up")


def autoplay(fact: AutoplayState, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    for setting in fact.settings:
        does = word("autoplay_effect", setting.effect)
        said = (does, word("autoplay_whose", setting.whose), setting.source)
        yield Line(label=setting.desktop, text=" · ".join(part for part in said if part))
    if not fact.settings:
        yield Line(label=say("When a medium is plugged in"), text=say("nothing is done by itself"))


def detected(fact: MalwareDetected, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Malware"), text=fact.signature, mono=True)
    yield Line(label=say("Anti-virus"), text=fact.product)
    yield Line(label=say("File"), text=fact.file_name, mono=True)
    yield Line(label="SHA-256", text=fact.sha256, mono=True)
    yield Line(label=say("File type"), text=fact.suffix)
    yield Line(label=say("Logged at"), moment_us=fact.logged_us)


def hardware(fact: HardwareState, words: Words) -> Lines:
    word = words.says.word
    yield Line(label=word("part", "system"), text=fact.system)
    yield Line(label=word("part", "board"), text=fact.board)
    yield Line(label=word("part", "chassis"), text=fact.chassis)
    yield Line(label=word("part", "memory"), text=words.size(fact.memory) if fact.memory else "")
    for disk in fact.disks:
        yield Line(label=word("part", "disk"), text=disk.describe(), mono=True)


def hardware_changed(fact: HardwareChanged, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    for change in fact.changes:
        before, after = change.before or say("none"), change.after or say("none")
        yield Line(label=word("part", change.part), text=f"{before} → {after}", mono=True)
