import pytest

from agent.detections import Found, OwnFinds, ToldLately, found_in

MOMENT = "Mon Nov 23 11:10:40 2026"
HASH = "44d88612fea8a8f36de82e1278abb02f"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"{MOMENT} -> /home/a b.exe: Eicar FOUND", Found("/home/a b.exe", "Eicar", MOMENT)),
        (f"{MOMENT} -> /a: Win.X-1({HASH}:68) FOUND", Found("/a", "Win.X-1", MOMENT)),
        ("/srv/a: b: Eicar.UNOFFICIAL FOUND\n", Found("/srv/a: b", "Eicar.UNOFFICIAL", "")),
        ("Nov 23 11:10:40 pc clamd[77]: /a: Eicar FOUND", Found("/a", "Eicar", "")),
        (f"{MOMENT} -> fd[12]: Eicar({HASH}:68) FOUND", Found("", "Eicar", MOMENT)),
        ("instream(127.0.0.1@4711): Eicar FOUND", Found("", "Eicar", "")),
        (f"{MOMENT} -> /a: OK", None),
        (f"{MOMENT} -> /a: Can't open file ERROR", None),
        (f"{MOMENT} -> /a.zip: Heuristics.Encrypted.Zip FOUND", None),
        (f"{MOMENT} -> /a: Heuristics.Limits.Exceeded.MaxFileSize FOUND", None),
        (f"{MOMENT} -> SelfCheck: Database status OK.", None),
        ("FOUND", None),
        ("", None),
    ],
)
def test_what_a_line_of_the_log_says(line, found):
    assert found_in(line) == found


def test_what_our_own_scan_found_is_claimed_once_and_not_for_ever():
    seconds = [0.0]
    finds = OwnFinds(lambda: seconds[0], remembered_s=60.0)
    finds.note("Eicar")

    assert not finds.claims("Other")
    assert (finds.claims("Eicar"), finds.claims("Eicar")) == (True, False)
    finds.note("Eicar")
    seconds[0] = 61.0
    assert not finds.claims("Eicar")


def test_the_same_malware_in_the_same_file_is_told_again_after_its_span():
    lately, found = ToldLately(3600.0), Found("/a", "Eicar", "")

    assert lately.is_new(found, 0.0)
    assert not lately.is_new(Found("/a", "Eicar", MOMENT), 3599.0)
    assert lately.is_new(Found("/b", "Eicar", ""), 3599.0)
    assert lately.is_new(found, 3600.0)
