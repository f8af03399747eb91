from agent.system.go_module import package_in

MAGIC = b"\xff Go buildinf:"
INFO = b"\x30\x77\xaf\x0c\x92\x74\x08\x02" * 2  # what stands around the module's text


def counted(text):
    length = len(text)
    return bytes([length & 0x7F | 0x80, length >> 7]) + text


def segment(before=0, flags=2, text=INFO + b"path\tgithub.com/fatedier/frp/cmd/frpc\nmod\tx\n"):
    header = (MAGIC + bytes([8, flags])).ljust(32, b"\0")
    return b"x" * before + header + counted(b"go1.22.1") + counted(text) + b"rest"


def test_the_main_package_stands_in_the_data_segment():
    assert package_in(segment()) == "github.com/fatedier/frp/cmd/frpc"
    assert package_in(segment(before=4096)) == "github.com/fatedier/frp/cmd/frpc"


def test_a_header_that_is_not_aligned_is_none():
    assert package_in(segment(before=3)) == ""


def test_pointers_of_old_linkers_are_not_followed():
    assert package_in(segment(flags=0)) == ""


def test_a_segment_that_is_cut_off_says_nothing():
    whole = segment()

    assert {package_in(whole[:end]) for end in range(40)} == {""}


def test_another_program_says_nothing():
    assert package_in(b"\0" * 4096) == ""
