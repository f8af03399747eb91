"""What is written down about the product is so."""

import re
import tomllib
from pathlib import Path

import pytest

from agent import config as agent_config
from agent.version import VERSION as AGENT_VERSION
from checks.check import discover
from checks.policy import parse_policy
from checks.policy.reading import structures
from collector import config as collector_config
from collector.version import UNINSTALLED as COLLECTOR_VERSION

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "deploy" / "config"
GIVEN_BY_THE_COLLECTOR = {"version"}
READMES = sorted(
    path
    for room in ("", "agent", "agent/media", "checks", "collector", "collector/dashboard", "deploy")
    for path in (ROOT / room).glob("README.md")
)


def links_into(text):
    """Pages of this repository that a page leads to, with the heading where one is named."""
    return re.findall(r"\]\((?!http)([^)#]+)#([^)]+)\)", text)


def anchors_of(text):
    """As GitHub names the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_a_link_to_a_heading_finds_it():
    led = [
        (page, (page.parent / target).resolve(), heading)
        for page in READMES
        for target, heading in links_into(page.read_text("utf-8"))
    ]

    lost = [
        f"{page.relative_to(ROOT)}: {target.name}#{heading}"
        for page, target, heading in led
        if not target.is_file() or heading not in anchors_of(target.read_text("utf-8"))
    ]

    assert len(led) > 5
    assert not lost


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


def test_agent_and_collector_are_of_the_package_s_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]

    assert version == AGENT_VERSION
    assert version == COLLECTOR_VERSION


def example(name):
    return (EXAMPLES / name).read_text("utf-8")


def whole(text):
    """With the optional settings, which stand in comments."""
    return re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)


def test_the_example_policy_is_a_policy():
    assert parse_policy(example("policy.toml")).zones


def test_the_example_policy_shows_every_key_and_all_of_it_can_be_applied():
    text = whole(example("policy.toml"))
    keys = {key for struct in structures() for key in struct.__struct_fields__}

    missing = [key for key in keys - GIVEN_BY_THE_COLLECTOR if not shows(text, key)]

    assert len(keys) > 50
    assert not missing
    assert parse_policy(text).zones[0].mode == "observe"


def shows(text, key):
    return re.search(rf"(^|[{{ .\[]){key}( = |\.|\])", text, re.MULTILINE)


def test_the_collector_s_example_names_every_setting_and_can_be_used():
    text = example("collector.toml")
    named = tomllib.loads(text)

    settings = collector_config.read_settings(text, {})

    assert settings.smtp is not None
    for place in collector_config.environment_names().values():
        assert place[-1] in (named if len(place) == 1 else named[place[0]]), place


def test_the_agent_s_example_names_every_setting_and_can_be_used():
    text = example("agent.toml")
    named = tomllib.loads(text)
    variables = agent_config.variable_names()

    assert agent_config.parse(text, {}, "agent.toml") == agent_config.Settings()
    assert set(named) == set(agent_config.Settings.__struct_fields__)
    for section in ("upload", "scanner", "quarantine", "log"):
        known = getattr(agent_config.Settings(), section).__struct_fields__
        assert set(named[section]) == set(known)
    assert len(variables) > 5
    assert [name for name in variables if name not in text] == []


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
