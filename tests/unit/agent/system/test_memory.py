from agent.system.memory import program_text

MAPS = """\
55d0c0000000-55d0c0001000 r--p 00000000 fd:00 131 /usr/bin/python3.11
55d0c0001000-55d0c0002000 r-xp 00001000 fd:00 131 /usr/bin/python3.11
55d0c0002000-55d0c0003000 rw-p 00002000 fd:00 131 /usr/bin/python3.11
7f0000000000-7f0000001000 r-xp 00000000 00:00 0
7f0000002000-7f0000004000 r-xp 00001000 fd:00 77 /usr/lib/libc.so.6
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0 [vdso]
"""


def test_only_text_that_a_file_can_give_back_is_named():
    assert list(program_text(MAPS)) == [
        (0x55D0C0001000, 0x55D0C0002000),
        (0x7F0000002000, 0x7F0000004000),
    ]
