"""`wardwatch-agent`: the commands, and their exit status.

0 fine, 2 wrong usage or configuration, 3 violations found, 1 anything else.  Each
command's module is imported only when it is called: the service stays small.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.config import DEFAULT_FILE, ConfigError, Settings, load
from agent.version import VERSION

FINE, TROUBLE, WRONG_USAGE, VIOLATIONS = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        return _COMMANDS[given.command](given)
    except ConfigError as wrong:
        print(wrong, file=sys.stderr)
        return WRONG_USAGE
    except KeyboardInterrupt:
        return TROUBLE


def _run(given: argparse.Namespace) -> int:
    from agent.commands import run  # noqa: PLC0415 - each command loads only what it needs

    return run.run(_settings(given), _configuration(given))


def _enrol(given: argparse.Namespace) -> int:
    from agent.commands import enrol  # noqa: PLC0415 - each command loads only what it needs

    settings = _settings(given)
    return enrol.run(
        settings,
        collector=given.collector or settings.collector,
        token_file=given.token_file,
        again=given.again,
    )


def _status(given: argparse.Namespace) -> int:
    from agent.commands import status  # noqa: PLC0415 - each command loads only what it needs

    return status.run(_settings(given), as_json=given.json)


def _once(given: argparse.Namespace) -> int:
    from agent.commands import once  # noqa: PLC0415 - each command loads only what it needs

    return once.run(_settings(given), policy_file=given.policy, as_json=given.json)


def _replay(given: argparse.Namespace) -> int:
    from agent.commands import replay  # noqa: PLC0415 - each command loads only what it needs

    options = replay.Options(
        policy=given.policy, as_json=given.json, interfaces=given.interface, own=given.own
    )
    return replay.run(_settings(given), given.capture, options)


def _scan(given: argparse.Namespace) -> int:
    from agent.commands import scan  # noqa: PLC0415 - each command loads only what it needs

    return scan.run(_settings(given), given.path, as_json=given.json)


def _release(given: argparse.Namespace) -> int:
    from agent.commands import release  # noqa: PLC0415 - each command loads only what it needs

    if given.medium:
        return _release_medium(given)
    return release.run(_settings(given), given.interface, removal=given.removal)


def _release_medium(given: argparse.Namespace) -> int:
    from agent.commands import release_medium  # noqa: PLC0415 - each command loads only what it needs

    return release_medium.run(_settings(given), given.medium, name=given.name, reason=given.reason)


def _station(given: argparse.Namespace) -> int:
    from agent.commands import station  # noqa: PLC0415 - each command loads only what it needs

    return station.run(_settings(given), given.port)


def _quarantine(given: argparse.Namespace) -> int:
    from agent.commands import quarantine  # noqa: PLC0415 - each command loads only what it needs

    settings = _settings(given)
    if given.act == "restore":
        return quarantine.restore(settings, given.hash, given.file)
    if given.act == "delete":
        return quarantine.delete(settings, given.hash)
    return quarantine.list_all(settings, as_json=given.json)


def _propose(_given: argparse.Namespace) -> int:
    from agent.commands import propose  # noqa: PLC0415 - each command loads only what it needs

    return propose.run()


def _check_config(given: argparse.Namespace) -> int:
    settings = _settings(given)
    print(f"{_configuration(given) or DEFAULT_FILE}: fine; state in {settings.state_dir}")
    return FINE


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "enrol": _enrol,
    "status": _status,
    "once": _once,
    "replay": _replay,
    "scan": _scan,
    "release": _release,
    "station": _station,
    "quarantine": _quarantine,
    "propose": _propose,
    "check-config": _check_config,
}


def _settings(given: argparse.Namespace) -> Settings:
    environment = dict(os.environ)
    if given.state_dir:
        environment["WARDWATCH_STATE_DIR"] = str(given.state_dir.absolute())
    return load(given.config, environment)


def _configuration(given: argparse.Namespace) -> Path | None:
    """The file that the settings came from, None when there is none."""
    named: Path = given.config or DEFAULT_FILE
    return named if named.exists() else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wardwatch-agent", description="Watches this machine for Wardwatch."
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, help=f"settings (default {DEFAULT_FILE})")
    shared.add_argument("--state-dir", type=Path, help="where key, spool and policy are kept")

    def command(name: str, says: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=says, description=says, parents=[shared])

    command("run", "the service")
    enrol = command("enrol", "makes the key, gets the identity")
    enrol.add_argument("--collector", metavar="URL", help="https://collector:8443")
    enrol.add_argument("--token-file", metavar="FILE", type=Path, required=True)
    enrol.add_argument("--again", action="store_true", help="replace the identity there is")
    status = command("status", "sensors, spool, last upload, policy, coverage")
    once = command("once", "every sensor once, judged here")
    once.add_argument(
        "--policy",
        metavar="FILE",
        type=Path,
        help="judge by this policy.toml, not by the one in force here",
    )
    replay = command("replay", "judges a pcap or pcapng as the live sensor would")
    replay.add_argument("capture", metavar="CAPTURE", type=Path, help="a pcap or pcapng file")
    replay.add_argument(
        "--policy",
        metavar="FILE",
        type=Path,
        help="judge by this policy.toml, not by the one in force here",
    )
    replay.add_argument(
        "--interface",
        metavar="[NAME=]KIND",
        action="append",
        default=[],
        help="what kind of link it was taken on, when that is not the intranet's: usb_tether, wifi",
    )
    replay.add_argument(
        "--own",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="an address of the machine itself, when it is not in the address plan",
    )
    scan = command("scan", "scans a mount or folder as it would a medium")
    scan.add_argument("path", metavar="PATH", type=Path)
    release = command(
        "release", "undoes the cut of extra uplinks; or lets go of a held medium in an emergency"
    )
    release.add_argument(
        "interface", metavar="INTERFACE", nargs="?", default="", help="all of them without a name"
    )
    release.add_argument(
        "--medium", metavar="NODE|SERIAL|KEY", default="", help="a held medium, unscanned"
    )
    release.add_argument("--name", default="", help="with --medium: who needs it")
    release.add_argument("--reason", default="", help="with --medium: what for")
    release.add_argument("--removal", action="store_true", help=argparse.SUPPRESS)
    station = command("station", "the page of an import station, on this machine only")
    station.add_argument(
        "--port", metavar="PORT", type=int, default=8478, help="of 127.0.0.1 (default 8478)"
    )
    moved = "infected files that were moved from media"
    quarantine = commands.add_parser("quarantine", help=moved, description=moved)
    listing = _quarantine_acts(quarantine, shared)
    command("propose", "a first policy.toml from this machine's own links, to be edited")
    command("check-config", "names the wrong key and what was meant")
    for speaks_json in (status, once, replay, scan, listing):
        speaks_json.add_argument("--json", action="store_true", help="for programs")
    return parser


def _quarantine_acts(
    parser: argparse.ArgumentParser, shared: argparse.ArgumentParser
) -> argparse.ArgumentParser:
    """The parser of `list` among them."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    listing = acts.add_parser("list", help="what lies there, and from where", parents=[shared])
    restore = acts.add_parser("restore", help="writes one to a new file", parents=[shared])
    delete = acts.add_parser("delete", help="deletes one for good", parents=[shared])
    for one in (restore, delete):
        one.add_argument("hash", metavar="SHA256", help="or its first digits, eight at least")
    restore.add_argument("file", metavar="FILE", type=Path, help="it must not be there yet")
    return listing
