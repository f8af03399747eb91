"""What arrives is checked here, from values alone, before anything is stored."""

import base64
import binascii
from collections.abc import Sequence
from itertools import pairwise

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from checks.facts.health import EndpointSilent
from checks.facts.media_register import MediumOverdue, MediumStanding, MediumTwice
from checks.facts.network import UnmanagedHost
from checks.wire import (
    BATCH_DOMAIN,
    BATCH_LIMIT_OBSERVATIONS,
    UNPACKED_LIMIT_BYTES,
    Batch,
    HeldObservation,
    Malformed,
    Observation,
    ReadBatch,
    decode_batch,
    digest,
    signed_request,
)
from collector.ingest.accept import Header
from collector.ingest.writer import Decided, SignedBatch
from collector.keys import is_signed_by
from collector.packing import TooLarge, Unpackable, is_packed, unpacked
from collector.problems import FORKED, Refused, problem

TEXT_LIMIT = 64
REQUEST_AGE_LIMIT_US = 5 * 60 * 1_000_000
COLLECTORS_OWN = (EndpointSilent, UnmanagedHost, MediumStanding, MediumTwice, MediumOverdue)
ENCODINGS = ("zstd", "identity", "")


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as it came, with the headers that belong to it."""

    agent: str
    signature: str
    encoding: str
    body: bytes


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that may be stored, and how many observations it brings."""

    batch: SignedBatch
    observations: int


def check_batch(claim: Claim, key: Ed25519PublicKey) -> Checked:
    """The signature first: nothing of a stranger is unpacked or read.

    Raises:
        Refused: with the place of what is wrong.
    """
    signature = signature_of(claim.signature)
    if not is_signed_by(key, BATCH_DOMAIN + claim.body, signature):
        raise Refused(
            problem(
                "wrong-signature",
                "The signature is wrong",
                status=401,
                detail="the body was altered on its way, or signed with another key than the "
                f"one that agent {claim.agent} enrolled with",
            )
        )
    _check_encoding(claim)
    read = _read(claim.body)
    _check_frame(read, claim.agent)
    frame = read.batch
    header = Header(
        first=frame.first,
        last=frame.last,
        previous=frame.previous,
        digest=digest(claim.body),
        anew=frame.anew,
    )
    return Checked(
        batch=SignedBatch(
            agent=claim.agent,
            machine=frame.machine,
            header=header,
            signature=signature,
            body=claim.body,
        ),
        observations=len(frame.observations) + len(read.held),
    )


def check_request(  # noqa: PLR0913 - a request is its path, its body and three headers
    path: str,
    *,
    agent: str,
    date: str,
    signature: str,
    key: Ed25519PublicKey,
    now_us: int,
    body: bytes = b"",
    method: str = "",
) -> None:
    """A signed request; where `method` is not given, GET without a body and POST with one.

    Raises:
        Refused.
    """
    if not date.isdecimal() or len(date) > TEXT_LIMIT:
        raise _unsigned("header Wardwatch-Date is missing or no time in microseconds")
    apart_us = abs(now_us - int(date))
    if apart_us > REQUEST_AGE_LIMIT_US:
        raise Refused(
            problem(
                "wrong-date",
                "The request is too old or from the future",
                status=401,
                detail=f"the clocks of agent {agent} and collector differ by "
                f"{apart_us // 1_000_000} s; 300 s are allowed",
            )
        )
    message = signed_request(method or ("POST" if body else "GET"), path, date, body)
    if not is_signed_by(key, message, signature_of(signature)):
        raise Refused(
            problem(
                "wrong-signature",
                "The signature is wrong",
                status=401,
                detail=f"it was not made with the key that agent {agent} enrolled with",
            )
        )


