"""A real clamd of our own, with two signatures for the EICAR test file.

    from tests.clamd import engine_folder   # session fixture: starts it once

The signature database is a daily.cud that sigtool builds unsigned, so that clamd tells
a version and a date like a real one.  Needs the Debian packages clamav and clamav-daemon.
"""

import gzip
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NEEDED = ("clamd", "sigtool")
SIGNATURES = 27000
PATIENCE = 30.0
_HEADER = 512


def eicar() -> bytes:
    """The test file of eicar.org; put together here so that no scanner finds it in us."""
    halves = (rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$", rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
    return b"".join(halves)


class RealClamd:
    """`signed_at` is the date of the signatures, seconds since the epoch.  With `own_lists`
    the database is plain lists as a hospital writes them itself, last changed then: clamd
    tells no date of such.  `program` may be a copy of it under another name.
    """

    def __init__(
        self, folder: Path, *, signed_at: int = 0, extra: str = "", own_lists: bool = False
    ) -> None:
        self.folder = folder
        self.socket = folder / "clamd.ctl"
        self._signed_at = signed_at or int(time.time()) - 3600
        self._extra = extra
        self._own_lists = own_lists
        self._process: subprocess.Popen[bytes] | None = None
        self.program = "clamd"

    @property
    def address(self) -> str:
        return f"unix:{self.socket}"

    @property
    def signatures_at_us(self) -> int:
        return self._signed_at * 1_000_000

    def start(self) -> None:
        database = self.folder / "db"
        if not database.exists():
            database.mkdir(parents=True)
            self._build(database)
        configuration = self.folder / "clamd.conf"
        configuration.write_text(
            f"LocalSocket {self.socket}\nDatabaseDirectory {database}\nForeground yes\n"
            f"TemporaryDirectory {self.folder}\nUser {_account()}\nMaxThreads 4\n{self._extra}\n"
        )
        self.socket.unlink(missing_ok=True)
        with (self.folder / "clamd.log").open("wb") as log:
            self._process = subprocess.Popen(
                [self.program, "-c", configuration], stdout=log, stderr=subprocess.STDOUT
            )
        self._await()

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _build(self, database: Path) -> None:
        test_file = eicar()
        digest = hashlib.md5(test_file).hexdigest()
        (database / "daily.hdb").write_text(f"{digest}:{len(test_file)}:Eicar-Test-Signature\n")
        (database / "daily.ndb").write_text(f"Eicar-Test-Body:0:*:{test_file[:40].hex()}\n")
        if self._own_lists:
            for plain in ("daily.hdb", "daily.ndb"):
                own = (database / plain).rename(database / plain.replace("daily", "local"))
                os.utime(own, (self._signed_at, self._signed_at))
            return
        (database / "COPYING").write_text("none\n")
        subprocess.run(
            ["sigtool", "--build=daily.cud", "--unsigned", "--datadir=."],
            cwd=database,
            input=f"{SIGNATURES}\nnobody\n".encode(),
            capture_output=True,
            check=True,
        )
        self._date(database / "daily.cud")
        for source in ("daily.hdb", "daily.ndb", "COPYING", "daily.info"):
            (database / source).unlink()

    def _date(self, container: Path) -> None:
        """The build time stands last in the 512-byte header, and again in daily.info
        inside the archive behind it; both must agree.
        """
        whole = container.read_bytes()
        header, archive = whole[:_HEADER], gzip.decompress(whole[_HEADER:])
        built, dated = header.split()[-1].split(b":")[-1], str(self._signed_at).encode()
        container.write_bytes(
            header.replace(built, dated) + gzip.compress(archive.replace(built, dated))
        )

    def _await(self) -> None:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(self.socket)) == 0:
                    return
            assert self._process is not None
            if self._process.poll() is not None:
                break
            time.sleep(0.05)  # noqa: TID251 - clamd announces nothing that could be waited for
        raise RuntimeError((self.folder / "clamd.log").read_text())


def make_clamd(
    folder: Path, *, signed_at: int = 0, extra: str = "", own_lists: bool = False
) -> RealClamd:
    """Not started yet; skips aloud where clamd is not installed."""
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing: install clamav and clamav-daemon")
    return RealClamd(folder, signed_at=signed_at, extra=extra, own_lists=own_lists)


@pytest.fixture(scope="session")
def clamd() -> Iterator[RealClamd]:
    """One for the whole session; do not stop it, make your own with `make_clamd`.

    Its folder has a short name: a socket's path has 107 bytes (unix(7)).
    """
    with tempfile.TemporaryDirectory(prefix="ww-clamd-") as folder:
        Path(folder).chmod(0o755)
        running = make_clamd(Path(folder))
        running.start()
        yield running
        running.kill()


def _account() -> str:
    return "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
