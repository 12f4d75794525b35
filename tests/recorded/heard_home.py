"""A home whose devices are heard over a link: what a driver makes of frames is kept as the hub would keep it, so that commands can be encoded."""

from collections.abc import Iterable, Sequence
from typing import cast

from hub_agent.drivers.driver import LinkDriver
from hub_agent.model.device import Advertisement, Device, Entity
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import AvailabilityReported, Decoded, DeviceGone, Rejected, Reported


class HeardHome:
    def __init__(self, driver: LinkDriver) -> None:
        self.driver = driver
        self.devices: dict[str, Device] = {}
        self.advertised: dict[str, Advertisement] = {}
        self.states: dict[tuple[str, str], str | None] = {}
        self.attributes: dict[tuple[str, str], dict[str, JsonValue]] = {}
        self.observed: dict[str, dict[str, JsonValue]] = {}
        self.available: dict[tuple[str, str | None], bool] = {}
        self.events: list[tuple[str, str, JsonValue]] = []
        self.rejected: list[Rejected] = []

    def hear(self, *frames: Frame) -> list[Decoded]:
        decoded = [each for frame in frames for each in self.driver.hear(frame)]
        for each in decoded:
            self._keep(each)
        return decoded

    def _keep(self, each: Decoded) -> None:
        match each:
            case Advertisement():
                self.advertised[each.origin.native_id] = each
                self.devices[each.origin.native_id] = device_of(each)
            case Reported():
                device = each.origin.native_id
                self.observed.setdefault(device, {}).update(each.observed)
                for report in each.entities:
                    place = (device, report.key)
                    if report.state is not None:
                        self.states[place] = report.state
                    self.attributes.setdefault(place, {}).update(report.attributes)
                    if "event_type" in report.attributes:
                        self.events.append((*place, report.attributes["event_type"]))
            case AvailabilityReported():
                self.available[each.origin.native_id, each.key] = each.is_available
            case DeviceGone():
                self.devices.pop(each.origin.native_id, None)
            case Rejected():
                self.rejected.append(each)
            case _:
                pass

    def entity(self, device: str, key: str) -> Entity:
        return next(entity for entity in self.devices[device].entities if entity.key == key)

    def keys(self, device: str) -> dict[str, str]:
        """Key -> domain."""
        return {entity.key: entity.domain for entity in self.devices[device].entities}

    def is_now(self, device: str, key: str) -> tuple[str | None, dict[str, JsonValue]]:
        place = (device, key)
        said = self.attributes.get(place, {})
        return self.states.get(place), {name: value for name, value in said.items() if value is not None}

    def tell(self, device: str, key: str, action: str, **data: JsonValue) -> list[JsonObject]:
        """The bodies of what is asked of the peer."""
        found = self.devices[device]
        sent = self.driver.encode(found, self.entity(device, key), action, cast("JsonObject", data))
        return bodies(sent)


def bodies(requests: Sequence[object]) -> list[JsonObject]:
    return [request.body for request in requests if isinstance(request, Request)]


def device_of(advertisement: Advertisement) -> Device:
    native_id = advertisement.origin.native_id
    return Device(
        id=DeviceId(native_id),
        origin=advertisement.origin,
        aliases=advertisement.aliases,
        name=advertisement.name,
        named_by_person=False,
        room_id=None,
        brand=advertisement.brand,
        model=advertisement.model,
        device_type=advertisement.device_type,
        protocol=advertisement.protocol,
        via=None,
        firmware_version=advertisement.firmware_version,
        power_source=advertisement.power_source,
        native=advertisement.native,
        entities=tuple(_entities(advertisement)),
    )


def _entities(advertisement: Advertisement) -> Iterable[Entity]:
    native_id = advertisement.origin.native_id
    for each in advertisement.entities:
        yield Entity(
            id=EntityId(f"{each.domain}.{native_id}_{each.key}"),
            device_id=DeviceId(native_id),
            key=each.key,
            domain=each.domain,
            name=each.name,
            device_class=each.device_class,
            unit=each.unit,
            state_class=each.state_class,
            category=each.category,
            capabilities=each.capabilities,
            native=each.native,
        )
