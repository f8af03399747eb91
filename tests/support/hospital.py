"""A small hospital behind the real journal, judge and acts; people and wards are invented."""

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import insert, select
from starlette.applications import Starlette

from checks.check import discover
from checks.facts import Fact
from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import Answer, ConnectionSeen, Egress, Gateway
from checks.facts.health import AgentHealth, AgentStarted, SensorGap, SensorHealth
from checks.facts.media import (
    Infection,
    Medium,
    MediumAccessed,
    MediumMounted,
    MediumScanned,
    Partition,
    ScannerState,
)
from checks.facts.network import Address, Link, NetworkState, Route
from checks.policy import Endpoint
from checks.wire import encode
from collector import api, dashboard
from collector.acts import CaseActs
from collector.alerts.links import Links
from collector.auth import add_user, create_token
from collector.changes import LocalChanges
from collector.entries import AttemptsOfDay, Enrolled, EntryKind
from collector.ingest.identities import AgentSignatures
from collector.journal import SqlJournal
from collector.judge import Judge
from collector.policies import SqlPolicies
from collector.ports import Services
from collector.replays import Replays
from collector.store import schema
from collector.store.engine import open_journal, open_store
from tests.fakes.batches import LINK_KEY, observation, sealed

MINUTE_US = 60 * 1_000_000
HOUR_US = 60 * MINUTE_US
JUDGED_WITHIN_S = 5.0
PASSWORD = "correct horse ward 9"
POLICY = """# proposed by wardwatch
[hospital]
name = "示范市第一人民医院"
phone = "8120"

[[zones]]
name = "业务内网"
prefixes = ["10.20.0.0/16"]
via = [{ interface = "wired", gateway = "10.20.0.1" }]

[[mail.recipients]]
address = "duty@hospital.example"
name = "值班员"
severity = "medium"
"""
WARDS = (
    ("nk3-017", "NK3-PC-017", "内科三病区", "林晓棠", "住院楼 7 层护士站", "8317", ""),
    ("jyk-004", "JYK-PC-004", "检验科", "沈立群", "门诊楼 2 层 采血室", "8204", ""),
    ("fsk-002", "FSK-WS-002", "放射科", "顾明远", "医技楼 1 层 CT 室", "8102", ""),
    ("icu-001", "ICU-PC-001", "重症医学科", "何雨桐", "住院楼 3 层", "8301", "life_support"),
    ("sfc-011", "SFC-PC-011", "收费处", "方静怡", "门诊楼 1 层 5 号窗口", "8111", "cashier"),
    ("ssk-006", "SSK-PC-006", "手术室", "韩子昂", "外科楼 5 层", "8506", "theatre"),
)
HOSTILE_LABEL = '<img src=x onerror="document.title=1">\u202egnp.exe ' + "长" * 10_000
SENSORS = tuple(
    SensorHealth(name=name, state="ok") for name in ("connections", "network", "media", "scanner")
)
USB = Medium(
    key="a1b2c3d4e5f60718",
    kind="stick",
    bus="usb",
    vendor_id="0951",
    product_id="1666",
    vendor="Kingston",
    model="DataTraveler 3.0",
    serial="60A44C413FAE",
    capacity=31_004_295_168,
    partitions=(Partition(device="sdb1", size=31_003_246_592, filesystem="vfat", label="资料"),),
)
STRANGE = Medium(
    key="ffee0011",
    kind="stick",
    bus="usb",
    vendor_id="ffff",
    product_id="5678",
    vendor="VendorCo",
    model=HOSTILE_LABEL,
    serial="",
    capacity=8_004_295_168,
)


def now_us() -> int:
    return time.time_ns() // 1_000


