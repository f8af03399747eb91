import msgspec
import pytest

from checks.policy import Endpoint, Subject
from checks.subjects import is_about, names_endpoint
from tests.samples import CURL

PC = Endpoint(id="e1", name="NK3-PC-017", department="内科", groups=("f", "g"))
HASHED = msgspec.structs.replace(CURL, sha256="ab" * 32, login="liping")


@pytest.mark.parametrize(
    ("what", "subject", "process", "meant"),
    [
        ("everybody", Subject(), None, True),
        ("by id", Subject(endpoints=("e1",)), None, True),
        ("by name", Subject(endpoints=("NK3-PC-017",)), None, True),
        ("one group of several", Subject(groups=("x", "g")), None, True),
        ("another department", Subject(departments=("检验科",)), None, False),
        ("every list must hold it", Subject(endpoints=("e1",), groups=("x",)), None, False),
        ("a path", Subject(processes=("/usr/bin/curl",)), CURL, True),
        ("a hash in capitals", Subject(processes=("sha256:" + "AB" * 32,)), HASHED, True),
        ("a hash nobody knows", Subject(processes=("sha256:" + "ab" * 32,)), CURL, False),
        ("who acts", Subject(users=("alice",)), CURL, True),
        ("who logged in", Subject(users=("liping",)), HASHED, True),
        ("a process nobody knows", Subject(processes=("curl",)), None, False),
        ("an empty name is nobody's", Subject(users=("",)), CURL, False),
    ],
)
def test_an_entry_is_for_whom_its_subject_names(what, subject, process, meant):
    assert is_about(subject, PC, process) is meant, what


def test_an_endpoint_is_named_whatever_runs_there():
    assert names_endpoint(Subject(endpoints=("e1",), processes=("curl",)), PC)
    assert not names_endpoint(Subject(departments=("",)), Endpoint(id="e2"))
