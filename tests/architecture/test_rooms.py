"""House rules that a machine can see in the source text."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("agent", "checks", "collector")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
ALLOWED_IN_CORE = {"checks", "msgspec"}


def imported_roots(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def named(path):
    return str(path.relative_to(ROOT))


def test_there_is_source_to_look_at():
    assert len(SOURCES) > 40


@pytest.mark.parametrize("path", [p for p in SOURCES if named(p).startswith("checks")], ids=named)
def test_the_shared_core_imports_the_standard_library_and_msgspec_only(path):

    strange = set(imported_roots(path)) - ALLOWED_IN_CORE - set(sys.stdlib_module_names)

    assert not strange


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_agent_and_collector_meet_only_on_the_wire(path):
    room = named(path).split("/")[0]
    other = {"agent": "collector", "collector": "agent", "checks": "agent"}[room]

    assert other not in set(imported_roots(path))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_stays_small(path):
    lines = path.read_text("utf-8").count("\n")

    assert lines <= 400, f"{lines} lines: split it, or say at the top why not"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_module_is_a_drawer(path):
    assert path.stem not in {"utils", "helpers", "common", "misc", "util", "helper"}


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_silenced_check_gives_its_code_and_reason(path):
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if re.search(r"#\s*(type: ignore|noqa|pragma: no cover)", line):
            coded = re.search(r"#\s*(type: ignore\[|noqa: [A-Z]+\d|pragma: no cover)", line)
            reason = re.search(r"(\]|\d|cover)\s*(#|-|—|:)\s*\w+", line)
            assert coded, f"{named(path)}:{number}: {line.strip()}"
            assert reason, f"{named(path)}:{number}: {line.strip()}"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_nothing_is_left_to_do(path):
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text("utf-8"))