class Hospital:
    """Runs until `close`; `services` is what the dashboard and the API are given."""

    def __init__(self, folder: Path, *, base_url: str = "https://testserver") -> None:
        self._journal_engine, self._store = open_journal(folder), open_store(folder)
        schema.journal.create_all(self._journal_engine)
        schema.store.create_all(self._store)
        self._journal = SqlJournal(self._journal_engine, clock=now_us)
        self._journal.start()
        policies = SqlPolicies(self._journal_engine, self._journal.writer)
        policies.apply(POLICY, actor="wardwatch")
        changes = LocalChanges()
        self._replays = Replays(folder, clock=now_us)
        self.services = Services(
            journal=self._journal,
            journal_engine=self._journal_engine,
            store_engine=self._store,
            policies=policies,
            acts=CaseActs(journal=self._journal, store=self._store, changes=changes, clock=now_us),
            changes=changes,
            clock=now_us,
            replays=self._replays,
            links=Links(LINK_KEY),
            base_url=base_url,
            version="0.1.0",
        )
        judge = Judge(
            journal=self._journal,
            store=self._store,
            changes=changes,
            checks=discover(),
            is_signed=AgentSignatures(self._journal_engine).is_signed,
        )
        self._stop = threading.Event()
        self._judging = threading.Thread(target=judge.run, args=(self._stop,))
        self._judging.start()
        self._sequences: dict[str, int] = {}

    def close(self) -> None:
        self._replays.close()
        self._stop.set()
        self._journal._heard_of(sys.maxsize)  # the judge need not wait for its next look
        self._judging.join()
        self._journal.close()
        self._journal_engine.dispose()
        self._store.dispose()

    def application(self) -> Starlette:
        return Starlette(routes=[*api.routes(self.services), *dashboard.routes(self.services)])

    def enrol(self, ward: Sequence[str], *, ago_us: int = 0) -> None:
        agent, name, department, owner, place, phone, clinical = ward
        line = Endpoint(
            id=agent,
            name=name,
            department=department,
            owner=owner,
            place=place,
            phone=phone,
            clinical=clinical,
            zone="业务内网",
        )
        body = encode(Enrolled(endpoint=line, host=name.lower(), machine="m"))
        row = _entry(EntryKind.ENROLLED, agent, body, at_us=now_us() - ago_us)
        entry = self._journal.writer.submit(lambda page: _added(page.connection, row)).result()
        self._journal._heard_of(entry)

    def digest(self, day: AttemptsOfDay) -> None:
        """Journals a day's attempts; returns when they are judged."""
        entry = self._journal.append(EntryKind.DIGEST, encode(day))
        assert self.services.changes.wait_for_entry(entry, JUDGED_WITHIN_S)

    def tell(self, agent: str, *facts: Fact, ago_us: int = 0) -> None:
        """The agent's next batch with these facts; returns when it is judged."""
        first = self._sequences.get(agent, 0) + 1
        self._sequences[agent] = first + len(facts) - 1
        told = [
            observation(first + n, fact, at_us=now_us() - ago_us + n)
            for n, fact in enumerate(facts)
        ]
        body = sealed(agent, told)
        last = first + len(facts) - 1
        entry = self._journal.writer.submit(
            lambda page: _batch(page.connection, agent, first, last, body)
        ).result()
        self._journal._heard_of(entry)
        assert self.services.changes.wait_for_entry(entry, 20)

    def people(self) -> None:
        """One of each role of the whole hospital, all with PASSWORD, which is hashed once."""
        add_user(self._store, name="安全员", password=PASSWORD, role="officer", now_us=now_us())
        with self._store.begin() as connection:
            officer = connection.execute(select(schema.users)).mappings().one()
            for role in ("duty", "auditor", "admin", "director"):
                row = {**officer, "name": role, "role": role}
                connection.execute(insert(schema.users).values(row))

    def token(self, role: str = "officer") -> str:
        return create_token(self._store, name=f"script {role}", role=role, now_us=now_us())

    def refusal(self) -> None:
        row = {
            "at_us": now_us() - HOUR_US,
            "agent": "nk3-017",
            "remote": "10.20.9.9",
            "problem": "bad-signature",
            "detail": "the batch's signature does not fit the agent's key",
        }
        with self._journal_engine.begin() as connection:
            connection.execute(insert(schema.refusals).values(row))


def seeded(folder: Path, *, base_url: str = "https://testserver") -> Hospital:
    """A day in the hospital: some violations, one blind sensor, one gap."""
    hospital = Hospital(folder, base_url=base_url)
    hospital.people()
    for ward in WARDS:
        hospital.enrol(ward)
        hospital.tell(ward[0], started(), network(), health(), scanner(), ago_us=20 * HOUR_US)
        hospital.tell(ward[0], network(), health(), scanner(), ago_us=5 * MINUTE_US)
    hospital.tell("nk3-017", outside(), ago_us=4 * HOUR_US)
    hospital.tell("nk3-017", outside("198.51.100.20"), outside("198.51.100.21"), ago_us=MINUTE_US)
    hospital.tell("jyk-004", mounted(USB), accessed(USB), infected(USB), ago_us=12 * MINUTE_US)
    hospital.tell("fsk-002", mounted(STRANGE), ago_us=2 * MINUTE_US)
    hospital.tell("sfc-011", leak("none"), ago_us=30 * MINUTE_US)
    hospital.tell("ssk-006", leak("two_way"), ago_us=9 * HOUR_US)
    gap = SensorGap(
        sensor="connections",
        cause="overrun",
        from_us=now_us() - 6 * HOUR_US,
        to_us=now_us() - 5 * HOUR_US,
        lost=412,
    )
    hospital.tell("icu-001", gap, ago_us=5 * HOUR_US)
    blind = SensorHealth(
        name="connections", state="off", reason="no right to capture packets", since_us=now_us()
    )
    hospital.tell("icu-001", health(blind), ago_us=MINUTE_US)
    hospital.refusal()
    return hospital


