"""Questions and answers as packets of their own, judged one by one."""

import dataclasses

import pytest

from agent.name_answers import ANSWER_SECONDS, NameAnswers
from agent.name_cache import NAMELESS, NameCache, Named
from agent.name_servers import QUESTIONS_KEPT
from agent.system.dissect import UDP
from agent.system.dns_message import Answer, Message
from agent.system.dns_packets import NamePacket
from checks.facts.connections import NamedBy
from tests.samples import BY_GATEWAY, BY_TELEPHONE, POLICY

LINK, OTHER_LINK = 2, 3
ME, SERVER, FORGER = bytes((10, 20, 3, 4)), bytes((10, 20, 0, 53)), bytes((10, 20, 6, 6))
QUESTION = Message(is_response=False, number=7, name="pay.example", kind=1, answers=())
ANSWER = dataclasses.replace(
    QUESTION, is_response=True, answers=(Answer("pay.example", "203.0.113.7", 300),)
)
ASKS = NamePacket(UDP, ME, 40000, SERVER, 53, accepts=False, payload=b"")
ANSWERS = NamePacket(UDP, SERVER, 53, ME, 40000, accepts=False, payload=b"")


def having_asked(*, now=0.0, link=LINK):
    answers = NameAnswers(NameCache())
    answers.asked(link, ASKS, QUESTION, now)
    return answers


@pytest.mark.parametrize(
    ("what", "link", "packet", "message"),
    [
        ("another link", OTHER_LINK, {}, {}),
        ("another server", LINK, {"source": FORGER}, {}),
        ("another port of the server", LINK, {"source_port": 5353}, {}),
        ("another port of ours", LINK, {"destination_port": 40001}, {}),
        ("another ID", LINK, {}, {"number": 8}),
        ("another name", LINK, {}, {"name": "else.example"}),
        ("another type", LINK, {}, {"kind": 28}),
        ("a question", LINK, {}, {"is_response": False}),
    ],
)
def test_an_answer_that_differs_in_anything_is_none(what, link, packet, message):
    answers = having_asked()
    forged = dataclasses.replace(ANSWERS, **packet), dataclasses.replace(ANSWER, **message)

    assert not answers.is_awaited(link, *forged, now=0.1), what
    assert answers.is_awaited(LINK, ANSWERS, ANSWER, now=0.2)


def test_a_question_is_answered_once_and_soon():
    once, late = having_asked(), having_asked()

    assert [once.is_awaited(LINK, ANSWERS, ANSWER, now=0.1) for _ in range(2)] == [True, False]
    assert not late.is_awaited(LINK, ANSWERS, ANSWER, now=ANSWER_SECONDS)


def test_no_answer_is_believed_that_nobody_asked_for():
    assert not NameAnswers(NameCache()).is_awaited(LINK, ANSWERS, ANSWER, now=0.0)


def test_the_oldest_question_makes_room():
    answers = having_asked()
    for number in range(QUESTIONS_KEPT):
        answers.asked(LINK, ASKS, dataclasses.replace(QUESTION, number=1000 + number), now=0.0)

    assert not answers.is_awaited(LINK, ANSWERS, ANSWER, now=0.1)


def test_an_answer_is_kept_with_its_server_and_the_hospitals_comes_first():
    cache = NameCache()
    answers = NameAnswers(cache)
    own = NamedBy(server="10.20.0.53", egress=BY_GATEWAY)
    spoofed = NamedBy(server="10.20.0.53", egress=BY_TELEPHONE)
    renamed = dataclasses.replace(ANSWER, answers=(Answer("else.example", "203.0.113.7", 300),))

    answers.learn(ANSWER, own, POLICY, now=0.0)
    answers.learn(renamed, spoofed, POLICY, now=0.0)

    assert cache.name_of("203.0.113.7", now=1.0) == Named("pay.example", own)
    assert cache.name_of("203.0.113.8", now=1.0) == NAMELESS
