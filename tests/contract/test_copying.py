"""What is written to a medium, on the real kernel: loop devices, mounts, fanotify, real copying.

Devices come from recorded udev data; everything else is real.
"""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import os
import subprocess

import pytest

from checks.facts.copying import MediumWritten
from checks.facts.media import MediumAccessed, MediumDetached, MediumMounted, MediumScanned
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.support.watching import Watching

POLICY = """
[thresholds]
written_files = 5
written_bytes = 100000
"""


@pytest.fixture
def watching():
    """Without an engine: what is written is counted, whatever a scan says."""
    watching = Watching("/nowhere/clamd.ctl", policy=POLICY)
    yield watching
    watching.sensor.stop()


@pytest.fixture
def stick(watching, loops, tmp_path):
    loop = loops.make("out", {"old.doc": b"was there", "older.doc": b"too"})
    loop.device = watching.plug(loop)
    loop.point = tmp_path / "mnt"
    loop.mount(loop.point)
    watching.until(MediumMounted)
    return loop


def shell(command):
    """Another process than ours; its commands end before it does."""
    with subprocess.Popen(["sh", "-c", command]) as process:
        process.wait()
    assert process.returncode == 0
    return process.pid


def taken_out(watching, stick):
    """What is told when the stick is unmounted."""
    stick.unmount(stick.point)
    return watching.until(MediumWritten, occasion="ended")


def test_files_that_are_copied_are_counted_with_bytes_and_types(watching, stick, tmp_path):
    (tmp_path / "scan.DCM").write_bytes(b"d" * 70_000)
    (tmp_path / "letter.pdf").write_bytes(b"p" * 500)

    shell(f"cp {tmp_path}/scan.DCM {tmp_path}/letter.pdf {stick.point}; mkdir {stick.point}/new")
    shell(f"cp {tmp_path}/letter.pdf {stick.point}/new/again.pdf; touch {stick.point}/empty")
    first = watching.until(MediumWritten)
    shell(f"echo more >> {stick.point}/old.doc")
    watching.until(MediumAccessed)
    watching.turn()
    told = taken_out(watching, stick)

    assert first.occasion == "first"
    assert (told.files, told.bytes) == (5, 70_000 + 500 + 500 + 0 + 14)
    assert told.types == {"dcm": 1, "pdf": 2, "": 1, "doc": 1}
    assert (told.unsized, told.housekeeping, told.at_least) == (0, 0, False)
    assert (told.medium.serial, told.mount_point) == ("S1", str(stick.point))
    assert told.file_names == ()
    assert "letter" not in repr(watching.of(MediumWritten))


def test_who_wrote_is_told(watching, stick):
    with subprocess.Popen(
        ["dd", f"of={stick.point}/image.iso", "bs=1000", "status=none"], stdin=subprocess.PIPE
    ) as writer:
        writer.stdin.write(b"x" * 1000)
        writer.stdin.flush()
        told = watching.until(MediumWritten)

    assert (told.occasion, told.files) == ("first", 1)
    [one] = told.writers
    assert (one.process.name, one.process.user, one.files) == ("dd", "root", 1)
    assert one.process.pid == writer.pid


def test_a_file_that_is_saved_again_and_again_counts_once(watching, stick):
    for size in (10, 20, 30):
        shell(f"head -c {size} /dev/zero > {stick.point}/report.odt")
        watching.turn()

    told = taken_out(watching, stick)

    assert (told.files, told.bytes, told.types) == (1, 30, {"odt": 1})


def test_a_file_written_under_a_passing_name_has_the_type_of_its_last_name(watching, stick):
    shell(f"echo data > {stick.point}/.out-X7Y8 && mv {stick.point}/.out-X7Y8 {stick.point}/a.pdf")
    shell(f"mv {stick.point}/old.doc {stick.point}/renamed.doc")
    watching.until(MediumWritten)

    told = taken_out(watching, stick)

    assert (told.files, told.bytes, told.types) == (1, 5, {"pdf": 1})


def test_reading_a_file_that_is_open_for_writing_writes_nothing(watching, stick):
    old = stick.point / "old.doc"
    os.utime(old, (1_000_000_000, 1_000_000_000))
    subprocess.run(["sh", "-c", f"exec 3<>{old}; cat <&3"], check=True, capture_output=True)
    watching.until(MediumAccessed, operation="write")

    stick.unmount(stick.point)
    watching.devices.happens("remove", stick.device)
    watching.until(MediumDetached)

    assert watching.of(MediumWritten) == []


