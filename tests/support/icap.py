"""A real c-icap with its virus_scan service, which asks a clamd of ours: Debian's packages c-icap
and libc-icap-mod-virus-scan.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clamd import RealClamd, make_clamd
from tests.free_port import free_port
from tests.support.live import until

_MODULES = Path("/usr/lib/x86_64-linux-gnu/c_icap")
SECOND_ONLY = b"what only the second scanner knows"
"""Content with a signature that no other clamd of the tests has."""


class RealIcap:
    def __init__(self, folder: Path, clamd: RealClamd) -> None:
        self.folder = folder
        self._clamd = clamd
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As Debian's own alias `avscan` asks for it: nothing is passed on half scanned."""
        simple = "allow204=on&sizelimit=off&mode=simple"
        return f"icap://127.0.0.1:{self.port}/virus_scan?{simple}"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        account = "c-icap" if not os.geteuid() else pwd.getpwuid(os.geteuid()).pw_name
        if not os.geteuid():
            shutil.chown(self.folder, account)
        modules = next(Path("/usr/lib").glob("*/c_icap"), _MODULES)
        configuration = self.folder / "c-icap.conf"
        configuration.write_text(
            f"PidFile {self.folder}/pid\nCommandsSocket {self.folder}/ctl\nPort 127.0.0.1:{self.port}\n"
            f"User {account}\nServerName test\nTmpDir {self.folder}\nModulesDir {modules}\n"
            f"ServicesDir {modules}\nTemplateDir /usr/share/c_icap/templates/\n"
            f"LoadMagicFile /etc/c-icap/c-icap.magic\nServerLog {self.folder}/server.log\n"
            f"AccessLog {self.folder}/access.log\nStartServers 1\nMaxServers 1\nThreadsPerChild 4\n"
            f"MinSpareThreads 1\nMaxSpareThreads 4\nMaxKeepAliveRequests 20\n"
            f"Module common clamd_mod.so\nclamd_mod.ClamdSocket {self._clamd.socket}\n"
            f"Service antivirus virus_scan.so\nvirus_scan.DefaultEngine clamd\n"
            f"virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE UNKNOWN\n"
        )
        with (self.folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                ["c-icap", "-N", "-f", configuration], stdout=said, stderr=said
            )
        until(self._answers, told=lambda: (self.folder / "said").read_text("utf-8", "replace"))

    def kill(self) -> None:
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture(scope="module")
def icap() -> Iterator[RealIcap]:
    """Its folder is one that its account may enter, with a short name."""
    if not shutil.which("c-icap"):
        pytest.skip("no c-icap: install the Debian packages c-icap and libc-icap-mod-virus-scan")
    with tempfile.TemporaryDirectory(prefix="ww-icap-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        clamd = make_clamd(folder / "clamd")
        clamd.folder.mkdir()
        clamd.start()
        clamd.kill()
        signature = f"Second-Only:0:*:{SECOND_ONLY.hex()}\n"
        (clamd.folder / "db" / "second.ndb").write_text(signature)
        clamd.start()
        server = RealIcap(folder / "c-icap", clamd)
        try:
            server.start()
            yield server
        finally:
            server.kill()
            clamd.kill()
