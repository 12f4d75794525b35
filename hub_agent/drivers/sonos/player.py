"""What is known of one Sonos player, and how it is told to the home."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hub_agent.drivers.given import flag, mac_of, number_of, text
from hub_agent.drivers.playing import SOURCES_MAX, level_of, player_entity
from hub_agent.drivers.sonos.media import LINE_IN, TV
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Capability, DeviceType, Origin, ProtocolType
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

DIALECT: Final = "sonos"
_ON: Final = {"on": Capability("bool", "rw")}

# Variable of RenderingControl -> (key, name) of what people may set. Numbers go from -10 to 10.
NUMBERS: Final = {"bass": ("bass", "Bass"), "treble": ("treble", "Treble")}
SWITCHES: Final = {
    "loudness": ("loudness", "Loudness"),
    "night_mode": ("night_sound", "Night sound"),
    "dialog_level": ("speech_enhancement", "Speech enhancement"),
}
VARIABLE_BY_KEY: Final = {key: variable for variable, (key, _) in (NUMBERS | SWITCHES).items()}
SOUNDS: Final = ("volume", "mute", *NUMBERS, *SWITCHES)

# Words of a model's name that say which sockets it has.
_HAS_LINE_IN: Final = ("connect", "port", "play:5", "five", "amp", "era", "move 2")
_HAS_TV: Final = ("arc", "beam", "ray", "playbar", "playbase", "amp")


@dataclass(frozen=True, slots=True)
class Description:
    """Of the player itself, as it describes itself."""

    uid: str
    peer: str
    name: str
    model: str | None = None
    firmware: str | None = None
    mac: str | None = None
    serial: str | None = None
    is_visible: bool = True

    @property
    def has_line_in(self) -> bool:
        return self._is_one_of(_HAS_LINE_IN)

    @property
    def has_tv(self) -> bool:
        return self._is_one_of(_HAS_TV)

    def _is_one_of(self, words: tuple[str, ...]) -> bool:
        model = f" {(self.model or '').lower()} "
        return any(f" {word} " in model or f" {word}:" in model for word in words)


def described(body: JsonValue, peer: str) -> Description | None:
    """None: it does not say who it is."""
    uid = text(body, "uid")
    if uid is None or not uid.startswith("RINCON_"):
        return None
    model = text(body, "model_name")
    return Description(
        uid,
        peer,
        text(body, "zone_name") or model or uid,
        model,
        text(body, "display_version") or text(body, "software_version"),
        mac_of(text(body, "mac_address")) or mac_in(uid),
        text(body, "serial_number"),
        is_visible=flag(body, "is_visible") is not False,
    )


def mac_in(uid: str) -> str | None:
    """RINCON_000E58A0B0C001400: the address of its network card, and its port."""
    digits = uid.removeprefix("RINCON_")
    return mac_of(digits[:12]) if len(digits) == 17 else None


@dataclass(slots=True)
class Player:
    description: Description
    sounds: dict[str, float] = field(default_factory=dict)
    transport: dict[str, JsonValue] = field(default_factory=dict)
    favourites: tuple[str, ...] = ()
    battery: int | None = None
    is_charging: bool | None = None
    address: str | None = None
    told: Advertisement | None = None

    # Taking in.

    def hear_sounds(self, variables: JsonObject) -> None:
        """Volume, mute and loudness are told for each channel."""
        for name in SOUNDS:
            said = variables.get(name)
            number = number_of(said.get("Master") if isinstance(said, Mapping) else said)
            if number is not None:
                self.sounds[name] = number

    def hear_transport(self, kept: JsonObject) -> None:
        """Between two pieces it is in transition for a moment, and plays all the same."""
        was = self.transport.get("transport_state")
        self.transport.update(kept)
        if kept.get("transport_state") == "TRANSITIONING" and was == "PLAYING":
            self.transport["transport_state"] = was

    def hear_favourites(self, titles: tuple[str, ...]) -> None:
        self.favourites = titles[:SOURCES_MAX]

    # Telling.

    @property
    def sources(self) -> tuple[str, ...]:
        own = [LINE_IN] if self.description.has_line_in else []
        own += [TV] if self.description.has_tv else []
        return (*own, *(each for each in dict.fromkeys(self.favourites) if each not in own))

    def advertisement(self) -> Advertisement:
        it = self.description
        aliases = [Alias("mac", it.mac)] if it.mac else []
        aliases.append(Alias("sonos", it.uid))
        return Advertisement(
            Origin(DIALECT, it.uid),
            tuple(aliases),
            it.name,
            tuple(self._entities()),
            brand="Sonos",
            model=it.model,
            device_type=DeviceType.SPEAKER,
            protocol=ProtocolType.WIFI,
            suggested_area=it.name,
            firmware_version=it.firmware,
            power_source="battery" if self.battery is not None else "mains",
            native={"peer": it.peer, "uid": it.uid, "name": it.name, "model": it.model},
        )

    def _entities(self) -> list[AdvertisedEntity]:
        entities = [player_entity(sources=self.sources, has_order=True)]
        for variable, (key, name) in NUMBERS.items():
            if variable in self.sounds:
                capability = Capability("int", "rw", min=-10, max=10, step=1)
                entities.append(
                    AdvertisedEntity(key, "number", name, category="config", capabilities={key: capability})
                )
        for variable, (key, name) in SWITCHES.items():
            if variable in self.sounds:
                entities.append(AdvertisedEntity(key, "switch", name, category="config", capabilities=_ON))
        if self.battery is not None:
            entities.append(
                AdvertisedEntity(
                    "battery",
                    "sensor",
                    "Battery",
                    device_class="battery",
                    unit="%",
                    state_class="measurement",
                    category="diagnostic",
                    capabilities={"battery": Capability("int", unit="%", min=0, max=100)},
                )
            )
        if self.is_charging is not None:
            entities.append(
                AdvertisedEntity(
                    "charging",
                    "binary_sensor",
                    "Charging",
                    device_class="battery_charging",
                    category="diagnostic",
                    capabilities={"charging": Capability("bool")},
                )
            )
        return entities

    def sound_reports(self) -> list[EntityReport]:
        reports: list[EntityReport] = []
        for variable, (key, _) in NUMBERS.items():
            if (value := self.sounds.get(variable)) is not None:
                reports.append(EntityReport(key, f"{value:g}"))
        for variable, (key, _) in SWITCHES.items():
            if (value := self.sounds.get(variable)) is not None:
                reports.append(EntityReport(key, "on" if value else "off"))
        return reports

    def sound_attributes(self) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        if (volume := self.sounds.get("volume")) is not None:
            found["volume_level"] = level_of(volume)
        if (mute := self.sounds.get("mute")) is not None:
            found["is_volume_muted"] = bool(mute)
        return found
