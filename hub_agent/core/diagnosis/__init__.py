"""Diagnosis: what is wrong with a device, or with the home, step by step from the far end; and the root that explains the rest."""

from hub_agent.core.diagnosis.room import Diagnosis

__all__ = ["Diagnosis"]
