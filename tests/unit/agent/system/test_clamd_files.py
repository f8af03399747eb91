import pytest

from agent.system.clamd_files import (
    SignatureFile,
    database_files,
    database_folder,
    largest_file,
    missing_alerts,
    newest_change,
)


def test_the_newest_signature_file_dates_the_database():
    files = [
        SignatureFile("local.ndb", 5),
        SignatureFile("hospital.yara", 9),
        SignatureFile("main.cvd", 7),
    ]

    assert newest_change(files) == 9


@pytest.mark.parametrize("name", ["freshclam.dat", "mirrors.dat", "own.fp", "own.ign2", "x.cfg"])
def test_what_holds_no_signatures_does_not_freshen_them(name):
    assert newest_change([SignatureFile("local.hdb", 5), SignatureFile(name, 9)]) == 5
    assert newest_change([SignatureFile(name, 9)]) == 0


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("DatabaseDirectory /var/lib/clamav", "/var/lib/clamav"),
        ('  DatabaseDirectory "/srv/my signatures" ', "/srv/my signatures"),
        ("DatabaseDirectory /first\nDatabaseDirectory /second", "/first"),
        ("#DatabaseDirectory /var/lib/clamav", ""),
        ("", ""),
    ],
)
def test_the_folder_is_the_one_that_the_configuration_names(line, folder):
    assert database_folder(f"LocalSocket /run/clamd\n{line}\nForeground yes\n") == folder


def test_a_folder_that_nobody_names_has_no_files():
    assert database_files("") == []


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("MaxFileSize 25M\nMaxScanSize 100M", 25 << 20),
        ("MaxFileSize 500M\nMaxScanSize 100M", 100 << 20),
        ("MaxFileSize 0\nMaxScanSize 0", (1 << 31) - 3),
        ("# MaxFileSize 1M", 100 << 20),
        ("MaxFileSize 1M\nMaxFileSize 5M", 1 << 20),
    ],
)
def test_the_smaller_limit_counts_and_zero_is_none(text, limit):
    assert largest_file(text) == limit


@pytest.mark.parametrize(
    "name", ["a.cvd", "a.cld", "a.cud", "a.db", "a.hdu", "a.msb", "a.ldb", "a.cdb", "a.yar"]
)
def test_every_kind_of_signature_file_counts(name):
    assert newest_change([SignatureFile(name, 9)]) == 9


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", ("AlertEncrypted", "AlertExceedsMax")),
        ("AlertEncrypted yes\nAlertExceedsMax true", ()),
        ("AlertEncryptedArchive yes\nAlertEncryptedDoc 1\nAlertExceedsMax Yes", ()),
        ("AlertEncrypted no\nAlertExceedsMax yes\nAlertEncrypted yes", ("AlertEncrypted",)),
        ("AlertEncryptedDoc yes\n AlertExceedsMax no", ("AlertEncrypted", "AlertExceedsMax")),
        ("# AlertEncrypted yes\nAlertExceedsMax yes", ("AlertEncrypted",)),
    ],
)
def test_alerts_that_are_not_asked_for_are_named(text, missing):
    assert missing_alerts(text) == missing
