"""What an announcement is taken for, and what it takes to talk to it."""

from hub_agent.drivers.identification import gone, identify
from hub_agent.drivers.identification.txt import KEYS_MAX, VALUE_CHARS_MAX, plain_txt
from hub_agent.model.device import Alias, DeviceType
from hub_agent.model.link import NeedKind, PeerFound, Service, ServiceGone


def heard(kind: str, name: str, txt: dict[str, str] | None = None, hostname: str | None = None) -> PeerFound:
    found = identify(Service("mdns", kind, name, ("192.0.2.7",), 80, hostname, txt or {}))
    assert found is not None
    return found


HAP = {"id": "AA:BB:CC:11:22:33", "md": "BSB002", "ci": "2", "sf": "1", "c#": "3", "s#": "1"}


def test_a_homekit_accessory_that_nobody_has_paired_needs_its_code() -> None:
    found = heard("_hap._tcp.local.", "Philips Hue - ABCABC", HAP)

    assert (found.dialect, found.key, found.brand, found.model) == (
        "homekit",
        "aa:bb:cc:11:22:33",
        "Philips Hue",
        "BSB002",
    )
    assert found.device_type is DeviceType.BRIDGE
    assert found.need is not None
    assert (found.need.kind, found.need.fields) == (NeedKind.CODE, ("code",))
    assert "another" not in found.need.text


def test_a_homekit_accessory_that_is_paired_says_that_it_belongs_to_another_home() -> None:
    found = heard("_hap._tcp.local.", "Lamp", HAP | {"sf": "0"})

    assert found.need is not None
    assert "another HomeKit home" in found.need.text


def test_keys_in_upper_case_say_the_same() -> None:
    upper = {key.upper(): value for key, value in HAP.items()}

    assert heard("_hap._tcp.local.", "Lamp", upper) == heard("_hap._tcp.local.", "Lamp", HAP)


def test_what_changes_all_the_time_makes_no_other_announcement() -> None:
    assert heard("_hap._tcp.local.", "Lamp", HAP | {"s#": "77"}) == heard("_hap._tcp.local.", "Lamp", HAP)


def test_a_matter_device_that_waits_to_be_set_up_needs_its_setup_code() -> None:
    found = heard("_matterc._udp.local.", "1A2B3C4D5E6F7081", {"D": "840", "CM": "1", "VP": "4476+32768", "DT": "268"})

    assert (found.dialect, found.key, found.brand) == ("matter", "commissionable/1a2b3c4d5e6f7081", "IKEA")
    assert found.device_type is DeviceType.LIGHT
    assert found.need is not None
    assert found.need.text.startswith("Enter its Matter setup code")


def test_a_matter_device_that_takes_nobody_in_says_that_it_has_to_be_opened() -> None:
    found = heard("_matterc._udp.local.", "1A2B", {"CM": "0"})

    assert found.need is not None
    assert found.need.text.startswith("Let it accept one more controller")


def test_a_commissioned_matter_node_is_known_and_nobodys_to_talk_to() -> None:
    found = heard("_matter._tcp.local.", "2906C908D115D362-8FC7772401CD0696")

    assert found.dialect is None
    assert found.aliases == (Alias("matter_node", "2906c908d115d362-8fc7772401cd0696"),)


def test_an_esphome_node_needs_its_key_only_if_it_says_that_it_encrypts() -> None:
    plain = {"mac": "A8032ABCDEF0", "friendly_name": "Bath fan", "version": "2026.10.0", "board": "esp32dev"}

    bare = heard("_esphomelib._tcp.local.", "bath-fan", plain)
    encrypted = heard(
        "_esphomelib._tcp.local.", "bath-fan", plain | {"api_encryption": "Noise_NNpsk0_25519_ChaChaPoly_SHA256"}
    )

    assert (bare.key, bare.name, bare.model, bare.firmware_version) == (
        "a8032abcdef0",
        "Bath fan",
        "esp32dev",
        "2026.10.0",
    )
    assert bare.need is None
    assert encrypted.need is not None
    assert encrypted.need.kind is NeedKind.KEY


def test_an_esphome_node_of_a_maker_has_the_makers_brand_and_model() -> None:
    found = heard(
        "_esphomelib._tcp.local.",
        "ratgdov25i-1",
        {"mac": "a8032abcdef0", "project_name": "ratgdo.v25i", "project_version": "3.2"},
    )

    assert (found.brand, found.model, found.firmware_version) == ("ratgdo", "V25I", "3.2")


def test_a_zigbee_radio_made_with_esphome_is_no_node_to_talk_to() -> None:
    found = heard("_esphomelib._tcp.local.", "tubeszb-cc2652-poe", {"mac": "a8032abcdef0"})

    assert (found.dialect, found.brand, found.device_type) == (None, "TubesZB", DeviceType.BRIDGE)


