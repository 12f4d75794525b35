"""Healing: what can be tried when a device misbehaves, in data."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Symptom(StrEnum):
    """What is wrong with a device: the code of the issue that it becomes."""

    SILENT = "device_silent"
    UNAVAILABLE = "device_unavailable"
    UNCONFIRMED = "command_unconfirmed"
    TOGETHER = "devices_failing_together"


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing to try: a row of `self_healing_actions`.

    `cooldown` stands between two tries on one device, whatever happened in between; `attempts_max` counts within one trouble.
    `verify_within`: how long it may take to show an effect; zero: nothing to wait for.
    """

    name: str
    action_type: str
    risk: str
    symptoms: frozenset[Symptom]
    cooldown: timedelta
    attempts_max: int
    verify_within: timedelta
    verification: str
    needs_awake: bool = False
    needs_bridge: bool = False
    needs_command: bool = False
