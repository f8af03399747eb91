from agent.name_cache import LONGEST_SECONDS, NAMELESS, SHORTEST_SECONDS, NameCache, Named
from agent.system.dns_message import Answer
from checks.facts.connections import NamedBy
from tests.samples import BY_GATEWAY, BY_TELEPHONE

OWN = NamedBy(server="10.20.0.53", egress=BY_GATEWAY)
FOREIGN = NamedBy(server="192.168.42.129", egress=BY_TELEPHONE)


def cache(*answers, kept=16):
    names = NameCache(kept)
    names.learn(answers, OWN, now=0.0, hospitals=True)
    return names


def test_an_address_is_called_by_its_last_answer():
    names = cache(
        Answer("old.example", "203.0.113.7", 300), Answer("new.example", "203.0.113.7", 300)
    )

    assert names.name_of("203.0.113.7", now=1.0) == Named("new.example", OWN)
    assert names.name_of("203.0.113.8", now=1.0) == NAMELESS


def test_a_name_is_believed_at_least_a_minute_and_at_most_an_hour():
    names = cache(
        Answer("brief.example", "203.0.113.1", 1), Answer("long.example", "203.0.113.2", 2**31)
    )

    assert names.name_of("203.0.113.1", now=SHORTEST_SECONDS - 1).name == "brief.example"
    assert names.name_of("203.0.113.1", now=SHORTEST_SECONDS) == NAMELESS
    assert names.name_of("203.0.113.2", now=LONGEST_SECONDS) == NAMELESS


def test_the_oldest_answer_makes_room():
    names = cache(*(Answer(f"n{n}", f"203.0.113.{n}", 300) for n in range(5)), kept=4)

    assert names.name_of("203.0.113.0", now=1.0) == NAMELESS
    assert names.name_of("203.0.113.4", now=1.0).name == "n4"


def test_who_is_not_the_hospital_neither_renames_nor_crowds_out_what_the_hospital_named():
    names = cache(Answer("pay.example", "203.0.113.7", 300), kept=4)
    others = [Answer("else.example", f"203.0.113.{n}", 300) for n in range(4, 10)]
    names.learn(others, FOREIGN, now=1.0, hospitals=False)

    assert names.name_of("203.0.113.7", now=2.0) == Named("pay.example", OWN)
    assert names.name_of("203.0.113.9", now=2.0) == Named("else.example", FOREIGN)
    assert names.name_of("203.0.113.7", now=300.5) == Named("else.example", FOREIGN)


def test_the_hospitals_name_takes_the_place_of_anothers():
    names = NameCache()
    names.learn([Answer("pay.example", "203.0.113.7", 300)], FOREIGN, now=0.0, hospitals=False)
    names.learn([Answer("cdn.example", "203.0.113.7", 300)], OWN, now=0.0, hospitals=True)

    assert names.name_of("203.0.113.7", now=1.0) == Named("cdn.example", OWN)


def test_every_address_of_a_name_is_found_without_asking():
    names = cache(Answer("proxy.example", "10.0.0.1", 60))
    names.learn([Answer("proxy.example", "10.0.0.2", 60)], FOREIGN, now=0.0, hospitals=False)

    assert names.addresses_of("Proxy.Example.", now=1.0) == {"10.0.0.1", "10.0.0.2"}


def test_answers_that_wait_are_read_before_a_name_is_told():
    names = NameCache()
    late = [Answer("late.example", "203.0.113.9", 60)]
    names.catch_up = lambda: names.learn(late, OWN, now=0.0, hospitals=True)

    assert names.name_of("203.0.113.9", now=1.0).name == "late.example"
