"""The whole state in one file, and back."""

import contextlib
import io
import shutil
import sqlite3
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from collector.durable import PRIVATE, sync_folder
from collector.keys import KEY_FILES
from collector.store.engine import JOURNAL_FILE, STORE_FILE

KEY_FOLDER = "keys"
MANIFEST = "backup.json"
FORMAT = 1


class BackupRefused(Exception):
    """The state was neither saved nor restored; the message says why."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    made_us: int
    version: str


def back_up(state_dir: Path, archive: Path, manifest: Manifest) -> None:
    """A consistent copy while the collector runs, readable by its owner alone: it holds
    the keys.  The store first, so that it is never ahead of the journal.

    Raises:
        BackupRefused: there is nothing to save, or the archive exists.
        OSError: it cannot be written; nothing is left of it.
    """
    if archive.exists():
        raise BackupRefused(f"{archive} exists already")
    fresh = archive.with_name(f".{archive.name}.new")
    with TemporaryDirectory(dir=archive.parent, prefix=".wardwatch-backup-") as work:
        for name in (STORE_FILE, JOURNAL_FILE):
            _copy_database(state_dir / name, Path(work) / name)
        fresh.touch(PRIVATE)
        with contextlib.closing(tarfile.open(fresh, "w")) as packed:
            _add_bytes(packed, MANIFEST, msgspec.json.encode(manifest))
            for name in (JOURNAL_FILE, STORE_FILE):
                packed.add(Path(work) / name, name)
            for name in KEY_FILES:
                packed.add(state_dir / KEY_FOLDER / name, f"{KEY_FOLDER}/{name}")
    fresh.rename(archive)
    sync_folder(archive.parent)


def restore(archive: Path, state_dir: Path) -> Manifest:
    """Into an empty folder.  Agents that sent more after the backup go on: their next
    batch is taken without the one before it, and the hole stays visible.

    Raises:
        BackupRefused: the folder is not empty, or the archive is no backup.
    """
    if state_dir.exists() and any(state_dir.iterdir()):
        raise BackupRefused(f"{state_dir} is not empty; a backup is restored into an empty folder")
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with contextlib.closing(tarfile.open(archive)) as packed:
            manifest = _manifest(packed)
            _unpack(packed, state_dir)
    except (OSError, tarfile.TarError, KeyError, msgspec.DecodeError) as broken:
        raise BackupRefused(f"{archive} is no backup of a collector: {broken}") from broken
    for name in (JOURNAL_FILE, STORE_FILE):
        _check_database(state_dir / name)
    _resume_records(state_dir / JOURNAL_FILE)
    for name in KEY_FILES:
        if name != "ca.pem":
            (state_dir / KEY_FOLDER / name).chmod(PRIVATE)
    sync_folder(state_dir)
    return manifest


def _unpack(packed: tarfile.TarFile, state_dir: Path) -> None:
    """The files that a backup has, by name, and nothing else that an archive may hold."""
    (state_dir / KEY_FOLDER).mkdir(mode=0o700)
    for name in (JOURNAL_FILE, STORE_FILE, *(f"{KEY_FOLDER}/{key}" for key in KEY_FILES)):
        member = packed.extractfile(name)
        if member is None:
            raise KeyError(f"{name} is no regular file")
        with member, (state_dir / name).open("xb") as target:
            shutil.copyfileobj(member, target)


def _copy_database(source: Path, target: Path) -> None:
    if not source.exists():
        raise BackupRefused(f"{source} is not there; was `wardwatch-collector init` run?")
    with (
        contextlib.closing(sqlite3.connect(source)) as live,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)


def _check_database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        raise BackupRefused(f"{path.name} in the backup is damaged: {verdict}")


def _resume_records(journal: Path) -> None:
    """See `collector.ingest.accept.Watermark.is_restored`."""
    with contextlib.closing(sqlite3.connect(journal)) as database, database:
        database.execute("UPDATE agents SET last_digest = '' WHERE last > 0")


def _manifest(packed: tarfile.TarFile) -> Manifest:
    member = packed.extractfile(MANIFEST)
    assert member is not None
    manifest = msgspec.json.decode(member.read(), type=Manifest)
    if manifest.format != FORMAT:
        raise BackupRefused(f"the backup has format {manifest.format}, we read {FORMAT}")
    return manifest


def _add_bytes(packed: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), PRIVATE
    packed.addfile(member, io.BytesIO(content))
