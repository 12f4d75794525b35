"""What a bridge says of itself holds for everything behind it."""

from datetime import UTC, datetime, timedelta

from hub_agent.core.hub import Hub
from hub_agent.model.automation import Place
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Origin
from hub_agent.model.ids import EntityId, HomeId
from hub_agent.model.report import AvailabilityReported, EntityReport, Reported

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
BRIDGE = Origin("zigbee2mqtt", "0xbridge")
LAMP = Origin("zigbee2mqtt", "0xlamp")
PLUG = Origin("zigbee2mqtt", "0xplug")


def home() -> Hub:
    hub = Hub(home_id=HomeId("6a204bd8-9a3b-4f6f-8f0e-0a4e3c1d2b1a"), place=Place(), new_id=lambda: "id")
    hub.handle(Advertisement(BRIDGE, (Alias("zigbee_ieee", "0xbridge"),), "Bridge"), NOON)
    for origin, name, domain in ((LAMP, "Lamp", "light"), (PLUG, "Plug", "switch")):
        facet = AdvertisedEntity("main", domain)
        hub.handle(Advertisement(origin, (Alias("zigbee_ieee", origin.native_id),), name, (facet,), via=BRIDGE), NOON)
        hub.handle(Reported(origin, (EntityReport("main", "on"),)), NOON)
    return hub


def say(hub: Hub, origin: Origin, *, is_available: bool, seconds: int) -> None:
    hub.handle(AvailabilityReported(origin, is_available), NOON + timedelta(seconds=seconds))


def shown(hub: Hub) -> list[str | None]:
    states = [hub.states.state(EntityId(entity_id)) for entity_id in ("light.lamp", "switch.plug")]
    return [state.state if state else None for state in states]


def test_when_the_bridge_goes_away_so_does_everything_behind_it() -> None:
    hub = home()
    say(hub, BRIDGE, is_available=False, seconds=1)

    assert shown(hub) == ["unavailable", "unavailable"]
    devices = [device for device in hub.inventory.devices() if device.via]
    assert all(hub.inventory.presence(device.id).is_available is False for device in devices)


def test_when_it_is_back_devices_that_say_nothing_of_themselves_are_too() -> None:
    hub = home()
    say(hub, BRIDGE, is_available=False, seconds=1)
    say(hub, BRIDGE, is_available=True, seconds=2)

    assert shown(hub) == ["on", "on"]


def test_a_device_that_was_away_by_itself_stays_away() -> None:
    hub = home()
    say(hub, PLUG, is_available=False, seconds=1)
    say(hub, BRIDGE, is_available=False, seconds=2)
    say(hub, BRIDGE, is_available=True, seconds=3)

    assert shown(hub) == ["on", "unavailable"]
