from collector.citations import citations
from collector.dashboard.clauses import OWN, clauses_of


def test_the_hospital_s_and_the_country_s_stand_first_in_this_order():
    places = [OWN.index(clause.framework) for clause in clauses_of("EXT-01", 3).own]

    assert len(set(places)) > 1
    assert places == sorted(places)


def test_all_others_follow_and_none_is_left_out():
    found = clauses_of("EXT-01", 3)

    assert found.further
    assert not {clause.framework for clause in found.further} & set(OWN)
    assert len(found.own) + len(found.further) == len(citations("EXT-01", 3))


def test_a_rule_that_nobody_knows_serves_no_clause():
    found = clauses_of("EXT-99", 3)

    assert (found.own, found.further) == ((), ())
