"""Advice from what is known of the devices as they stand: what a plug draws in the nights, which batteries to buy."""

from collections.abc import Mapping
from typing import Protocol

from hub_agent.core.forecasts.insights import Advice
from hub_agent.core.forecasts.known import Known
from hub_agent.core.forecasts.looking import Home
from hub_agent.core.forecasts.predictions import BATTERY_DEATH
from hub_agent.model.device import Device
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject

STANDBY_MIN_W = 3
STANDBY_MAX_W = 20
# What is used has hours of so many times its standby; what always draws the same is no standby.
USED_TIMES = 5
KWH_PER_W = 8.76
BATTERIES_MIN = 2


class Foreseen(Protocol):
    def is_foreseen(self, device_id: DeviceId, failure: str) -> bool: ...


def standing_advice(
    home: Home, known: Mapping[DeviceId, Known], foreseen: Foreseen, values: Mapping[str, float]
) -> list[Advice]:
    devices = [(device, each) for device_id, each in known.items() if (device := home.device(device_id)) is not None]
    found = [advice for device, each in devices if (advice := _standby(device, each)) is not None]
    ending = [
        (device, level)
        for device, each in devices
        if (level := each.battery.level()) is not None
        and (foreseen.is_foreseen(device.id, BATTERY_DEATH) or level <= values["empty_at"])
    ]
    return [*found, _batteries(ending)] if len(ending) >= BATTERIES_MIN else found


def _standby(device: Device, known: Known) -> Advice | None:
    energy = known.energy
    drawn = energy.usual_w() if energy is not None and known.facets.power is not None else None
    if energy is None or drawn is None or not STANDBY_MIN_W <= drawn <= STANDBY_MAX_W:
        return None
    if energy.most_w() < USED_TIMES * drawn:
        return None
    year = drawn * KWH_PER_W
    evidence: tuple[JsonObject, ...] = (
        {"source": "energy_usage", "what": "watts in the nights, median of four weeks and more", "value": drawn},
    )
    return Advice(
        "standby",
        device.id,
        "energy_saving",
        "cost",
        f"{device.name} draws {drawn:.0f} W while nobody uses it",
        f"At night {device.name} draws {drawn:.0f} W: {year:.0f} kWh a year, if it were so all the time.",
        "Let an automation switch it off for the night, if nothing on it must go on.",
        "low",
        0.8,
        evidence,
        saves_kwh=year / 3,
    )


def _batteries(ending: list[tuple[Device, float]]) -> Advice:
    names = sorted(f"{device.name} ({_model(device)}, {level:.0f} %)" for device, level in ending)
    evidence: tuple[JsonObject, ...] = ({"source": "failure_predictions", "what": "batteries", "values": names},)
    return Advice(
        "batteries",
        None,
        "maintenance",
        "comfort",
        f"{len(ending)} batteries are needed soon",
        f"Within the next weeks these need new batteries: {'; '.join(names[:20])}.",
        "Buy them together; the type is printed on the old ones.",
        "medium",
        0.8,
        evidence,
        buys=True,
    )


def _model(device: Device) -> str:
    return " ".join(each for each in (device.brand, device.model) if each) or "model unknown"
