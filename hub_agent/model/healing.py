"""Healing: what can be wrong with a device, in data."""

from enum import StrEnum


class Symptom(StrEnum):
    """What is wrong with a device: the code of the issue that it becomes."""

    SILENT = "device_silent"
    UNAVAILABLE = "device_unavailable"
    UNCONFIRMED = "command_unconfirmed"
    TOGETHER = "devices_failing_together"
