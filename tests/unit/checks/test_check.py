import sys
import types

import pytest

from checks.check import BrokenRule, check, discover
from checks.facts.health import AgentStopping
from checks.policy import parse_policy


def test_every_rule_file_takes_part_and_has_documentation():
    found = discover()

    assert {"EXT-01", "EXT-03", "EXT-04", "EXT-06", "EXT-12", "EXT-17"} < set(found)
    assert {"MED-01", "MED-03", "MED-05", "MED-06", "AUD-01"} < set(found)
    assert all(c.title.endswith(".") and c.documentation and c.remedy for c in found.values())


def test_every_rule_has_its_severity_and_clocks_in_the_default_policy():
    assert set(discover()) == set(parse_policy("").rules)


def test_a_rule_without_a_docstring_is_refused(monkeypatch):
    bare = types.ModuleType("bare_rule")
    monkeypatch.setitem(sys.modules, "bare_rule", bare)

    def judge(fact, context):
        yield

    judge.__module__ = "bare_rule"
    with pytest.raises(BrokenRule, match="bare_rule has no docstring"):
        check(rule="X-1", on=AgentStopping, remedy="r")(judge)
