"""What changed, as server-sent events, for open dashboards and API streams.

The format is the WHATWG HTML standard's, section 9.2 "Server-sent events".
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from starlette.responses import StreamingResponse

from collector.ports import Change, Changes, ChangesEnded

KEEP_ALIVE_S = 15.0
"""A comment is sent this often: proxies and browsers drop silent connections."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_ENCODE = msgspec.json.Encoder().encode

Welcome = Callable[[], Awaitable[bool]]
"""Whether the listener may still listen; asked at every keep-alive."""


Narrow = Callable[[Change], Awaitable[Change]]
"""What of a change the listener may hear of."""


async def as_it_is(change: Change) -> Change:
    """Narrow for those who see the whole hospital."""
    return change


def stream_of(changes: Changes, welcome: Welcome, narrow: Narrow = as_it_is) -> StreamingResponse:
    """An endless answer: `event: changed` with the changed cases and endpoints."""
    told = _events(changes, welcome, narrow)
    return StreamingResponse(told, media_type="text/event-stream", headers=_HEADERS)


async def _events(changes: Changes, welcome: Welcome, narrow: Narrow) -> AsyncIterator[bytes]:
    subscription = changes.subscribe()
    coming = asyncio.ensure_future(subscription.next())
    try:
        yield b": listening\nretry: 2000\n\n"
        while True:
            done, _ = await asyncio.wait({coming}, timeout=KEEP_ALIVE_S)
            if not done:
                if not await welcome():
                    return
                yield b": still here\n\n"
                continue
            heard = await narrow(coming.result())
            if heard.cases or heard.endpoints:
                yield _event(heard)
            coming = asyncio.ensure_future(subscription.next())
    except ChangesEnded:
        return
    finally:
        coming.cancel()
        subscription.close()


def _event(change: Change) -> bytes:
    told = {"cases": change.cases, "endpoints": change.endpoints}
    return b"event: changed\ndata: " + _ENCODE(told) + b"\n\n"
