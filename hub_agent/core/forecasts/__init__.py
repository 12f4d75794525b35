"""Forecasts: plain models that can be explained, each with its indicators, scored later against what happened."""

from hub_agent.core.forecasts.room import Forecasts

__all__ = ["Forecasts"]
