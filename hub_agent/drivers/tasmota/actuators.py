"""Relays, shutters, fans, inputs, buttons, and what every device can be told."""

from collections.abc import Callable, Sequence
from typing import Final

from hub_agent.drivers.tasmota.part import Command, Part, number_in, power_of
from hub_agent.drivers.tasmota.setup import Setup
from hub_agent.drivers.wishes import needed_number, number_of
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport


class Relay(Part):
    def __init__(self, setup: Setup, number: int, name: str | None) -> None:
        self._setup = setup
        self._number = number
        super().__init__(
            AdvertisedEntity(f"switch_{number}", "switch", name=name, capabilities={"on": Capability("bool", "rw")}),
            {
                "turn_on": lambda _: [(f"Power{number}", "ON")],
                "turn_off": lambda _: [(f"Power{number}", "OFF")],
            },
        )

    def read(self, body: JsonObject) -> EntityReport | None:
        state = power_of(body, self._setup, self._number)
        return EntityReport(self.entity.key, state) if state is not None else None


class Shutter(Part):
    """Positions are in percent, 100 is open; an inverted shutter says and wants them the other way round."""

    def __init__(self, setup: Setup, number: int, name: str | None) -> None:
        self._number = number
        self._is_inverted = number <= len(setup.inverted) and setup.inverted[number - 1]
        self._shut, self._open = setup.tilts[number - 1] if number <= len(setup.tilts) else (0, 0)
        self._position: float | None = None
        self._moving = 0
        capabilities = {
            "open": Capability("bool", "rw"),
            "position": Capability("int", "rw", unit="%", min=0, max=100),
        }
        acts = {
            "open_cover": self._plain("ShutterOpen"),
            "close_cover": self._plain("ShutterClose"),
            "stop_cover": self._plain("ShutterStop"),
            "set_cover_position": self._move,
        }
        if self._shut != self._open:
            capabilities["tilt"] = Capability("int", "rw", unit="%", min=0, max=100)
            acts |= {
                "open_cover_tilt": lambda _: [(f"ShutterTilt{number}", "OPEN")],
                "close_cover_tilt": lambda _: [(f"ShutterTilt{number}", "CLOSE")],
                "set_cover_tilt_position": self._tilt,
            }
        super().__init__(AdvertisedEntity(f"cover_{number}", "cover", name=name, capabilities=capabilities), acts)

    def _plain(self, word: str) -> Callable[[JsonObject], Sequence[Command]]:
        return lambda _: [(f"{word}{self._number}", "")]

    def _move(self, data: JsonObject) -> Sequence[Command]:
        position = round(min(max(needed_number(data, "position"), 0), 100))
        return [(f"ShutterPosition{self._number}", str(100 - position if self._is_inverted else position))]

    def _tilt(self, data: JsonObject) -> Sequence[Command]:
        percent = min(max(needed_number(data, "tilt_position"), 0), 100)
        return [(f"ShutterTilt{self._number}", str(round(self._shut + percent * (self._open - self._shut) / 100)))]

    def read(self, body: JsonObject) -> EntityReport | None:
        said = body.get(f"Shutter{self._number}")
        if not isinstance(said, dict):
            return None
        position, direction = number_in(said.get("Position")), number_in(said.get("Direction"))
        tilt = number_in(said.get("Tilt"))
        attributes: dict[str, JsonValue] = {}
        if position is not None and 0 <= position <= 100:
            self._position = 100 - position if self._is_inverted else position
            attributes["current_position"] = round(self._position)
        if direction is not None:
            self._moving = round(-direction if self._is_inverted else direction)
        if tilt is not None and self._shut != self._open:
            percent = (tilt - self._shut) * 100 / (self._open - self._shut)
            attributes["current_tilt_position"] = round(min(max(percent, 0), 100))
        return EntityReport(self.entity.key, self._state(), attributes)

    def _state(self) -> str | None:
        if self._moving:
            return "opening" if self._moving > 0 else "closing"
        return None if self._position is None else "closed" if round(self._position) == 0 else "open"


FAN_SPEEDS: Final = 3


class CeilingFan(Part):
    """The fan of an iFan: three speeds."""

    def __init__(self, name: str | None) -> None:
        self._speed = 2
        capabilities = {
            "on": Capability("bool", "rw"),
            "speed": Capability("int", "rw", unit="%", min=0, max=100, step=round(100 / FAN_SPEEDS, 2)),
        }
        super().__init__(
            AdvertisedEntity("fan", "fan", name=name, capabilities=capabilities),
            {"turn_on": self._turn_on, "turn_off": lambda _: [("FanSpeed", "0")], "set_percentage": self._set_speed},
        )

    def _turn_on(self, data: JsonObject) -> Sequence[Command]:
        percentage = number_of(data, "percentage")
        return [("FanSpeed", str(self._speed if percentage is None else speed_of(percentage)))]

    def _set_speed(self, data: JsonObject) -> Sequence[Command]:
        return [("FanSpeed", str(speed_of(needed_number(data, "percentage"))))]

    def read(self, body: JsonObject) -> EntityReport | None:
        speed = number_in(body.get("FanSpeed"))
        if speed is None or not 0 <= speed <= FAN_SPEEDS:
            return None
        self._speed = round(speed) or self._speed
        return EntityReport(self.entity.key, "on" if speed else "off", {"percentage": percentage_of(round(speed))})


