"""`wardwatch-agent replay`: recorded packets, judged as the live sensor would."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, get_args

import msgspec

from agent.commands.judging_by import document_for
from agent.config import ConfigError, Settings
from agent.replay.capture import Capture
from agent.replay.judging import Line, Replay, Tally
from agent.replay.records import Faults, NotACapture
from agent.replay.scene import Scene
from agent.speech import complain, say
from checks.check import discover
from checks.evaluate import Evaluator
from checks.facts.network import LinkKind
from checks.plan import parsed_address
from checks.policy import PolicyDocument
from checks.wording import endpoint_of

_ROWS_SHOWN = 40
_GROUPS_KEPT = 10_000


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`interfaces` as on the command line: `KIND`, or `NAME=KIND` of a pcapng's interface."""

    policy: Path | None = None
    as_json: bool = False
    interfaces: Sequence[str] = ()
    own: Sequence[str] = ()


def run(settings: Settings, path: Path, options: Options) -> int:
    """Exit status 3 for violations, else 1 when not everything could be read.

    Raises:
        ConfigError: the capture, the policy or an option cannot be used.
    """
    document = document_for(settings, options.policy)
    with _opened(path) as stream:
        replay = Replay(
            lambda faults: _from_the_start(stream, faults),
            document,
            Evaluator(discover()),
            _scene(document, options),
        )
        try:
            violations = _tell(replay, as_json=options.as_json)
        except BrokenPipeError:
            return 1  # whoever read our lines has enough
        except NotACapture as other:
            raise ConfigError(f"{path}: {other}") from other
        except OSError as broken:
            raise ConfigError(f"{path}: {broken.strerror}") from broken
    for reason, count in replay.faults:
        complain(f"{path}: could not be read: {reason} ({count})")
    if replay.tally.assumed:
        complain(f"{path}: {replay.tally.assumed}")
    if violations:
        return 3
    return 1 if replay.faults else 0


def _opened(path: Path) -> BinaryIO:
    try:
        stream = path.open("rb")
        if not stream.seekable():
            raise ConfigError(f"{path}: is no plain file; a capture is read twice")
    except OSError as missing:
        raise ConfigError(f"{path}: {missing.strerror}") from missing
    return stream


def _from_the_start(stream: BinaryIO, faults: Faults) -> Capture:
    stream.seek(0)
    return Capture(stream, faults)


def _scene(document: PolicyDocument, options: Options) -> Scene:
    policy = document.policy
    return Scene(
        plan=policy.plan,
        ways=tuple(way for zone in policy.zones for way in zone.via),
        kinds=dict(map(_kind_of, options.interfaces)),
        own=frozenset(map(_address, options.own)),
    )


def _kind_of(asked: str) -> tuple[str, LinkKind]:
    name, _, kind = asked.rpartition("=")
    try:
        return name, msgspec.convert(kind, LinkKind)
    except msgspec.ValidationError as wrong:
        kinds = ", ".join(get_args(LinkKind))
        raise ConfigError(f"--interface: {kind!r} is no kind of link; they are {kinds}") from wrong


def _address(asked: str) -> str:
    try:
        return str(parsed_address(asked))
    except ValueError as wrong:
        raise ConfigError(f"--own: {asked!r} is no address") from wrong


def _tell(replay: Replay, *, as_json: bool) -> int:
    """How many flows violate a rule."""
    violations = 0
    groups: Counter[tuple[str, ...]] = Counter()
    verdicts: Counter[str] = Counter()
    for line in replay.lines():
        violations += bool(line.rule)
        if as_json:
            say(msgspec.json.encode(line).decode())
            continue
        verdicts[line.verdict] += 1
        if line.rule and (len(groups) < _GROUPS_KEPT or _group(line) in groups):
            groups[_group(line)] += 1
    if not as_json:
        say("\n".join(_report(groups, verdicts, replay.tally)))
    return violations


def _group(line: Line) -> tuple[str, ...]:
    asked = f"{endpoint_of(line.destination, line.destination_port)} {line.protocol}"
    return (line.rule, line.verdict, line.source, asked, line.over, line.entry)


def _report(
    groups: Mapping[tuple[str, ...], int], verdicts: Mapping[str, int], tally: Tally
) -> Iterator[str]:
    """For people: violations first, then what there was at all."""
    if groups:
        ranked = sorted(groups.items(), key=lambda pair: (pair[0][0], -pair[1]))
        rows = [(*group[:5], str(count), group[5]) for group, count in ranked[:_ROWS_SHOWN]]
        yield from _table(("rule", "verdict", "from", "to", "over", "flows", "decided by"), rows)
        if len(ranked) > _ROWS_SHOWN:
            yield f"… and {len(ranked) - _ROWS_SHOWN} more; --json shows every flow"
        yield ""
    counts = ", ".join(
        f"{verdicts.get(verdict, 0)} {verdict}"
        for verdict in ("internal", "approved", "attempt", "external")
    )
    yield f"flows    {counts}"
    yield f"packets  {tally.packets}, of which {tally.ignored} belong to no flow{_span(tally)}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _span(tally: Tally) -> str:
    if not tally.packets:
        return ""
    first = datetime.fromtimestamp(tally.first_us // 1_000_000, UTC)
    length = timedelta(seconds=(tally.last_us - tally.first_us) // 1_000_000)
    return f"; {length} from {first:%Y-%m-%d %H:%M:%S} UTC"