def signature_of(header: str) -> bytes:
    """Raises Refused."""
    if not header:
        raise _unsigned("header Wardwatch-Signature is missing")
    try:
        return base64.b64decode(header, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise _unsigned(f"header Wardwatch-Signature is no base64: {wrong}") from wrong


def forked(batch: SignedBatch, decided: Decided, *, host: str, remote: str) -> Refused:
    """Names both machines that speak under one name."""
    return Refused(
        problem(
            FORKED,
            "Two machines send under one identity",
            status=409,
            detail=f"agent {batch.agent}: {decided.decision.why}. Known so far from machine "
            f"{decided.machine[:12] or 'unknown'} (enrolled as {host}); this batch is from "
            f"machine {batch.machine[:12] or 'unknown'} at {remote}. "
            "Enrol one of them anew: wardwatch-agent enrol --again",
        )
    )


def too_large(detail: str) -> Refused:
    return Refused(problem("too-large", "The batch is too large", status=413, detail=detail))


def _unsigned(detail: str) -> Refused:
    return Refused(problem("not-signed", "The request is not signed", status=401, detail=detail))


def _malformed(detail: str) -> Refused:
    return Refused(
        problem("malformed-batch", "The batch cannot be read", status=422, detail=detail)
    )


def _check_encoding(claim: Claim) -> None:
    if claim.encoding not in ENCODINGS:
        raise Refused(
            problem(
                "unknown-encoding",
                "The encoding is not supported",
                status=415,
                detail=f"Content-Encoding {claim.encoding[:TEXT_LIMIT]!r}; use zstd or identity",
            )
        )
    if is_packed(claim.body) != (claim.encoding == "zstd"):
        raise _malformed(f"Content-Encoding is {claim.encoding or 'missing'}, the body is not so")


def _read(body: bytes) -> ReadBatch:
    try:
        return decode_batch(unpacked(body, limit=UNPACKED_LIMIT_BYTES))
    except TooLarge as bomb:
        raise too_large(f"the body {bomb}") from bomb
    except Unpackable as broken:
        raise _malformed(f"body: {broken}") from broken
    except Malformed as wrong:
        raise _malformed(str(wrong)) from wrong
    except RecursionError as nested:
        raise _malformed("body: nested too deeply") from nested


def _check_frame(read: ReadBatch, agent: str) -> None:
    """What types cannot say: the frame fits its content, and tells only what it may."""
    frame = read.batch
    if frame.agent != agent:
        raise _malformed(f"agent: the batch is of {frame.agent[:TEXT_LIMIT]!r}, sent as {agent!r}")
    count = len(frame.observations) + len(read.held)
    if count == 0:
        raise _malformed("observations: there are none")
    if count > BATCH_LIMIT_OBSERVATIONS:
        raise too_large(f"{count} observations; {BATCH_LIMIT_OBSERVATIONS} are allowed")
    if not 1 <= frame.first <= frame.last:
        raise _malformed(f"first, last: {frame.first} to {frame.last} is no range")
    _check_order(frame)
    _check_own_words(frame)
    envelopes: list[Observation | HeldObservation] = [*frame.observations, *read.held]
    envelopes.sort(key=lambda one: one.sequence)
    _check_envelopes(envelopes, frame)


def _check_envelopes(envelopes: Sequence[Observation | HeldObservation], frame: Batch) -> None:
    """Known and held ones together, by their sequence."""
    lowest, highest = envelopes[0].sequence, envelopes[-1].sequence
    if lowest != frame.first or highest != frame.last:
        raise _malformed(
            f"observations: {lowest} to {highest}, but the batch says {frame.first} to {frame.last}"
        )
    for before, after in pairwise(envelopes):
        if before.sequence == after.sequence:
            raise _malformed(f"observations: sequence {after.sequence} is there twice")


def _check_order(frame: Batch) -> None:
    for before, after in pairwise(frame.observations):
        if before.sequence >= after.sequence:
            raise _malformed(f"observations: sequence {after.sequence} follows {before.sequence}")


def _check_own_words(frame: Batch) -> None:
    """Who is silent and who is not enrolled is the collector's own word: no agent's."""
    for seen in frame.observations:
        if isinstance(seen.fact, COLLECTORS_OWN):
            raise _malformed(f"observations: sequence {seen.sequence} is not an agent's to say")
