import pytest

from checks.check import discover
from collector.citations import (
    BrokenFramework,
    RuleName,
    catalogue,
    citation_text,
    citations,
    frameworks,
    parse_catalogue,
    parse_framework,
    rule_name,
    rule_subject,
)

KNOWN = {"EXT-01": RuleName(id="EXT-01", zh="一机两网", en="One machine on two networks")}
FRAMEWORK = """
id = "f"
name_zh = "f"
name_en = "f"
[[clauses]]
id = "1"
title_zh = "t"
title_en = "t"
rules = ["{rule}"]
"""


def test_the_citation_is_written_as_an_assessor_writes_it():
    assert citation_text("EXT-01", 3, "zh_CN") == (
        "三(七) · GB/T 22239-2019 8.1.3.1 c) · GB/T 28448 L3-ABS1-03 · 网络安全法 23(三) · NIST SC-7(7)"
    )


@pytest.mark.parametrize("rule", sorted(catalogue()))
def test_a_level_2_site_is_never_shown_a_level_3_clause(rule):
    shown = [c for c in citations(rule, 2) if c.framework in ("gb22239", "gb28448")]

    assert not [c.clause for c in shown if c.clause.startswith(("8.", "9.", "L3"))]


@pytest.mark.parametrize("rule", sorted(catalogue()))
def test_every_rule_cites_the_regulation(rule):
    assert "regulation" in {cited.framework for cited in citations(rule, 3)}


def test_every_rule_that_is_built_has_a_name_in_both_languages():
    built = set(discover())

    assert built
    assert built <= set(catalogue())
    assert all(rule_name(rule, "zh_CN") != rule_name(rule, "en") for rule in built)


def test_all_frameworks_are_there():
    assert set(frameworks()) == {
        "cis",
        "csl",
        "gb22239",
        "gb28448",
        "hipaa",
        "nist80053",
        "regulation",
    }


def test_a_rule_that_nobody_knows_stops_the_start():
    with pytest.raises(BrokenFramework, match="f 1: EXT-99 is no known rule"):
        parse_framework(FRAMEWORK.format(rule="EXT-99"), KNOWN)


def test_an_unknown_key_stops_the_start():
    with pytest.raises(BrokenFramework, match="colour"):
        parse_framework('colour = "red"\n' + FRAMEWORK.format(rule="EXT-01"), KNOWN)


def test_an_id_that_stands_twice_stops_the_start():
    twice = '[[rules]]\nid = "A"\nzh = "a"\nen = "a"\n' * 2
    with pytest.raises(BrokenFramework, match="A stands twice"):
        parse_catalogue(twice)


def test_a_subject_names_the_kind_of_violation():
    assert rule_subject("EXT-01", "zh_CN") == "违规外联"
    assert rule_subject("MED-03", "zh_CN") == "未查先用"
    assert rule_subject("NEW-01", "zh_CN") == "NEW-01"
