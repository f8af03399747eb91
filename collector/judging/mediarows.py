"""Values of the media's tables as rows, in the order of the columns."""

import msgspec

from checks.facts.media_register import RegisteredMedium
from collector.judging.media import Place, SeenMedium
from collector.judging.receipts import LedgerReceipt, Revocation


def dumped(value: object) -> str:
    """JSON for a Json column, as the driver takes it."""
    return msgspec.json.encode(value).decode("utf-8")


def line_row(
    line: RegisteredMedium, at_us: int, *, counted_us: int, returned_us: int
) -> tuple[object, ...]:
    """In the order of the columns of `media_register`."""
    return (
        line.number,
        line.kind,
        line.key,
        line.serial,
        line.vendor_id,
        line.product_id,
        line.capacity,
        line.owner,
        line.department,
        dumped(line.endpoints),
        dumped(line.departments),
        dumped(line.zones),
        line.access,
        line.hours,
        line.uses,
        int(line.lost),
        line.expires.isoformat(),
        line.inventory.isoformat() if line.inventory else "",
        line.note,
        at_us,
        at_us,
        counted_us,
        returned_us,
    )


def seen_row(seen: SeenMedium) -> tuple[object, ...]:
    """In the order of the columns of `media_seen`."""
    return (
        seen.key,
        dumped(seen.medium),
        seen.medium.serial,
        seen.first_us,
        seen.last_us,
        seen.agent,
        seen.scan,
        seen.scanned_us,
    )


def place_row(place: Place) -> tuple[object, ...]:
    """In the order of the columns of `media_places`."""
    return (
        place.key,
        place.agent,
        place.zone,
        place.first_us,
        place.last_us,
        place.before_us,
        place.since_us,
        place.received_us,
        int(place.used),
        place.told_us,
    )


def receipt_row(one: LedgerReceipt) -> tuple[object, ...]:
    """In the order of the columns of `receipts`."""
    receipt = one.receipt
    return (
        receipt.id,
        receipt.medium,
        receipt.station,
        receipt.extends,
        receipt.how,
        receipt.signatures,
        one.made_us,
        one.expires_us,
        one.received_us,
        dumped(one.signed),
        one.ended_us,
        one.ended_by,
        one.actor,
        one.reason,
    )


def revocation_row(revocation: Revocation) -> tuple[object, ...]:
    """In the order of the columns of `receipt_revocations`."""
    done = revocation.done
    return (
        revocation.entry,
        done.what,
        done.subject,
        done.since_us,
        revocation.at_us,
        done.actor,
        done.reason,
    )
