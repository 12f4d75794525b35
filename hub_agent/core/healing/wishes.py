"""What owners declare, as it is changed at the hub's doors: looked through before it holds, as nobody is there when it counts."""

from collections.abc import Mapping, Sequence
from typing import Final

from hub_agent.core.healing.remedy import Home, wishes_of
from hub_agent.core.healing.topology import PARENTS_MAX, Topology
from hub_agent.errors import NotPossible
from hub_agent.model.device import Device, DeviceType
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject, JsonValue

# Of the home null says something (no quiet hours); of a device it takes a wish back.
OF_DEVICE: Final = ("never_touch", "ask_first", "powered_by", "hangs_on")
OF_HOME: Final = ("risk", "quiet_hours", "devices_per_hour")


def changed_device(device: Device, changes: JsonObject, home: Home) -> JsonObject:
    """Its whole `settings`, with what was not known here before. Raises NotPossible in words."""
    wishes = {**wishes_of(device), **changes}
    wishes = {name: value for name, value in wishes.items() if value is not None and value not in (False, [])}
    feeder = changes.get("powered_by")
    if isinstance(feeder, str):
        _check_plug(device, _known(feeder, home, "powered_by"))
    for name in _texts(changes.get("hangs_on")):
        if _known(name, home, "hangs_on").id == device.id:
            raise NotPossible(f"{device.name} cannot hang on itself.", "hangs_on")
    if len(_texts(changes.get("hangs_on"))) > PARENTS_MAX:
        raise NotPossible(f"A device can hang on {PARENTS_MAX} others at most.", "hangs_on")
    for name in ("powered_by", "hangs_on"):
        for parent in _texts(changes.get(name)):
            _check_circle(device, DeviceId(parent), home, name)
    others = {name: value for name, value in device.settings.items() if name != "healing"}
    return {**others, "healing": wishes} if wishes else others


def changed_home(metadata: JsonObject, changes: JsonObject, back: Sequence[str]) -> JsonObject:
    """The home's whole `metadata`. `back`: wishes that are taken back, so that the default holds again."""
    before = metadata.get("healing")
    wishes = {**(before if isinstance(before, Mapping) else {}), **changes}
    wishes = {name: value for name, value in wishes.items() if name not in back}
    others = {name: value for name, value in metadata.items() if name != "healing"}
    return {**others, "healing": wishes} if wishes else others


def _known(name: str, home: Home, field: str) -> Device:
    found = home.device(DeviceId(name))
    if found is None:
        raise NotPossible(f"There is no device '{name}'.", field)
    return found


def _check_plug(device: Device, plug: Device) -> None:
    if plug.id == device.id:
        raise NotPossible(f"{device.name} cannot feed itself.", "powered_by")
    if not any(each.domain == "switch" and each.category is None for each in plug.entities):
        raise NotPossible(f"{plug.name} is no plug: nothing of it can be switched.", "powered_by")


def _check_circle(device: Device, parent: DeviceId, home: Home, field: str) -> None:
    """What a device hangs on must not hang on the device: nothing would give power back to a plug that feeds its own router."""
    topology = Topology(home)
    topology.routers = {each.id for each in home.devices() if each.device_type is DeviceType.ROUTER}
    seen: set[DeviceId] = set()
    waiting = [parent]
    while waiting:
        each = home.device(waiting.pop())
        if each is None or each.id in seen:
            continue
        if each.id == device.id:
            above = home.device(parent)
            name = above.name if above else parent
            words = f"{name} hangs on {device.name} itself: when the one is off, the other could not be reached."
            raise NotPossible(words, field)
        seen.add(each.id)
        waiting += topology.parents(each)


def _texts(value: JsonValue) -> list[str]:
    values = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return [each for each in values if isinstance(each, str)]