def health(*sensors: SensorHealth) -> AgentHealth:
    named = {sensor.name for sensor in sensors}
    return AgentHealth(
        version="0.1.0",
        policy_version=1,
        sensors=(*sensors, *(sensor for sensor in SENSORS if sensor.name not in named)),
        spool_bytes=40_960,
        spool_limit=268_435_456,
        rss_bytes=33_000_000,
        users=("u1000",),
    )


def started() -> AgentStarted:
    return AgentStarted(
        version="0.1.0", host="host", system="Kylin V10", machine="m", previous_end="goodbye"
    )


def scanner() -> ScannerState:
    return ScannerState(
        available=True, engine="ClamAV 1.4.6", signatures="27801", signatures_at_us=now_us()
    )


def network() -> NetworkState:
    return NetworkState(
        links=(
            Link(
                index=2,
                name="enp1s0",
                kind="wired",
                mac="02:00:00:00:00:17",
                up=True,
                carrier=True,
                addresses=(Address(address="10.20.3.17", prefix_length=16),),
            ),
        ),
        routes=(
            Route(destination="0.0.0.0/0", interface="enp1s0", gateway="10.20.0.1"),
            Route(destination="10.20.0.0/16", interface="enp1s0"),
        ),
    )


def outside(destination: str = "203.0.113.9") -> ConnectionSeen:
    """Over a telephone, while the intranet is up: EXT-01."""
    return ConnectionSeen(
        protocol="tcp",
        source="192.168.42.7",
        source_port=41_822,
        destination=destination,
        destination_port=443,
        direction="out",
        answer="two_way",
        egress=Egress(
            interface="usb0",
            kind="usb_tether",
            gateway="192.168.42.129",
            gateway_mac="02:00:00:00:42:81",
            link_gateways=(Gateway(address="192.168.42.129"),),
        ),
        process=Process(
            pid=4312, name="browser", executable="/opt/browser/browser", uid=1000, user="u1000"
        ),
        first_seen_us=now_us(),
        answered_us=now_us(),
    )


def leak(answer: Answer) -> ConnectionSeen:
    """Through the intranet's own gateway: EXT-06, or EXT-17 without an answer."""
    return ConnectionSeen(
        protocol="udp",
        source="10.20.3.17",
        source_port=40_001,
        destination="198.51.100.77",
        destination_port=123,
        direction="out",
        answer=answer,
        egress=Egress(
            interface="enp1s0",
            kind="wired",
            gateway="10.20.0.1",
            link_gateways=(Gateway(address="10.20.0.1"),),
        ),
        process=UnknownProcess(why="gone"),
        first_seen_us=now_us(),
        answered_us=now_us() if answer == "two_way" else 0,
        flows=3,
    )


def mounted(medium: Medium) -> MediumMounted:
    partition = (
        medium.partitions[0] if medium.partitions else Partition(device="sdc1", size=8 << 30)
    )
    return MediumMounted(
        medium=medium, partition=partition, mount_point="/media/u1000/disk", user="u1000"
    )


def accessed(medium: Medium) -> MediumAccessed:
    return MediumAccessed(
        medium=medium,
        mount_point="/media/u1000/disk",
        operation="open",
        scan="running",
        process=Process(pid=5120, name="wps", executable="/opt/kingsoft/wps", user="u1000"),
        file_hash="9f86d081884c7d65",
        suffix=".docx",
    )


def infected(medium: Medium) -> MediumScanned:
    return MediumScanned(
        medium=medium,
        mount_point="/media/u1000/disk",
        verdict="infected",
        engine="ClamAV 1.4.6",
        signatures="27801",
        signatures_at_us=now_us(),
        files=1_204,
        bytes=734_003_200,
        infections=(
            Infection(
                signature="Win.Test.EICAR_HDB-1",
                sha256="275a021bbfb6489e",
                file_hash="5d41402abc4b2a76",
                suffix="com",
            ),
        ),
        started_us=now_us() - MINUTE_US,
        ended_us=now_us(),
    )


def _batch(connection, agent: str, first: int, last: int, body: bytes) -> int:
    row = _entry(EntryKind.BATCH, agent, body, at_us=now_us())
    return _added(connection, {**row, "first": first, "last": last})


def _entry(kind: EntryKind, agent: str, body: bytes, *, at_us: int) -> dict[str, object]:
    return {
        "kind": kind.value,
        "agent": agent,
        "received_us": at_us,
        "digest": "",
        "signature": b"",
        "body": body,
    }


def _added(connection, row: dict[str, object]) -> int:
    done = connection.execute(insert(schema.entries).values(row))
    return int(done.inserted_primary_key[0])
