import logging
import os
import threading

import pytest

from collector.metrics import Metrics
from collector.supervision import ServiceManager, Supervisor, Worker


class ImpatientStop(threading.Event):
    """Waits no time at all, remembers how long it should have, and is set after a few."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self.waited: list[float | None] = []
        self._pauses = pauses

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        if len(self.waited) >= self._pauses:
            self.set()
        return self.is_set()


def dying(stop: threading.Event) -> None:
    raise ValueError("the disk is gone")


def run(work, *, pauses: int) -> tuple[Worker, Metrics, ImpatientStop]:
    stop, metrics = ImpatientStop(pauses), Metrics()
    worker = Worker("judge", work, stop=stop, metrics=metrics)
    worker.start()
    worker.join()
    return worker, metrics, stop


def test_a_worker_that_dies_is_begun_again_with_growing_pauses(caplog):
    with caplog.at_level(logging.ERROR):
        _, _, stop = run(dying, pauses=9)

    assert stop.waited == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert [record.message for record in caplog.records] == ["worker ended"] * 9
    assert "the disk is gone" in caplog.text


def test_a_worker_that_returns_too_early_is_begun_again_and_counted():
    _, metrics, stop = run(lambda stop: None, pauses=3)

    assert len(stop.waited) == 3
    assert 'wardwatch_worker_restarts_total{worker="judge"} 3.0' in metrics.text().decode()
    assert 'wardwatch_worker_up{worker="judge"} 0.0' in metrics.text().decode()


def test_a_worker_that_ends_because_it_was_told_to_is_no_restart():
    def obedient(stop: threading.Event) -> None:
        stop.set()

    _, metrics, stop = run(obedient, pauses=1)

    assert stop.waited == []
    assert 'wardwatch_worker_restarts_total{worker="judge"} 0.0' in metrics.text().decode()


def test_who_does_not_run_is_named():
    supervisor, begun = Supervisor(Metrics()), threading.Event()

    def steady(stop: threading.Event) -> None:
        begun.set()
        stop.wait()

    died = threading.Event()

    def broken(stop: threading.Event) -> None:
        died.set()

    supervisor.add("judge", steady)
    supervisor.add("mailer", broken)
    assert supervisor.down() == ["judge", "mailer"]
    supervisor.start()
    begun.wait(5)
    died.wait(5)
    _until(lambda: supervisor.down() == ["mailer"])
    supervisor.stop()

    assert supervisor.down() == ["judge", "mailer"]


def _until(claim) -> None:
    patience = threading.Event()
    for _ in range(500):
        if claim():
            return
        patience.wait(0.001)
    raise AssertionError("it did not become so")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_told_at_half_its_time_when_it_is_meant_for_us(environment, seconds):
    assert ServiceManager(environment).watchdog_s == seconds


def test_where_no_service_manager_listens_nothing_is_said():
    ServiceManager({}).say("READY=1")


def test_what_never_began_can_be_stopped():
    supervisor = Supervisor(Metrics())
    supervisor.add("judge", dying)

    supervisor.stop()

    assert supervisor.down() == ["judge"]
