"""The composed collector: who may ask how it is, and what it says."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest

from collector.app import KEY_FOLDER, Collector, compose
from collector.config import Settings, Supervision
from collector.journal import SqlJournal
from collector.keys import Keys, KeysMissing
from collector.policies import NoPolicy, SqlPolicies
from collector.store.engine import open_journal
from collector.store.migrate import migrate_all

SETTINGS = Settings(supervision=Supervision(allow=("127.0.0.0/8", "10.20.0.9/32")))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return msgspec.structs.replace(SETTINGS, state_dir=tmp_path)


@pytest.fixture
def collector(settings: Settings) -> Iterator[Collector]:
    make_keys(settings)
    migrate_all(settings.state_dir)
    journal = SqlJournal(open_journal(settings.state_dir), clock=lambda: 1)
    journal.start()
    SqlPolicies(journal.engine, journal.writer).apply("", actor="li")
    journal.close()
    journal.engine.dispose()
    made = compose(settings)
    yield made
    made.close()


def make_keys(settings: Settings) -> None:
    Keys(settings.state_dir / KEY_FOLDER).make(("fd00::5",), now=datetime.now(UTC))


def ask(collector: Collector, path: str, *, address: str = "127.0.0.1") -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(collector.application(), client=(address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="https://w") as client:
            return await client.get(path)

    return asyncio.run(asked())


def test_before_the_workers_run_it_lives_and_is_not_ready(collector):
    assert ask(collector, "/healthz").text == "ok\n"

    answer = ask(collector, "/readyz")

    assert answer.status_code == 503
    assert answer.json()["detail"] == "down: judge, silence, digests, unmanaged, media, manifests"


def test_a_worker_that_died_makes_it_not_ready_and_is_named(collector):
    died = threading.Event()

    def dying(stop: threading.Event) -> None:
        died.set()

    collector.supervisor.add("mailer", dying)
    collector.start()
    died.wait(5)

    answer = eventually(lambda: ask(collector, "/readyz"), lambda a: "judge" not in a.text)

    assert (answer.status_code, answer.json()["detail"]) == (503, "down: mailer")
    assert 'wardwatch_worker_up{worker="mailer"} 0.0' in ask(collector, "/metrics").text


def test_with_all_workers_it_is_ready(collector):
    collector.start()

    answer = eventually(lambda: ask(collector, "/readyz"), lambda a: a.status_code == 200)

    assert answer.text == "ready\n"


def test_a_journal_that_cannot_be_written_makes_it_not_ready(collector):
    collector.journal.close()

    assert "journal" in ask(collector, "/readyz").json()["detail"]


def eventually(ask_again, is_so):
    patience = threading.Event()
    for _ in range(100):
        answer = ask_again()
        if is_so(answer):
            return answer
        patience.wait(0.02)
    return answer


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("address", ["10.20.0.8", "::1", "testclient"])
def test_only_the_named_networks_may_ask(collector, path, address):
    answer = ask(collector, path, address=address)

    assert answer.status_code == 403
    assert "supervision.allow" in answer.json()["detail"]


def test_a_named_address_may_ask(collector):
    assert ask(collector, "/healthz", address="10.20.0.9").status_code == 200


def test_the_figures_tell_what_is_not_judged_yet(collector):
    assert "wardwatch_entries_unjudged 1.0" in ask(collector, "/metrics").text


def test_links_name_the_certificate_s_first_name(collector):
    assert collector.base_url() == "https://[fd00::5]:8443"


def test_without_a_mail_server_the_rooms_know_that_nothing_is_mailed(collector):
    assert collector.services.mails is False


def test_without_keys_nothing_is_opened(settings):
    with pytest.raises(KeysMissing):
        compose(settings)

    assert list(settings.state_dir.iterdir()) == []


def test_without_a_policy_it_does_not_start(settings):
    make_keys(settings)
    migrate_all(settings.state_dir)

    with pytest.raises(NoPolicy):
        compose(settings)
