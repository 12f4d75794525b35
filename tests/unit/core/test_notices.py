"""Notices: on the page until dismissed, an alert in the cloud, a message on every channel; kept over a restart."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from hub_agent.core.hub import Hub
from hub_agent.core.notices import MESSAGE_CHARS_MAX, NOTICES_MAX, SAID_A_MINUTE_MAX
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.automation import Place
from hub_agent.model.effects import Announce, Answer, AppendCase, CallOutside, Effect, Publish, Save, Warn
from hub_agent.model.ids import CallId, EntityId
from hub_agent.model.inputs import CallRequested
from hub_agent.model.json import JsonObject
from tests.unit.core.test_hub import HOME, MANUAL, Living


class Telling(Living):
    """A hub with two channels, and its alerts as the cloud would have them."""

    def __init__(self) -> None:
        self.alerts: dict[str, list[Any]] = {}
        super().__init__()

    def _new(self) -> Hub:
        place = Place("Europe/Berlin", 52.5, 13.4)
        return Hub(home_id=HOME, place=place, new_id=self._new_id, channels={"phone": "ntfy", "office": "webhook"})

    def keep(self, effects: list[Effect]) -> list[Effect]:
        for each in effects:
            if isinstance(each, AppendCase):
                revisions = self.alerts.setdefault(each.id, [])
                assert each.revision == len(revisions) + 1
                revisions.append(each.row)
        return super().keep(effects)

    def call(self, action: str, data: JsonObject | None = None, *target: str) -> list[Effect]:
        entities = tuple(EntityId(each) for each in target)
        return self.tell(CallRequested(Call(CallId("asked"), action, entities, data or {}, MANUAL)))

    def shown(self) -> list[tuple[Any, Any, Any]]:
        return [(each["id"], each["title"], each["message"]) for each in self.hub.notices.shown()]

    def newest(self) -> Any:
        return next(reversed(self.alerts.values()))[-1]


def sent(effects: list[Effect]) -> list[Call]:
    return [each.call for each in effects if isinstance(each, CallOutside)]


def answer(effects: list[Effect]) -> str | None:
    [found] = [each.answer for each in effects if isinstance(each, Answer)]
    return found.error if isinstance(found, CallAnswered) else None


def test_a_notice_stands_until_it_is_dismissed_also_over_a_restart() -> None:
    home = Telling()
    home.call("persistent_notification.create", {"message": "Filter", "title": "Pump", "notification_id": "pump"})
    home.now += timedelta(seconds=1)
    home.call("persistent_notification.create", {"message": "Other"})
    home.crash(timedelta(hours=1))

    assert [each[1:] for each in home.shown()] == [("", "Other"), ("Pump", "Filter")]
    home.call("persistent_notification.dismiss", {"notification_id": "pump"})
    home.call("persistent_notification.dismiss", {"notification_id": "nobody"})
    assert [each[2] for each in home.shown()] == ["Other"]
    home.call("persistent_notification.dismiss_all")
    home.crash()
    assert home.shown() == []
    assert home.alerts == {}


def test_a_notice_of_the_same_id_replaces_the_older_one() -> None:
    home = Telling()
    for message in ("one", "two"):
        home.call("persistent_notification.create", {"message": message, "notification_id": "x"})

    assert home.shown() == [("x", "", "two")]


def test_the_oldest_notice_makes_room() -> None:
    home = Telling()
    for number in range(NOTICES_MAX + 3):
        home.call("persistent_notification.create", {"message": f"{number}"})

    assert len(home.shown()) == NOTICES_MAX
    assert home.shown()[-1][2] == "3"
    assert len([body for body in home.saved["notices"].values() if body]) == NOTICES_MAX


@pytest.mark.parametrize("action", ["persistent_notification.create", "notify.notify", "notify.phone"])
def test_a_notice_without_a_message_is_refused(action: str) -> None:
    home = Telling()

    assert "needs a message" in (answer(home.call(action, {"title": "x"})) or "")
    assert home.shown() == []


def test_an_unknown_verb_is_no_action() -> None:
    assert "there is no action" in (answer(Telling().call("persistent_notification.shout", {"message": "x"})) or "")


def test_a_message_goes_to_the_page_the_cloud_the_broker_and_every_channel() -> None:
    home = Telling()
    effects = home.call("notify.mobile_app_anna", {"title": "Washing", "message": "Done\nreally"})

    assert answer(effects) is None
    assert [each[1:] for each in home.shown()] == [("Washing", "Done\nreally")]
    assert (home.newest()["title"], home.newest()["message"]) == ("Washing", "Done\nreally")
    assert (home.newest()["status"], home.newest()["severity"]) == ("active", "warning")
    assert [(each.action, each.data) for each in sent(effects)] == [
        (f"notify.{name}", {"title": "Washing", "message": "Done\nreally"}) for name in ("phone", "office")
    ]
    [published] = [each.publication for each in effects if isinstance(each, Publish)]
    assert published.topic == f"nexa/{HOME}/notice"
    assert orjson.loads(published.payload)["message"] == "Done\nreally"
    assert any(isinstance(each, Announce) and each.topic == "notice" for each in effects)


@pytest.mark.parametrize(
    "action, target, channels",
    [
        ("notify.phone", (), ["notify.phone"]),
        ("notify.notify", (), ["notify.phone", "notify.office"]),
        ("notify.send_message", ("notify.office",), ["notify.office"]),
        ("notify.send_message", ("notify.nobody",), ["notify.phone", "notify.office"]),
    ],
)
def test_a_channel_that_is_named_gets_the_message_alone(
    action: str, target: tuple[str, ...], channels: list[str]
) -> None:
    effects = Telling().call(action, {"message": "x"}, *target)

    assert [each.action for each in sent(effects)] == channels


def test_what_came_of_the_channels_stands_in_the_alert() -> None:
    home = Telling()
    phone, office = sent(home.call("notify.notify", {"message": "x"}))
    assert home.tell(CallAnswered(phone.id)) == []
    home.tell(CallAnswered(office.id, error="notify.office: nobody is there"))

    came_of_it = {"at": home.now.isoformat(), "reached": ["phone"], "error": "notify.office: nobody is there"}
    assert home.newest()["metadata"] == {"hub_channels": came_of_it}
    home.crash()
    [notice] = home.shown()
    home.call("persistent_notification.dismiss", {"notification_id": notice[0]})
    assert (home.newest()["status"], home.newest()["metadata"]) == ("dismissed", {"hub_channels": came_of_it})
    assert home.newest()["dismissed_at"] == home.now


def test_a_message_of_the_same_tag_replaces_and_may_be_taken_back() -> None:
    home = Telling()
    for message in ("on", "off"):
        home.call("notify.phone", {"message": message, "data": {"tag": "washer"}})
    assert [each[2] for each in home.shown()] == ["off"]
    assert [rows[-1]["status"] for rows in home.alerts.values()] == ["dismissed", "active"]

    effects = home.call("notify.phone", {"message": "clear_notification", "data": {"tag": "washer"}})
    assert home.shown() == []
    assert sent(effects) == []
    assert home.newest()["status"] == "dismissed"


def test_a_rule_that_never_stops_talking_is_heard_so_often_a_minute_and_does_not_fail() -> None:
    home = Telling()
    for _ in range(SAID_A_MINUTE_MAX):
        home.call("notify.phone", {"message": "x"})
    effects = home.call("notify.phone", {"message": "x"})
    assert answer(effects) is None
    assert sent(effects) == []
    assert any(isinstance(each, Warn) for each in effects)
    assert len(home.alerts) == SAID_A_MINUTE_MAX

    home.now += timedelta(minutes=1)
    assert len(sent(home.call("notify.phone", {"message": "x"}))) == 1


def test_what_a_template_made_a_number_or_a_list_is_said_as_text_and_bounded() -> None:
    home = Telling()
    home.call("notify.phone", {"message": 21.5, "title": 7})
    home.call("notify.phone", {"message": ["a", "b"]})
    home.call("notify.phone", {"message": "x" * 100_000})

    assert [each[1:] for each in home.shown()[1:]] == [("", '["a","b"]'), ("7", "21.5")]
    assert len(home.shown()[0][2]) == MESSAGE_CHARS_MAX


def test_a_notice_is_kept_before_it_is_told() -> None:
    effects = Telling().call("notify.phone", {"message": "x"})

    assert [type(each).__name__ for each in effects if isinstance(each, Save | AppendCase)] == ["Save", "AppendCase"]
