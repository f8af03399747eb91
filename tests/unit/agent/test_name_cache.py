from agent.name_cache import LONGEST_SECONDS, SHORTEST_SECONDS, NameCache
from agent.system.dns_message import Answer


def cache(*answers, kept=16):
    names = NameCache(kept)
    names.learn(answers, now=0.0)
    return names


def test_an_address_is_called_by_its_last_answer():
    names = cache(
        Answer("old.example", "203.0.113.7", 300), Answer("new.example", "203.0.113.7", 300)
    )

    assert names.name_of("203.0.113.7", now=1.0) == "new.example"
    assert names.name_of("203.0.113.8", now=1.0) == ""


def test_a_name_is_believed_at_least_a_minute_and_at_most_an_hour():
    names = cache(
        Answer("brief.example", "203.0.113.1", 1), Answer("long.example", "203.0.113.2", 2**31)
    )

    assert names.name_of("203.0.113.1", now=SHORTEST_SECONDS - 1) == "brief.example"
    assert names.name_of("203.0.113.1", now=SHORTEST_SECONDS) == ""
    assert names.name_of("203.0.113.2", now=LONGEST_SECONDS) == ""


def test_the_oldest_answer_makes_room():
    names = cache(*(Answer(f"n{n}", f"203.0.113.{n}", 300) for n in range(5)), kept=4)

    assert names.name_of("203.0.113.0", now=1.0) == ""
    assert names.name_of("203.0.113.4", now=1.0) == "n4"


def test_every_address_of_a_name_is_found_without_asking():
    names = cache(Answer("proxy.example", "10.0.0.1", 60), Answer("proxy.example", "10.0.0.2", 60))

    assert names.addresses_of("Proxy.Example.", now=1.0) == {"10.0.0.1", "10.0.0.2"}


def test_answers_that_wait_are_read_before_a_name_is_told():
    names = NameCache()
    names.catch_up = lambda: names.learn([Answer("late.example", "203.0.113.9", 60)], now=0.0)

    assert names.name_of("203.0.113.9", now=1.0) == "late.example"
