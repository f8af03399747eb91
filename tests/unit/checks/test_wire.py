import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.facts.health import AgentStopping
from checks.wire import (
    PROTOCOL,
    Batch,
    Malformed,
    Observation,
    decode_batch,
    decode_fact,
    digest,
    encode,
)
from tests.samples import AT_HOME, connection


def batch(*facts):
    observations = tuple(
        Observation(
            sequence=number, at_us=number, boot="b", monotonic_us=number, sensor="s", fact=fact
        )
        for number, fact in enumerate(facts, start=1)
    )
    return Batch(
        protocol=PROTOCOL,
        agent="a",
        machine="m",
        first=1,
        last=len(facts),
        previous="",
        sent_at_us=5,
        observations=observations,
    )


WHOLE = batch(connection(), AT_HOME, AgentStopping(reason="shutdown"))


def test_a_batch_is_read_back_as_it_was():
    assert decode_batch(encode(WHOLE)).batch == WHOLE


def test_an_unknown_kind_is_held_and_the_rest_is_read():
    raw = msgspec.json.decode(encode(WHOLE))
    raw["observations"][1]["fact"] = {"kind": "from_the_future", "depth": 7}

    read = decode_batch(msgspec.json.encode(raw))

    assert [o.sequence for o in read.batch.observations] == [1, 3]
    [held] = read.held
    assert (held.sequence, held.fact.kind) == (2, "from_the_future")
    assert bytes(held.fact.raw) == b'{"kind":"from_the_future","depth":7}'


def test_an_unknown_field_is_ignored():
    raw = msgspec.json.decode(encode(WHOLE))
    raw["observations"][0]["fact"]["colour"] = "red"

    assert decode_batch(msgspec.json.encode(raw)).batch == WHOLE


def broken(change):
    raw = msgspec.json.decode(encode(WHOLE))
    change(raw)
    return msgspec.json.encode(raw)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not JSON"),
        (
            broken(lambda raw: raw["observations"][2].update(sequence="x")),
            "observations[2].sequence: Expected `int`, got `str`",
        ),
        (b"[]", "Expected `object`, got `array`"),
        (broken(lambda raw: raw.pop("first")), "Object missing required field `first`"),
        (
            broken(lambda raw: raw["observations"][0]["fact"].pop("answer")),
            "observations[0].fact: Object missing required field `answer`",
        ),
        (
            broken(lambda raw: raw["observations"][0]["fact"].update(source=7)),
            "observations[0].fact.source: Expected `str`, got `int`",
        ),
        (broken(lambda raw: raw.update(protocol=2)), "protocol: expected 1, got 2"),
        (
            broken(lambda raw: raw["observations"][1]["fact"].pop("kind")),
            "observations[1].fact: Object missing required field `kind`",
        ),
    ],
)
def test_a_fault_names_its_place(body, message):
    with pytest.raises(Malformed) as fault:
        decode_batch(body)

    assert message in str(fault.value)


def test_a_fault_beside_an_unknown_kind_is_still_a_fault():
    def change(raw):
        raw["observations"][1]["fact"] = {"kind": "from_the_future"}
        raw["observations"][2]["fact"]["reason"] = "bored"

    with pytest.raises(Malformed, match=r"observations\[2\]\.fact"):
        decode_batch(broken(change))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_malformed(body):
    with contextlib.suppress(Malformed):
        decode_batch(body)


def test_one_fact_is_read_alone():
    assert decode_fact(b'{"kind":"agent_stopping","reason":"stopped"}') == AgentStopping(
        reason="stopped"
    )
    with pytest.raises(Malformed, match="Invalid value"):
        decode_fact(b'{"kind":"nothing"}')


def test_the_link_of_the_chain_is_the_sha256_of_the_bytes_sent():
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
