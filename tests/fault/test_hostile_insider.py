"""An enrolled agent that lies, against the really running collector: what the officer sees."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import msgspec
import pytest
from backports import zstd

from checks.facts import KINDS
from checks.wire import digest, encode
from collector.ingest.receiving import COLLECTORS_OWN
from tests.free_port import free_port
from tests.samples import TETHERED, connection
from tests.sender import RealCollector, Sender
from tests.support.hostile import hostile
from tests.support.live import until

BATCHES = "/agent/v1/batches"
PASSWORD = "lantern-gravel-77-orbit"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e\n{{7*7}}\0%s"
PAGES = ("/", "/cases", "/endpoints", "/hosts", "/hosts?q=%00%F0", "/learning", "/unseen", "/rules",
         "/policy")  # fmt: skip
LISTS = ("cases", "endpoints", "observations", "media")
ANSWERED = ("hosts", "proposals", "digests", "policy")
RULES = ("EXT-04", "MED-01", "MED-03", "MED-05", "AUD-01")
LARGEST_PAGE = 1_000_000


class Place(msgspec.Struct):
    """The collector, an agent's way in, and an officer's."""

    collector: RealCollector
    agents: httpx.Client
    officer: httpx.Client

    def enrol(self, host: str) -> Sender:
        return self.collector.enrol(self.agents, host)

    def send(self, sender: Sender, body: bytes) -> httpx.Response:
        return self.agents.post(BATCHES, content=body, headers=sender.headers(body))

    def say(self, sender: Sender, *facts: object) -> httpx.Response:
        raw = msgspec.to_builtins(sender.batch(len(facts)))
        for observed, fact in zip(raw["observations"], facts, strict=True):
            observed["fact"] = fact
        body = zstd.compress(msgspec.json.encode(raw))
        return self.send(sender, body)

    def judged(self) -> None:
        """Waits until everything that was accepted is judged."""
        until(lambda: "wardwatch_entries_unjudged 0.0" in self.agents.get("/metrics").text)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    collector = RealCollector(tmp_path_factory.mktemp("collector"), free_port())
    collector.initialise()
    (collector.folder / "password").write_text(PASSWORD)
    collector.command("user", "add", "officer", "--role", "officer", "--password-file",
                      str(collector.folder / "password"))  # fmt: skip
    token = collector.command("token", "create", "t", "--role", "officer").split()[-1]
    collector.start()
    try:
        with collector.client() as agents, collector.client() as officer:
            collector.wait(agents)
            officer.headers["Authorization"] = f"Bearer {token}"
            officer.cookies.set("wardwatch-language", "en")
            entered = officer.post("/login", data={"name": "officer", "password": PASSWORD})
            assert entered.status_code == 303
            yield Place(collector, agents, officer)
    finally:
        collector.stop()


def _medium(**more: object) -> dict[str, object]:
    text = dict.fromkeys(("vendor", "model", "serial", "table", "device"), HOSTILE)
    part = dict.fromkeys(("device", "filesystem", "uuid", "label"), HOSTILE) | {"size": 2**63 - 1}
    return {"key": "k", "kind": "stick", "bus": "usb", "capacity": 2**63 - 1, **text,
            "partitions": [part], **more}  # fmt: skip


def _hostile_facts() -> list[object]:
    outside = msgspec.to_builtins(connection())
    who = {"who": "process", "pid": 1, "name": HOSTILE, "executable": HOSTILE, "user": HOSTILE}
    network = msgspec.to_builtins(TETHERED)
    links = [{**link, "name": f"{HOSTILE}{n}", "description": HOSTILE, "mac": HOSTILE}
             for n in range(500) for link in network["links"]]  # fmt: skip
    mounted = {"medium": _medium(), "mount_point": HOSTILE}
    return [
        {**outside, "process": who, "protocol": HOSTILE, "first_seen_us": 0},
        {**outside, "destination": "no address", "source": HOSTILE},
        {"kind": "medium_attached", "medium": _medium()},
        {"kind": "medium_mounted", **mounted, "partition": _medium()["partitions"][0],
         "user": HOSTILE},
        {"kind": "medium_accessed", **mounted, "operation": "open", "scan": "not_started",
         "process": who, "suffix": HOSTILE, "file_name": HOSTILE},
        {"kind": "medium_scanned", **mounted, "verdict": "infected", "reason": HOSTILE,
         "engine": HOSTILE, "signatures": HOSTILE, "skipped": {HOSTILE: 1},
         "infections": [{"signature": HOSTILE, "file_name": HOSTILE}] * 100},
        {"kind": "sensor_gap", "sensor": HOSTILE[:64], "cause": "failed", "from_us": 0,
         "to_us": 253_370_764_800_000_000, "lost": 2**53, "detail": HOSTILE},
        {"kind": "agent_health", "version": "9", "policy_version": 1,
         "sensors": [{"name": HOSTILE[:64], "state": "failed", "reason": HOSTILE}]},
        {"kind": "agent_started", "version": "9", "host": HOSTILE, "system": HOSTILE,
         "machine": HOSTILE, "previous_end": "killed", "previous_seen_us": 1,
         "changed": [HOSTILE], "traced_by": HOSTILE},
        {"kind": "agent_tampered", "what": "debugged", "detail": HOSTILE},
        {**network, "links": links},
        {**outside},
        {"kind": "network", "links": [{**links[-1], "addresses": [{"address": HOSTILE,
         "prefix_length": -1}]}], "routes": [{"destination": HOSTILE, "interface": HOSTILE,
         "gateway": HOSTILE}]},
        {**outside},
    ]  # fmt: skip


@pytest.fixture(scope="module")
def liar(place: Place) -> Sender:
    sender = place.enrol("liar")
    answer = place.say(sender, *_hostile_facts())
    assert answer.status_code == 200, answer.text
    place.judged()
    return sender


def test_no_page_breaks_or_repeats_what_a_lying_agent_says(place: Place, liar: Sender) -> None:
    newest = [place.officer.get("/api/v1/cases", params={"rule": rule, "limit": 3}).json()["cases"]
              for rule in RULES]  # fmt: skip
    rows = [row for some in newest for row in some]
    addresses = [*PAGES, f"/endpoints/{liar.agent}", *(f"/cases/{row['id']}" for row in rows)]

    assert {row["rule"] for row in rows} == set(RULES)
    for address in addresses:
        page = place.officer.get(address)
        assert page.status_code == 200, (address, page.text[:500])
        assert len(page.text) < LARGEST_PAGE, address
        assert "<script>alert" not in page.text, address
        assert "<img src=x" not in page.text, address


def test_the_api_tells_everything_that_a_lying_agent_said(place: Place, liar: Sender) -> None:
    for name in LISTS:
        answer = place.officer.get(f"/api/v1/{name}")
        assert answer.status_code == 200, (name, answer.text)
        assert answer.json()[name], name
    assert place.officer.get(f"/api/v1/endpoints/{liar.agent}").status_code == 200


@pytest.mark.parametrize(
    ("what", "text"),
    [("short", HOSTILE), ("long", HOSTILE * 130), ("formula", "=cmd|' /C calc'!A0\t@SUM(1)\r\n")],
    ids=["short", "long", "formula"],
)
def test_every_kind_of_fact_may_be_hostile_in_every_text_of_it(
    place: Place, what: str, text: str
) -> None:
    sender = place.enrol(f"liar-in-everything-{what}")
    own = [kind for kind in KINDS.values() if kind not in COLLECTORS_OWN]
    facts = [msgspec.to_builtins(hostile(kind, text)) for kind in own]
    answer = place.say(sender, *facts, *facts)
    assert answer.status_code == 200, answer.text
    place.judged()

    rows = place.officer.get("/api/v1/cases", params={"endpoint": sender.agent, "limit": 100})
    cases = [f"/cases/{row['id']}" for row in rows.json()["cases"]]
    for address in [*PAGES, f"/endpoints/{sender.agent}", *cases]:
        page = place.officer.get(address)
        assert page.status_code == 200, (address, page.text[:500])
        assert len(page.text) < LARGEST_PAGE, address
        assert "<script>alert" not in page.text, address
    for name in (*LISTS, *ANSWERED):
        assert place.officer.get(f"/api/v1/{name}").status_code == 200, name


def test_half_a_surrogate_is_no_text_and_the_next_batch_is_taken(place: Place) -> None:
    sender = place.enrol("half a letter")
    raw = msgspec.json.encode(sender.batch(1)).replace(b'"kind":', b'"\\ud800":1,"kind":', 1)

    refused = place.send(sender, zstd.compress(raw))

    assert refused.status_code in (200, 400, 422), refused.text
    assert place.officer.get("/unseen").status_code == 200


def test_nobody_waits_for_facts_that_a_rule_cannot_bear(place: Place, liar: Sender) -> None:
    honest = place.enrol("honest")

    assert place.send(honest, honest.seal(3)).status_code == 200
    place.judged()

    seen = place.officer.get("/api/v1/observations", params={"endpoint": honest.agent}).json()
    assert len(seen["observations"]) == 3
    assert "crashed" in place.officer.get("/unseen").text


def test_thousands_of_made_up_kinds_are_counted_under_a_few_names(place: Place) -> None:
    inventive = place.enrol("inventive")

    answer = place.say(inventive, *({"kind": f"kind_{n}"} for n in range(3_000)))
    place.judged()

    assert answer.status_code == 200
    page = place.officer.get("/unseen").text
    assert page.count("kind_") == 50
    assert "2950" in page


def test_a_fork_names_both_machines_however_much_nonsense_follows_it(place: Place) -> None:
    first = place.enrol("cloned")
    assert place.send(first, first.seal(3)).status_code == 200
    clone = Sender(agent=first.agent, key=first.key, machine="machine-b")

    assert place.send(clone, clone.seal(5)).status_code == 409
    for number in range(150):
        stranger = Sender(agent=f"stranger-{number}")
        place.send(stranger, b"nonsense")

    page = place.officer.get("/unseen").text
    assert "Two machines send under one identity" in page
    told = page[page.index("Two machines send under one identity") :]
    assert "machine machine-a (enrolled as cloned)" in told
    assert "this batch is from machine machine-b at 127.0.0.1" in told


def test_an_agent_that_lost_its_spool_goes_on_and_the_hole_is_told(place: Place) -> None:
    sender = place.enrol("spoiled")
    answered = sender.seal(3)
    assert place.send(sender, answered).status_code == 200  # the agent never learns of it
    anew = Sender(agent=sender.agent, key=sender.key, last=10_000, previous="")

    forgot = place.send(anew, zstd.compress(encode(anew.batch(2))))
    begun = zstd.compress(encode(msgspec.structs.replace(anew.batch(2), anew=True)))
    answer = place.send(anew, begun)
    anew.last, anew.previous = 10_002, digest(begun)
    place.judged()

    assert forgot.status_code == 409
    assert answer.status_code == 200, answer.text
    assert place.send(anew, anew.seal(1)).status_code == 200
    with closing(sqlite3.connect(place.collector.state / "store.sqlite3")) as store:
        query = "SELECT cause, lost, detail FROM coverage_holes WHERE agent = ? AND cause = 'lost'"
        [hole] = store.execute(query, (sender.agent,)).fetchall()
    assert hole[:2] == ("lost", 0)
    assert "began anew" in hole[2]
    place.collector.command("verify")
