import msgspec

from agent.name_servers import ASKERS_KEPT, Asker, NameServers, Question
from tests.samples import BY_GATEWAY, CURL

GOOGLE = Asker(server="8.8.8.8", transport="dns", egress=BY_GATEWAY, process=CURL)
PATIENCE, WINDOW = 3.0, 60.0


def question(port=40000):
    return Question(17, b"\x08\x08\x08\x08", 53, b"\x0a\x14\x03\x04", port)


def servers():
    return NameServers(patience=PATIENCE, window=WINDOW)


def told(facts):
    return [(fact.server, fact.answered, fact.queries) for fact in facts]


def test_the_first_answer_is_told_at_once():
    seen = servers()

    assert told(seen.asked(question(), GOOGLE, 5, 0.0)) == []
    facts = list(seen.answered(question(), 0.1))

    assert told(facts) == [("8.8.8.8", True, 1)]
    assert facts[0].first_seen_us == 5
    assert facts[0].process == CURL


def test_a_silent_server_is_told_after_the_patience():
    seen = servers()
    list(seen.asked(question(), GOOGLE, 5, 0.0))

    assert told(seen.overdue(2.9)) == []
    assert told(seen.overdue(3.0)) == [("8.8.8.8", False, 1)]


def test_further_questions_are_counted_over_the_window():
    seen = servers()
    list(seen.asked(question(), GOOGLE, 5, 0.0))
    list(seen.answered(question(), 0.1))
    for port in range(40001, 40051):
        list(seen.asked(question(port), GOOGLE, 5, 1.0))
        assert told(seen.answered(question(port), 1.1)) == []
    seen.asked_again(question())

    assert told(seen.overdue(60.0)) == []
    assert told(seen.overdue(60.1)) == [("8.8.8.8", True, 51)]
    assert told(seen.overdue(120.2)) == []
    assert not seen.knows(question())
    assert seen.deadline() is None


def test_another_process_and_another_transport_are_told_apart():
    seen = servers()
    wget = msgspec.structs.replace(CURL, executable="/usr/bin/wget")
    for number, asker in enumerate(
        (
            GOOGLE,
            Asker("8.8.8.8", "dns", BY_GATEWAY, wget),
            Asker("8.8.8.8", "dot", BY_GATEWAY, CURL),
        )
    ):
        list(seen.asked(question(41000 + number), asker, 5, 0.0))

    assert told(seen.overdue(3.0)) == [("8.8.8.8", False, 1)] * 3


def test_the_pid_alone_makes_no_other_asker():
    seen = servers()
    for number in range(20):
        process = msgspec.structs.replace(CURL, pid=number)
        list(seen.asked(question(number), Asker("8.8.8.8", "dns", BY_GATEWAY, process), 5, 0.0))

    assert told(seen.overdue(3.0)) == [("8.8.8.8", False, 20)]


def test_one_asker_too_many_sends_the_oldest_off_and_loses_nothing():
    seen = servers()
    facts = []
    for number in range(ASKERS_KEPT + 1):
        asker = Asker(f"server {number}", "dns", BY_GATEWAY, CURL)
        facts += seen.asked(question(number), asker, 5, 0.0)

    assert told(facts) == [("server 0", False, 1)]


def test_an_answer_nobody_asked_for_is_nothing():
    assert told(servers().answered(question(), 0.0)) == []
