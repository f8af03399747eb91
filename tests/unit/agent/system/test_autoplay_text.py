import pytest

from agent.system.autoplay_text import dde_values, kde_value, udev_effects


@pytest.mark.parametrize(
    ("what", "text", "said"),
    [
        ("nothing", "", (None, False)),
        ("on", "[General]\nAutomountOnPlugin=true\n", (True, False)),
        ("off", "[General]\nAutomountOnPlugin = false\n", (False, False)),
        (
            "the last counts",
            "[General]\nAutomountOnPlugin=true\nAutomountOnPlugin=0",
            (False, False),
        ),
        ("locked", "[General]\nAutomountOnPlugin[$i]=false\n", (False, True)),
        ("its group is locked", "[General][$i]\nAutomountOnPlugin=true\n", (True, True)),
        ("of another group", "[Devices]\nAutomountOnPlugin=true\n", (None, False)),
        ("another name", "[General]\nAutomountOnLogin=true\n", (None, False)),
    ],
)
def test_kde_says_whether_it_mounts(what, text, said):
    assert kde_value(text, "AutomountOnPlugin") == said, what


@pytest.mark.parametrize(
    ("what", "octets", "said"),
    [
        ("nothing", b"", (None, None)),
        ("no JSON", b"{", (None, None)),
        ("nested without end", b"[" * 100_000, (None, None)),
        ("of another type", b'{"GenericAttribute":{"AutoMount":"yes"}}', (None, None)),
        ("both", b'{"GenericAttribute":{"AutoMount":true,"AutoMountAndOpen":true}}', (True, True)),
        ("one", b'{"A":1,"GenericAttribute":{"AutoMountAndOpen":false}}', (None, False)),
    ],
)
def test_dde_says_whether_it_mounts_and_opens(what, octets, said):
    assert dde_values(octets) == said, what


STICK = 'ACTION=="add", SUBSYSTEM=="block", ENV{ID_BUS}=="usb", '


@pytest.mark.parametrize(
    ("what", "text", "effects"),
    [
        ("starts something", STICK + 'RUN+="/opt/start %k"', ["run"]),
        ("mounts", STICK + 'RUN+="/usr/bin/systemd-mount --no-block $devnode"', ["mount"]),
        ("by a shell", STICK + "RUN+=\"/bin/sh -c 'mount /dev/%k /mnt; /mnt/x'\"", ["run"]),
        ("a service of a user", STICK + 'ENV{SYSTEMD_USER_WANTS}+="show@%k.service"', ["run"]),
        ("a mounting service", STICK + 'ENV{SYSTEMD_WANTS}="usb-mount@%k.service"', ["mount"]),
        ("a partition by name", 'KERNEL=="sd?1", SUBSYSTEMS=="usb", RUN+="/x"', ["run"]),
        ("a disc", 'KERNEL=="sr[0-9]*", ENV{ID_CDROM_MEDIA}=="1", RUN="/x"', ["run"]),
        ("over two lines", STICK + '\\\n  RUN+="/x"', ["run"]),
        (
            "after a jump",
            'SUBSYSTEM!="block", GOTO="end"\nENV{ID_BUS}=="usb", RUN+="/x"\nLABEL="end"',
            ["run"],
        ),
        ("a comment", "#" + STICK + 'RUN+="/x"', []),
        ("only sets the device up", STICK + 'RUN+="/sbin/hdparm -S 12 $devnode"', []),
        ("part of udev", STICK + 'RUN{builtin}+="kmod load sg"', []),
        ("nothing", STICK + 'RUN=""', []),
        ("fixed disks", 'SUBSYSTEM=="block", KERNEL=="sd*", RUN+="/x"', []),
        ("when it is pulled out", STICK.replace("add", "remove") + 'RUN+="/x"', []),
        ("no disk", 'SUBSYSTEM=="usb", SUBSYSTEMS=="usb", RUN+="/lib/udev/modeswitch"', []),
        ("no disk, after one", STICK + 'TAG+="x"\nSUBSYSTEMS=="usb", RUN+="/x"', []),
    ],
)
def test_udev_rules_tell_what_they_do_with_removable_media(what, text, effects):
    assert list(udev_effects(text)) == effects, what


def test_rules_without_sense_are_read_in_time():
    assert list(udev_effects("a" * 200_000 + "\n" + '"' * 200_000)) == []
