import msgspec

from checks.duplicates import duplicates
from checks.facts.media import MediumAttached
from checks.facts.media_register import MediumStanding, Twin
from tests.samples import STICK, context


def test_media_without_a_serial_number_have_no_twins():
    nameless = msgspec.structs.replace(STICK, serial="")
    standing = MediumStanding(key=STICK.key, twins=(Twin(key="k9"),))

    found = list(
        duplicates(MediumAttached(medium=nameless), context(known={MediumStanding: standing}))
    )

    assert found == []
