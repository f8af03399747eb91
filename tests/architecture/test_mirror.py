"""Every module has a test that imports it, or a line here that says by what it is tested.

A name that a test takes from a room's front door (`from checks.policy import Endpoint`) is an
import of the module in which it stands.  A line names the module through which tests reach
others: it must be imported by a test, lead to them, and lose them once they have tests of their own.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("agent", "checks", "collector")
RULES = "checks.rules."
RUN_AS_PROCESSES = frozenset(("agent.__main__", "collector.__main__"))
"""Tests start them with `python -m`, with the arguments that people give."""


class Through(NamedTuple):
    """`modules` are tested through `front`, because of `why`."""

    front: str
    why: str
    modules: str


TESTED_THROUGH = (
    Through(
        "agent.__main__",
        "commands are run as processes: what they print and their status is what is promised",
        """agent.cli agent.commands.enrol agent.commands.judging_by agent.commands.once
        agent.commands.propose agent.commands.release agent.commands.release_medium
        agent.commands.replay agent.commands.run agent.commands.scan agent.commands.station
        agent.composition agent.logs agent.speech
        agent.system.console agent.system.protection_stack agent.system.segment_stack
        agent.sensors.history""",
    ),
    Through(
        "agent.assembly",
        "the service is tested as a whole, against a clock and a collector of the test's own",
        """agent.selfwatch agent.sensors.beacon
        agent.sensors.containment agent.service agent.system.claim
        agent.system.machine agent.system.shutdown agent.system.whereabouts
        agent.uplink_thread""",
    ),
    Through("agent.__main__", "tests/contract/test_station.py asks its page over HTTP",
            "agent.station.copier agent.station.server"),
    Through(
        "agent.system.clamd",
        "tests/contract/test_central_clamd.py asks one in the network",
        "agent.system.clamd_stream",
    ),
    Through("agent.enrol", "its requests go to a real server", "agent.lean_requests"),
    Through("agent.media.locked_documents", "documents of each kind", "agent.media.pdf_password"),
    Through("agent.media.identity", "recorded devices of real machines",
            "agent.media.usb_functions"),
    Through("agent.replay.capture", "captures in both forms", "agent.replay.pcapng"),
    Through("agent.replay.naming", "packets of name servers", "agent.system.dns_filter"),
    Through(
        "agent.sensors.holding",
        "media are held with a real kernel, or not at all",
        """agent.sensors.held_disks agent.sensors.held_usb agent.system.blkid
        agent.system.held_disk agent.system.hold_threads""",
    ),
    Through("agent.system.hold_gate", "the same", "agent.system.bpf_pins"),
    Through("agent.sensors.media", "real mounts, real fanotify",
            """agent.sensors.covering agent.system.accesses agent.system.leases
            agent.system.mount_roots"""),
    Through("agent.system.media_stack", "the same", "agent.system.udev"),
    Through(
        "agent.sensors.antivirus",
        "real processes and files in their places",
        """agent.system.gathering agent.system.process_ends
        agent.system.protection_files""",
    ),
    Through("agent.sensors.detections", "real logs", "agent.system.detected_files"),
    Through("agent.sensors.connections", "a real kernel", "agent.system.socket_watch"),
    Through("agent.sensors.forwarding", "the same", "agent.system.forwarding"),
    Through("agent.sensors.names", "the same", "agent.system.dns_socket"),
    Through("agent.sensors.network", "the same", "agent.system.uplinks"),
    Through("agent.sensors.place", "the same",
            "agent.system.permanent_mac agent.system.segment_filter agent.system.segment_socket"),
    Through("agent.sensors.proxies", "the same", "agent.system.socket_holders"),
    Through("agent.system.ebpf", "the same", "agent.system.bpf_programs"),
    Through("agent.system.exec_memory", "the same", "agent.system.bpf_exec_programs"),
    Through("agent.system.link_cut", "the same",
            "agent.system.link_down agent.system.packet_cut"),
    Through("agent.system.nl80211", "the same", "agent.system.genetlink"),
    Through("agent.system.packets", "the same", "agent.system.packet_listening"),
    Through("agent.system.usbtree", "recorded devices", "agent.system.usb_makers"),
    Through("agent.system.engines", "a real ICAP server", "agent.system.second_engine"),
    Through("agent.system.examination", "real files", "agent.system.chosen_files"),
    Through("agent.containment_memory", "values only", "checks.facts.containment"),
    Through("agent.protection", "values only", "checks.policy.protection"),
    Through("checks.policy.document", "values only",
            "checks.policy.mailing checks.policy.scanning"),
    Through("checks.policy.reading", "a policy's text is read as a whole",
            "checks.policy.allowlist_reading checks.policy.mail_reading"),
    Through(
        "collector.__main__",
        "commands are run as processes: what they print and their status is what is promised",
        """collector.backup collector.commands.agents collector.commands.beacon
        collector.commands.endpoints collector.commands.hosts collector.commands.mail
        collector.commands.channels collector.commands.people collector.commands.policy
        collector.commands.receipts collector.commands.report collector.commands.state
        collector.commands.tables
        collector.durable
        collector.speech""",
    ),
    Through(
        "collector.app",
        "pages and the API are asked over HTTP, by every role",
        """collector.api.answers collector.api.bodies collector.api.calls collector.api.door
        collector.api.endpoints
        collector.api.media collector.api.openapi collector.api.proposals
        collector.api.receipts collector.dashboard.case_medium collector.dashboard.case_chips collector.dashboard.cases
        collector.dashboard.case_filters collector.dashboard.cases_many
        collector.dashboard.duty collector.dashboard.endpoint_import collector.dashboard.endpoints
        collector.dashboard.forms collector.dashboard.hosts collector.dashboard.learning
        collector.dashboard.media_import collector.dashboard.policy
        collector.dashboard.policy_replay
        collector.dashboard.receipts collector.dashboard.reports collector.dashboard.rules
        collector.dashboard.strangers collector.dashboard.unseen
        collector.dashboard.wall collector.ingest.routes collector.queries.spread""",
    ),
    Through(
        "collector.dashboard.shown",
        "facts are shown by whatever knows their kind",
        """collector.dashboard.shown_machine collector.dashboard.shown_media
        collector.dashboard.shown_quarantine collector.dashboard.shown_segment
        collector.dashboard.shown_services""",
    ),
    Through(
        "collector.judge",
        "entries in, rows out, over a real store",
        """collector.judging.casebook collector.judging.mediabook
        collector.judging.dutybook collector.judging.receiptbook collector.judging.statements collector.judging.step""",
    ),
    Through("collector.alerts.mailer", "a real SMTP server",
            "collector.alerts.case_mail collector.alerts.reminder_mail"),
    Through("collector.alerts.mailer", "the same", "collector.alerts.settlement"),
    Through("collector.alerts.channels.fitting", "real receivers, by every kind",
            "collector.alerts.channels.web"),
    Through("collector.proposals", "a real store", "collector.queries.proposals"),
    Through("collector.queries.cases", "the same", "collector.queries.rows"),
    Through("collector.store.schema", "tables only; migrations are held to them",
            "collector.store.case_tables collector.store.duty_tables collector.store.filter_tables collector.store.media_tables collector.store.metadata collector.store.overview_tables collector.store.receipt_tables"),
)  # fmt: skip


def named(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> Mapping[str, Path]:
    """All but migrations, which Alembic runs (tests/contract/test_migrations.py)."""
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {named(path): path for path in paths if "migrations" not in path.parts}


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module, or name of one, that is imported anywhere in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return frozenset(found)


@cache
def front_doors() -> Mapping[str, str]:
    """`checks.policy.Endpoint` → the module in which it stands."""
    return {
        f"{room}.{each.asname or each.name}": node.module
        for room, path in modules().items()
        if path.name == "__init__.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        for each in node.names
    }


@cache
def imported_by_tests() -> frozenset[str]:
    told = frozenset().union(*(imports(path) for path in (ROOT / "tests").rglob("*.py")))
    doors = front_doors()
    return told | {doors[name] for name in told if name in doors}


def led_to(front: str) -> Iterator[str]:
    """All that a module imports, and what these import."""
    seen, waiting = {front}, [front]
    while waiting:
        path = modules()[waiting.pop()]
        for name in (imports(path) & modules().keys()) - seen:
            seen.add(name)
            waiting.append(name)
            yield name


def listed() -> list[str]:
    return [name for line in TESTED_THROUGH for name in line.modules.split()]


def test_every_module_has_a_test_or_a_reason():
    excused = {*listed(), *RUN_AS_PROCESSES}
    wanting = [
        name
        for name, path in modules().items()
        if path.name != "__init__.py" and not name.startswith(RULES)
        if name not in imported_by_tests() and name not in excused
    ]

    assert len(modules()) > 500
    assert not wanting, "write a test that imports it, as tests/unit mirrors the source"


def test_every_rule_has_a_test_of_its_name():
    """Rules are found by `checks.check.discover`, and judged with facts by every test of them."""
    rules = [path for name, path in modules().items() if name.startswith(RULES)]
    tests = ROOT / "tests" / "unit" / "checks" / "rules"

    assert len(rules) > 35
    assert not [path.stem for path in rules if not (tests / f"test_{path.stem}.py").exists()]


@pytest.mark.parametrize("line", TESTED_THROUGH, ids=lambda line: line.modules.split()[0])
def test_a_line_leads_to_what_it_names_from_something_that_tests_reach(line):
    assert line.why
    assert line.front in imported_by_tests() | RUN_AS_PROCESSES
    assert not set(line.modules.split()) - set(led_to(line.front))


def test_a_module_that_has_a_test_needs_no_line_and_none_has_two():
    assert not [name for name in listed() if name in imported_by_tests()]
    assert len(listed()) == len(set(listed()))
