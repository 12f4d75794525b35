"""Tell a person: the last rung, always there."""

from datetime import timedelta

from hub_agent.core.healing.remedy import Home, Remedy, fed_by, is_battery
from hub_agent.model.device import Device, DeviceType, ProtocolType
from hub_agent.model.healing import Symptom

OF_REACH = frozenset({Symptom.SILENT, Symptom.UNAVAILABLE})
ON_THE_NETWORK = frozenset({ProtocolType.WIFI, ProtocolType.ETHERNET})


def what_to_do(device: Device, symptom: Symptom, home: Home) -> str:
    """What the words of the issue do not say themselves."""
    if symptom is Symptom.UNCONFIRMED:
        return "Look whether it did. If not, take its power away for ten seconds; if it did, only its word of it is lost on the way."
    if symptom not in OF_REACH:
        return ""
    if device.device_type is DeviceType.BRIDGE:
        return "Look at its power and its cable, then take its power away for ten seconds."
    if is_battery(device):
        return "Press a button on it to wake it. If it stays silent, replace its battery."
    plug_id = fed_by(device)
    plug = home.device(plug_id) if plug_id is not None else None
    power = "plug, wall switch, fuse" if plug is None else f"{plug.name}, its own switch"
    near = "the Wi-Fi" if device.protocol in ON_THE_NETWORK else "the next device of its radio"
    return (
        f"Look whether it has power ({power}) and is near enough to {near}; then take its power away for ten seconds."
    )


REMEDY = Remedy(
    "tell_person",
    "telling a person",
    action_type="repair",
    risk="low",
    symptoms=frozenset(Symptom),
    cooldown=timedelta(hours=12),
    attempts_max=1,
    verify_within=timedelta(0),
    verification="person",
    cost=1000,
    prior=1.0,
    act=lambda _treated: [],
)
