"""How many observations a second the collector acknowledges durably, and how long its judge
then takes until all of them are judged and searchable.

The real server by TLS, signed batches of 100, senders on the same machine: they share
the cores with the collector.  Batches are sealed beforehand, as an agent's spool has them.
"""

import asyncio
import sqlite3
import ssl
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter

from tests.bench.figures import Figure, percentile
from tests.free_port import free_port
from tests.sender import RealCollector, Sender

SENDERS = 16
OBSERVATIONS = 100
BATCHES = 300
BATCHES_SMALL = 60


def measure(*, small: bool) -> list[Figure]:
    with TemporaryDirectory(prefix="wardwatch-bench-") as folder:
        collector = RealCollector(Path(folder), free_port())
        collector.initialise()
        collector.start()
        try:
            with collector.client() as client:
                collector.wait(client)
                senders = [collector.enrol(client, f"pc-{n}") for n in range(SENDERS)]
            return _measured(collector, senders, BATCHES_SMALL if small else BATCHES)
        finally:
            collector.stop()


def _measured(collector: RealCollector, senders: list[Sender], batches: int) -> list[Figure]:
    requests = [_requests(sender, batches) for sender in senders]
    authority = str(collector.state / "keys" / "ca.pem")
    started = perf_counter()
    times = asyncio.run(_all(collector.port, authority, requests))
    seconds = perf_counter() - started
    judged_after = _until_judged(collector, started)
    searchable = _searchable(collector)
    count = SENDERS * batches * OBSERVATIONS
    load = f"{SENDERS} senders, batches of {OBSERVATIONS} signed, TLS, same machine, judge running"
    return [
        Figure(
            name="ingest.sqlite.acked_per_s",
            value=round(count / seconds),
            unit="1/s",
            n=count,
            load=load,
        ),
        *(
            Figure(
                name=f"ingest.sqlite.ack.p{int(share * 100)}_ms",
                value=round(percentile(times, share) * 1000, 1),
                unit="ms",
                n=len(times),
                load=load,
            )
            for share in (0.5, 0.99)
        ),
        Figure(
            name="judge.sqlite.served_obs_per_s",
            value=round(searchable / judged_after),
            unit="1/s",
            n=searchable,
            load=f"{load}, one kind of fact, from the first batch until the last was judged and searchable",
        ),
    ]


def _until_judged(collector: RealCollector, started: float) -> float:
    """Seconds from `started` until no entry of the journal waits for the judge."""
    with collector.client() as client:
        while True:
            lines = client.get("/metrics").text.splitlines()
            waiting = [line for line in lines if line.startswith("wardwatch_entries_unjudged ")]
            if float(waiting[0].split()[1]) == 0:
                return perf_counter() - started
            Event().wait(0.05)


def _searchable(collector: RealCollector) -> int:
    """Rows that are really there."""
    with closing(sqlite3.connect(collector.state / "store.sqlite3")) as store:
        (rows,) = store.execute("SELECT COUNT(*) FROM observations").fetchone()
    return int(rows)


def _requests(sender: Sender, batches: int) -> list[bytes]:
    made = []
    for _ in range(batches):
        body = sender.seal(OBSERVATIONS)
        lines = [
            "POST /agent/v1/batches HTTP/1.1",
            "Host: localhost",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in sender.headers(body).items()),
        ]
        made.append("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        sender.took(body, OBSERVATIONS)
    return made


async def _all(port: int, authority: str, requests: list[list[bytes]]) -> list[float]:
    context = ssl.create_default_context(cafile=authority)
    done = await asyncio.gather(*(_send(port, context, mine) for mine in requests))
    return [seconds for times in done for seconds in times]


async def _send(port: int, context: ssl.SSLContext, requests: list[bytes]) -> list[float]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost"
    )
    times = []
    for request in requests:
        started = perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        times.append(perf_counter() - started)
    writer.close()
    await writer.wait_closed()
    return times
