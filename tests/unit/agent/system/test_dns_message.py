import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.system.dns_message import Answer, parse

HEADER = struct.Struct(">HHHHHH")
ASKED = b"\x03www\x07Example\x00" + b"\x00\x01\x00\x01"
NAME_OF_QUESTION = b"\xc0\x0c"


def message(*records, questions=1, answers=None, flags=0x8180):
    count = len(records) if answers is None else answers
    return HEADER.pack(7, flags, questions, count, 0, 0) + ASKED + b"".join(records)


def record(kind, body, *, owner=NAME_OF_QUESTION, ttl=60, of_class=1, length=None):
    size = len(body) if length is None else length
    return owner + struct.pack(">HHIH", kind, of_class, ttl, size) + body


A = record(1, bytes((203, 0, 113, 7)))
AAAA = record(28, bytes.fromhex("20010db8000000000000000000000001"), ttl=5)
CNAME = record(5, b"\x03cdn\xc0\x10")
ALIASED = record(1, bytes((203, 0, 113, 8)), owner=b"\x03cdn\xc0\x10")
ANSWER_A = Answer(name="www.example", address="203.0.113.7", ttl=60)


def test_addresses_belong_to_the_name_that_was_asked_for():
    read = parse(message(A, AAAA))

    assert read is not None
    assert read.is_response
    assert read.name == "www.example"
    assert read.answers == (
        ANSWER_A,
        Answer(name="www.example", address="2001:db8::1", ttl=5),
    )


def test_an_alias_address_is_told_under_the_name_that_was_asked_for():
    read = parse(message(CNAME, ALIASED))

    assert read is not None
    assert read.answers == (Answer(name="www.example", address="203.0.113.8", ttl=60),)


def test_a_question_is_no_response():
    read = parse(message(flags=0x0100))

    assert read is not None
    assert (read.is_response, read.answers) == (False, ())


@pytest.mark.parametrize(
    ("what", "octets", "answers"),
    [
        ("more answers announced than there are", message(A, answers=60_000), (ANSWER_A,)),
        ("an address of the wrong length", message(record(1, b"\x01\x02")), ()),
        ("a record that ends behind the message", message(record(1, b"\x01\x02", length=4)), ()),
        ("another class", message(record(1, b"\x01\x02\x03\x04", of_class=3)), ()),
        (
            "an owner that points at itself",
            message(A, record(1, b"", owner=b"\xc0\x2d")),
            (ANSWER_A,),
        ),
        (
            "an owner that points ahead",
            message(record(1, b"\x01\x02\x03\x04", owner=b"\xff\xff")),
            (),
        ),
        ("a label of an unknown kind", message(record(1, b"\x01\x02\x03\x04", owner=b"\x80")), ()),
    ],
)
def test_what_was_whole_counts_and_the_rest_is_left(what, octets, answers):
    read = parse(octets)

    assert read is not None, what
    assert read.answers == answers, what


@pytest.mark.parametrize(
    ("what", "octets"),
    [
        ("nothing", b""),
        ("half a header", b"\x00" * 11),
        ("a question that ends in its name", HEADER.pack(7, 0x8180, 1, 0, 0, 0) + b"\x03ww"),
        (
            "a question that points at itself",
            HEADER.pack(7, 0, 1, 0, 0, 0) + b"\xc0\x0c" + b"\0" * 4,
        ),
        (
            "a name longer than 255 octets",
            HEADER.pack(7, 0, 1, 0, 0, 0) + (b"\x3f" + b"a" * 63) * 5 + b"\0" * 5,
        ),
    ],
)
def test_what_cannot_begin_a_message_is_none(what, octets):
    assert parse(octets) is None, what


def test_what_is_not_printable_in_a_name_is_escaped():
    octets = HEADER.pack(7, 0, 1, 0, 0, 0) + b"\x04a.\n\xe4\x00" + b"\0\1\0\1"

    read = parse(octets)

    assert read is not None
    assert read.name == "a\\046\\010\\228"


@given(st.binary(max_size=600))
def test_no_bytes_whatever_raise(octets):
    parse(octets)


@given(
    st.binary(max_size=200),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.integers(0, 65535),
)
def test_no_counts_whatever_raise(body, flags, questions, answers):
    read = parse(HEADER.pack(1, flags, questions, answers, 0, 0) + body)

    assert read is None or len(read.answers) <= 64
