"""After lives that did not last: automations, scenes, the doors and what healing tells go on, everything optional stays out."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.config import Config
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.runtime.failures import WELL_S
from hub_agent.runtime.lives import Lives, Past

# Monitors that are left out in any case, and those that are where they are to blame.
OPTIONAL_ROOMS = frozenset({"forecasts"})
ROOMS_TO_BLAME = frozenset({"forecasts", "diagnosis", "reachability", "vitals"})
UPLINK = "uplink"
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class SafeMode:
    """`rooms`: monitors, and `dialects` with processes of their own, that are left out. `trial_at`: when everything is tried again."""

    failed: int
    rooms: frozenset[str]
    dialects: frozenset[str]
    has_no_cloud: bool
    since: datetime
    trial_at: datetime

    @property
    def left_out(self) -> list[str]:
        told = ["finding new devices", "the security scan", "scheduled backups", *sorted(self.rooms)]
        told += [f"devices that speak {dialect}" for dialect in sorted(self.dialects)]
        return [*told, "the cloud"] if self.has_no_cloud else told

    @property
    def issue(self) -> Issue:
        details: JsonObject = {
            "count": self.failed,
            "left_out": ", ".join(self.left_out),
            "trial_at": f"{self.trial_at:%Y-%m-%d %H:%M} UTC",
        }
        return Issue("safe_mode", "agent", self.since, details)

    def as_json(self) -> JsonObject:
        return {
            "since": self.since.isoformat(),
            "failed": self.failed,
            "left_out": [*self.left_out],
            "trial_at": self.trial_at.isoformat(),
        }

    def settings(self, config: Config) -> Config:
        """Those in force: what is optional is off, whatever the file says."""
        discovery = config.discovery.model_copy(update={"mdns": False, "ssdp": False, "search": False})
        changed = {
            "discovery": discovery,
            "security": config.security.model_copy(update={"scan": False}),
            "backup": config.backup.model_copy(update={"folder": None}),
        }
        if self.has_no_cloud:
            changed["cloud"] = config.cloud.model_copy(update={"url": None})
        return config.model_copy(update=changed)


def safe_mode_after(past: Past, dialects: Collection[str], now: datetime) -> SafeMode | None:
    """None: the last life lasted, or not enough of them failed. `dialects`: those with processes of their own."""
    if not past.is_safe_mode_due:
        return None
    return SafeMode(
        past.failed,
        OPTIONAL_ROOMS | past.blamed & ROOMS_TO_BLAME,
        past.blamed & frozenset(dialects),
        UPLINK in past.blamed,
        now,
        now + timedelta(seconds=past.trial_after_s),
    )


async def lasting(lives: Lives, mode: SafeMode | None, *, try_everything: Callable[[], None]) -> None:
    """Goes on for as long as the agent lives, which has run well for WELL_S when this begins."""
    if mode is None:
        lives.lasted()
        await asyncio.sleep(DAY_S)
        lives.forget()
    else:
        await asyncio.sleep(lives.past.trial_after_s - WELL_S)
        try_everything()
    await asyncio.Event().wait()
