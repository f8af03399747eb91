import asyncio
import json

from collector.problems import Refused, fault_answer, problem, problem_answer, refused_answer

TOLD = problem("wrong-token", "Wrong enrolment token", status=401, detail="it has expired")


def test_a_problem_is_a_document_of_rfc_9457():
    answer = problem_answer(TOLD, {"Retry-After": "3"})

    assert (answer.status_code, answer.headers["retry-after"]) == (401, "3")
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body) == {
        "type": "urn:wardwatch:problem:wrong-token",
        "title": "Wrong enrolment token",
        "status": 401,
        "detail": "it has expired",
    }


def test_a_refusal_is_named_without_the_prefix_and_says_all_in_its_message():
    refused = Refused(TOLD)

    assert refused.name == "wrong-token"
    assert str(refused) == "401 Wrong enrolment token: it has expired"


def test_a_refusal_that_ends_a_request_becomes_its_answer():
    refused = Refused(TOLD, {"Retry-After": "9"})

    answer = asyncio.run(refused_answer(None, refused))

    assert (answer.status_code, answer.headers["retry-after"]) == (401, "9")


def test_a_fault_of_ours_is_a_problem_that_tells_nothing_of_its_inside():
    answer = asyncio.run(fault_answer(None, ValueError("/var/lib/secret")))

    assert answer.status_code == 500
    assert json.loads(answer.body)["type"] == "urn:wardwatch:problem:fault"
    assert b"secret" not in answer.body
