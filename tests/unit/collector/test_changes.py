import asyncio

import pytest

from collector.changes import LocalChanges
from collector.ports import Change, ChangesEnded


def told(*changes: Change, listeners: int = 1) -> list[Change]:
    """What each of some slow listeners is told after all of these."""

    async def listen() -> list[Change]:
        teller = LocalChanges()
        subscriptions = [teller.subscribe() for _ in range(listeners)]
        for change in changes:
            teller.publish(change)
        return [await each.next() for each in subscriptions]

    return asyncio.run(listen())


def test_a_slow_listener_gets_everything_as_one_change_in_the_order_it_came():
    (change,) = told(
        Change(cases=("c1",), endpoints=("e1",), entry=1),
        Change(cases=("c2", "c1"), entry=3),
        Change(endpoints=("e2",), entry=2),
    )

    assert change == Change(cases=("c1", "c2"), endpoints=("e1", "e2"), entry=3)


def test_every_listener_is_told():
    assert told(Change(cases=("c",), entry=1), listeners=3) == [Change(cases=("c",), entry=1)] * 3


def test_what_was_told_is_not_told_again():
    async def listen() -> Change:
        teller = LocalChanges()
        subscription = teller.subscribe()
        teller.publish(Change(cases=("c1",), entry=1))
        await subscription.next()
        teller.publish(Change(cases=("c2",), entry=2))
        return await subscription.next()

    assert asyncio.run(listen()) == Change(cases=("c2",), entry=2)


def test_a_listener_that_closed_is_told_nothing():
    async def listen() -> bool:
        teller = LocalChanges()
        subscription = teller.subscribe()
        subscription.close()
        teller.publish(Change(cases=("c",), entry=1))
        waiting = asyncio.ensure_future(subscription.next())
        await asyncio.sleep(0)
        told_something = waiting.done()
        waiting.cancel()
        return told_something

    assert asyncio.run(listen()) is False


def test_a_listener_whose_loop_is_gone_does_not_stop_the_teller():
    teller = LocalChanges()

    async def come_and_go() -> None:
        teller.subscribe()

    asyncio.run(come_and_go())
    teller.publish(Change(entry=1))
    teller.publish(Change(entry=2))

    assert teller.wait_for_entry(2, timeout=0)


def test_waiting_ends_when_the_entry_was_judged_or_the_time_is_up():
    teller = LocalChanges()
    teller.publish(Change(entry=5))

    assert teller.wait_for_entry(5, timeout=0)
    assert not teller.wait_for_entry(6, timeout=0)


def test_at_the_end_what_waits_is_told_first_and_then_that_nothing_more_comes():
    async def listen() -> Change:
        teller = LocalChanges()
        subscription = teller.subscribe()
        teller.publish(Change(cases=("c",), entry=1))
        teller.end()
        change = await subscription.next()
        with pytest.raises(ChangesEnded):
            await subscription.next()
        return change

    assert asyncio.run(listen()) == Change(cases=("c",), entry=1)


def test_who_comes_after_the_end_hears_of_it():
    async def listen() -> None:
        teller = LocalChanges()
        teller.end()
        await teller.subscribe().next()

    with pytest.raises(ChangesEnded):
        asyncio.run(listen())
