"""Copies what the dashboard serves from others into collector/dashboard/static/vendor.

Run after changing package.json or files.json:  python deploy/vendor.py
The copies are committed, so that neither installing nor running needs the network.
"""

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

DASHBOARD = Path(__file__).resolve().parent.parent / "collector" / "dashboard"
SOURCE = DASHBOARD / "vendor-src"
TARGET = DASHBOARD / "static" / "vendor"


def main() -> None:
    subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=SOURCE, check=True)
    shutil.rmtree(TARGET, ignore_errors=True)
    wanted: dict[str, list[str]] = json.loads((SOURCE / "files.json").read_text("utf-8"))
    manifest = {package: _copied(package, files) for package, files in wanted.items()}
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    (TARGET / "manifest.json").write_text(text, "utf-8")


def _copied(package: str, files: list[str]) -> dict[str, object]:
    origin = SOURCE / "node_modules" / package
    about = json.loads((origin / "package.json").read_text("utf-8"))
    name = package.removeprefix("@").replace("/", "-")
    folder = TARGET / f"{name}-{about['version']}"
    folder.mkdir(parents=True)
    hashes = {}
    for file in files:
        copy = folder / Path(file).name
        shutil.copyfile(origin / file, copy)
        digest = base64.b64encode(hashlib.sha384(copy.read_bytes()).digest()).decode("ascii")
        hashes[copy.name] = f"sha384-{digest}"
    return {
        "version": about["version"],
        "licence": about["license"],
        "folder": folder.name,
        "files": hashes,
    }


if __name__ == "__main__":
    main()
