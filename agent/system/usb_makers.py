"""Makers of network cards and of modems, by their USB vendor ids."""

CARD_VENDORS = frozenset(
    # Realtek, ASIX, Microchip/SMSC, Lenovo, Dell, HP, TP-Link, Microsoft, D-Link, Belkin,
    # Linksys, Anker, Davicom, Aquantia, LG dock (Cypress stays out: it is in telephones)
    [
        "0bda",
        "0b95",
        "0424",
        "17ef",
        "413c",
        "03f0",
        "2357",
        "045e",
        "2001",
        "050d",
        "13b1",
        "291a",
        "0a46",
        "2eca",
        "20f4",
    ]
)
"""Makers of network cards: their CDC devices are cards, no telephones."""

MODEM_VENDORS = frozenset(
    # Huawei, ZTE, Sierra, Telit, Quectel, Fibocom, SIMCom, Qualcomm, Ericsson, Novatel,
    # Option, TCL, Longcheer, Cinterion, MeiG, Samsung, LG, Motorola, Nokia, BandRich
    [
        "12d1",
        "19d2",
        "1199",
        "1bc7",
        "2c7c",
        "2cb7",
        "1e0e",
        "05c6",
        "0bdb",
        "1410",
        "0af0",
        "1bbb",
        "1c9e",
        "1e2d",
        "2dee",
        "04e8",
        "1004",
        "22b8",
        "0421",
        "1a8d",
    ]
)


ONLY_MODEMS = frozenset(
    # Huawei, ZTE, Sierra, Telit, Quectel, Fibocom, SIMCom, Novatel, Option, TCL, Longcheer,
    # Cinterion, MeiG, BandRich: what speaks a protocol of their own is a modem, unless it is
    # a telephone (MTP or ADB beside it)
    [
        "12d1",
        "19d2",
        "1199",
        "1bc7",
        "2c7c",
        "2cb7",
        "1e0e",
        "1410",
        "0af0",
        "1bbb",
        "1c9e",
        "1e2d",
        "2dee",
        "1a8d",
    ]
)
STILL_A_DISC = frozenset(
    [
        "12d1:1446",
        "12d1:14fe",
        "12d1:157d",
        "12d1:1f01",
        "19d2:2000",
        "19d2:0166",
        "1c9e:f000",
        "1bbb:f000",
        "05c6:1000",
        "1410:5010",
        "1a8d:1000",
    ]
)
"""Modems that show a disc with their own drivers until they are switched over
(usb_modeswitch knows them by these ids)."""
