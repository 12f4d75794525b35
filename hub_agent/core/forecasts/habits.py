"""How devices are usually used, told once a week, and the days on which it was otherwise counted."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from hub_agent.core.forecasts import rows
from hub_agent.core.forecasts.held import Held, keep
from hub_agent.core.forecasts.usage import Pattern, Usage, is_kept
from hub_agent.model.device import Device
from hub_agent.model.effects import Effect
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject

PREFIX = "habits/"
TABLE = "device_usage_patterns"
_EVERY = timedelta(days=7)


class Habits:
    def __init__(self) -> None:
        self._held: dict[DeviceId, dict[str, tuple[Pattern, Held]]] = {}
        self._told_at: dict[DeviceId, datetime] = {}

    def open_rows(self) -> list[rows.CaseRow]:
        return [held.row for _, by_key in sorted(self._held.items()) for _, held in by_key.values()]

    def day_over(self, device: Device, usage: Usage, values: Mapping[str, float], now: datetime) -> list[Effect]:
        """`usage`: with the day that is over. A deviation is kept, and told with the next look."""
        held = self._held.setdefault(device.id, {})
        day, slots, _ = usage.days[-1]
        missed = [each for pattern, each in held.values() if not is_kept(pattern, day, slots)]
        for each in missed:
            count = each.row.get("deviation_count")
            each.row["deviation_count"] = (count if isinstance(count, int) else 0) + 1
            each.row["last_deviation_at"] = now
        last = self._told_at.get(device.id)
        if last is None or now - last >= _EVERY or now < last:
            self._told_at[device.id] = now
            return self._look(device, usage, values, now)
        return [self._keep(device.id)] if missed else []

    def forget(self, device_id: DeviceId) -> list[Effect]:
        self._told_at.pop(device_id, None)
        return [keep(f"{PREFIX}{device_id}", None)] if self._held.pop(device_id, None) else []

    def _look(self, device: Device, usage: Usage, values: Mapping[str, float], now: datetime) -> list[Effect]:
        before = self._held[device.id]
        found = {each.key: each for each in usage.patterns(values)}
        given: list[Effect] = []
        for key, pattern in found.items():
            if key in before:
                held = before[key][1]
                given += self._renewed(device, pattern, held, now)
            else:
                pattern_id = str(uuid5(NAMESPACE_OID, f"{device.id}/usage/{key}"))
                held = Held(TABLE, rows.pattern(pattern_id, device, pattern, first_at=now, now=now))
                given.append(held.told(now))
            before[key] = pattern, held
        for key in [each for each in before if each not in found]:
            given.append(before.pop(key)[1].told(now, {"is_active": False, "updated_at": now}))
        return [*given, self._keep(device.id)] if given else []

    def _renewed(self, device: Device, pattern: Pattern, held: Held, now: datetime) -> list[Effect]:
        first = held.row["first_observed_at"]
        row = rows.pattern(held.id, device, pattern, first_at=first if isinstance(first, datetime) else now, now=now)
        kept = {name: held.row.get(name) for name in ("deviation_count", "last_deviation_at", "created_at")}
        is_news = any(
            held.row.get(name) != row[name] for name in ("time_of_day_start", "time_of_day_end", "pattern_name")
        )
        if not is_news and held.row.get("sample_size") == row["sample_size"] and now.day > 7:
            return []  # once a month also what has hardly changed
        return [held.told(now, {**row, **kept})]

    def _keep(self, device_id: DeviceId) -> Effect:
        held = self._held[device_id]
        if not held:
            return keep(f"{PREFIX}{device_id}", None)
        body: JsonObject = {
            key: {
                "held": each.as_json(),
                "weekdays": list(pattern.weekdays),
                "first": pattern.first,
                "last": pattern.last,
            }
            for key, (pattern, each) in held.items()
        }
        return keep(f"{PREFIX}{device_id}", body)

    def restore(self, device_id: DeviceId, body: JsonObject, now: datetime) -> None:
        read: dict[str, tuple[Pattern, Held]] = {}
        for key, each in body.items():
            if not isinstance(each, Mapping) or not isinstance(each["weekdays"], list | tuple):
                raise TypeError("a habit is an object")
            weekdays = tuple(int(str(day)) for day in each["weekdays"])
            pattern = Pattern(weekdays, int(str(each["first"])), int(str(each["last"])), 0, 0, 0, 0)
            read[key] = pattern, Held.from_json(each["held"])
        self._held[device_id] = read
        self._told_at[device_id] = now
