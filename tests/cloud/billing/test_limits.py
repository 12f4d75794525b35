"""What a plan allows binds what people add, never what a hub finds; calls are counted without a row to fight over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from tests.cloud.billing.conftest import NEW_YEAR, Desk, calls, day

SMALL = {
    "device_limit": 2,
    "user_limit": 2,
    "automation_limit": 1,
    "scene_limit": 1,
    "home_limit": 2,
    "tier": "complete",
}


@pytest.fixture
def small_home(desk, new_home):
    """A home whose owner has a plan with small limits, for the home."""
    home, owner = new_home()
    desk.subscribe(owner, desk.new_plan("0", **SMALL), for_home=home)
    return home, owner


# What a person adds.
ADDS = {
    "device": "INSERT INTO devices (home_id, device_name, device_type) VALUES (%(home)s, 'lamp', 'light')",
    "automation": "INSERT INTO automations (home_id, name, automation_type, triggers, actions) VALUES (%(home)s, 'a', 'trigger_based', '[]', '[]')",
    "scene": "INSERT INTO scenes (home_id, name, device_states) VALUES (%(home)s, gen_random_uuid()::text, '[]')",
    "user": "INSERT INTO home_members (home_id, user_id) VALUES (%(home)s, %(member)s)",
    "home": "INSERT INTO homes (owner_id, name) VALUES (%(owner)s, 'another')",
}
CAN_STILL_ADD = {"device": 2, "automation": 1, "scene": 1, "user": 1, "home": 1}


@pytest.mark.parametrize("what", ADDS)
def test_a_person_adds_up_to_the_limit_and_is_told_why_not_more(desk, db, small_home, what):
    home, owner = small_home
    values = {"home": home, "owner": owner}
    allows = {"what": what, "for_home": home}
    members = [desk.new_person() for _ in range(CAN_STILL_ADD[what] + 2)]
    for member in members[:-2]:
        with desk.role("authenticated", owner):
            assert desk.ask("plan_allows", **allows) is True
            db.execute(ADDS[what], values | {"member": member})
    with desk.role("authenticated", owner):
        assert desk.ask("plan_allows", **allows) is False
    with pytest.raises(psycopg.Error) as error, desk.role("authenticated", owner):
        db.execute(ADDS[what], values | {"member": members[-2]})
    assert (error.value.sqlstate, error.value.diag.message_detail) == ("PT402", "plan_limit_reached")
    # The operator is not bound.
    db.execute(ADDS[what], values | {"member": members[-1]})


def test_what_a_hub_finds_is_stored_beyond_the_limit_and_shows(desk, hub):
    desk.subscribe(hub.owner_id, desk.new_plan("0", **SMALL), for_home=hub.home_id)
    for _device in range(4):
        hub.add_device()
    hub.add_device(device_type="bridge")

    limits = desk.call("plan_limits", role="authenticated", person=hub.owner_id, for_home=hub.home_id)
    assert limits["limits"]["device"] == {"limit": 2, "used": 4, "left": 0}
    desk.call("billing_roll_up_usage")
    assert desk.rows("SELECT devices_used FROM user_subscriptions WHERE home_id = %s", hub.home_id) == [
        {"devices_used": 4}
    ]


def test_a_device_that_comes_back_needs_a_place_again(desk, db, small_home):
    home, owner = small_home
    ids = [desk.insert("devices", home_id=home, device_name="lamp", device_type="light") for _ in range(3)]
    db.execute("UPDATE devices SET deleted_at = now() WHERE id = %s", (ids[0],))
    # What may be changed by whom is another matter: the table's owner writes here, under a person's claims.
    with db.transaction(force_rollback=True):
        db.execute("GRANT UPDATE (deleted_at) ON devices TO authenticated")
        with pytest.raises(psycopg.Error, match="allows 2 of devices"), desk.role("authenticated", owner):
            db.execute("UPDATE devices SET deleted_at = NULL WHERE id = %s", (ids[0],))


def test_the_highest_running_plan_counts_and_a_cancelled_one_does_not(desk, new_home):
    home, owner = new_home()
    limits = {"for_home": home, "for_user": owner}
    desk.subscribe(owner, desk.new_plan("0", tier="secure", device_limit=5))
    best = desk.subscribe(owner, desk.new_plan("0", tier="complete", device_limit=9, self_healing=True), for_home=home)

    assert desk.call("plan_limits", **limits)["limits"]["device"]["limit"] == 9
    assert desk.call("plan_allows", what="self_healing", **limits) is True

    desk.call("billing_cancel", of_subscription=best["subscription_id"], at_period_end=False, as_of=day(1, 2))
    assert desk.call("plan_limits", **limits)["limits"]["device"]["limit"] == 5
    assert desk.call("plan_allows", what="self_healing", **limits) is False


def test_a_home_of_others_cannot_be_asked_about(desk, small_home):
    home, _owner = small_home
    for function, named in (("plan_limits", {}), ("plan_allows", {"what": "device"})):
        with pytest.raises(psycopg.Error) as error:
            desk.call(function, role="authenticated", person=desk.new_person(), for_home=home, **named)
        assert error.value.diag.message_detail == "home_unknown"


@pytest.mark.parametrize("what", ["price", "is_active", "monthly_price", "", "device_limit"])
def test_what_no_plan_limits_is_an_error_and_not_an_answer(desk, small_home, what):
    with pytest.raises(psycopg.Error) as error:
        desk.call("plan_allows", what=what, for_home=small_home[0])
    assert error.value.diag.message_detail == "limit_unknown"


def test_of_many_who_add_at_once_only_the_allowed_number_get_in(desk, dsn, small_home, several_backends):
    home, owner = small_home

    def add_scene(_number):
        with psycopg.connect(dsn, autocommit=True) as connection:
            try:
                with Desk(connection).role("authenticated", owner):
                    connection.execute(ADDS["scene"], {"home": home})
            except psycopg.Error as err:
                return err.diag.message_detail
            return "added"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(add_scene, range(6))) == ["added"] + ["plan_limit_reached"] * 5


# Calls.


def test_calls_are_counted_for_the_hour_and_for_the_period(desk):
    person = desk.new_person()
    plan = desk.new_plan("0", tier="enterprise", api_access=True, api_rate_limit_per_hour=10)
    subscription = desk.subscribe(person, plan)["subscription_id"]
    noon = NEW_YEAR + timedelta(hours=12)

    assert desk.call("record_api_usage", batch=calls(noon - timedelta(minutes=61), 3, user_id=person)) == 3
    desk.call("record_api_usage", batch=calls(noon, 4, user_id=person))
    desk.call("record_api_usage", batch=calls(NEW_YEAR - timedelta(days=3), 5, user_id=person))

    assert desk.call("api_calls_left", for_user=person, as_of=noon) == 6
    for _again in range(2):
        desk.call("billing_roll_up_usage", as_of=noon)
        assert desk.subscription(subscription)["api_calls_this_period"] == 7
    desk.call("record_api_usage", batch=calls(noon, 50, user_id=person))
    assert desk.call("api_calls_left", for_user=person, as_of=noon) == 0
    assert desk.call("api_calls_left", for_user=person, as_of=noon + timedelta(hours=1)) == 10


def test_a_call_that_names_its_subscription_only_is_its_persons(desk):
    person = desk.new_person()
    subscription = desk.subscribe(person, desk.new_plan("0"))["subscription_id"]
    desk.call("record_api_usage", batch=calls(NEW_YEAR, 2, subscription_id=subscription))
    desk.call("billing_roll_up_usage", as_of=NEW_YEAR)
    assert desk.subscription(subscription)["api_calls_this_period"] == 2
    assert desk.rows("SELECT count(*) FROM ts.api_usage WHERE user_id = %s", person) == [{"count": 2}]


def test_a_plan_without_the_interface_has_no_calls_and_one_without_a_limit_any_number(desk):
    person, other = desk.new_person(), desk.new_person()
    desk.subscribe(person, desk.new_plan("0", tier="enterprise", api_access=False, api_rate_limit_per_hour=10))
    desk.subscribe(other, desk.new_plan("0", tier="enterprise", api_access=True))
    assert desk.call("api_calls_left", for_user=person) == 0
    assert desk.call("api_calls_left", for_user=other) is None


def test_people_ask_for_their_own_calls_only(desk):
    person, other = desk.new_person(), desk.new_person()
    for who, limit in ((person, 5), (other, 9)):
        desk.subscribe(who, desk.new_plan("0", tier="enterprise", api_access=True, api_rate_limit_per_hour=limit))
    assert desk.call("api_calls_left", role="authenticated", person=person, for_user=other) == 5


@pytest.mark.parametrize(
    "batch", [{}, [{"method": "GET"}], [{"endpoint": "/", "method": "GET", "time": "soon"}], [{}] * 10_001]
)
def test_a_batch_that_is_no_batch_is_refused_as_a_whole(desk, batch):
    with pytest.raises(psycopg.Error) as error:
        desk.call("record_api_usage", batch=batch)
    assert (error.value.sqlstate, error.value.diag.message_detail) == ("PT400", "batch_malformed")


def test_rolling_up_waits_for_nobody(desk, dsn, several_backends):
    person = desk.new_person()
    subscription = desk.subscribe(person, desk.new_plan("0"))["subscription_id"]
    desk.call("record_api_usage", batch=calls(NEW_YEAR, 2, user_id=person))
    with psycopg.connect(dsn) as held:
        held.execute("SELECT FROM user_subscriptions WHERE id = %s FOR UPDATE", (subscription,))
        desk.call("billing_roll_up_usage", as_of=NEW_YEAR)
        assert desk.subscription(subscription)["api_calls_this_period"] == 0
    desk.call("billing_roll_up_usage", as_of=NEW_YEAR)
    assert desk.subscription(subscription)["api_calls_this_period"] == 2


@pytest.mark.parametrize(
    "columns",
    [{"monthly": "-1"}, {"annual": "-1"}, {"device_limit": -1}, {"trial_period_days": -1}, {"currency": "dollars"}],
)
def test_a_plan_that_makes_no_sense_cannot_be_made(desk, columns):
    with pytest.raises(psycopg.errors.CheckViolation):
        desk.new_plan(**columns)
