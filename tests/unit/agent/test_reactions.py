import pytest

from agent.messages import read_catalogue
from agent.policy_cache import local_document
from agent.reactions import Judgement, Reactions
from agent.system.desktop import Message
from checks.check import discover
from checks.facts import Fact
from checks.facts.copying import MediumWritten
from checks.facts.holding import MediumHeld
from checks.facts.media import Medium, MediumMounted, MediumScanned, Partition
from checks.facts.network import Address, Link, NetworkState, Route
from checks.facts.quarantine import FilesQuarantined, QuarantinedFile
from checks.policy import parse_policy

MEDIUM = Medium(key="k", kind="stick", bus="usb", vendor="Kingston", serial="123")
MOUNTED = MediumMounted(
    medium=MEDIUM, partition=Partition(device="sdb1", size=1), mount_point="/media/a"
)
TEN_MINUTES = 600_000_000


class Scene:
    def __init__(self, policy: str) -> None:
        self.shown: list[Message] = []
        self.networks = 0
        self.considered: list[Fact] = []
        judgement = Judgement(discover(), local_document(parse_policy(policy), "agent-1"))
        self.reactions = Reactions(
            judgement,
            catalogue=read_catalogue(),
            desktop=self,
            on_network=self.network,
            contain=lambda fact, failed, at_us: self.considered.append(fact),
        )

    def show(self, message: Message) -> None:
        self.shown.append(message)

    def network(self) -> None:
        self.networks += 1


ENGLISH = '[hospital]\nlanguage = "en"\nphone = "8120"\n'


def test_a_mounted_medium_that_is_not_released_is_told_with_the_telephone():
    scene = Scene(ENGLISH)

    assert scene.reactions(MOUNTED, 1) is True

    assert scene.shown == [
        Message(
            title="This medium has not been scanned yet",
            body="Kingston 123: please wait with opening files until the scan has found it clean."
            " Please call the computer centre: 8120",
        )
    ]


def test_the_default_language_is_chinese_and_no_telephone_leaves_no_trace():
    scene = Scene("")
    scene.reactions(MOUNTED, 1)

    (message,) = scene.shown
    assert message.title == "移动介质尚未查杀完毕"
    assert "电话" not in message.body
    assert "{" not in message.body


def test_the_same_is_not_said_again_for_ten_minutes():
    scene = Scene("")
    for at_us in (1, 2, TEN_MINUTES, TEN_MINUTES + 1):
        scene.reactions(MOUNTED, at_us)

    assert len(scene.shown) == 2


@pytest.mark.parametrize(
    ("verdict", "title"),
    [
        ("clean", "This medium may be used"),
        ("infected", "This medium is infected"),
        ("incomplete", "This medium could not be scanned"),
        ("not_scanned", "This medium could not be scanned"),
    ],
)
def test_the_end_of_a_scan_is_told_once(verdict, title):
    scene = Scene(ENGLISH)
    scene.reactions(MediumScanned(medium=MEDIUM, mount_point="/media/a", verdict=verdict), 1)

    assert [message.title for message in scene.shown] == [title]


def test_only_an_infection_stays_on_the_screen():
    scene = Scene(ENGLISH)
    scene.reactions(MOUNTED, 1)
    scene.reactions(MediumScanned(medium=MEDIUM, mount_point="/", verdict="infected"), 2)

    assert [message.urgent for message in scene.shown] == [False, True]


@pytest.mark.parametrize(
    ("end", "titles"), [("moved", ["Infected files were moved away"]), ("held", []), ("full", [])]
)
def test_only_what_was_moved_into_quarantine_is_told_the_user(end, titles):
    scene = Scene(ENGLISH)
    files = (QuarantinedFile(signature="Eicar", end=end),)
    scene.reactions(FilesQuarantined(medium=MEDIUM, mount_point="/media/a", files=files), 1)

    assert [message.title for message in scene.shown] == titles


@pytest.mark.parametrize(
    ("occasion", "files", "titles"),
    [
        ("first", 1, []),
        ("many", 201, ["Please copy no files to this medium"]),
        ("ended", 201, []),
    ],
)
def test_who_copies_too_much_is_told_while_it_goes_on(occasion, files, titles):
    scene = Scene(ENGLISH)
    scene.reactions(
        MediumWritten(medium=MEDIUM, mount_point="/media/a", occasion=occasion, files=files), 1
    )

    assert [message.title for message in scene.shown] == titles


def test_nothing_is_said_where_the_policy_only_observes():
    scene = Scene('mode = "observe"')

    assert scene.reactions(MOUNTED, 1) is True
    assert scene.shown == []


def test_a_link_that_leads_outside_is_told_and_wakes_the_uplink():
    scene = Scene(ENGLISH)
    state = NetworkState(
        links=(
            Link(
                index=3,
                name="usb0",
                kind="usb_tether",
                up=True,
                carrier=True,
                addresses=(Address(address="192.168.42.20", prefix_length=24),),
            ),
        ),
        routes=(Route(destination="0.0.0.0/0", interface="usb0", gateway="192.168.42.129"),),
    )

    assert scene.reactions(state, 1) is True

    assert scene.networks == 1
    assert "This computer has joined an outside network" in [m.title for m in scene.shown]


def test_who_waits_for_a_held_medium_is_told_now_and_then_how_long_it_still_takes():
    scene = Scene(ENGLISH)
    for at_us in (1, 2, TEN_MINUTES + 1):
        scene.reactions.still_held("Kingston 123", 95, at_us)
    observing = Scene('mode = "observe"\n' + ENGLISH)
    observing.reactions.still_held("Kingston 123", 95, 1)

    assert [message.title for message in scene.shown] == ["This medium is still being scanned"] * 2
    assert "About 2 min left. It will open" in scene.shown[0].body
    assert observing.shown == []


HOLD = ENGLISH + '[scanning]\nmode = "hold"\n'


def test_the_user_hears_how_long_a_held_medium_takes_and_when_it_is_released():
    scene = Scene(HOLD)
    scene.reactions(MediumHeld(medium=MEDIUM, action="held", estimate=90), 1)
    scene.reactions(MediumScanned(medium=MEDIUM, mount_point="", verdict="clean"), 2)
    scene.reactions(MediumHeld(medium=MEDIUM, action="released", ground="clean"), 3)
    scene.reactions(MOUNTED, 4)

    assert [message.title for message in scene.shown] == [
        "This medium is being scanned",
        "This medium may be used",
    ]
    assert "about 2 min. It will open" in scene.shown[0].body


def test_the_user_hears_that_a_medium_stays_locked():
    scene = Scene(HOLD)

    scene.reactions(MediumHeld(medium=MEDIUM, action="kept", ground="incomplete"), 1)

    assert [message.title for message in scene.shown] == ["This medium stays locked"]
    assert "8120" in scene.shown[0].body
