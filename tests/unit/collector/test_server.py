from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from collector.server import SlowWatch


def connection(cycle: RequestResponseCycle | None = None) -> HttpToolsProtocol:
    made = HttpToolsProtocol.__new__(HttpToolsProtocol)
    made.cycle = cycle  # type: ignore[assignment] # uvicorn itself begins with None
    return made


def exchange(*, more_body: bool = False, response_complete: bool = False) -> RequestResponseCycle:
    made = RequestResponseCycle.__new__(RequestResponseCycle)
    made.more_body, made.response_complete = more_body, response_complete
    return made


def told(*connections: HttpToolsProtocol, at: tuple[float, ...] = (0.0, 9.0, 11.0)) -> list[bool]:
    """Whether any is too slow at each of these moments, of 10 s patience."""
    watch = SlowWatch(patience_s=10.0)
    return [bool(watch.too_slow(connections, now_s)) for now_s in at]


def test_a_head_that_does_not_end_is_too_slow_after_the_patience():
    assert told(connection()) == [False, False, True]


def test_a_body_that_does_not_end_is_too_slow_after_the_patience():
    assert told(connection(exchange(more_body=True))) == [False, False, True]


def test_whoever_waits_for_our_answer_is_not_slow():
    assert told(connection(exchange())) == [False, False, False]


def test_the_patience_begins_anew_with_each_exchange():
    watch = SlowWatch(patience_s=10.0)
    kept = connection(exchange(response_complete=True))
    watch.too_slow([kept], 0.0)

    kept.cycle = exchange(response_complete=True)

    assert watch.too_slow([kept], 11.0) == []
    assert watch.too_slow([kept], 22.0) == [kept]


def test_a_connection_that_ended_is_forgotten():
    watch = SlowWatch(patience_s=10.0)
    here = connection()
    watch.too_slow([here], 0.0)
    watch.too_slow([], 5.0)

    assert watch.too_slow([here], 11.0) == []
