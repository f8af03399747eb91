import asyncio

from collector import streams
from collector.changes import LocalChanges
from collector.ports import Change

HELLO = b": listening\nretry: 2000\n\n"


async def welcome() -> bool:
    return True


async def unwelcome() -> bool:
    return False


def heard(teller: LocalChanges, script, *, allowed=welcome, narrow=streams.as_it_is) -> list[bytes]:
    """All that a listener receives while the script runs after its first line."""

    async def listen() -> list[bytes]:
        events = streams.stream_of(teller, allowed, narrow).body_iterator
        received = [await anext(events)]
        script(teller)
        return [*received, *[one async for one in events]]

    return asyncio.run(listen())


def test_a_change_is_an_event_and_the_end_of_the_collector_ends_the_answer():
    def script(teller: LocalChanges) -> None:
        teller.publish(Change(cases=("EXT-01-A",), endpoints=("pc1",), entry=1))
        teller.end()

    received = heard(LocalChanges(), script)

    event = b'event: changed\ndata: {"cases":["EXT-01-A"],"endpoints":["pc1"]}\n\n'
    assert received == [HELLO, event]


def test_what_the_listener_may_not_hear_is_no_event():
    async def nothing(change: Change) -> Change:
        return Change(entry=change.entry)

    def script(teller: LocalChanges) -> None:
        teller.publish(Change(cases=("EXT-01-A",), endpoints=("pc1",), entry=1))
        teller.end()

    assert heard(LocalChanges(), script, narrow=nothing) == [HELLO]


def test_who_may_not_listen_any_more_is_cut_off_at_the_next_keep_alive(monkeypatch):
    monkeypatch.setattr(streams, "KEEP_ALIVE_S", 0.0)

    assert heard(LocalChanges(), lambda _: None, allowed=unwelcome) == [HELLO]


def test_a_stream_must_not_be_kept_by_anybody_on_its_way():
    answer = streams.stream_of(LocalChanges(), welcome)

    assert answer.media_type == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store"
