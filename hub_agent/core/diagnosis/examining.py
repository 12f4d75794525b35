"""One look at a device, step by step; and at the home, each root once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from hub_agent.core.diagnosis.condition import (
    look_at_automations,
    look_at_energy,
    look_at_firmware,
    look_at_security,
    look_at_sensors,
)
from hub_agent.core.diagnosis.facts import Facts
from hub_agent.core.diagnosis.reach import (
    Subject,
    look_at_dialect,
    look_at_link,
    look_at_parents,
    look_at_power,
    look_at_protocol,
)
from hub_agent.core.diagnosis.step import ROOTS, Status, Step, explain, root_of
from hub_agent.core.diagnosis.ways import look_at_ways
from hub_agent.model.device import Device
from hub_agent.model.ids import DeviceId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

ISSUES_MAX: Final = 2_000
# Of a home in which hundreds of devices have faults of their own, so many are looked at closely.
EXAMINED_MAX: Final = 100
NAMED_MAX: Final = 5
WAYS_OF_THE_HOME: Final = ("hub", "network", "broker", "cloud")
_DIALECT_TROUBLED: Final = "dialect_troubled"


class OpenIssues:
    """What is wrong now, as everybody here has raised it."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], Issue] = {}

    def raised(self, issue: Issue) -> None:
        if len(self._by_key) < ISSUES_MAX or (issue.code, issue.subject) in self._by_key:
            self._by_key[issue.code, issue.subject] = issue

    def cleared(self, code: str, subject: str) -> None:
        self._by_key.pop((code, subject), None)

    def all(self) -> Iterable[Issue]:
        return self._by_key.values()

    def of(self, subject: str) -> dict[str, Issue]:
        return {issue.code: issue for issue in self._by_key.values() if issue.subject == subject}

    def of_dialect(self, dialect: str) -> Issue | None:
        return self._by_key.get((_DIALECT_TROUBLED, dialect))


@dataclass(frozen=True, slots=True)
class Examiner:
    facts: Facts
    issues: OpenIssues

    def subject(self, device: Device, now: datetime, *, has_answered: bool | None = None) -> Subject:
        dialect = self.issues.of_dialect(device.origin.dialect)
        return Subject(device, self.facts, self.issues.of(device.id), now, has_answered, dialect)

    def far_steps(self, seen: Subject) -> list[Step]:
        """All that lies before the device itself."""
        wanted = [way for way in WAYS_OF_THE_HOME if way != "broker" or seen.is_over_mqtt]
        if not (seen.is_over_network or seen.is_own or "peer" in seen.device.native):
            wanted.remove("network")
        steps = look_at_ways(self.facts, self.issues.all(), wanted)
        if not seen.is_own:
            steps.append(look_at_dialect(seen))
        return _explained([*steps, look_at_parents(seen), look_at_power(seen)])

    def near_steps(self, seen: Subject, far: Sequence[Step]) -> list[Step]:
        near = [
            look_at_link(seen),
            look_at_protocol(seen),
            look_at_sensors(seen),
            look_at_firmware(seen),
            look_at_automations(seen),
            look_at_security(seen),
            look_at_energy(seen),
        ]
        return _explained([*far, *near])[len(far) :]

    def device_steps(self, device: Device, now: datetime) -> list[Step]:
        """Without asking it."""
        seen = self.subject(device, now)
        far = self.far_steps(seen)
        return [*far, *self.near_steps(seen, far)]

    def home_steps(self, now: datetime) -> Iterator[tuple[Device | None, Step, int]]:
        """The ways, then each root with how many devices suffer from it; None: it is nobody's but the home's."""
        ways = look_at_ways(self.facts, self.issues.all(), WAYS_OF_THE_HOME)
        suffering_by_root: dict[tuple[str, DeviceId | str], list[Device]] = {}
        own: list[tuple[Device, Step]] = []
        for device in self._conspicuous():
            steps = self.device_steps(device, now)
            root = root_of(steps)
            if root is not None and (root.key in {"network", "broker", "dialect"} or root.at is not None):
                suffering_by_root.setdefault((root.key, root.at or device.origin.dialect), []).append(device)
            own += [(device, each) for each in steps if each.is_fault and not self._is_elsewhere(each)]
        for way in ways:
            devices = [each for (key, _), found in suffering_by_root.items() if key == way.key for each in found]
            yield None, _with_suffering(way, devices), len(devices)
        yield from self._troubled_dialects(suffering_by_root)
        for (key, at), devices in suffering_by_root.items():
            root_device = self.facts.device(DeviceId(at)) if key not in {"network", "broker", "dialect"} else None
            if root_device is None:
                continue
            own = [(device, each) for device, each in own if (device.id, each.key) != (root_device.id, "link")]
            whose = devices[0] if key == "power" else root_device
            yield whose, _root_step(key, root_device, devices), len(devices)
        for device, step in own:
            yield device, step, 1

    def _troubled_dialects(
        self, suffering_by_root: Mapping[tuple[str, DeviceId | str], Sequence[Device]]
    ) -> Iterator[tuple[None, Step, int]]:
        for issue in self.issues.all():
            if issue.code == _DIALECT_TROUBLED:
                devices = suffering_by_root.get(("dialect", issue.subject), ())
                step = Step("dialect", Status.FAILED, issue.text, code=issue.code, severity=issue.kind.severity)
                yield None, _with_suffering(step, devices), len(devices)

    def _conspicuous(self) -> list[Device]:
        """Devices that something may be wrong with."""
        wanted = dict.fromkeys([*self.facts.troubled(), *(DeviceId(each.subject) for each in self.issues.all())])
        for device in self.facts.devices():
            presence = self.facts.presence(device.id)
            if presence.is_available is False or (presence.battery_level is not None and presence.battery_level <= 15):
                wanted.setdefault(device.id)
        found = (self.facts.device(each) for each in wanted)
        return [each for each in found if each is not None][:EXAMINED_MAX]

    @staticmethod
    def _is_elsewhere(step: Step) -> bool:
        """Told once for the home, not once for each device."""
        return step.at is not None or step.key in {*WAYS_OF_THE_HOME, "dialect"}


def _explained(steps: Iterable[Step]) -> list[Step]:
    explained: list[Step] = []
    root: Step | None = None
    for step in steps:
        told = step if step.because else explain(step, root)
        explained.append(told)
        if root is None and told.key in ROOTS and told.status is Status.FAILED:
            root = told
    return explained


def names_of(devices: Sequence[Device]) -> str:
    names = ", ".join(sorted(each.name for each in devices)[:NAMED_MAX])
    more = len(devices) - NAMED_MAX
    return f"{names} and {more} more" if more > 0 else names


def _with_suffering(step: Step, devices: Sequence[Device]) -> Step:
    if not devices:
        return step
    facts: JsonObject = {**step.facts, "devices": [each.id for each in devices], "count": len(devices)}
    return replace(step, text=f"{step.text} Not reached because of it: {names_of(devices)}.", facts=facts)


def _root_step(key: str, root: Device, devices: Sequence[Device]) -> Step:
    facts: JsonObject = {"devices": [each.id for each in devices], "count": len(devices)}
    if key == "power":
        text = f"{root.name} is switched off. It feeds {names_of(devices)}."
        return Step("power", Status.FAILED, text, facts, advice=f"Switch {root.name} on.", at=root.id)
    text = f"{root.name} is away. Not reached because of it: {names_of(devices)}."
    advice = f"Look at {root.name} first: its power, its cable, then restart it."
    return Step("link", Status.FAILED, text, facts, advice=advice, at=root.id, severity="error")