def test_a_hue_bridge_that_says_only_its_mac_is_the_same_bridge() -> None:
    whole = heard("_hue._tcp.local.", "Hue Bridge - ABCABC", {"bridgeid": "ECB5FAFFFEABCABC", "modelid": "BSB002"})
    short = heard("_hue._tcp.local.", "Hue Bridge - ABCABC", {"bridgeid": "ecb5faabcabc", "modelid": "BSB002"})

    assert whole.key == short.key == "ecb5fafffeabcabc"
    assert whole.aliases == short.aliases == (Alias("mac", "ecb5faabcabc"), Alias("hue", "ecb5fafffeabcabc"))
    assert whole.need is not None
    assert whole.need.kind is NeedKind.BUTTON


def test_peers_have_the_keys_that_their_dialects_agreed_on() -> None:
    assert heard("_wled._tcp.local.", "Desk", {"mac": "A8032ABCDEF0"}).key == "a8032abcdef0"
    assert heard("_sonos._tcp.local.", "Sonos-5CAAFDE47AC8@Bath").key == "5caafde47ac8"
    assert heard("_sonos._tcp.local.", "RINCON_5CAAFDE47AC801400@Bath").name == "Bath"
    assert (
        heard("_googlecast._tcp.local.", "x", {"id": "991031A7-9a32-24e6-73c7-f7c00fb95245", "fn": "TV"}).key
        == "991031a79a3224e673c7f7c00fb95245"
    )
    assert heard("_zwave-js-server._tcp.local.", "Z", {"homeId": "3735928559"}).key == "3735928559"
    assert (
        heard("_shelly._tcp.local.", "shellyplus1pm-A8032ABCDEF0", {"gen": "2", "app": "Plus1PM"}).key == "a8032abcdef0"
    )


def test_a_shelly_under_the_name_that_its_user_gave_it_is_known_but_not_a_second_peer() -> None:
    found = heard("_shelly._tcp.local.", "Power Strip Gen4", {"gen": "4", "app": "PowerStrip"})

    assert (found.brand, found.dialect, found.key) == ("Shelly", None, None)


def test_what_no_table_knows_is_told_with_what_it_says_of_itself() -> None:
    found = heard("_fancy-lamp._tcp.local.", "Lamp 3000", {"model": "L3000"})

    assert (found.name, found.model, found.brand, found.dialect) == ("Lamp 3000", "L3000", None, None)


def test_what_says_only_how_to_log_in_to_a_computer_is_nothing_to_a_home() -> None:
    assert identify(Service("mdns", "_ssh._tcp.local.", "pi", ("192.0.2.7",), 22)) is None


def test_the_hubs_own_announcement_is_nothing_to_itself() -> None:
    assert identify(Service("mdns", "_nexa-hub._tcp.local.", "nexa-hub", ("192.0.2.7",), 8380)) is None


def test_a_goodbye_names_the_announcement_that_ends() -> None:
    found = heard("_WLED._tcp.local.", "Desk", {"mac": "a8032abcdef0"})

    assert gone(ServiceGone("mdns", "_wled._tcp.local.", "Desk")).service == found.service


def test_bytes_that_are_no_text_become_hexadecimal() -> None:
    assert plain_txt({b"xa": b"\xde\xad\xbe\xef", b"vn": b"Apple Inc.", b"sb": b"\x00\x00\x01", b"flag": None}) == {
        "xa": "deadbeef",
        "vn": "Apple Inc.",
        "sb": "000001",
        "flag": "",
    }


def test_of_two_keys_that_differ_in_case_the_first_counts() -> None:
    assert plain_txt({b"ID": b"first", b"id": b"second"}) == {"id": "first"}


def test_huge_announcements_are_cut() -> None:
    plain = plain_txt({f"key{number}": "x" * 100_000 for number in range(10_000)})

    assert len(plain) == KEYS_MAX
    assert {len(value) for value in plain.values()} == {VALUE_CHARS_MAX}


def test_an_address_that_a_person_gave_is_a_peer_of_that_dialect() -> None:
    found = identify(Service("manual", "esphome", "10.0.0.7:6053", ("10.0.0.7",), 6053))

    assert found is not None
    assert (found.dialect, found.key, found.port) == ("esphome", "10.0.0.7:6053", 6053)


def test_what_a_dialect_found_by_a_search_of_its_own_keeps_the_key_it_was_given() -> None:
    found = identify(Service("search", "lifx.search", "d073d5112233", ("10.0.0.8",), 56700, None, {"name": "Bed"}))

    assert found is not None
    assert (found.dialect, found.key, found.name) == ("lifx", "d073d5112233", "Bed")
    assert found.aliases == (Alias("mac", "d073d5112233"),)
