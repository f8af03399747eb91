"""`make bench`: every figure, as a table and into .wardwatch/bench.json.

A module of this folder that has `measure(*, small: bool) -> list[Figure]` takes part.
Names as arguments choose some: `python -m tests.bench ingest judge`.
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

import tests.bench
from tests.bench.figures import Figure, commit, machine

RESULT = Path(".wardwatch/bench.json")


def main() -> int:
    asked = _arguments()
    measured: list[Figure] = []
    failed: list[str] = []
    print(f"{machine()}, commit {commit()}", flush=True)
    for name in _modules():
        if asked.only and name not in asked.only:
            continue
        module = importlib.import_module(f"tests.bench.{name}")
        if not hasattr(module, "measure"):
            continue
        print(f"{name} ...", flush=True)
        try:
            figures = module.measure(small=asked.small)
        except Exception as broken:  # noqa: BLE001 - one broken measurement hides no other
            failed.append(name)
            print(f"  FAILED: {type(broken).__name__}: {broken}", flush=True)
            continue
        measured += figures
        for figure in figures:
            print("  " + _line(figure), flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=1) + b"\n")
    print(f"{len(measured)} figures in {RESULT}")
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or not measured else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="small loads, about two minutes")
    parser.add_argument("only", nargs="*", help="names of measurements; all without")
    return parser.parse_args()


def _modules() -> Iterator[str]:
    for module in pkgutil.iter_modules(tests.bench.__path__):
        if module.name not in ("__main__", "figures"):
            yield module.name


def _line(figure: Figure) -> str:
    peer = f"  {figure.peer}, ratio {figure.ratio:g}" if figure.peer else ""
    return f"{figure.name:36} {figure.value:>12g} {figure.unit:8} n={figure.n}  {figure.load}{peer}"


if __name__ == "__main__":
    sys.exit(main())
