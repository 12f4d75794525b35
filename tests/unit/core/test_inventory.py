from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hub_agent.core.inventory import ADVERTISEMENTS_A_MINUTE_MAX, Inventory
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Device, DeviceType, Origin
from hub_agent.model.effects import ForgetDevice, ReleaseDevice, Save, SaveDevice
from hub_agent.model.ids import HomeId, RoomId, slugify

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
HOME = HomeId("6a204bd8-9a3b-4f6f-8f0e-0a4e3c1d2b1a")
IEEE = Alias("zigbee_ieee", "0x00158d0001020304")
LAMP = Advertisement(
    origin=Origin("zigbee2mqtt", "0x00158d0001020304"),
    aliases=(IEEE,),
    name="Living Room Lamp",
    entities=(AdvertisedEntity("light", "light"), AdvertisedEntity("linkquality", "sensor", name="Linkquality")),
    device_type=DeviceType.LIGHT,
)


def met(inventory: Inventory, advertisement: Advertisement, at: datetime = NOON) -> Device:
    device = inventory.advertise(advertisement, at).device
    assert device is not None
    return device


def test_a_device_gets_the_same_id_in_every_mirror_of_a_home() -> None:
    assert met(Inventory(HOME), LAMP).id == met(Inventory(HOME), LAMP).id


def test_entities_are_named_after_the_device_and_their_function() -> None:
    device = met(Inventory(HOME), LAMP)

    assert [entity.id for entity in device.entities] == [
        "light.living_room_lamp",
        "sensor.living_room_lamp_linkquality",
    ]


def test_a_renamed_device_keeps_its_id_and_its_entities_ids() -> None:
    inventory = Inventory(HOME)
    before = met(inventory, LAMP)
    after = met(inventory, replace(LAMP, name="Reading Lamp"))

    assert after.id == before.id
    assert after.name == "Reading Lamp"
    assert [entity.id for entity in after.entities] == [entity.id for entity in before.entities]


def test_a_name_given_by_a_person_stays_when_the_device_says_another() -> None:
    inventory = Inventory(HOME)
    device = met(inventory, LAMP)
    inventory.edit(device.id, name="Grandma's lamp", room_id=None)

    assert met(inventory, replace(LAMP, name="0x00158d")).name == "Grandma's lamp"


def test_a_device_with_a_new_address_is_known_by_any_of_its_identities() -> None:
    inventory = Inventory(HOME)
    mac = Alias("mac", "aa:bb:cc:dd:ee:ff")
    first = met(
        inventory, replace(LAMP, origin=Origin("homeassistant", "old"), aliases=(Alias("discovery_id", "old"), mac))
    )
    again = met(
        inventory, replace(LAMP, origin=Origin("homeassistant", "new"), aliases=(Alias("discovery_id", "new"), mac))
    )

    assert again.id == first.id
    assert len(list(inventory.devices())) == 1


def test_the_same_announcement_again_changes_nothing() -> None:
    inventory = Inventory(HOME)
    met(inventory, LAMP)
    again = inventory.advertise(LAMP, NOON + timedelta(seconds=1))

    assert again.device is None
    assert again.effects == ()


def test_announcing_a_thousand_times_a_minute_raises_one_issue() -> None:
    inventory = Inventory(HOME)
    met(inventory, LAMP)
    issues = [
        result.issue
        for number in range(1000)
        if (result := inventory.advertise(LAMP, NOON + timedelta(milliseconds=50 * number))).issue
    ]

    assert [issue.code for issue in issues] == ["device_flooding"]
    assert ADVERTISEMENTS_A_MINUTE_MAX < 1000


def test_a_device_met_in_two_dialects_is_served_by_the_native_one() -> None:
    inventory = Inventory(HOME)
    by_discovery = replace(LAMP, origin=Origin("homeassistant", "zigbee2mqtt_0x00158d0001020304"))
    native = met(inventory, LAMP)
    second = inventory.advertise(by_discovery, NOON)

    assert second.device is None
    assert isinstance(second.effects[0], ReleaseDevice)
    known = inventory.device(native.id)
    assert known is not None
    assert known.origin.dialect == "zigbee2mqtt"


