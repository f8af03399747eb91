import pytest

from collector.dashboard.uploads import BadUpload, boundary_of, read_parts

EDGE = b"----x1"


def form(*parts: bytes) -> bytes:
    joined = b"".join(b"--" + EDGE + b"\r\n" + part + b"\r\n" for part in parts)
    return joined + b"--" + EDGE + b"--\r\n"


FIELD = b'Content-Disposition: form-data; name="csrf"\r\n\r\nabc'


def test_fields_and_the_file_are_read_as_they_were_sent():
    content = bytes(range(256)) + b"\r\n--not the edge\r\n"
    head = 'Content-Disposition: form-data; name="file"; filename="台账.xlsx"\r\nContent-Type: a/b'

    fields, upload = read_parts(form(FIELD, head.encode() + b"\r\n\r\n" + content), EDGE)

    assert fields == {"csrf": ("abc",)}
    assert (upload.name, upload.content) == ("台账.xlsx", content)


def test_a_file_name_is_no_path():
    head = b'Content-Disposition: form-data; name="file"; filename="../../etc/passwd"\r\n\r\nx'

    assert read_parts(form(head), EDGE)[1].name == "passwd"


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("cut off", form(FIELD)[:-10]),
        ("empty", b""),
        ("no head", form(b"no head at all")),
        ("no name", form(b"Content-Disposition: form-data\r\n\r\nx")),
        ("too many parts", form(*[FIELD] * 60)),
    ],
)
def test_what_browsers_do_not_send_is_refused(what, body):
    with pytest.raises(BadUpload):
        read_parts(body, EDGE)


def test_the_boundary_is_in_the_content_type():
    assert boundary_of('multipart/form-data; boundary="a b"') == b"a b"
    with pytest.raises(BadUpload):
        boundary_of("multipart/form-data")