def test_what_is_written_through_a_map_of_memory_counts(watching, stick):
    program = (
        "import mmap; f = open('{}', 'r+b'); m = mmap.mmap(f.fileno(), 0); m[0] = 65; m.close()"
    )
    old = stick.point / "old.doc"
    subprocess.run(["python3", "-c", program.format(old)], check=True)

    told = watching.until(MediumWritten)

    assert (told.files, told.bytes) == (1, 9)


def test_many_files_are_told_at_once_and_again_when_they_are_twice_as_many(watching, stick):
    shell(f"for n in 1 2 3 4 5; do echo $n > {stick.point}/$n.jpg; done")
    watching.until(MediumWritten, occasion="first")
    watching.turn()
    few = [fact.occasion for fact in watching.of(MediumWritten)]
    shell(f"echo 6 > {stick.point}/6.jpg")
    many = watching.until(MediumWritten, occasion="many")
    shell(f"for n in 7 8 9 10 11 12; do echo $n > {stick.point}/$n.jpg; done")
    twice = watching.until(MediumWritten, since=len(watching.facts), occasion="many")

    assert few == ["first"]
    assert (many.files, many.types) == (6, {"jpg": 6})
    assert twice.files == 12


def test_one_large_file_is_told_at_once(watching, stick):
    shell(f"head -c 100001 /dev/zero > {stick.point}/all.zip")

    told = watching.until(MediumWritten, occasion="many")

    assert (told.files, told.bytes) == (1, 100_001)


def test_unmounting_in_between_does_not_begin_a_new_count(watching, stick):
    shell(f"for n in 1 2 3; do echo $n > {stick.point}/$n.jpg; done")
    watching.until(MediumWritten)
    first = taken_out(watching, stick)
    stick.mount(stick.point)
    watching.until(MediumMounted, since=len(watching.facts))
    shell(f"for n in 4 5 6; do echo $n > {stick.point}/$n.jpg; done")

    many = watching.until(MediumWritten, occasion="many")
    stick.unmount(stick.point)
    watching.unplug(stick.device)

    assert (first.files, many.files) == (3, 6)


def test_what_a_desktop_writes_of_its_own_accord_is_no_copy(watching, stick):
    shell(
        f"mkdir -p {stick.point}/.Trash-1000/info && cd {stick.point}/.Trash-1000"
        " && echo '[Trash Info]' > info/old.doc.trashinfo && echo x > ../.DS_Store"
    )
    watching.until(MediumAccessed)
    watching.turn()

    told = taken_out(watching, stick)

    assert (told.files, told.bytes, told.types, told.housekeeping) == (0, 0, {}, 2)
    assert len(watching.of(MediumWritten)) == 1


def test_what_was_written_is_told_again_at_the_slow_beat(watching, stick):
    shell(f"echo 1 > {stick.point}/1.jpg")
    watching.until(MediumWritten)
    shell(f"echo 2 > {stick.point}/2.jpg")
    watching.until(MediumAccessed)
    watching.turn()

    beat = [fact for fact in watching.sensor.heal() if isinstance(fact, MediumWritten)]
    quiet = [fact for fact in watching.sensor.heal() if isinstance(fact, MediumWritten)]

    assert [(fact.occasion, fact.files) for fact in beat] == [("meanwhile", 2)]
    assert quiet == []


def test_what_the_agent_itself_writes_is_not_counted(watching, stick):
    (stick.point / "own.txt").write_bytes(b"by the process that watches")
    subprocess.run(["cat", stick.point / "old.doc"], check=True, capture_output=True)
    watching.until(MediumAccessed)

    stick.unmount(stick.point)
    watching.until(MediumScanned)
    watching.unplug(stick.device)

    assert watching.of(MediumWritten) == []


def test_names_are_told_where_the_policy_lets_them_travel(loops, tmp_path):
    watching = Watching("/nowhere/clamd.ctl", policy="[thresholds]\nfile_names_travel = true\n")
    loop = loops.make("named", {})
    watching.plug(loop)
    loop.mount(tmp_path / "mnt")
    watching.until(MediumMounted)

    shell(f"echo 1 > {tmp_path}/mnt/ward-list.csv")
    told = watching.until(MediumWritten)
    watching.sensor.stop()

    assert told.file_names == ("ward-list.csv",)