def speed_of(percentage: float) -> int:
    """The lowest of the speeds that is at least this."""
    wanted = min(max(percentage, 0), 100)
    return next(speed for speed in range(FAN_SPEEDS + 1) if percentage_of(speed) >= int(wanted))


def percentage_of(speed: int) -> int:
    return speed * 100 // FAN_SPEEDS


# SwitchMode: those whose switch has a lasting state, and which words of `Action` are presses.
_LASTING: Final = frozenset({1, 2, 3, 4, 5, 6, 9, 10, 13, 14, 15, 16})
_PRESSES: Final = {
    **dict.fromkeys((0, 3, 4, 7, 11, 12), ("toggle",)),
    **dict.fromkeys((5, 6, 8), ("toggle", "hold")),
    **dict.fromkeys((9, 10), ("hold",)),
}


def inputs(setup: Setup) -> list[Part]:
    """Switches that are wired to the device, where it tells them apart from its relays."""
    parts: list[Part] = []
    for place, mode in enumerate(setup.switch_modes):
        name = setup.switch_names[place] if place < len(setup.switch_names) else None
        word = name or f"Switch{place + 1}"
        if mode in _LASTING:
            parts.append(Contact(setup, place + 1, word, name))
        if mode in _PRESSES:
            parts.append(
                Presses(f"switch_presses_{place + 1}", word, f"{name or f'Switch {place + 1}'} presses", _PRESSES[mode])
            )
    return parts


class Contact(Part):
    def __init__(self, setup: Setup, number: int, word: str, name: str | None) -> None:
        self._setup = setup
        self._word = word
        capabilities = {"on": Capability("bool")}
        super().__init__(
            AdvertisedEntity(
                f"input_{number}", "binary_sensor", name=name or f"Switch {number}", capabilities=capabilities
            )
        )

    def read(self, body: JsonObject) -> EntityReport | None:
        said = body.get(self._word)
        value = said.get("Action") if isinstance(said, dict) else said
        state = power_of({"POWER1": value}, self._setup, 1)
        return EntityReport(self.entity.key, state) if state is not None else None


class Presses(Part):
    is_live_only = True

    def __init__(self, key: str, word: str, name: str, presses: Sequence[str]) -> None:
        self._word = word
        self._presses = tuple(presses)
        super().__init__(
            AdvertisedEntity(
                key,
                "event",
                name=name,
                device_class="button",
                capabilities={"event": Capability("enum", options=self._presses)},
            )
        )

    def read(self, body: JsonObject) -> EntityReport | None:
        said = body.get(self._word)
        action = said.get("Action") if isinstance(said, dict) else None
        if not isinstance(action, str) or action.lower() not in self._presses:
            return None
        return EntityReport(self.entity.key, None, {"event_type": action.lower()})


_CLICKS: Final = ("single", "double", "triple", "quad", "penta", "hold")


def buttons(setup: Setup) -> list[Part]:
    """Push buttons, where they do not work the relays themselves (option 73)."""
    if not setup.option(73):
        return []
    presses = ("single",) if setup.option(13) else _CLICKS
    return [
        Presses(f"button_{place + 1}", f"Button{place + 1}", f"Button {place + 1}", presses)
        for place, is_there in enumerate(setup.buttons)
        if is_there
    ]


RESTART: Final = "reboot"
IDENTIFY: Final = "identify"
_FLASHES: Final = 3


def services(light: int | None) -> list[Part]:
    restart = AdvertisedEntity(
        RESTART,
        "button",
        name="Restart",
        device_class="restart",
        category="config",
        capabilities={"press": Capability("bool", "w")},
    )
    identify = AdvertisedEntity(
        IDENTIFY,
        "button",
        name="Identify",
        device_class="identify",
        category="config",
        capabilities={"press": Capability("bool", "w")},
    )
    return [
        Part(restart, {"press": lambda _: [("Restart", "1")]}),
        Identify(identify, light),
    ]


class Identify(Part):
    """A lamp blinks itself. Other devices blink their LED, which gets its own rule (LedState) back afterwards."""

    def __init__(self, entity: AdvertisedEntity, light: int | None) -> None:
        self._light = light
        self._led_state = 1  # as it comes from the factory
        super().__init__(entity, {"press": self._blink})

    def read(self, body: JsonObject) -> EntityReport | None:
        status = body.get("Status")
        led_state = number_in(status.get("LedState")) if isinstance(status, dict) else None
        if led_state is not None and 0 <= led_state <= 8:
            self._led_state = round(led_state)
        return None

    def _blink(self, _data: JsonObject) -> Sequence[Command]:
        if self._light is not None:
            return [(f"Power{self._light}", "BLINK")]
        flash = [("LedPower", "1"), ("Delay", "5"), ("LedPower", "0"), ("Delay", "5")]
        return [*(flash * _FLASHES), ("LedState", str(self._led_state))]
