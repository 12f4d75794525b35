"""How often a remedy has helped: on this device, and on others of its model."""

from collections.abc import Iterator, Mapping

from hub_agent.core.expectation import number_in
from hub_agent.core.healing.remedy import Remedy
from hub_agent.model.device import Device
from hub_agent.model.json import JsonObject

# What is thought before anything is known weighs as much as this many tries.
PRIOR_WEIGHT = 4.0
# A try on the device itself says more than one on another of its model.
OWN_WEIGHT = 2.0
COUNTS_MAX = 2_000


class Learned:
    def __init__(self) -> None:
        # By "remedy/device id" and "remedy/brand/model": tried, helped. The longest unused first.
        self._counts: dict[str, tuple[int, int]] = {}

    def restore(self, body: JsonObject) -> None:
        for key, counts in body.items():
            pair = [number_in(each) for each in counts] if isinstance(counts, list | tuple) else []
            match pair:
                case [float() | int() as tried, float() | int() as helped] if 0 <= helped <= tried:
                    self._counts[key] = int(tried), int(helped)

    def as_json(self) -> JsonObject:
        return {key: list(counts) for key, counts in self._counts.items()}

    def note(self, remedy: Remedy, device: Device, *, helped: bool) -> None:
        for key in _keys(remedy, device):
            tried, before = self._counts.pop(key, (0, 0))
            self._counts[key] = tried + 1, before + helped
        while len(self._counts) > COUNTS_MAX:
            del self._counts[next(iter(self._counts))]

    def chance(self, remedy: Remedy, device: Device) -> float:
        """How likely it helps, from 0 to 1."""
        own_key, model_key = _keys(remedy, device)
        own_tried, own_helped = self._counts.get(own_key, (0, 0))
        tried, helped = self._counts.get(model_key, (0, 0))
        weight = PRIOR_WEIGHT + tried + OWN_WEIGHT * own_tried
        return (remedy.prior * PRIOR_WEIGHT + helped + OWN_WEIGHT * own_helped) / weight

    def rates(self) -> Mapping[str, tuple[int, int]]:
        """By remedy: tried and helped, over all models."""
        summed: dict[str, tuple[int, int]] = {}
        for key, (tried, helped) in self._counts.items():
            remedy, _, of = key.partition("/")
            if "/" in of:
                before = summed.get(remedy, (0, 0))
                summed[remedy] = before[0] + tried, before[1] + helped
        return summed

    def told(self) -> Iterator[tuple[str, str, int, int]]:
        """Remedy, of what ("brand/model", or a device's id), how often tried, how often it helped."""
        for key, (tried, helped) in self._counts.items():
            remedy, _, of = key.partition("/")
            yield remedy, of, tried, helped


def _keys(remedy: Remedy, device: Device) -> tuple[str, str]:
    return (
        f"{remedy.name}/{device.id}",
        f"{remedy.name}/{device.brand or device.origin.dialect}/{device.model or device.device_type}",
    )


def order(remedies: tuple[Remedy, ...], device: Device, learned: Learned) -> list[Remedy]:
    """By what a try is worth: chance over cost, which costs least on the whole when one is tried after the other."""
    return sorted(remedies, key=lambda remedy: -learned.chance(remedy, device) / remedy.cost)
