"""Who is told of what, and that it is over: alert rules, open alerts, and the ways to people."""

from hub_agent.core.alerting.room import Alerting

__all__ = ["Alerting"]
