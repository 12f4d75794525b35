"""What happened in the home and who did it, for people: one list, of bounded length."""

from hub_agent.core.activity.room import Activity

__all__ = ["Activity"]
