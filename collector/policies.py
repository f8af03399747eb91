"""The policy that judges now, and each endpoint's signed copy of it."""

import base64
import hashlib
import threading
from collections.abc import Callable
from time import monotonic

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, insert, select

from checks.beacon import BeaconPass
from checks.policy import Endpoint, Policy, PolicyDocument, check_limits, parse_policy
from checks.wire import POLICY_DOMAIN, encode
from collector.entries import EntryKind, PolicyApplied
from collector.ingest.writer import JournalPage, JournalWriter
from collector.receipts import DAY_US, Passes
from collector.store import schema

FRESH_S = 1.0
"""How soon a policy is noticed that another process applied."""
ENDPOINT_FRESH_S = 2.0
DOCUMENTS_KEPT = 20_000


class NoPolicy(Exception):
    """The collector was not initialised: there is no policy at all."""


class PolicyChanged(Exception):
    """Another policy was applied since the one that a new policy was written over."""

    def __init__(self, *, over: int, newest: int, actor: str) -> None:
        super().__init__(
            f"version {newest}, applied by {actor}, is in force, not version {over} any more; "
            "look at it and apply yours again"
        )
        self.params = {"newest": str(newest), "over": str(over), "actor": actor}


class _InForce(msgspec.Struct, frozen=True):
    policy: Policy
    text: str
    applied_us: int


