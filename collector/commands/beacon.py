"""The witness outside: its key, and the service on a public host."""

import asyncio
import contextlib
import signal
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cyclopts import App

from collector.app import KEY_FOLDER, wall_clock
from collector.beacon import Beacon, BeaconServer, ReceiptFile
from collector.commands.opened import CommandFailed, ConfigFile, settings_of, state_of
from collector.durable import write_durably
from collector.keys import Keys, public_hex
from collector.speech import say

beacon = App(name="beacon", help="The hospital's own witness outside.")


@beacon.default
def serve(*, listen: str, key: Path, hospital_key: str, receipts: Path) -> None:
    """Answer the hospital's signed questions, and nobody else, until SIGTERM.

    It runs on a public host, without settings, database or policy.

    Example: wardwatch-collector beacon --listen 0.0.0.0:8080 --key beacon.key
    --hospital-key HEX --receipts receipts.jsonl

    Parameters
    ----------
    listen
        Address and port; [::]:8080 for IPv6.
    key
        The file that `beacon init` made.
    hospital_key
        What `beacon hospital-key` prints at the collector.
    receipts
        Where the receipts are kept; nothing else is.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdecimal():
        raise CommandFailed(f"{listen}: write address and port, like 0.0.0.0:8080")
    made = Beacon(
        _private(key), _public(hospital_key), clock=wall_clock, keep=ReceiptFile(receipts).keep
    )
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_serve(BeaconServer(made), host.strip("[]"), int(port)))


@beacon.command(name="init")
def beacon_init(key: Path) -> None:
    """Make the beacon's key, and print what the policy's beacon.public_key shall be.

    Example: wardwatch-collector beacon init beacon.key
    """
    if not key.exists():
        write_durably(
            key,
            Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
    say(public_hex(_private(key)))


@beacon.command(name="hospital-key")
def hospital_key(*, config: ConfigFile = None) -> None:
    """Print the key by which the beacon knows this hospital.

    Example: wardwatch-collector beacon hospital-key
    """
    say(public_hex(Keys(state_of(settings_of(config)) / KEY_FOLDER).policy_signer()))


async def _serve(server: BeaconServer, host: str, port: int) -> None:
    serving = asyncio.current_task()
    assert serving is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    await server.serve(host, port, lambda own: say(f"listening on port {own}"))


def _private(key: Path) -> Ed25519PrivateKey:
    try:
        read = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except ValueError as broken:
        raise CommandFailed(f"{key} is no key; run: wardwatch-collector beacon init") from broken
    if not isinstance(read, Ed25519PrivateKey):
        raise CommandFailed(f"{key} is no Ed25519 key; run: wardwatch-collector beacon init")
    return read


def _public(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError as wrong:
        raise CommandFailed("--hospital-key is no key; 64 hexadecimal digits") from wrong
