"""Capture files of every shape, and what is wrong with the wrong ones."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.replay.capture import Capture
from agent.replay.records import CUT_OFF, Faults, NotACapture, Record
from tests.unit.agent.replay.captures import (
    block,
    interface,
    option,
    packet,
    pcap,
    section,
)


def read(whole: bytes) -> tuple[list[Record], dict[str, int], Capture]:
    faults = Faults()
    capture = Capture(io.BytesIO(whole), faults)
    return list(capture.records()), dict(faults), capture


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_of_either_byte_order_and_resolution(order, nanoseconds):
    whole = pcap(b"one", b"three", order=order, nanoseconds=nanoseconds)

    records, faults, capture = read(whole)

    assert records == [Record(1_000_500_000, 0, b"one"), Record(1_001_500_000, 0, b"three")]
    assert faults == {}
    assert capture.interfaces[0].link_type == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_either_byte_order_with_names_times_and_directions(order):
    whole = (
        section(order)
        + interface(1, option(2, b"eth0", order), order=order)
        + interface(101, option(9, b"\x09", order), option(14, struct.pack(f"{order}q", 5), order), order=order)
        + packet(b"abc", ticks=7, order=order)
        + packet(b"de", option(2, struct.pack(f"{order}I", 2), order), ticks=2_000_000_000, of=1, order=order)
    )  # fmt: skip

    records, faults, capture = read(whole)

    assert records == [Record(7, 0, b"abc"), Record(7_000_000, 1, b"de", outgoing=True)]
    assert faults == {}
    assert [(each.link_type, each.name) for each in capture.interfaces] == [(1, "eth0"), (101, "")]


def test_a_second_section_has_interfaces_and_a_byte_order_of_its_own():
    whole = (
        *(section("<"), interface(1), packet(b"a")),
        *(section(">"), interface(113, order=">"), packet(b"b", order=">")),
    )

    records, faults, _ = read(b"".join(whole))

    assert [(record.interface, record.octets) for record in records] == [(0, b"a"), (1, b"b")]
    assert faults == {}


def test_simple_and_obsolete_packets_and_blocks_without_any():
    simple = block(3, struct.pack("<I", 2) + b"hi")
    obsolete = block(2, struct.pack("<HHIIII", 0, 0, 0, 9, 3, 3) + b"old")
    unknown = block(0xBAD, b"x" * 100_000)
    whole = section() + interface() + unknown + obsolete + simple

    records, faults, _ = read(whole)

    assert records == [Record(9, 0, b"old"), Record(9, 0, b"hi")]
    assert faults == {}


def test_binary_resolution_and_times_beyond_the_calendar_stay_in_it():
    whole = (
        section()
        + interface(1, option(9, b"\x8a"))
        + interface(1, option(14, struct.pack("<q", 2**62)))
        + packet(b"a", ticks=1024)
        + packet(b"b", of=1)
    )

    records, _, _ = read(whole)

    assert [record.at_us for record in records] == [1_000_000, 253_370_764_800_000_000]


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"", "empty"),
        (b"hello world", "neither"),
        (b"\x1f\x8b\x08\x00", "gzip; unpack it first"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
    ],
)
def test_what_is_no_capture_is_said_to_be_none(start, says):
    with pytest.raises(NotACapture, match=says):
        read(start)


@pytest.mark.parametrize("whole", [pcap(b"one", b"three"), section() + interface() + packet(b"x")])
def test_wherever_it_is_cut_off_that_is_one_fault_and_the_rest_is_read(whole):
    all_records, _, _ = read(whole)
    for length in range(4, len(whole)):
        records, faults, _ = read(whole[:length])

        assert records == all_records[: len(records)]
        assert sum(faults.values()) <= 1
        assert set(faults) <= {CUT_OFF}


def test_a_record_of_impossible_length_ends_the_reading():
    whole = pcap(b"one") + struct.pack("<IIII", 0, 0, 2**31, 2**31) + bytes(1000)

    records, faults, _ = read(whole)

    assert len(records) == 1
    assert list(faults) == ["a record of impossible length; nothing after it can be read"]


@pytest.mark.parametrize(
    "wrong",
    [
        struct.pack("<II", 6, 0),
        struct.pack("<II", 6, 13),
        struct.pack("<II", 0xBAD, 8),
        packet(b"abcd")[:-4] + struct.pack("<I", 99),
    ],
)
def test_blocks_whose_lengths_contradict_each_other_end_the_reading(wrong):
    records, faults, _ = read(section() + interface() + packet(b"ok") + wrong + packet(b"no"))

    assert [record.octets for record in records] == [b"ok"]
    assert sum(faults.values()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        packet(b"x", of=7),
        block(6, struct.pack("<IIIII", 0, 0, 0, 900, 900) + b"abcd"),
        block(6, b"tiny"),
        block(6, b""),
        block(3, b"\0\0"),
        block(1, b""),
    ],
)
def test_a_wrong_block_is_counted_and_the_next_is_read(wrong):
    records, faults, _ = read(section() + interface() + wrong + packet(b"ok"))

    assert records[-1].octets == b"ok"
    assert sum(faults.values()) <= 1


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=400), ng=st.booleans())
def test_no_octets_make_it_fail_or_run_on(noise, ng):
    start = section() + interface() if ng else pcap()

    records, _, _ = read(start + noise)

    assert sum(len(record.octets) for record in records) <= len(noise)