class SqlPolicies:
    """Fits `collector.ports.PolicySource`; one for each process."""

    def __init__(
        self, engine: Engine, writer: JournalWriter, *, now: Callable[[], float] = monotonic
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._now = now
        self._lock = threading.Lock()
        self._held: _InForce | None = None
        self._looked = float("-inf")

    def current(self) -> Policy:
        """Raises NoPolicy."""
        return self._in_force().policy

    def text(self) -> str:
        """Raises NoPolicy."""
        return self._in_force().text

    def applied_us(self) -> int:
        """When the policy in force was applied: the same for all copies of it."""
        return self._in_force().applied_us

    def apply(self, text: str, *, actor: str, over: int | None = None) -> Policy:
        """The new policy, after it and its entry in the journal are on disk.  `over` is the
        version that its writer saw; None is whatever is in force.

        Raises:
            PolicyError: nothing was changed; also when an approval would last too long.
            PolicyChanged: nothing was changed; what is in force is not `over`.
            JournalFailed: nothing was changed.
        """
        parse_policy(text)
        try:
            applied = self._writer.submit(lambda page: _apply(page, text, actor, over)).result()
        except PolicyChanged:
            with self._lock:
                self._looked = float("-inf")  # so that whoever looks again sees the newest
            raise
        with self._lock:
            self._held, self._looked = applied, self._now()
        return applied.policy

    def _in_force(self) -> _InForce:
        with self._lock:
            held, looked = self._held, self._looked
        if held is not None and self._now() - looked < FRESH_S:
            return held
        newest = self._read(held)
        with self._lock:
            if self._held is None or newest.policy.version >= self._held.policy.version:
                self._held, self._looked = newest, self._now()
            return self._held

    def _read(self, held: _InForce | None) -> _InForce:
        policies = schema.policies
        query = select(policies).order_by(policies.c.version.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NoPolicy("there is no policy yet; run: wardwatch-collector init")
        if held is not None and held.policy.version == row.version:
            return held
        return _InForce(parse_policy(row.text, version=row.version), row.text, row.applied_us)


def _apply(page: JournalPage, text: str, actor: str, over: int | None) -> _InForce:
    policies = schema.policies
    newest = page.connection.execute(
        select(policies.c.version, policies.c.applied_by)
        .order_by(policies.c.version.desc())
        .limit(1)
    ).first()
    if newest is not None and over not in (None, newest.version):
        raise PolicyChanged(over=over or 0, newest=newest.version, actor=newest.applied_by)
    version = (newest.version if newest else 0) + 1
    policy = parse_policy(text, version=version)
    check_limits(policy, now_us=page.now_us)
    page.connection.execute(
        insert(policies).values(
            version=version, applied_us=page.now_us, applied_by=actor, text=text
        )
    )
    page.add(EntryKind.POLICY, encode(PolicyApplied(version=version, actor=actor, text=text)))
    return _InForce(policy, text, page.now_us)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent fetches: `signature` is base64 over the body; the etag changes only
    with the policy or the endpoint's line in the register.
    """

    etag: str
    body: bytes
    signature: str


class PolicyDocuments:
    """Each endpoint's copy, made when it is asked for.  Used from one thread."""

    def __init__(
        self,
        policies: SqlPolicies,
        store: Engine,
        signer: Ed25519PrivateKey,
        *,
        passes: Passes | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._policies = policies
        self._store = store
        self._passes = passes
        self._signer = signer
        self._now = now
        self._endpoints: dict[str, tuple[float, Endpoint]] = {}
        self._etags: dict[str, tuple[int, Endpoint, str, int]] = {}

    def etag(self, agent: str, *, host: str) -> str:
        """`host` names the endpoint until the register has a line for it."""
        endpoint, version = self._endpoint(agent, host), self._policies.current().version
        known = self._etags.get(agent)
        fresh = known is not None and known[:2] == (version, endpoint)
        if known is not None and fresh and known[3] == self._passes_until():
            return known[2]
        line = hashlib.sha256(encode(endpoint)).hexdigest()[:16]
        passing = self._passes_until()
        etag = f'"{version}-{line}{f"-{passing}" if passing else ""}"'
        _bound(self._etags)
        self._etags[agent] = (version, endpoint, etag, passing)
        return etag

    def document(self, agent: str, *, host: str) -> Document:
        etag = self.etag(agent, host=host)
        body = encode(
            PolicyDocument(
                issued_at_us=self._policies.applied_us(),
                policy=self._policies.current(),
                endpoint=self._endpoint(agent, host),
                beacon_pass=self._pass(agent),
            )
        )
        signature = self._signer.sign(POLICY_DOMAIN + body)
        return Document(etag=etag, body=body, signature=base64.b64encode(signature).decode("ascii"))

    def _passes_until(self) -> int:
        """When passes given now end, in days; 0 where there is no beacon."""
        if self._passes is None or not self._policies.current().beacon.url:
            return 0
        return self._passes.until_us() // DAY_US

    def _pass(self, agent: str) -> BeaconPass | None:
        return self._passes.of(agent) if self._passes and self._passes_until() else None

    def _endpoint(self, agent: str, host: str) -> Endpoint:
        known = self._endpoints.get(agent)
        if known is not None and self._now() - known[0] < ENDPOINT_FRESH_S:
            return known[1]
        endpoint = registered(self._store, agent) or Endpoint(id=agent, name=host)
        _bound(self._endpoints)
        self._endpoints[agent] = (self._now(), endpoint)
        return endpoint


def registered(store: Engine, agent: str) -> Endpoint | None:
    """The register's line of this endpoint, as far as the judge has come."""
    endpoints = schema.endpoints
    with store.connect() as connection:
        row = connection.execute(select(endpoints).where(endpoints.c.agent == agent)).first()
    if row is None:
        return None
    return Endpoint(
        id=row.agent,
        name=row.name,
        department=row.department,
        owner=row.owner,
        place=row.place,
        phone=row.phone,
        zone=row.zone,
        groups=tuple(row.groups),
        clinical=row.clinical,
        protection_level=row.protection_level,
    )


def _bound(
    cache: dict[str, tuple[float, Endpoint]] | dict[str, tuple[int, Endpoint, str, int]],
) -> None:
    """An agent is known, so this is as many as there are; still, never without end."""
    if len(cache) >= DOCUMENTS_KEPT:
        cache.clear()
