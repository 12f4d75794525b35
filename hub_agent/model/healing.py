"""Healing: what can be wrong with a device, in data."""

from dataclasses import dataclass
from enum import StrEnum

from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject


class Symptom(StrEnum):
    """What is wrong with a device: the code of the issue that it becomes."""

    SILENT = "device_silent"
    UNAVAILABLE = "device_unavailable"
    UNCONFIRMED = "command_unconfirmed"
    TOGETHER = "devices_failing_together"
    # The hub itself.
    DISK_NEARLY_FULL = "disk_nearly_full"
    HUB_HOT = "hub_hot"
    HUB_UNDER_VOLTAGE = "hub_under_voltage"
    HUB_MEMORY_LOW = "hub_memory_low"
    HUB_SLOW = "hub_slow"
    HUB_RESTARTING = "hub_restarting"
    CARD_WEARING = "card_wearing"
    CLOCK_UNTRUSTED = "clock_untrusted"
    MIRROR_DAMAGED = "mirror_damaged"
    # The ways from it to everything else.
    BROKER_UNREACHABLE = "broker_unreachable"
    ROUTER_UNREACHABLE = "router_unreachable"
    INTERNET_UNREACHABLE = "internet_unreachable"
    DNS_FAILING = "dns_failing"
    CLOUD_UNREACHABLE = "cloud_unreachable"
    # What its own signals say.
    FLAPPING = "device_flapping"
    STUCK = "value_stuck"
    IMPOSSIBLE = "value_impossible"
    BATTERY_LOW = "battery_low"
    BATTERY_CRITICAL = "battery_critical"
    LINK_WEAK = "link_weak"
    LINKS_WEAK = "links_weak_together"
    ERRORS = "device_errors"
    REBOOTING = "device_rebooting"
    RESET = "device_reset"
    # The automations that the hub runs.
    REFERENCE = "automation_reference"


@dataclass(frozen=True, slots=True)
class SettingTold:
    """What one of a device's settings was last set to from here, as the call that did it."""

    entity_id: EntityId
    action: str
    data: JsonObject


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something is wrong with the device; said again, it has other details. `details` fill the words of the issue."""

    device_id: DeviceId
    symptom: Symptom
    details: JsonObject


@dataclass(frozen=True, slots=True)
class Passed:
    """It is not so any more."""

    device_id: DeviceId
    symptom: Symptom
