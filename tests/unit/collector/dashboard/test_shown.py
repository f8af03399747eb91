import msgspec
import pytest

from checks.facts import Fact
from checks.facts.autoplay import Autoplay, AutoplayState
from checks.facts.base import Process, UnknownProcess
from checks.facts.copying import MediumWritten, Writer
from checks.facts.health import EndpointSilent, SensorGap
from checks.facts.history import OutreachHistory, Trace
from checks.facts.media import Infection, MediumAccessed, MediumUnmounted
from checks.facts.network import Neighbour, NeighboursSeen, UnmanagedHost
from checks.facts.place import EndpointMoved, SwitchPort, SwitchPortState
from checks.facts.quarantine import FilesQuarantined, QuarantinedFile, QuarantineOpened
from collector.dashboard.lines import Line
from collector.dashboard.shown import shown
from collector.dashboard.wording import Words
from collector.i18n import translator
from tests.samples import STICK
from tests.support import hospital

NOW = 1_795_000_000_000_000
ENGLISH = Words(translator("en"), "Asia/Shanghai", NOW)
CHINESE = Words(translator("zh_CN"), "Asia/Shanghai", NOW)


class Whisper(Fact, frozen=True, kw_only=True, tag="whisper"):
    words: tuple[str, ...]


def lines(fact, words: Words = ENGLISH) -> dict[str, str]:
    return {line.label: line.text for line in shown(fact, words) if line.text}


def test_a_connection_tells_who_spoke_with_whom_over_which_way():
    said = lines(hospital.outside())

    assert said["Destination"] == "203.0.113.9:443 · tcp"
    assert said["Process"] == "/opt/browser/browser (PID 4312)"
    assert said["User"] == "u1000"
    assert said["Gateway"] == "192.168.42.129 · 02:00:00:00:42:81"
    assert said["Interface"].startswith("usb0 · ")


def test_a_process_nobody_knows_is_said_with_the_reason_why():
    assert lines(hospital.leak("none"))["Process"] == ENGLISH.says.word("who_unknown", "gone")
    assert lines(hospital.leak("none"))["Flows"] == "3"
    assert isinstance(hospital.leak("none").process, UnknownProcess)


def test_a_scan_tells_verdict_malware_and_medium():
    said = lines(hospital.infected(hospital.USB))

    assert said["Malware"] == (
        "Win.Test.EICAR_HDB-1 · .com · SHA-256 275a021b · mark of the path 5d41402a"
    )
    assert "`wardwatch-agent scan FOLDER`" in said["Paths"]
    assert said["Files scanned"] == "1204 · 700.0 MB"
    assert said["Serial number"] == "60A44C413FAE"
    assert said["Capacity"] == "28.9 GB"


def test_infected_files_whose_names_travel_are_named_and_many_are_counted():
    found = tuple(
        Infection(signature="Eicar", file_name=f"病历/{n}.pdf", suffix="pdf", engine="ClamAV 1.4.6")
        for n in range(12)
    )
    scan = msgspec.structs.replace(hospital.infected(hospital.USB), infections=found)

    told = [line.text for line in shown(scan, ENGLISH) if line.label == "Malware"]

    assert told[0] == "Eicar · 病历/0.pdf · ClamAV 1.4.6"
    assert told[-1] == "+ 2"
    assert "Paths" not in lines(scan)


def test_a_medium_without_identity_says_so():
    assert lines(hospital.mounted(hospital.STRANGE))["Serial number"] == "none"


def test_times_are_moments_and_not_text():
    moments = {line.label for line in shown(hospital.outside(), ENGLISH) if line.moment_us}

    assert moments == {"First packet", "Answered"}


def test_a_network_tells_its_links_without_the_loopback_and_its_default_gateway():
    said = lines(hospital.network())

    assert set(said) == {"enp1s0", "Default gateway"}
    assert said["Default gateway"] == "10.20.0.1 · enp1s0"


def test_a_gap_names_sensor_and_cause_in_the_reader_s_language():
    gap = SensorGap(sensor="uplink", cause="overrun", from_us=1, to_us=2, lost=412)

    assert "上报" in lines(gap, CHINESE).values()
    assert lines(gap)["Lost"] == "412"


@pytest.mark.parametrize(
    ("sensor", "english", "chinese"),
    [
        ("network", "Interfaces and routes", "网卡与路由"),
        ("connections", "Connections", "外部连接"),
        ("media", "Removable media", "移动介质"),
        ("uplink", "Delivery to the collector", "上报"),
        ("spool", "Store on the endpoint", "本机缓存"),
        ("agent", "Client", "客户端"),
    ],
)
def test_every_sensor_there_is_has_a_name_in_words(sensor, english, chinese):
    assert ENGLISH.says.word("sensor", sensor) == english
    assert CHINESE.says.word("sensor", sensor) == chinese


