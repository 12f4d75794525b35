"""Forecasts decide: what was seen of a device -> hours and days -> a model -> a prediction, an anomaly, a habit, an insight.

Every five minutes each device is looked at: no message costs anything for it. What was seen is gathered into hours and days; when a day
of the home is over, the models look at the days. A restart loses what was gathered of the day, not the days.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final, Protocol

from hub_agent.core.forecasts import habits, rows
from hub_agent.core.forecasts.anomalies import PREFIX as ANOMALY, Anomalies
from hub_agent.core.forecasts.dropouts import Dropouts
from hub_agent.core.forecasts.energy import Energy
from hub_agent.core.forecasts.habits import Habits
from hub_agent.core.forecasts.held import ROOM
from hub_agent.core.forecasts.insights import COUNTED, PREFIX as INSIGHT, Insights
from hub_agent.core.forecasts.known import Known
from hub_agent.core.forecasts.looking import LOOK_EVERY, Day, Facets, Home as Looked, hour_over, look, middle
from hub_agent.core.forecasts.models import BATTERY, ENERGY, LINK, MODELS, USAGE, Model
from hub_agent.core.forecasts.predictions import BATTERY_DEATH, OFFLINE_IMMINENT, Predictions
from hub_agent.core.forecasts.standing import standing_advice
from hub_agent.core.forecasts.usage import WATCHED_MIN
from hub_agent.core.monitor import Given, Monitor
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device, DeviceType
from hub_agent.model.effects import AppendCase, Durability, Effect, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue

DEVICES_MAX = 500
METERED_MAX = 32
PARAMETERS_ISSUE = "model_parameters_wrong"
# Silent for so long after its battery was expected to be empty: it is.
_SILENT = timedelta(days=2)
_DEVICE: Final = "device/"
_PREDICTION: Final = "prediction/"
_LEFT_OUT: Final = frozenset({DeviceType.HUB, DeviceType.BRIDGE})
# What reading a body of the mirror raises that somebody or something has damaged: it is forgotten, and learned anew.
DAMAGED: Final = (KeyError, TypeError, ValueError, OverflowError, AttributeError)


class Home(Looked, Protocol):
    def devices(self) -> Iterable[Device]: ...

    def local(self, now: datetime) -> datetime: ...


class Forecasts(Monitor):
    room: ClassVar[str] = ROOM
    KINDS: ClassVar[frozenset[str]] = frozenset({"ml_model"})

    def __init__(self, home: Home, new_id: NewId) -> None:
        self._home = home
        self._known: dict[DeviceId, Known] = {}
        self._values: dict[str, Mapping[str, float]] = {each.name: each.defaults for each in MODELS}
        self._dropouts = Dropouts()
        self._predictions = Predictions(new_id)
        self._anomalies = Anomalies(new_id)
        self._habits = Habits()
        self._insights = Insights(home, new_id)
        self._look_at: datetime | None = None
        # The local hour that is being gathered.
        self._hour: datetime | None = None

    # Memory.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> list[Given]:
        given: list[Given] = []
        for key, body in sorted(saved.items()):
            try:
                given += self._take_up(key, body, now)
            except DAMAGED:
                given.append(Save(ROOM, key, None))
        for device_id in self._anomalies.open_devices():
            energy = known.energy if (known := self._known.get(device_id)) is not None else None
            if energy is None or energy.unusual is None:
                given += self._anomalies.ended(device_id, "what was usual is not known any more", now)
        self._look_at = now + LOOK_EVERY
        return given

    def _take_up(self, key: str, body: JsonObject, now: datetime) -> list[Effect]:
        if key == COUNTED:
            self._insights.restore_counted(body)
            return []
        if key.startswith(INSIGHT):
            self._insights.restore(key.removeprefix(INSIGHT), body)
            return []
        kind, _, rest = key.partition("/")
        device = self._home.device(DeviceId(rest.partition("/")[0]))
        if device is None:
            return [Save(ROOM, key, None)]
        match f"{kind}/":
            case each if each == _DEVICE:
                self._known[device.id] = Known.from_json(device, body)
            case each if each == _PREDICTION:
                return self._predictions.restore(rest, body, device, now)
            case each if each == ANOMALY:
                return self._anomalies.restore(device, body, now)
            case each if each == habits.PREFIX:
                self._habits.restore(device.id, body, now)
        return []

    # Time.

    def get_timer(self) -> datetime | None:
        return self._look_at

    def handle_clock_step(self, by: timedelta) -> None:
        if self._look_at is not None:
            self._look_at += by
        self._dropouts.handle_clock_step(by)
        self._hour = None  # what was gathered belongs to no hour

    def handle_timer(self, now: datetime) -> list[Given]:
        self._look_at = now + LOOK_EVERY
        local = self._home.local(now)
        hour = local.replace(minute=0, second=0, microsecond=0)
        given: list[Given] = []
        before = self._hour
        if before is None or before != hour:
            self._hour = hour
            if before is not None:
                given += self._hour_over(before, now)
                if before.date() != hour.date():
                    given += self._day_over(before, now)
            self._meet()
        for device_id, known in self._known.items():
            device = self._home.device(device_id)
            if device is not None:
                look(device, known.facets, self._home, known.day, local)
        self._insights.look(now)
        return given

    def _meet(self) -> None:
        """Who is there, and what can be read of them, as it is this hour."""
        metered = sum(1 for each in self._known.values() if each.energy is not None)
        for device in self._home.devices():
            if device.device_type in _LEFT_OUT:
                continue
            known = self._known.get(device.id)
            if known is None:
                if len(self._known) >= DEVICES_MAX:
                    continue
                known = self._known[device.id] = Known(Facets.of(device))
            known.facets = Facets.of(device)
            is_metered = known.facets.power is not None or known.facets.energy is not None
            if is_metered and known.energy is None and metered < METERED_MAX:
                known.energy = Energy()
                metered += 1
        self._insights.know(self._home.devices())

    def _hour_over(self, hour: datetime, now: datetime) -> list[Effect]:
        given: list[Effect] = []
        values = self._values[ENERGY.name]
        for device_id, known in self._known.items():
            device = self._home.device(device_id)
            used = hour_over(known.facets, self._home, known.day)
            if device is not None and known.energy is not None and used is not None:
                place = hour.weekday() * 24 + hour.hour
                told = known.energy.note(place, used, values)
                given += self._anomalies.hour_over(device, known.energy, told, now)
                if told in {"began", "ended"}:
                    given.append(self._keep(device_id, known))
        return given

    def _day_over(self, day: datetime, now: datetime) -> list[Given]:
        given: list[Given] = []
        for device_id, known in self._known.items():
            device = self._home.device(device_id)
            if device is not None:
                given += self._device_day_over(device, known, day.date().toordinal(), now)
        advice = standing_advice(self._home, self._known, self._predictions, self._values[BATTERY.name])
        return [*given, *self._insights.day_over(day.date().toordinal(), advice, now)]

    def _device_day_over(self, device: Device, known: Known, day: int, now: datetime) -> list[Effect]:
        seen, known.day = known.day, Day(counted_from=known.day.counted_from)
        given = self._battery_day(device, known, middle(seen.levels), day, now)
        signal = middle(seen.signals)
        presence = self._home.presence(device.id)
        if signal is not None or presence.is_available is not None:
            known.link.note(day, seen.dropouts, signal)
            given += self._link_day(device, known, now)
        if known.facets.used is not None and seen.watched.bit_count() >= WATCHED_MIN:
            known.usage.note(day, seen.slots, seen.minutes)
            given += self._habits.day_over(device, known.usage, self._values[USAGE.name], now)
        if known.has_days:
            given.append(self._keep(device.id, known))
        return given

    @staticmethod
    def _keep(device_id: DeviceId, known: Known) -> Effect:
        return Save(ROOM, f"{_DEVICE}{device_id}", known.as_json(), Durability.LAZY)

    def _battery_day(self, device: Device, known: Known, level: float | None, day: int, now: datetime) -> list[Effect]:
        values = self._values[BATTERY.name]
        if level is None:
            last_seen = self._home.presence(device.id).last_seen_at
            is_silent = last_seen is not None and now - last_seen >= _SILENT
            if is_silent and self._predictions.is_due(device.id, BATTERY_DEATH, now):
                return self._predictions.occurred(device.id, BATTERY_DEATH, now)
            return []
        if known.battery.note(day, level, values["replaced_rise"]):
            return self._predictions.prevented(device.id, BATTERY_DEATH, "The battery was replaced.", now)
        held = known.battery.level()
        if held is not None and held <= values["empty_at"]:
            return self._predictions.occurred(device.id, BATTERY_DEATH, now)
        outlook = known.battery.outlook(values)
        return self._predictions.battery(device, outlook, values["tell_days"], now)

    def _link_day(self, device: Device, known: Known, now: datetime) -> list[Effect]:
        if self._dropouts.is_gone_for(device.id, now) >= timedelta(days=1):
            return self._predictions.occurred(device.id, OFFLINE_IMMINENT, now)
        return self._predictions.link(device, known.link.decline(self._values[LINK.name]), now)

    # What happens.

    def handle_availability(self, device: Device, now: datetime, *, is_available: bool) -> list[Given]:
        known = self._known.get(device.id)
        if self._dropouts.handle(device, now, is_available=is_available) and known is not None:
            known.day.dropouts += 1
        return []

    def handle_disconnected(self, now: datetime) -> list[Given]:
        self._dropouts.handle_disconnected(now)
        return []

    def handle_case(self, case: AppendCase, now: datetime) -> list[Given]:
        self._insights.note_case(case, now)
        return []

    def handle_removed(self, device_id: DeviceId, now: datetime) -> list[Given]:
        self._dropouts.forget(device_id)
        given: list[Given] = [*self._predictions.handle_removed(device_id, now)]
        given += self._anomalies.forget(device_id, now)
        given += self._habits.forget(device_id)
        given += self._insights.forget(device_id, now)
        if self._known.pop(device_id, None) is not None:
            given.append(Save(ROOM, f"{_DEVICE}{device_id}", None, Durability.LAZY))
        return given

    def handle_definition(
        self, kind: str, definition_id: str, definition: Definition | None, now: datetime
    ) -> list[Given]:
        """The cloud's parameters of one of the models."""
        model = next((each for each in MODELS if each.id == definition_id), None) if kind in self.KINDS else None
        if model is None:
            return []
        sent = None if definition is None else definition.fields.get("hyperparameters")
        values, wrong = model.read(sent)
        self._values[model.name] = values
        if wrong:
            details: JsonObject = {"name": model.name, "reason": "; ".join(wrong)}
            return [IssueRaised(Issue(PARAMETERS_ISSUE, model.id, now, details))]
        return [IssueCleared(PARAMETERS_ISSUE, model.id)]

    # For the doors.

    def answer(self) -> JsonObject:
        """All that is foreseen and learned, for the command line, the API and the page."""
        return {
            "predictions": self._shown(self._predictions.open_rows(), "device_name"),
            "anomalies": self._shown(self._anomalies.open_rows(), "device_name"),
            "insights": self._shown(self._insights.open_rows(), "device_name"),
            "patterns": self._shown(self._habits.open_rows(), "device_name"),
            "batteries": self._batteries(),
            "models": [self._model(each) for each in MODELS],
        }

    def _model(self, model: Model) -> JsonValue:
        return {"id": model.id, **model.as_json(self._values[model.name]), "description": model.description}

    def _shown(self, told: Iterable[rows.CaseRow], name: str) -> list[JsonValue]:
        shown: list[JsonValue] = []
        for row in told:
            device = self._home.device(DeviceId(str(row["device_id"])))
            shown.append({**rows.as_json(row), name: device.name if device is not None else None})
        return shown

    def _batteries(self) -> list[JsonValue]:
        """The lowest first. `days_left` only where it can be said."""
        found: list[tuple[float, JsonValue]] = []
        for device_id, known in self._known.items():
            device, level = self._home.device(device_id), known.battery.level()
            if device is None or level is None:
                continue
            outlook = known.battery.outlook(self._values[BATTERY.name])
            days = None if outlook is None else round(outlook.days)
            body: JsonObject = {"device_id": device_id, "name": device.name, "level": level, "days_left": days}
            found.append((level, body))
        return [each for _, each in sorted(found, key=lambda each: each[0])]
