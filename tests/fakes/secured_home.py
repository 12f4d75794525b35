"""What the security of a home reads of it, as a test sets it."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from hub_agent.core.security.home import Met
from hub_agent.model.device import Device, DeviceType, Origin
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject


def thing(
    name: str, dialect: str = "homeassistant", brand: str | None = None, model: str | None = None, **security: object
) -> Device:
    settings: JsonObject = {"security": security} if security else {}  # type: ignore[dict-item]  # JSON in the tests
    return Device(
        id=DeviceId(name),
        origin=Origin(dialect, name),
        aliases=(),
        name=name.capitalize(),
        named_by_person=False,
        room_id=None,
        brand=brand,
        model=model,
        device_type=DeviceType.HUB if dialect == "hub" else DeviceType.OTHER,
        protocol=None,
        via=None,
        firmware_version=None,
        power_source=None,
        native={},
        entities=(),
        settings=settings,
    )


HUB = thing("hub", "hub")


class SecuredHome:
    """Fills core.security.home.SecuredHome. The time of the home is UTC."""

    def __init__(self, *devices: Device) -> None:
        self.by_id = {each.id: each for each in (HUB, *devices)}
        self.addresses = {each.id: [f"192.168.1.{place}"] for place, each in enumerate(devices, start=10)}
        self.firmware: dict[str, str] = {}
        self.waits: dict[str, datetime] = {}
        self.encrypted: dict[str, bool] = {}
        self.on_network: list[Met] = []

    def devices(self) -> list[Device]:
        return list(self.by_id.values())

    def device(self, device_id: DeviceId) -> Device | None:
        return self.by_id.get(device_id)

    def hub(self) -> Device | None:
        return HUB

    def addresses_of(self, device: Device) -> Sequence[str]:
        return self.addresses.get(device.id, [])

    def firmware_of(self, device: Device) -> str | None:
        return self.firmware.get(device.id)

    def update_waits_since(self, device: Device) -> datetime | None:
        return self.waits.get(device.id)

    def is_encrypted(self, device: Device) -> bool | None:
        return self.encrypted.get(device.id)

    def met(self) -> list[Met]:
        return self.on_network

    def time_zone(self) -> ZoneInfo:
        return ZoneInfo("UTC")
