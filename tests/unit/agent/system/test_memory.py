from agent.system.memory import unwritten

SMAPS = """\
55d0c0000000-55d0c0001000 r--p 00000000 fd:00 131 /usr/bin/python3.11
Size:                  4 kB
Rss:                   4 kB
Anonymous:             0 kB
VmFlags: rd mr mw me sd
55d0c0001000-55d0c0002000 r-xp 00001000 fd:00 131 /usr/bin/python3.11
Size:                  4 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
55d0c0002000-55d0c0003000 rw-p 00002000 fd:00 131 /usr/bin/python3.11
Size:                  4 kB
Anonymous:             0 kB
VmFlags: rd wr mr mw me ac sd
7f0000000000-7f0000001000 r-xp 00000000 00:00 0
Size:                  4 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
7f0000002000-7f0000004000 r--p 00001000 fd:00 77 /usr/lib/libc.so.6
Size:                  8 kB
Anonymous:             4 kB
VmFlags: rd mr mw me ac sd
7f0000004000-7f0000006000 r-xp 00003000 fd:00 78 /usr/lib/a library.so (deleted)
Size:                  8 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
7f0000006000-7f0000007000 r--s 00000000 fd:00 79 /var/cache/shared
Size:                  4 kB
Anonymous:             0 kB
VmFlags: rd mr me ms sd
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0 [vdso]
Size:                  8 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me de sd
"""


def test_only_what_a_file_can_give_back_is_named() -> None:
    assert list(unwritten(SMAPS)) == [
        (0x55D0C0000000, 0x55D0C0001000),
        (0x55D0C0001000, 0x55D0C0002000),
        (0x7F0000004000, 0x7F0000006000),
    ]


def test_relocations_that_were_made_read_only_are_kept() -> None:
    assert 0x7F0000002000 not in dict(unwritten(SMAPS))
