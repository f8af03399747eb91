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


RULE = '''"""A title.

Words.
"""
from checks.check import check
from checks.facts.health import AgentStopping
@check(rule="{id}", on=AgentStopping, remedy="r")
def rule(fact, context):
    yield from ()
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    package = tmp_path / f"rules_{tmp_path.name.replace('-', '_')}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return package


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"x_1_a": "import nothing_like_this"}, "x_1_a does not import"),
        ({"x_1_a": '"""Doc."""'}, "declares 0 checks"),
        ({"x_2_a": RULE.format(id="X-1")}, "holds X-1; the file's name must begin with it"),
        ({"x_1_a": RULE.format(id="X-1"), "x_1_b": RULE.format(id="X-1")}, "X-1 is declared twice"),
    ],
)
def test_a_file_that_cannot_take_part_stops_the_start(folder, files, message):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)

    with pytest.raises(BrokenRule) as broken:
        discover(folder.name)

    assert message in str(broken.value)


def test_the_first_paragraph_is_the_title(folder):
    (folder / "x_1_a.py").write_text(RULE.format(id="X-1"))

    found = discover(folder.name)["X-1"]

    assert (found.title, found.documentation, found.on) == ("A title.", "Words.", (AgentStopping,))