def test_silence_tells_who_still_saw_it():
    seen = EndpointSilent(
        endpoint="pc1", last_heard_us=NOW, silent_for_us=120_000_000, witnesses=("pc2",)
    )
    unseen = EndpointSilent(endpoint="pc1", last_heard_us=NOW, silent_for_us=120_000_000)

    assert lines(seen)["Seen alive by"] == "pc2"
    assert lines(unseen)["Seen alive by"] == "nobody: it may be switched off"
    assert lines(seen)["Silent for"] == "2 min"


def test_nothing_empty_is_shown():
    shown_lines = shown(MediumUnmounted(medium=hospital.USB, mount_point=""), ENGLISH)

    assert shown_lines
    assert all(line.text or line.moment_us for line in shown_lines)


def test_a_kind_that_nobody_describes_shows_its_fields():
    assert shown(Whisper(words=()), ENGLISH) == (Line(label="words", text="()"),)


def test_who_is_on_the_segment_and_where_a_machine_stands_is_told_in_words():
    neighbour = Neighbour(
        address="10.20.3.9", mac="52:54:00:aa:00:01", interface="eth0", how="dhcp", name="pump"
    )
    port = SwitchPort(interface="eth0", chassis="sw-1", port="Gi1/0/7", system="ward 3", vlan=100)
    host = UnmanagedHost(endpoint="a-1", mac="52:54:00:aa:00:01", how=("arp",), among=3)
    moved = EndpointMoved(what="gateway", before="10.20.3.1", after="10.20.9.1", interface="eth0")
    trace = Trace(what="wifi_profile", name="cafe", source="/etc/x")

    assert lines(NeighboursSeen(neighbours=(neighbour,))) == {
        "52:54:00:aa:00:01": "10.20.3.9 · pump · eth0 · DHCP request"
    }
    assert lines(SwitchPortState(ports=(port,))) == {"eth0": "ward 3 · sw-1 · Gi1/0/7 · VLAN 100"}
    assert lines(SwitchPortState(ports=())) == {"Switch": "none speaks"}
    assert lines(host)["Came up within an hour"] == "3"
    assert lines(moved)["What"] == "gateway"
    assert lines(OutreachHistory(traces=(trace,))) == {"wireless network": "cafe · /etc/x"}


def test_what_is_done_by_itself_is_told_with_whose_word_that_is_and_where_it_stands():
    setting = Autoplay(desktop="UKUI", effect="open", whose="system", source="/etc/dconf/db/local")

    assert lines(AutoplayState(settings=(setting,)), CHINESE) == {
        "UKUI": "自动打开 · 本机设置 · /etc/dconf/db/local"
    }
    assert lines(AutoplayState()) == {"When a medium is plugged in": "nothing is done by itself"}


def test_each_infected_file_says_what_became_of_it():
    files = (
        QuarantinedFile(signature="Eicar", end="moved", sha256="ab", size=68, suffix="com"),
        QuarantinedFile(signature="Eicar", end="read_only", sha256="cd"),
    )
    fact = FilesQuarantined(medium=STICK, mount_point="/media/a", files=files)

    assert lines(fact)["Moved into quarantine"] == "1 / 2"
    assert lines(fact)["moved into quarantine"].startswith("Eicar · .com · SHA-256 ab · 68")
    assert lines(fact, CHINESE)["未移动：介质以只读方式挂载"].startswith("Eicar · SHA-256 cd")


def test_who_opened_the_quarantine_is_shown():
    fact = QuarantineOpened(action="restored", sha256="ab", actor="root", signature="Eicar")

    assert lines(fact, CHINESE)["隔离区"] == "从隔离区取出"
    assert lines(fact)["User"] == "root"


def test_what_was_written_to_a_medium_is_told_with_types_and_writers():
    written = MediumWritten(
        medium=STICK,
        mount_point="/mnt",
        occasion="ended",
        files=3,
        bytes=2048,
        types={"": 1, "dcm": 2},
        writers=(
            Writer(process=Process(pid=7, name="cp", user="nurse"), files=2),
            Writer(process=UnknownProcess(why="gone"), files=1),
        ),
        at_least=True,
        unsized=1,
        housekeeping=2,
        others=4,
    )

    said = lines(written)

    assert said["Files written"] == "at least 3 · 2.0 KB"
    assert said["File types"] == "dcm: 2, none: 1"
    assert (said["Of unknown size"], said["Written by the desktop itself"]) == ("1", "2")
    assert said["When it was told"] == "when it was unmounted or pulled out"
    assert lines(written, CHINESE)["写入的文件"] == "至少 3 · 2.0 KB"


def test_a_file_read_before_the_watch_says_so_in_both_languages():
    early = MediumAccessed(
        medium=STICK,
        mount_point="/m",
        operation="open",
        scan="not_started",
        process=UnknownProcess(why="before_watch"),
    )

    assert lines(early)["Process"] == "unknown: it was read before the watch began"
    assert lines(early, CHINESE)["进程"] == "未知：监视开始之前已被读取"
