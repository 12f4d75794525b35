"""The home's place under the name that the hub knows it by."""

from hub_agent.model.automation import Place as HomePlace

__all__ = ["HomePlace"]
