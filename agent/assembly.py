"""Puts the service together from its parts, whatever the sensors are."""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

import agent
import checks
from agent.answers import Answers
from agent.config import Settings
from agent.health import STATUS_FILE
from agent.identity import AgentIdentity, IdentityFolder
from agent.integrity import OwnFiles
from agent.media.asking import Asking
from agent.media.manifests import Manifests
from agent.media.progress import ScansUnderWay
from agent.media.receipting import Receipts
from agent.media.standings import STANDINGS_FILE, Standings
from agent.messages import read_catalogue
from agent.policy_cache import POLICY_FILE, PolicyCache
from agent.reactions import Judgement, Reactions
from agent.recorder import Recorder
from agent.sealing import Sealer
from agent.selfwatch import SelfWatch
from agent.sensors.base import Sensor
from agent.sensors.beacon import BeaconSensor
from agent.sensors.board import BoardSensor
from agent.sensors.containment import ContainmentSensor
from agent.sensors.intranet import IntranetSensor
from agent.service import Parts, Service, StateFiles
from agent.spool import Spool
from agent.system import machine
from agent.system.desktop import Desktop
from agent.system.doorbell import Doorbell
from agent.system.link_cut import KernelHands
from agent.system.memory import settle
from agent.system.sdnotify import ServiceManager
from agent.system.shutdown import reason_to_stop
from agent.system.whereabouts import way_between
from agent.transport import Transport
from agent.uplink import Timing, Uplink
from agent.uplink_thread import UplinkThread
from checks.check import discover
from checks.facts import Fact
from checks.finding import Verdict
from checks.policy import PolicyDocument

_log = logging.getLogger("wardwatch.assembly")
_jitter = random.SystemRandom()


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between the service and a test of it.  `under_way` are the sensors' scans."""

    settings: Settings
    configuration: Path | None
    sensors: Callable[[Receipts], Sequence[Sensor]]
    desktop: Desktop
    manager: ServiceManager
    under_way: ScansUnderWay = msgspec.field(default_factory=ScansUnderWay)


def build(around: Surroundings) -> Service:
    """The service, ready to run.

    Raises:
        NotEnrolled: there is no identity yet.
        SpoolTaken: another agent runs with the same state folder.
        OSError, sqlite3.Error: the state folder cannot be used.
    """
    state = around.settings.state
    identity = IdentityFolder(state).load()
    if around.settings.collector:
        identity = identity.at(around.settings.collector)
    policies = PolicyCache(state / POLICY_FILE, identity, identity.agent)
    policy_is_intact = policies.load()
    spool = _spool(state, identity, policies)
    doorbell = Doorbell()
    arrived: deque[PolicyDocument] = deque()
    answers = Answers(monotonic=time.monotonic)
    courier = Transport(
        identity,
        timeout=around.settings.upload.timeout,
        clock=_wall_clock,
        on_answer=answers.came_along,
    )
    uplink = _uplink(around.settings, courier, spool, policies, (doorbell, arrived))
    containment = ContainmentSensor(state, KernelHands(), own_address=answers.own_address)
    standings = Standings(state / STANDINGS_FILE, identity)
    if not standings.load():
        _log.warning("what the register said is unreadable and asked for anew")
    asking = Asking(courier.ask_about, standings, on_answer=lambda _standing: doorbell.ring())
    receipts = Receipts(
        station=identity,
        standings=standings,
        manifests=Manifests(state),
        courier=courier,
        wall_us=_wall_clock,
    )
    board = BoardSensor(
        state,
        around.under_way,
        standing_of=standings.of,
        on_long_hold=lambda name, rest: reactions.still_held(name, rest, _wall_clock()),
    )

    def consider(fact: Fact, failed: Sequence[Verdict], at_us: int) -> None:
        containment.consider(fact, failed, at_us)
        board.hear(fact, failed, at_us)

    judgement = Judgement(discover(), policies.held.document, standing_of=standings.of)
    reactions = Reactions(
        judgement,
        catalogue=read_catalogue(),
        desktop=around.desktop,
        on_network=uplink.network_changed,
        contain=consider,
        on_medium=asking,
    )
    recorder = Recorder(
        spool,
        judge=reactions,
        now=machine.now,
        monotonic=time.monotonic,
        on_put=uplink.something_was_put,
    )
    parts = Parts(
        collector=identity.enrolment.collector,
        agent=identity.agent,
        files=StateFiles(
            beat=state / "beat.json",
            status=state / STATUS_FILE,
            planned_end=state / "planned-end",
        ),
        sensors=(
            containment,  # first: what the others see at their start may ask for a cut
            *around.sensors(receipts),
            IntranetSensor(answers, state, way_between=way_between),
            BeaconSensor(identity.sign),
            board,  # last: it tells what the others have seen
        ),
        selfwatch=SelfWatch(machine, _own_files(around.configuration)),
        host=machine,
        policies=policies,
        policy_was_changed=not policy_is_intact,
        spool=spool,
        recorder=recorder,
        reactions=reactions,
        uplink=uplink,
        doorbell=doorbell,
        arrived=arrived,
        manager=around.manager,
        settle=settle,
        reason_to_stop=reason_to_stop,
    )
    return Service(parts)


def _spool(state: Path, identity: AgentIdentity, policies: PolicyCache) -> Spool:
    sealer = Sealer(
        agent=identity.agent,
        machine=machine.machine_hash(),
        sign=identity.sign,
        clock=_wall_clock,
    )
    return Spool(
        state / "spool.db",
        boot=machine.boot_id(),
        sealer=sealer,
        now=machine.now,
        limit_bytes=policies.held.document.policy.thresholds.spool_limit_bytes,
    )


def _uplink(
    settings: Settings,
    courier: Transport,
    spool: Spool,
    policies: PolicyCache,
    inbox: tuple[Doorbell, deque[PolicyDocument]],
) -> UplinkThread:
    doorbell, arrived = inbox

    def on_policy(document: PolicyDocument) -> None:
        arrived.append(document)
        doorbell.ring()

    timing = Timing(
        clock=_wall_clock,
        monotonic=time.monotonic,
        jitter=lambda limit: _jitter.uniform(0, limit),
    )
    uplink = Uplink(
        spool=spool, courier=courier, policies=policies, on_policy=on_policy, timing=timing
    )
    return UplinkThread(
        uplink,
        interval=settings.upload.interval,
        monotonic=time.monotonic,
        on_change=doorbell.ring,
    )


def _own_files(configuration: Path | None) -> OwnFiles:
    packages = [Path(room.__path__[0]) for room in (agent, checks)]
    return OwnFiles(packages, configuration)


def _wall_clock() -> int:
    return machine.now().at_us
