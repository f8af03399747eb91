from agent.media import written_files
from agent.media.watched import MountedAt
from agent.media.written_files import FILES_KNOWN, WrittenFiles
from agent.system.fanotify import FileAccess
from checks.facts.base import Process, UnknownProcess
from checks.facts.copying import Writer
from checks.facts.media import Medium, Partition

WHERE = MountedAt(
    number=1,
    disk="d",
    medium=Medium(key="k", kind="stick", bus="usb"),
    partition=Partition(device="/dev/a1", size=1),
    mount_point="/mnt",
)
CP = Process(pid=7, name="cp", executable="/usr/bin/cp", user="nurse")


def who(pid):
    return CP if pid == CP.pid else UnknownProcess(why="gone")


def wrote(path, size=1, pid=7, **more):
    return FileAccess(
        operations=("write",), pid=pid, path=path, written=True, closed=True, size=size, **more
    )


def after(*accesses):
    files = WrittenFiles(WHERE)
    for access in accesses:
        if access.written:
            files.wrote(access, who)
        else:
            files.moved(access)
    return files


def renamed(old, new, size=-1, pid=7):
    return (
        FileAccess(operations=(), pid=pid, path=old, moved="from"),
        FileAccess(operations=(), pid=pid, path=new, moved="to", size=size),
    )


def test_a_file_counts_once_with_its_newest_size():
    files = after(wrote(b"a.PDF", 10), wrote(b"b.dcm", 5), wrote(b"a.PDF", 30), wrote(b"c", 0))

    assert (files.files, files.octets, files.unsized) == (3, 35, 0)
    assert files.types() == {"pdf": 1, "dcm": 1, "": 1}


def test_a_file_that_was_gone_when_we_looked_counts_without_its_size():
    files = after(wrote(b"a.tmp", -1), wrote(b"b.tmp", 5), wrote(b"b.tmp", -1))

    assert (files.files, files.octets, files.unsized) == (2, 5, 1)


def test_a_renamed_file_is_the_same_file_with_the_type_of_its_new_name():
    files = after(wrote(b".out-1", -1), *renamed(b".out-1", b"x/a.pdf", 12))

    assert (files.files, files.octets, files.unsized) == (1, 12, 0)
    assert files.types() == {"pdf": 1}
    assert files.names == [b"x/a.pdf"]


def test_a_file_that_takes_the_place_of_another_leaves_one():
    files = after(wrote(b"a.pdf", 5), wrote(b"new", 7), *renamed(b"new", b"a.pdf", 7))

    assert (files.files, files.octets, files.types()) == (1, 7, {"pdf": 1})


def test_renaming_what_was_not_written_counts_nothing():
    files = after(*renamed(b"old", b"older", 9))

    assert (files.files, files.octets) == (0, 0)


def test_renamings_of_two_processes_are_not_mixed_up():
    first, second = renamed(b"a", b"a.pdf", pid=1), renamed(b"b", b"b.doc", pid=2)

    files = after(wrote(b"a"), wrote(b"b"), first[0], first[1], second[0], second[1])
    torn = after(wrote(b"a"), first[0], second[1])

    assert files.types() == {"pdf": 1, "doc": 1}
    assert torn.types() == {"": 1}


def test_the_rarest_types_are_told_together():
    many = [wrote(f"{number}.t{number % 15}".encode()) for number in range(15)]
    frequent = [wrote(f"f{number}.dcm".encode()) for number in range(3)]

    told = after(*many, *frequent).types()

    assert told["dcm"] == 3
    assert told["other"] == 4
    assert len(told) == written_files.TYPES_TOLD + 1


def test_what_a_desktop_notes_for_itself_is_counted_apart():
    files = after(
        wrote(b".Trash-1000/info/a.doc.trashinfo", 60),
        wrote(b"System Volume Information/WPSettings.dat", 12),
        wrote(b"folder/Thumbs.db", 4000),
    )

    assert (files.files, files.octets, files.types(), files.housekeeping) == (0, 0, {}, 3)
    assert files.writers() == ()


def test_what_only_calls_itself_a_note_of_the_desktop_is_a_file():
    large = after(wrote(b"Thumbs.db", 100_000))
    hidden = after(wrote(b"records.csv", 900), *renamed(b"records.csv", b"desktop.ini", 900))
    grown = after(wrote(b"Thumbs.db", 100), wrote(b"Thumbs.db", 100_000))
    deeper = after(wrote(b".Trash-1000/files/records.csv", 10))

    assert [one.files for one in (large, hidden, grown, deeper)] == [1, 1, 1, 1]
    assert [one.housekeeping for one in (large, hidden, grown, deeper)] == [0, 0, 0, 0]


def test_writers_are_told_by_program_and_user_with_their_files():
    files = after(wrote(b"a"), wrote(b"b"), wrote(b"a", 9), wrote(b"c", pid=8), wrote(b"d", pid=9))

    assert files.writers() == (
        Writer(process=CP, files=2),
        Writer(process=UnknownProcess(why="gone"), files=2),
    )


def test_more_writers_than_are_told_are_counted():
    files = WrittenFiles(WHERE)

    for pid in range(1, 21):
        access = wrote(str(pid).encode(), pid=pid)
        files.wrote(access, lambda pid: Process(pid=pid, name=f"program {pid}"))

    assert len(files.writers()) == 8
    assert files.others == 12


def test_processes_are_looked_up_once_and_not_without_end():
    asked = []
    files = WrittenFiles(WHERE)

    for number in range(1000):
        access = wrote(str(number).encode(), pid=number // 2 + 1)
        files.wrote(access, lambda pid: asked.append(pid) or CP)

    assert len(asked) == len(set(asked)) == 200
    assert [writer.files for writer in files.writers()] == [400, 600]
    assert files.writers()[1].process == UnknownProcess(why="not_looked")


def test_beyond_what_is_kept_files_still_count(monkeypatch):
    monkeypatch.setattr(written_files, "FILES_KNOWN", 2)
    files = after(wrote(b"a", 1), wrote(b"b", 1), wrote(b"a", 2))
    half = FileAccess(operations=("write",), pid=7, path=b"c", written=True, size=5)

    files.wrote(half, who)
    during = files.files
    files.wrote(wrote(b"c", 10), who)

    assert FILES_KNOWN == 20_000
    assert during == 2
    assert (files.files, files.octets) == (3, 13)
