"""A scan against a real clamd: the client, hostile trees, the scan command."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import gc
import hashlib
import os
import signal
import socket
import subprocess
import threading
import time
import zipfile
from pathlib import Path

import msgspec
import pytest

from agent.media.engine import EngineUnavailable
from agent.media.scan import Scan, fingerprint
from agent.scan_command import scan_path, scan_with
from agent.system.clamd import DEFAULT_LARGEST_FILE, Clamd, ScannerSettings
from agent.system.tree import Bounds, OpenFile, Skipped, files_below
from tests.clamd import SIGNATURES, clamd, eicar, make_clamd  # noqa: F401 - a fixture

EICAR_SHA256 = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
ENCRYPTED_FLAG = 0x1


@pytest.fixture
def special_clamd(tmp_path):
    """Listens on loopback too, tells encrypted archives, takes files up to 1 MiB."""
    folder = Path("/tmp") / f"ww-special-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    extra = f"TCPSocket {port}\nTCPAddr 127.0.0.1\nAlertEncrypted yes\nMaxFileSize 1M"
    special = make_clamd(folder, extra=extra)
    special.start()
    special.port = port
    yield special
    special.kill()
    subprocess.run(["rm", "-rf", folder], check=True)


def tree(folder, **files):
    for name, body in files.items():
        (folder / name).write_bytes(body)
    return folder


def test_clamd_answers_with_engine_signatures_and_their_date(clamd):
    engine = Clamd(ScannerSettings(clamd.address))

    engine.ping()
    version = engine.version()

    assert version.engine.startswith("ClamAV ")
    assert (version.signatures, version.signatures_at_us) == (
        str(SIGNATURES),
        clamd.signatures_at_us,
    )
    assert engine.pid() == clamd._process.pid


@pytest.mark.parametrize("age_days", [1, 40])
def test_signatures_of_ones_own_are_as_old_as_their_files(tmp_path_factory, age_days):
    folder = tmp_path_factory.mktemp("own")
    written = int(time.time()) - age_days * 86_400
    own = make_clamd(folder, signed_at=written, own_lists=True)
    own.start()
    try:
        version = Clamd(ScannerSettings(own.address)).version()
    finally:
        own.kill()

    assert (version.signatures, version.signatures_at_us) == ("", written * 1_000_000)


def test_no_clamd_is_not_scanned_and_never_clean(tmp_path):
    report = scan_path(tree(tmp_path, a=b"a"), ScannerSettings(f"unix:{tmp_path}/none.ctl"))

    assert (report.verdict, report.reason, report.files) == ("not_scanned", "engine_absent", 0)
    assert (report.engine, report.fingerprint, report.exit_status) == ("", "", 1)


def test_the_report_names_what_interfaces_promise(clamd, tmp_path):
    report = scan_path(tree(tmp_path, clean=b"12345", bad=eicar()), ScannerSettings(clamd.address))

    told = msgspec.to_builtins(report)
    promised = "verdict files bytes skipped infected engine signatures fingerprint seconds"
    assert set(promised.split()) <= set(told)
    assert (report.verdict, report.files, report.bytes) == ("infected", 2, 73)
    (infected,) = told["infected"]
    assert (infected["path"], infected["sha256"]) == ("bad", EICAR_SHA256)
    assert report.exit_status == 3


def test_the_fingerprint_is_of_names_sizes_and_contents(clamd, tmp_path):
    report = scan_path(tree(tmp_path, b=b"2", a=b"1"), ScannerSettings(clamd.address))

    digests = [
        (name, 1, hashlib.sha256(body).hexdigest()) for name, body in ((b"a", b"1"), (b"b", b"2"))
    ]
    assert report.verdict == "clean"
    assert report.fingerprint == fingerprint(digests)
    assert report.exit_status == 0


def test_an_empty_folder_is_clean_by_a_living_engine(clamd, tmp_path):
    assert scan_path(tmp_path, ScannerSettings(clamd.address)).verdict == "clean"


def test_a_remote_engine_gets_the_content_over_the_network(special_clamd, tmp_path):
    settings = ScannerSettings(f"tcp:127.0.0.1:{special_clamd.port}")

    report = scan_path(tree(tmp_path, a=b"a" * 300_000, bad=eicar()), settings)

    assert (report.verdict, report.files) == ("infected", 2)
    assert Clamd(settings).largest_file() == DEFAULT_LARGEST_FILE


def test_what_the_engine_would_not_read_makes_it_incomplete(special_clamd, tmp_path):
    with zipfile.ZipFile(tmp_path / "secret.zip", "w") as archive:
        archive.writestr("inner.txt", "x" * 100)
    locked = bytearray((tmp_path / "secret.zip").read_bytes())
    locked[6] |= ENCRYPTED_FLAG  # general purpose flag of the local header: APPNOTE 4.4.4
    locked[locked.index(b"PK\x01\x02") + 8] |= ENCRYPTED_FLAG
    (tmp_path / "secret.zip").write_bytes(locked)
    tree(tmp_path, big=b"\0" * (2 << 20), small=b"s")

    report = scan_path(tmp_path, ScannerSettings(special_clamd.address))

    assert report.verdict == "incomplete"
    assert {one.path: one.reason for one in report.skipped} == {
        "secret.zip": "encrypted",
        "big": "too_large",
    }
    assert report.exit_status == 1


def test_an_infected_medium_with_skipped_files_stays_infected(special_clamd, tmp_path):
    tree(tmp_path, big=b"\0" * (2 << 20), bad=eicar())

    assert scan_path(tmp_path, ScannerSettings(special_clamd.address)).verdict == "infected"


def test_a_hostile_tree_is_never_left_and_never_waited_for(clamd, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "bad.com").write_bytes(eicar())
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "way_out").symlink_to(outside)
    (inside / "file_out").symlink_to(outside / "bad.com")
    (inside / "loop").symlink_to(".")
    os.mkfifo(inside / "fifo")
    os.mknod(inside / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    (inside / "line\nbreak").write_bytes(b"1")
    Path(os.fsdecode(bytes(inside) + b"/\xff\xfe")).write_bytes(b"2")

    report = scan_path(inside, ScannerSettings(clamd.address))

    assert (report.verdict, report.files) == ("incomplete", 2)
    assert sorted((one.path, one.reason) for one in report.skipped) == [
        ("fifo", "special"),
        ("zero", "special"),
    ]
    assert msgspec.json.encode(report)


def test_a_walk_has_bounds(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 6)
    deep.mkdir(parents=True)
    tree(deep, hidden=b"x")
    tree(tmp_path, **{f"e{number}": b"x" for number in range(5)})
    folder = os.open(tmp_path, os.O_RDONLY)

    shallow = list(files_below(folder, Bounds(depth=3)))
    few = list(files_below(folder, Bounds(files=2)))
    late = list(files_below(folder, Bounds(seconds=-1)))
    os.close(folder)

    for one in (*shallow, *few):
        if isinstance(one, OpenFile):
            os.close(one.descriptor)
    reasons = [
        [one.reason for one in found if isinstance(one, Skipped)] for found in (shallow, few, late)
    ]
    assert reasons == [["too_deep"], ["too_many_files"], ["timeout"]]


def test_many_files_in_flight_each_get_their_own_verdict(clamd, tmp_path):
    for number in range(300):
        (tmp_path / f"{number:03}").write_bytes(eicar() if number % 50 == 0 else b"%d" % number)
    gc.collect()  # what earlier tests left unclosed shall not be counted as ours
    before = len(list(Path("/proc/self/fd").iterdir()))

    report = scan_path(tmp_path, ScannerSettings(clamd.address))

    assert [one.path for one in report.infected] == ["000", "050", "100", "150", "200", "250"]
    assert report.files == 300
    assert len(list(Path("/proc/self/fd").iterdir())) <= before  # others may close theirs


def test_an_engine_that_dies_during_the_scan_leaves_it_incomplete(tmp_path):
    folder = Path("/tmp") / f"ww-dying-{os.getpid()}"
    dying = make_clamd(folder)
    dying.start()
    content = tmp_path / "content"
    content.mkdir()
    for number in range(400):
        (content / str(number)).write_bytes(os.urandom(2000))
    engine = Clamd(ScannerSettings(dying.address))

    def one_by_one(folder):
        for number, file in enumerate(files_below(folder)):
            if number == 100:
                dying.kill()
            yield file

    opened = os.open(content, os.O_RDONLY)
    outcome = Scan(engine).run(one_by_one(opened))
    os.close(opened)
    subprocess.run(["rm", "-rf", folder], check=True)

    assert (outcome.verdict, outcome.reason) == ("incomplete", "engine_lost")
    assert 0 < outcome.files < 400
    assert outcome.skipped["engine_error"] >= 1


def test_an_engine_that_hangs_is_let_go_when_the_scan_is_stopped(tmp_path):
    folder = Path("/tmp") / f"ww-hung-{os.getpid()}"
    hung = make_clamd(folder)
    hung.start()
    content = tmp_path / "content"
    content.mkdir()
    (content / "a").write_bytes(b"a")
    stop = threading.Event()
    scan = Scan(Clamd(ScannerSettings(hung.address)), stopped=stop.is_set)

    def froze(folder):
        hung._process.send_signal(signal.SIGSTOP)
        yield from files_below(folder)

    opened = os.open(content, os.O_RDONLY)
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(scan.run(froze(opened))))
    thread.start()
    while not scan._questions:
        time.sleep(0.01)  # noqa: TID251 - the other thread announces nothing
    stop.set()
    scan.abort()
    thread.join(5)
    hung._process.send_signal(signal.SIGCONT)
    hung.kill()
    os.close(opened)
    subprocess.run(["rm", "-rf", folder], check=True)

    assert [(one.verdict, one.reason, dict(one.skipped)) for one in outcomes] == [
        ("incomplete", "gone", {"gone": 1})
    ]


def test_what_answers_but_is_no_clamd_is_no_engine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_greet, args=(server,))
        thread.start()
        engine = Clamd(ScannerSettings(f"tcp:127.0.0.1:{server.getsockname()[1]}"))

        with pytest.raises(EngineUnavailable, match="220 mail"):
            engine.version()
        thread.join()


def _greet(server):
    with server.accept()[0] as connection:
        connection.recv(100)
        connection.sendall(b"220 mail ready\r\n")


def test_a_path_that_is_no_folder_is_wrong_use(clamd, tmp_path):
    with pytest.raises(NotADirectoryError):
        scan_with(tree(tmp_path, a=b"a") / "a", Clamd(ScannerSettings(clamd.address)))
