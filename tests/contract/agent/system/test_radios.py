"""Radios from sysfs, present and off."""

from agent.system.radios import present_radios
from checks.facts.radios import Radio
from tests.contract.agent.system.sysfs_trees import plant, usb_device


def radio(root, group, name, driver="iwlwifi", bus="pci"):
    plant(
        root,
        {f"devices/{name}/index": "0"},
        {
            f"class/{group}/{name}": f"devices/{name}",
            f"devices/{name}/device": "devices/0000:02:00.0",
        },
    )
    if not (root / "devices/0000:02:00.0/subsystem").exists():
        plant(
            root,
            {},
            {
                "devices/0000:02:00.0/subsystem": f"bus/{bus}",
                "devices/0000:02:00.0/driver": f"bus/{bus}/drivers/{driver}",
            },
        )


def switch(root, number, kind, of, *, soft="0", hard="0"):
    here = f"devices/{of}/rfkill{number}"
    plant(
        root,
        {f"{here}/type": kind, f"{here}/soft": soft, f"{here}/hard": hard},
        {f"class/rfkill/rfkill{number}": here, f"{here}/device": f"devices/{of}"},
    )


def test_a_machine_without_radios_has_none(tmp_path):
    assert present_radios(tmp_path) == ()


def test_a_wifi_card_is_told_with_its_driver(tmp_path):
    radio(tmp_path, "ieee80211", "phy0")
    switch(tmp_path, 0, "wlan", "phy0")

    assert present_radios(tmp_path) == (
        Radio(kind="wifi", device="phy0", description="pci iwlwifi 0000:02:00.0", enabled=True),
    )


def test_a_switch_of_either_sort_makes_it_silent(tmp_path):
    radio(tmp_path, "ieee80211", "phy0")
    radio(tmp_path, "bluetooth", "hci0")
    switch(tmp_path, 0, "wlan", "phy0", soft="1")
    switch(tmp_path, 1, "bluetooth", "hci0", hard="1")

    found = {radio.device: (radio.kind, radio.enabled) for radio in present_radios(tmp_path)}
    assert found == {"phy0": ("wifi", False), "hci0": ("bluetooth", False)}


def test_a_radio_without_a_switch_speaks(tmp_path):
    radio(tmp_path, "wwan", "wwan0")

    [found] = present_radios(tmp_path)

    assert (found.kind, found.enabled) == ("modem", True)


def test_a_bluetooth_connection_is_no_radio(tmp_path):
    radio(tmp_path, "bluetooth", "hci0:256")

    assert present_radios(tmp_path) == ()


def test_hardware_without_a_driver_is_present_and_off(tmp_path):
    plant(
        tmp_path,
        {
            "devices/0000:03:00.0/class": "0x028000",
            "devices/0000:03:00.0/vendor": "0x8086",
            "devices/0000:03:00.0/device": "0x2723",
        },
        {"bus/pci/devices/0000:03:00.0": "devices/0000:03:00.0"},
    )
    usb_device(tmp_path, "1-4", "8087:0029", ("e00101", ""), words=("Intel", "AX200"))

    found = [(r.kind, r.device, r.description, r.enabled) for r in present_radios(tmp_path)]
    assert found == [
        ("wifi", "0000:03:00.0", "PCI 0x8086 0x2723", False),
        ("bluetooth", "8087:0029", "Intel AX200", False),
    ]