def test_the_native_dialect_takes_over_a_device_that_discovery_found_first() -> None:
    inventory = Inventory(HOME)
    by_discovery = replace(LAMP, origin=Origin("homeassistant", "zigbee2mqtt_0x00158d0001020304"))
    first = met(inventory, by_discovery)
    result = inventory.advertise(LAMP, NOON)

    assert result.device is not None
    assert result.device.id == first.id
    assert [entity.id for entity in result.device.entities] == [entity.id for entity in first.entities]
    assert ReleaseDevice(first) in result.effects
    assert inventory.find(by_discovery.origin) is None


def test_a_device_that_comes_back_is_itself_with_name_room_and_entity_ids() -> None:
    inventory = Inventory(HOME)
    device = met(inventory, LAMP)
    inventory.edit(device.id, name="Grandma's lamp", room_id=RoomId("r1"))
    entities, effects = inventory.remove(LAMP.origin)
    assert len(entities) == 2
    assert ForgetDevice(device.id) in effects
    kept = next(effect for effect in effects if isinstance(effect, Save))
    assert kept.body is not None

    after_restart = Inventory(HOME)
    after_restart.restore([], {kept.key: kept.body})
    back = met(after_restart, replace(LAMP, name="Something else"))

    assert (back.id, back.name, back.room_id) == (device.id, "Grandma's lamp", "r1")
    assert [entity.id for entity in back.entities] == [entity.id for entity in device.entities]


def test_two_devices_of_one_name_get_different_entity_ids() -> None:
    inventory = Inventory(HOME)
    met(inventory, LAMP)
    twin = met(inventory, replace(LAMP, origin=Origin("zigbee2mqtt", "0x2"), aliases=(Alias("zigbee_ieee", "0x2"),)))

    assert twin.entities[0].id == "light.living_room_lamp_2"


def test_an_incomplete_announcement_adds_to_the_entities_and_a_complete_one_replaces_them() -> None:
    inventory = Inventory(HOME)
    met(inventory, LAMP)
    more = replace(LAMP, complete=False, entities=(AdvertisedEntity("effect", "select", name="Effect"),))
    assert len(met(inventory, more).entities) == 3

    result = inventory.advertise(replace(LAMP, entities=LAMP.entities[:1]), NOON)
    assert result.device is not None
    assert len(result.device.entities) == 1
    assert {entity.key for entity in result.removed} == {"linkquality", "effect"}


def test_what_is_saved_of_a_device_is_enough_to_know_it_again() -> None:
    inventory = Inventory(HOME)
    result = inventory.advertise(LAMP, NOON)
    saved = [effect.device for effect in result.effects if isinstance(effect, SaveDevice)]
    again = Inventory(HOME)
    again.restore(saved, {})

    assert again.find(LAMP.origin) is not None
    assert again.advertise(LAMP, NOON).effects == ()


def test_slugs_are_ascii_as_home_assistant_makes_them() -> None:
    assert slugify("Küche: Décken-Lampe 2") == "kuche_decken_lampe_2"
    assert slugify("Straße") == "strasse"
    assert slugify("灯") == "unnamed"


def test_a_device_that_announces_something_else_each_time_is_ignored_until_it_calms_down() -> None:
    inventory = Inventory(HOME)
    met(inventory, LAMP)
    results = [
        inventory.advertise(replace(LAMP, firmware_version=str(number)), NOON + timedelta(milliseconds=50 * number))
        for number in range(1000)
    ]

    assert [result.issue.code for result in results if result.issue] == ["device_flooding"]
    assert sum(1 for result in results if result.effects) < ADVERTISEMENTS_A_MINUTE_MAX
    assert inventory.calmed(NOON + timedelta(seconds=50)) == []
    [(_, last_word)] = inventory.calmed(NOON + timedelta(minutes=2))
    assert last_word.firmware_version == "999"
    assert inventory.advertise(last_word, NOON + timedelta(minutes=2)).effects


def test_a_device_of_many_parts_may_announce_them_all_again() -> None:
    inventory = Inventory(HOME)
    met(inventory, LAMP)
    results = [inventory.advertise(replace(LAMP, firmware_version=str(number % 100)), NOON) for number in range(300)]

    assert not any(result.issue for result in results)
