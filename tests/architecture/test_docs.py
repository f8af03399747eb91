"""What is written down about the product is so."""

import re
import tomllib
from pathlib import Path

import pytest

from checks.check import discover
from checks.policy import parse_policy

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_top_of_the_changelog():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]

    top = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)

    assert top
    assert top[1] == version


def test_every_rule_stands_in_the_rooms_readme():
    text = (ROOT / "checks" / "README.md").read_text("utf-8")

    missing = [rule for rule in discover() if rule not in text]

    assert not missing


@pytest.mark.parametrize("room", ["agent", "checks", "collector", "deploy", "tests"])
def test_every_room_says_what_it_is_for(room):
    assert len((ROOT / room / "README.md").read_text("utf-8")) > 300


def test_the_example_policy_is_a_policy():
    text = (ROOT / "deploy" / "config" / "policy.toml").read_text("utf-8")

    assert parse_policy(text).zones


def test_no_machine_path_stands_in_the_repository():
    suspicious = re.compile(r"(?<![\w.])/(work|farm|root)/")
    texts = [
        path
        for room in ("agent", "checks", "collector", "deploy", "tests", ".ci")
        for path in (ROOT / room).rglob("*")
        if path.suffix in {".py", ".md", ".toml", ".txt", ".html", ".service", ""}
        and path.is_file()
    ]

    assert len(texts) > 50
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in texts
        if path != Path(__file__)
        for line in path.read_text("utf-8", errors="replace").splitlines()
        if suspicious.search(line)
    ]
    assert not found
