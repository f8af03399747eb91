"""`make run`: a collector and an agent on this machine, from nothing, until Ctrl-C.

State lives under .wardwatch/ in the checkout; a second run goes on where the first stopped.
Everything is done by the product's own commands, as an administrator would give them.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".wardwatch"
BIN = Path(sys.executable).parent
COLLECTOR = STATE / "collector"
AGENT = STATE / "agent"
COLLECTOR_TOML = STATE / "collector.toml"
POLICY = STATE / "policy.toml"
PASSWORD = STATE / "officer.password"
TOKEN = STATE / "officer.token"
OFFICER = "officer"
FIRST_PORT = 8443
PATIENCE = 60.0
"""Seconds until the collector answers."""


class Trouble(Exception):
    """Something that a person must see to; the message says what."""


def main() -> int:
    STATE.mkdir(mode=0o700, exist_ok=True)
    stopping = threading.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda *_: stopping.set())
    running: list[subprocess.Popen[bytes]] = []
    try:
        first_time = _prepare()
        running.append(_start("collector", "serve", "--config", str(COLLECTOR_TOML)))
        _wait_for_collector(running[0], stopping)
        _enrol()
        running.append(_start("agent", "run"))
        stopping.wait(2)
        _tell(first_time=first_time)
        while not stopping.wait(0.5):
            _check_alive(*running)
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    finally:
        for process in reversed(running):
            _end(process)
    print("\nstopped; `make run` goes on from here")
    return 0


def _check_alive(*running: "subprocess.Popen[bytes]") -> None:
    for name, process in zip(("collector", "agent"), running, strict=True):
        if process.poll() is not None:
            raise Trouble(f"the {name} ended; see {STATE.name}/{name}.log")


def _prepare() -> bool:
    """Whether this was the first time.  What an interrupted first time left is made anew."""
    if TOKEN.exists():
        return False
    shutil.rmtree(COLLECTOR, ignore_errors=True)
    port = _free_port()
    COLLECTOR_TOML.write_text(
        f'# made by `make run`\nstate_dir = "{COLLECTOR}"\n'
        f'base_url = "https://localhost:{port}"\n\n[listen]\nhost = "127.0.0.1"\nport = {port}\n'
    )
    POLICY.write_text(_command("agent", "propose"))
    _command("collector", "init", "--host", "localhost", "--host", "127.0.0.1",
             "--policy", str(POLICY), "--config", str(COLLECTOR_TOML))  # fmt: skip
    _secret(PASSWORD, secrets.token_urlsafe(12))
    _command("collector", "user", "add", OFFICER, "--role", "officer",
             "--password-file", str(PASSWORD), "--config", str(COLLECTOR_TOML))  # fmt: skip
    token = _command("collector", "token", "create", "make run", "--role", "officer",
                     "--config", str(COLLECTOR_TOML)).split()[-1]  # fmt: skip
    _secret(TOKEN, token)
    return True


def _enrol() -> None:
    if (AGENT / "identity.json").exists():
        return
    token = STATE / "enrol.token"
    made = _command("collector", "enrol-token", "create", "--config", str(COLLECTOR_TOML))
    _secret(token, made.split()[-1])
    _command("agent", "enrol", "--collector", _url(), "--token-file", str(token))
    token.unlink()


def _tell(*, first_time: bool) -> None:
    print(f"\n  Wardwatch is running.\n\n  dashboard   {_url()}")
    print(f"  user        {OFFICER}\n  password    {PASSWORD.read_text().strip()}")
    print(f"  API token   {TOKEN.relative_to(ROOT)}")
    print("\n  The certificate comes from a CA of its own, so the browser will ask once.")
    _tell_of_plan(first_time=first_time)
    _tell_of_sensors()
    print("\n  Ctrl-C stops all of it.", flush=True)


def _tell_of_plan(*, first_time: bool) -> None:
    if not first_time:
        return
    print(
        "\n  Nobody has said yet what is inside, so an address plan was proposed from this\n"
        "  machine's own links: inside is what is directly connected, outside is all else.\n"
        "  Edit and apply it in the dashboard under Policy."
    )


def _tell_of_sensors() -> None:
    try:
        status = json.loads(_command("agent", "status", "--json"))
    except (Trouble, json.JSONDecodeError):
        print("\n  The agent has not reported yet; `wardwatch-agent status` will tell.")
        return
    print("\n  sensors")
    for sensor in status["sensors"]:
        reason = f": {sensor['reason']}" if sensor.get("reason") else ""
        print(f"    {sensor['name']:12} {sensor['state']}{reason}")


def _command(side: str, *words: str) -> str:
    done = subprocess.run(
        [str(BIN / f"wardwatch-{side}"), *words],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(side),
    )
    if done.returncode:
        raise Trouble(f"wardwatch-{side} {words[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _start(side: str, *words: str) -> "subprocess.Popen[bytes]":
    """A session of its own, so that Ctrl-C reaches only this program, which ends them in
    order.
    """
    with (STATE / f"{side}.log").open("ab") as log:
        return subprocess.Popen(
            [str(BIN / f"wardwatch-{side}"), *words],
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=_environment(side),
        )


def _environment(side: str) -> dict[str, str]:
    if side == "agent":
        return {**os.environ, "WARDWATCH_STATE_DIR": str(AGENT)}
    return dict(os.environ)


def _wait_for_collector(process: "subprocess.Popen[bytes]", stopping: threading.Event) -> None:
    waited = 0.0
    while waited < PATIENCE and not stopping.wait(0.2):
        if process.poll() is not None:
            raise Trouble(f"the collector did not start; see {STATE.name}/collector.log")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", _port())) == 0:
                return
        waited += 0.2
    if not stopping.is_set():
        raise Trouble(f"the collector did not answer; see {STATE.name}/collector.log")


def _port() -> int:
    return int(_url().rsplit(":", 1)[1])


def _url() -> str:
    lines = COLLECTOR_TOML.read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("base_url"))


def _free_port() -> int:
    for port in range(FIRST_PORT, FIRST_PORT + 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise Trouble(f"no free port from {FIRST_PORT} on")


def _secret(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text + "\n")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
