"""Rules are found by walking a folder, and one that cannot take part stops the start."""

import pytest

from checks.check import BrokenRule, discover
from checks.facts.health import AgentStopping

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
