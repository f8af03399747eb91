"""The signed policy, verified before it is believed, kept across restarts."""

from pathlib import Path
from typing import Protocol

import msgspec

from agent.durable import read_whole, write_durably
from checks.policy import Endpoint, Policy, PolicyDocument, parse_policy
from checks.wire import POLICY_DOMAIN

POLICY_FILE = "policy.json"
"""Its name in the state folder."""


class PolicyRefused(Exception):
    """A policy document that is not the collector's, or that we cannot read."""


class Verifier(Protocol):
    def is_from_collector(self, message: bytes, signature: bytes) -> bool: ...


class SignedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """As it came: the document's bytes and the signature over them."""

    etag: str
    body: bytes
    signature: bytes


class HeldPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy in force here; `etag` is empty while none was fetched."""

    etag: str
    document: PolicyDocument


class PolicyCache:
    """Thread-safe as long as one thread stores: `held` is replaced, never changed."""

    def __init__(self, path: Path, verifier: Verifier, agent: str) -> None:
        self._path = path
        self._verifier = verifier
        self._agent = agent
        self.held = HeldPolicy(etag="", document=built_in(agent))

    def load(self) -> bool:
        """Takes up the policy of the last run; False when the file was changed: it is
        not used, and a new one will be fetched.

        Raises:
            OSError: it is there and cannot be read.
        """
        content = read_whole(self._path)
        if content is None:
            return True
        try:
            signed = msgspec.json.decode(content, type=SignedPolicy)
            self.held = self._verified(signed)
        except (msgspec.DecodeError, PolicyRefused):
            return False
        return True

    def store(self, signed: SignedPolicy) -> PolicyDocument:
        """Puts a fetched policy in force, after it is on disk.

        Raises:
            PolicyRefused: the signature is not the collector's, or the document is not
                one, or it is for another agent; the policy in force stays.
            OSError: it could not be kept; the policy in force stays.
        """
        held = self._verified(signed)
        write_durably(self._path, msgspec.json.encode(signed))
        self.held = held
        return held.document

    def _verified(self, signed: SignedPolicy) -> HeldPolicy:
        if not self._verifier.is_from_collector(POLICY_DOMAIN + signed.body, signed.signature):
            raise PolicyRefused("the policy's signature is not the collector's")
        try:
            document = msgspec.json.decode(signed.body, type=PolicyDocument)
        except msgspec.DecodeError as wrong:
            raise PolicyRefused(f"the policy cannot be read: {wrong}") from wrong
        if document.endpoint.id != self._agent:
            raise PolicyRefused(f"the policy is for {document.endpoint.id}, not for us")
        return HeldPolicy(etag=signed.etag, document=document)


def built_in(agent: str) -> PolicyDocument:
    """The defaults, for an agent that has not heard a policy yet: nothing is inside."""
    return local_document(parse_policy(""), agent)


def local_document(policy: Policy, agent: str = "") -> PolicyDocument:
    return PolicyDocument(issued_at_us=0, policy=policy, endpoint=Endpoint(id=agent))
