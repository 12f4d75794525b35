"""Energy is counted where it is used: by hour and day, whatever counters, clocks and restarts do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from hub_agent.core.energy import Energy
from hub_agent.core.energy.book import DAYS_WITH_HOURS, MONTHS, hours_in
from hub_agent.core.energy.meters import meters_of, role_of, with_role
from hub_agent.core.energy.telling import Asked, Metered, told
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import Save
from hub_agent.model.ids import EntityId
from hub_agent.model.state import EntityState, StateChanged
from tests.fakes.foreseen_home import device, entity

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def counter(name: str, key: str = "energy", state_class: str = "total_increasing", unit: str = "kWh") -> Entity:
    return replace(entity(name, f"sensor.{name}_{key}", "energy", unit), key=key, state_class=state_class)


def power(name: str, key: str = "power") -> Entity:
    return replace(entity(name, f"sensor.{name}_{key}", "power", "W"), key=key)


class Home:
    """Fills core.energy.room.Home; `say` is a report, `crash` a restart with what was kept."""

    def __init__(self, *devices: Device, zone: ZoneInfo = BERLIN, now: datetime = NOON) -> None:
        self.by_id = {each.id: each for each in devices}
        self.zone = zone
        self.now = now
        self.states: dict[str, EntityState] = {}
        self.saved: dict[str, Any] = {}
        self.saves = 0
        self.crash()

    def devices(self) -> list[Device]:
        return list(self.by_id.values())

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self.states.get(entity_id)

    def crash(self, away: timedelta = timedelta(0)) -> None:
        self.now += away
        self.energy = Energy(self)
        self._take(self.energy.restore(dict(self.saved), self.now))

    def stop(self) -> None:
        self._take(self.energy.handle_stop(self.now))

    def wait(self, length: timedelta) -> None:
        until = self.now + length
        while (due := self.energy.get_timer()) is not None and due <= until:
            self.now = due
            self._take(self.energy.handle_timer(due))
        self.now = until

    def say(self, entity_id: str, value: object) -> None:
        new = EntityState(str(value), {}, self.now, self.now)
        changed = StateChanged(EntityId(entity_id), self.states.get(entity_id), new, self.now)
        self.states[entity_id] = new
        of = next(each for each in self.devices() if any(e.id == entity_id for e in each.entities))
        self._take(self.energy.handle_change(changed, of, self.now))

    def _take(self, effects: Any) -> None:
        for each in effects:
            assert isinstance(each, Save)
            self.saves += 1
            self.saved.pop(each.key, None)
            if each.body is not None:
                self.saved[each.key] = each.body

    def told(self, period: Any = "day", day: Any = None, **roles: Any) -> Any:
        self.energy.settle(self.now)
        metered = [Metered(each, each, roles.get(each, "device")) for each in sorted(self.energy.book.devices())]
        of = day or self.now.astimezone(self.zone).date()
        return told(self.energy.book, metered, Asked(period, of, self.zone, self.now))

    def hours(self) -> list[float]:
        return [each["used_wh"] for each in self.told()["parts"] if each["used_wh"]]

    def total(self) -> float:
        return float(sum(sum(hours) for by in self.energy.book.hours.values() for hours in by.values()))


def plug(*entities: Entity) -> Device:
    return device("plug", *(entities or (counter("plug"),)))


def test_what_a_counter_counts_is_used_in_the_hours_in_which_it_was_counted() -> None:
    home = Home(plug())
    home.say("sensor.plug_energy", 10)
    home.wait(HOUR / 2)
    home.say("sensor.plug_energy", 10.25)
    home.wait(HOUR)
    home.say("sensor.plug_energy", 10.75)
    assert home.hours() == [500, 250]
    assert [each["used_wh"] for each in home.told()["parts"]][12:16] == [None, 500, 250, None]
    assert home.told()["home"]["used_wh"] == 750


def test_what_was_used_while_the_hub_was_away_is_spread_over_that_time_and_nothing_counts_twice() -> None:
    home = Home(plug())
    home.say("sensor.plug_energy", 10)
    home.wait(HOUR)
    home.say("sensor.plug_energy", 10.1)
    home.wait(HOUR)
    home.crash(away=2 * HOUR)
    home.say("sensor.plug_energy", 10.4)
    assert home.total() == pytest.approx(400)
    assert home.hours() == pytest.approx([100, 100, 100, 100])


def test_a_counter_that_begins_anew_goes_on_from_nothing_and_one_that_is_put_right_takes_nothing_back() -> None:
    home = Home(plug())
    for value in (5, 6, 0.2, 0.5, 0.49, 0.6):
        home.say("sensor.plug_energy", value)
        home.wait(HOUR / 4)
    assert home.total() == pytest.approx(1000 + 200 + 300 + 110)


def test_a_counter_that_says_nothing_for_a_moment_or_a_great_mistake_is_not_believed() -> None:
    home = Home(plug())
    for value in (5000, 0, "unavailable", 5000, 5000.5):
        home.say("sensor.plug_energy", value)
        home.wait(HOUR / 60)
    assert home.total() == pytest.approx(500)


def test_power_counts_where_no_counter_does_until_nobody_tells_it_any_more() -> None:
    home = Home(plug(power("plug")))
    home.say("sensor.plug_power", 120)
    home.wait(2 * HOUR)
    home.say("sensor.plug_power", "unavailable")
    home.wait(5 * HOUR)
    home.say("sensor.plug_power", 60)
    home.wait(HOUR)
    assert home.told()["home"]["used_wh"] == 300


def test_what_a_power_came_to_is_kept_when_the_hub_stops() -> None:
    home = Home(plug(power("plug")))
    home.say("sensor.plug_power", 120)
    home.wait(HOUR / 2)
    home.stop()
    home.crash(away=3 * HOUR)
    assert home.told()["home"]["used_wh"] == 60


def test_it_is_written_once_an_hour_and_only_when_something_was_used() -> None:
    home = Home(plug())
    home.say("sensor.plug_energy", 1)
    for step in range(360):
        home.say("sensor.plug_energy", 1 + step / 1000)
        home.wait(timedelta(seconds=10))
    assert home.saves == 2
    home.wait(24 * HOUR)
    assert home.saves == 2


@pytest.mark.parametrize("day, hours", [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_has_as_many_hours_as_it_has(day: str, hours: int) -> None:
    midnight = datetime.fromisoformat(day).replace(tzinfo=BERLIN).astimezone(UTC)
    home = Home(plug(power("plug")), now=midnight - HOUR)
    home.say("sensor.plug_power", 100)
    home.wait(HOUR + hours * HOUR)
    said = home.told(day=midnight.astimezone(BERLIN).date())
    assert hours_in(midnight.astimezone(BERLIN).date(), BERLIN) == hours
    assert [each["used_wh"] for each in said["parts"]] == pytest.approx([100] * hours)
    assert len({each["begins"] for each in said["parts"]}) == hours
    assert said["home"]["used_wh"] == pytest.approx(hours * 100)


def test_hours_of_a_zone_that_is_half_an_hour_off_begin_when_its_clocks_say_so() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    home = Home(plug(power("plug")), zone=zone, now=datetime(2026, 1, 1, 18, 30, tzinfo=UTC))
    home.say("sensor.plug_power", 100)
    home.wait(24 * HOUR - timedelta(minutes=1))
    parts = home.told()["parts"]
    assert [each["begins"][11:16] for each in parts] == [f"{hour:02}:00" for hour in range(24)]
    assert parts[0]["used_wh"] == 100


def test_old_hours_become_days_and_old_months_go() -> None:
    home = Home(plug(power("plug")))
    for _ in range((MONTHS + 3) * 31):
        home.energy.book.add("plug", 24, home.now, home.now + 24 * HOUR, BERLIN)
        home.now += 24 * HOUR
        home.stop()
    home.crash()
    hours = [key for key in home.saved if key.startswith("hours/")]
    months = [key for key in home.saved if key.startswith("days/")]
    assert len(hours) == DAYS_WITH_HOURS
    assert len(months) == MONTHS
    month_ago = (home.now - timedelta(days=70)).astimezone(BERLIN).date()
    assert home.told("month", month_ago)["home"]["used_wh"] == pytest.approx(24 * 31, abs=25)
    assert [each["used_wh"] for each in home.told("day", month_ago)["parts"]] == [pytest.approx(24, abs=1)]
    home.crash()
    assert home.told("month", month_ago)["home"]["used_wh"] == pytest.approx(24 * 31, abs=25)


def test_a_clock_that_is_far_ahead_for_a_while_takes_nothing_away() -> None:
    home = Home(plug(power("plug")))
    home.say("sensor.plug_power", 100)
    home.wait(5 * HOUR)
    by = timedelta(days=4000)
    home.now += by
    home.energy.handle_clock_step(by)
    home.wait(2 * HOUR)
    home.now -= by
    home.energy.handle_clock_step(-by)
    home.wait(2 * HOUR)
    assert home.told()["home"]["used_wh"] == pytest.approx(700, abs=1)
    assert all(key < "hours/2027" for key in home.saved if key.startswith("hours/"))


def test_where_the_grid_is_measured_the_home_has_used_what_came_in_and_did_not_go_out() -> None:
    net = device("net", counter("net", "energy_import"), counter("net", "energy_export"))
    home = Home(plug(), net, device("sun", counter("sun")))
    for _ in range(2):
        for name in ("plug_energy", "net_energy_import", "net_energy_export", "sun_energy"):
            before = home.states.get(f"sensor.{name}")
            more = {"net_energy_import": 0.3, "net_energy_export": 0.5, "sun_energy": 1}.get(name, 0.2)
            home.say(f"sensor.{name}", 7 if before is None else 7 + more)
        home.wait(HOUR / 2)
    flows = home.told(net="grid", sun="solar")["home"]
    assert flows == {
        "used_wh": 800,
        "grid_wh": 300,
        "returned_wh": 500,
        "solar_wh": 1000,
        "charged_wh": 0,
        "discharged_wh": 0,
    }
    assert home.told(net="ignored", sun="solar")["home"]["used_wh"] == 200


def test_a_net_counter_that_falls_gives_back() -> None:
    home = Home(device("net", counter("net", state_class="total")))
    for value in (10, 10.5, 10.2):
        home.say("sensor.net_energy", value)
        home.wait(HOUR / 2)
    flows = home.told(net="grid")["home"]
    assert (flows["grid_wh"], flows["returned_wh"]) == (500, 300)


def test_of_what_a_device_measures_the_one_that_counts_it_all_is_taken() -> None:
    entities = (
        counter("plug", "total_act"),
        counter("plug", "a_total_act_energy"),
        counter("plug", "energy_today"),
        counter("plug", "plain", state_class="measurement"),
        power("plug"),
    )
    assert [each.entity_id for each in meters_of(plug(*entities))] == ["sensor.plug_total_act"]
    phases = [replace(power("em", f"{each}_act_power"), name=f"Phase {each.upper()}") for each in "abc"]
    assert len(meters_of(device("em", *phases))) == 3
    assert [each.entity_id for each in meters_of(device("em", *phases, power("em", "total")))] == ["sensor.em_total"]


def test_what_a_meter_measures_is_among_the_settings_of_its_device() -> None:
    of = plug()
    settings = with_role({"healing": {"never_touch": True}}, "solar")
    assert settings == {"healing": {"never_touch": True}, "energy": {"role": "solar"}}
    assert role_of(replace(of, settings=settings)) == "solar"
    assert with_role(settings, "device") == {"healing": {"never_touch": True}}
    assert role_of(replace(of, settings={"energy": {"role": "moon"}})) == "device"


@pytest.mark.parametrize(
    "key, body",
    [("hours/2026-03-10", {"plug": 3}), ("hours/nonsense", {}), ("days/2026-03", {"plug": []}), ("read", {"x": 1})],
)
def test_what_is_damaged_is_forgotten_and_the_rest_is_not(key: str, body: Any) -> None:
    home = Home(plug(power("plug")))
    home.say("sensor.plug_power", 100)
    home.wait(24 * HOUR)
    kept = len(home.saved)
    home.saved["hours/2026-03-01"] = {"plug": [5]}
    home.saved[key] = body
    home.crash()
    assert key not in home.saved
    assert home.energy.book.hours_of(datetime(2026, 3, 1).date()) == {"plug": [5]}  # noqa: DTZ001 a day only
    assert len(home.saved) >= kept - 1


@given(
    st.lists(
        st.tuples(st.floats(0, 4), st.integers(120, 7200), st.sampled_from(["go on", "crash", "reset"])), max_size=60
    ),
    st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "America/New_York", "UTC"]),
    st.integers(0, 365 * 24),
)
def test_the_hours_add_up_to_what_the_counter_has_counted(
    steps: list[tuple[float, int, str]], zone: str, begins: int
) -> None:
    home = Home(plug(), zone=ZoneInfo(zone), now=datetime(2026, 1, 1, tzinfo=UTC) + begins * HOUR)
    value, used = 100.0, 0.0
    home.say("sensor.plug_energy", value)
    for kwh, seconds, what in steps:
        home.wait(timedelta(seconds=seconds))
        if what == "reset" and kwh < 0.8 * value:  # else nobody could see it
            value = 0
        used += kwh
        value += kwh
        home.say("sensor.plug_energy", value)
        if what == "crash":
            home.stop()
            home.crash(timedelta(minutes=7))
    assert home.total() == pytest.approx(used * 1000, abs=0.02 * (len(steps) + 1) * 3)
