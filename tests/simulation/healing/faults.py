"""The kinds of faults: how each begins, what is truly the cause, what brings it back. One row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub_agent.model.measured import WayTo
from tests.simulation.healing.home import WAYS, Home
from tests.simulation.healing.wifi import WifiThing

UPSTAIRS_BRIDGE = "Zigbee2MQTT Bridge"
HUB, ROUTER, BROKER = "NEXA hub", "Router", "MQTT broker"
CELLAR_BRIDGE = "Zigbee2MQTT Bridge cellar"
SILENT, AWAY, UNDONE, TOGETHER = (
    "device_silent",
    "device_unavailable",
    "command_unconfirmed",
    "devices_failing_together",
)


def _nothing(_home: Home) -> None:
    return


@dataclass(frozen=True, slots=True)
class Fault:
    """`subjects`: where the cause is, by the names of devices or what an issue is about; `codes`: what an issue of it is called.
    None of these: the home is as somebody wanted it, and nothing must be said.

    `cure`: the remedy that brings it back; None: only a person does, or it ends by itself, `lasts_h` after it began (`mend`).
    `is_over`: whether it truly is. `places`: where else a remedy is in its place.
    """

    name: str
    begin: Callable[[Home], None]
    subjects: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    cure: str | None = None
    mend: Callable[[Home], None] = _nothing
    is_over: Callable[[Home], bool] | None = None
    places: tuple[str, ...] = ()
    lasts_h: float = 1.5
    watch_h: float = 0.8
    alerts_max: int = 1


def _falls(name: str, condition: str) -> Callable[[Home], None]:
    def begin(home: Home) -> None:
        thing = home.things[name]
        if isinstance(thing, WifiThing):
            thing.fall(condition)
        else:
            thing.condition = condition

    return begin


def _recovers(name: str) -> Callable[[Home], None]:
    """A person takes its power away and gives it back, or puts another one in its place."""

    def mend(home: Home) -> None:
        thing = home.things[name]
        if thing.condition != "well":
            thing.cut()
            thing.condition = "well"
            thing.restore_power()

    return mend


def _is_well(*names: str) -> Callable[[Home], bool]:
    return lambda home: all(home.things[name].is_well for name in names)


def _cut(*names: str) -> Callable[[Home], None]:
    return lambda home: [home.things[name].cut() for name in names] and None


def _restored(*names: str) -> Callable[[Home], None]:
    return lambda home: [home.things[name].restore_power() for name in names] and None


def _presses(name: str, domain: str, times: int = 1) -> Callable[[Home], None]:
    def press(home: Home) -> None:
        for number in range(times):
            home.stage.after(number * 600, _toggle, home, name, domain)

    return press


def _toggle(home: Home, name: str, domain: str) -> None:
    home.command(name, domain, is_on=not home.things[name].is_on)


def _all(*steps: Callable[[Home], None]) -> Callable[[Home], None]:
    return lambda home: [step(home) for step in steps] and None


def _later(minutes: float, step: Callable[[Home], None]) -> Callable[[Home], None]:
    return lambda home: home.stage.after(minutes * 60, step, home) and None


def _set(name: str, **values: object) -> Callable[[Home], None]:
    def change(home: Home) -> None:
        for key, value in values.items():
            assert hasattr(home.things[name], key)
            setattr(home.things[name], key, value)

    return change


def _has(name: str, **values: object) -> Callable[[Home], bool]:
    return lambda home: all(getattr(home.things[name], key) == value for key, value in values.items())


def _turned(name: str, *, is_on: bool) -> Callable[[Home], None]:
    return lambda home: home.command(name, "switch", is_on=is_on)


def _bridge(base: str, does: str, *arguments: str) -> Callable[[Home], None]:
    return lambda home: getattr(home.bridge(base), does)(*arguments)


def _broker(does: str) -> Callable[[Home], None]:
    return lambda home: getattr(home.stage.broker, does)()


def _broker_away(minutes: float) -> Callable[[Home], None]:
    def begin(home: Home) -> None:
        home.stage.broker.go_down()
        home.stage.after(minutes * 60, home.stage.broker.come_up)

    return begin


def _wifi(*, is_up: bool) -> Callable[[Home], None]:
    return lambda home: home.wifi(is_up=is_up)


def _flaps(name: str) -> Callable[[Home], None]:
    def begin(home: Home) -> None:
        thing = home.things[name]
        for number in range(60):
            home.stage.after(number * 240, thing.cut)
            home.stage.after(number * 240 + 130, thing.restore_power)

    return begin


def _power_cut(home: Home) -> None:
    """The whole home, the hub too; five minutes."""
    names = [name for name, each in home.things.items() if each.has_current]
    for name in names:
        home.things[name].cut()
    home.close_hub()
    home.stage.after(300, _power_back, home, names)


def _power_back(home: Home, names: list[str]) -> None:
    for name in names:
        home.things[name].restore_power()
    home.stage.after(30, home.open_hub)


def _hub_restarts(home: Home) -> None:
    home.close_hub()
    home.stage.after(60, home.open_hub)


def _measures(**vitals: object) -> Callable[[Home], None]:
    """From now on the hub measures this of itself."""
    return lambda home: home.vitals.update(vitals)


def _measures_well(*names: str) -> Callable[[Home], None]:
    return lambda home: [home.vitals.pop(name) for name in names] and None


def _hub(
    name: str,
    code: str,
    bad: dict[str, object],
    well: dict[str, object] | None = None,
    *,
    lasts_h: float = 1.0,
    watch_h: float = 0.4,
) -> Fault:
    """`bad`: by what is measured; `well`: what is measured afterwards, if it is not what was before."""
    mend = _measures(**well) if well else _measures_well(*bad)
    return Fault(name, _measures(**bad), (HUB,), (code,), None, mend, lasts_h=lasts_h, watch_h=watch_h)


def _ways(*closed: WayTo) -> Callable[[Home], None]:
    return lambda home: home.closed_ways.update(closed)


def _ways_open(home: Home) -> None:
    home.closed_ways.clear()


def _disk(free_bytes: int) -> Callable[[Home], None]:
    return lambda home: setattr(home, "free_bytes", free_bytes)


def _storms(home: Home) -> None:
    """A device says its state thirty times a second, for ten minutes."""
    thing = home.things["Shed Sensor"]
    for number in range(30 * 600):
        home.stage.after(number / 30, thing.observe)


def _errs(home: Home) -> None:
    """A device whose programmer has mistaken something: what it says cannot be read."""
    thing = home.zigbee("Living Air")
    for number in range(60):
        home.stage.after(number * 20, home.stage.broker.publish, f"zigbee2mqtt/{thing.name}", b'{"temperature": ')


def _never_touch(name: str) -> Callable[[Home], None]:
    return lambda home: home.declare(name, never_touch=True)


FAULTS: tuple[Fault, ...] = (
    # Single devices.
    Fault("a device on Wi-Fi freezes, its connection stands", _falls("Shed Sensor", "frozen"),
          ("Shed Sensor",), (SILENT,), "reboot_device", _recovers("Shed Sensor"), _is_well("Shed Sensor")),
    Fault("a device on Wi-Fi hangs, fed by a known plug", _falls("Attic Sensor", "hung"),
          ("Attic Sensor",), (AWAY,), "power_cycle_via_plug", _recovers("Attic Sensor"), _is_well("Attic Sensor")),
    Fault("a device on Wi-Fi hangs while the radio hangs that its plug is reached by",
          _all(_set("zigbee2mqtt", is_stuck=True, stays_stuck=True), _later(6, _falls("Attic Sensor", "hung"))),
          ("Attic Sensor", UPSTAIRS_BRIDGE), (AWAY, TOGETHER), "power_cycle_via_plug",
          _all(_set("zigbee2mqtt", stays_stuck=False), _bridge("zigbee2mqtt", "repair")), _is_well("Attic Sensor"),
          lasts_h=0.5, watch_h=1.5, alerts_max=2),
    Fault("a device on Wi-Fi hangs, nothing reaches it", _falls("Garage Sensor", "hung"),
          ("Garage Sensor",), (AWAY,), None, _recovers("Garage Sensor"), _is_well("Garage Sensor")),
    Fault("a device on Wi-Fi is broken for good and replaced", _falls("Porch Light", "broken"),
          ("Porch Light",), (AWAY,), None, _recovers("Porch Light"), _is_well("Porch Light")),
    Fault("a Zigbee plug says nothing until it is asked", _falls("Workshop Plug", "dozing"),
          ("Workshop Plug",), (SILENT,), "ask_state", _recovers("Workshop Plug"), _is_well("Workshop Plug")),
    Fault("a Zigbee sensor lost its configuration", _set("Living Air", is_configured=False),
          ("Living Air",), (SILENT, AWAY), "reconfigure_through_bridge", _set("Living Air", is_configured=True),
          _has("Living Air", is_configured=True)),
    Fault("a Zigbee plug lost its reporting, and still answers", _set("Freezer Plug", is_configured=False),
          ("Freezer Plug",), (SILENT,), "reconfigure_through_bridge", _set("Freezer Plug", is_configured=True),
          _has("Freezer Plug", is_configured=True)),
    Fault("a Zigbee sensor left its network", _set("Living Air", has_left=True),
          ("Living Air",), (SILENT, AWAY), None, _set("Living Air", has_left=False), _has("Living Air", has_left=False)),
    Fault("a lamp's power is cut at its wall switch", _cut("Hall Light"),
          ("Hall Light",), (AWAY,), None, _restored("Hall Light"), _is_well("Hall Light")),
    Fault("a plug is switched off by somebody, what it feeds goes with it", _turned("Desk Plug", is_on=False),
          mend=_turned("Desk Plug", is_on=True), is_over=_is_well("Attic Sensor")),
    Fault("a sensor dies with its battery", _set("Balcony Door", condition="broken"),
          ("Balcony Door",), (SILENT, AWAY), None, _recovers("Balcony Door"), _is_well("Balcony Door"), lasts_h=27, watch_h=1),
    Fault("a sensor on a battery breaks, its bridge does not say so", _set("Cellar Climate", condition="broken"),
          ("Cellar Climate",), (SILENT, AWAY), None, _recovers("Cellar Climate"), _is_well("Cellar Climate"), lasts_h=5, watch_h=1),
    Fault("a device that must never be touched hangs", _all(_never_touch("Attic Sensor"), _falls("Attic Sensor", "hung")),
          ("Attic Sensor",), (AWAY,), None, _recovers("Attic Sensor"), _is_well("Attic Sensor")),
    # Commands.
    Fault("a command to a lamp is lost on its way", _all(_set("Hall Light", loses_commands=1), _presses("Hall Light", "light")),
          ("Hall Light",), (UNDONE,), "resend_command", _set("Hall Light", loses_commands=0), _has("Hall Light", loses_commands=0)),
    Fault("a command to a device on Wi-Fi is lost", _all(_set("Desk Socket", loses_commands=1), _presses("Desk Socket", "switch")),
          ("Desk Socket",), (UNDONE,), "resend_command", _set("Desk Socket", loses_commands=0), _has("Desk Socket", loses_commands=0)),
    Fault("a relay takes commands and does not follow", _all(_set("Boiler Relay", acts_on_commands=False), _presses("Boiler Relay", "switch", 3)),
          ("Boiler Relay",), (UNDONE,), "reboot_device", _set("Boiler Relay", acts_on_commands=True), _has("Boiler Relay", acts_on_commands=True)),
    # What many hang on.
    Fault("the radio of a bridge hangs, its program runs", _set("zigbee2mqtt", is_stuck=True),
          (UPSTAIRS_BRIDGE,), (TOGETHER,), "restart_bridge", _bridge("zigbee2mqtt", "repair"), _has("zigbee2mqtt", is_stuck=False)),
    Fault("the same where the bridge does not say who is there", _set("cellar", is_stuck=True),
          (CELLAR_BRIDGE,), (TOGETHER,), "restart_bridge", _bridge("cellar", "repair"), _has("cellar", is_stuck=False)),
    Fault("the computer of a bridge hangs, fed by a known plug", _all(_bridge("cellar", "fall", "hung"), _bridge("cellar", "stop")),
          (CELLAR_BRIDGE,), (AWAY,), "power_cycle_via_plug", _bridge("cellar", "repair"), _is_well("cellar")),
    Fault("the stick of a bridge is pulled out", _bridge("zigbee2mqtt", "fall", "broken"),
          (UPSTAIRS_BRIDGE,), (AWAY,), None, _bridge("zigbee2mqtt", "repair"), _is_well("zigbee2mqtt")),
    Fault("a plug that relays for others is pulled out", _cut("TV Plug"),
          ("TV Plug",), (AWAY, SILENT), None, _restored("TV Plug"), _is_well("TV Plug"), lasts_h=27, watch_h=2),
    Fault("a breaker trips: three lamps behind one bridge", _cut("Kitchen Light", "Hall Light", "Bath Light"),
          (UPSTAIRS_BRIDGE, "Kitchen Light", "Hall Light", "Bath Light"), (AWAY, TOGETHER), None,
          _restored("Kitchen Light", "Hall Light", "Bath Light"), _is_well("Kitchen Light", "Hall Light", "Bath Light")),
    Fault("the Wi-Fi is down", _wifi(is_up=False), (ROUTER,), (TOGETHER,), None, _wifi(is_up=True), lambda home: home.is_wifi_up, lasts_h=1),
    Fault("the broker is down", _broker("go_down"), ("broker", BROKER), ("broker_unreachable",), None, _broker("come_up"),
          lambda home: home.stage.broker.is_up, lasts_h=0.5),
    Fault("the broker is restarted", _broker_away(0.3), ("broker", BROKER), ("broker_unreachable",), None, _nothing,
          lambda home: home.stage.broker.is_up, lasts_h=0.1),
    Fault("the power fails for five minutes", _power_cut, is_over=_is_well("Hall Light"), lasts_h=0.2),
    Fault("the hub is restarted", _hub_restarts, lasts_h=0.1),
    # Links and values.
    Fault("a device comes and goes", _flaps("Porch Light"), ("Porch Light",), (AWAY, "device_flapping"), None, _nothing, lasts_h=4.2, watch_h=3),
    Fault("a link is weak", _set("Laundry Air", link=12), ("Laundry Air",), ("link_weak",), None, _set("Laundry Air", link=150), lasts_h=6, watch_h=2.5),
    Fault("a sensor's value is stuck", _set("Shed Sensor", is_stuck_value=True), ("Shed Sensor",), ("value_stuck",), None,
          _set("Shed Sensor", is_stuck_value=False), lasts_h=30, watch_h=1),
    Fault("a sensor says what cannot be", _set("Shed Sensor", impossible=-127.0), ("Shed Sensor",), ("value_impossible",), None,
          _set("Shed Sensor", impossible=None), lasts_h=2, watch_h=2.7),
    Fault("a battery is almost empty, and is changed", _set("Kitchen Motion", battery=11.0), ("Kitchen Motion",), ("battery_low",), None,
          _set("Kitchen Motion", battery=100.0), lasts_h=3, watch_h=3),
    Fault("a battery is empty, and is changed", _set("Kitchen Motion", battery=3.0), ("Kitchen Motion",), ("battery_critical", "battery_low"), None,
          _set("Kitchen Motion", battery=100.0), lasts_h=3, watch_h=3),
    Fault("one device floods the broker", _storms, (), (), None, _nothing, lasts_h=1),
    Fault("a device says what cannot be read", _errs, ("Living Air", "zigbee2mqtt/Living Air"), ("device_errors", "payloads_rejected"), None, _nothing, lasts_h=2),
    # The hub itself, and its ways.
    Fault("the hub's disk is nearly full", _disk(150_000_000), (HUB,), ("disk_nearly_full",), None, _disk(20_000_000_000), lasts_h=2),
    _hub("the hub is too hot", "hub_hot", {"cpu_celsius": 86.0}),
    _hub("the hub's power supply is weak", "hub_under_voltage", {"is_under_voltage": True}, lasts_h=1, watch_h=1.3),
    _hub("the hub's memory is low", "hub_memory_low", {"memory_available_bytes": 60_000_000}),
    _hub("the hub's loop comes late", "hub_slow", {"loop_lag_s": 8.0}),
    _hub("the hub's card is worn", "card_wearing", {"card_worn_percent": 95}, {"card_worn_percent": 1}),
    _hub("the hub does not know the time", "clock_untrusted", {"is_clock_trusted": False}, lasts_h=7),
    _hub("the hub's mirror is damaged", "mirror_damaged", {"is_mirror_sound": False}, {"is_mirror_sound": True}),
    Fault("the router is away, the Wi-Fi with it", _all(_wifi(is_up=False), _ways(*WAYS)), (ROUTER,), ("router_unreachable", TOGETHER), None,
          _all(_wifi(is_up=True), _ways_open), lambda home: home.is_wifi_up, lasts_h=1),
    Fault("the internet is away", _ways(WayTo.INTERNET, WayTo.DNS, WayTo.CLOUD), (ROUTER, HUB), ("internet_unreachable",), None, _ways_open, lasts_h=1),
    Fault("names are not resolved", _ways(WayTo.DNS, WayTo.CLOUD), (ROUTER, HUB), ("dns_failing",), None, _ways_open, lasts_h=1),
    Fault("the cloud does not answer", _ways(WayTo.CLOUD), (HUB,), ("cloud_unreachable",), None, _ways_open, lasts_h=6),
)  # fmt: skip
