"""The ways to people: tried again, joined, never a stale alarm."""

from datetime import UTC, datetime, timedelta
from itertools import count

from hub_agent.core.channels import Channels, Message
from hub_agent.model.action import CallAnswered
from hub_agent.model.effects import CallOutside, IssueCleared, IssueRaised, Save

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)


class Way:
    def __init__(self) -> None:
        self.now = NOON
        self.saved: dict = {}
        self.given: list = []
        self.numbers = count(1)
        self.channels = self.new()

    def new(self) -> Channels:
        return Channels(lambda: f"c{next(self.numbers)}", {"phone": "ntfy"})

    def send(self, about: str, kind: str = "opened") -> None:
        self.keep(
            self.channels.send("phone", Message(about, kind, f"{about} {kind}", "text", "warning", self.now), self.now)
        )

    def answer(self, error: str | None = None) -> None:
        call = next(each.call for each in reversed(self.given) if isinstance(each, CallOutside))
        self.keep(self.channels.handle_answered(CallAnswered(call.id, error=error), self.now))

    def wait(self, by: timedelta) -> None:
        end = self.now + by
        while (due := self.channels.get_timer()) is not None and due <= end:
            self.now = due
            self.keep(self.channels.handle_timer(self.now))
        self.now = end

    def keep(self, given: list) -> None:
        self.given += given
        for each in given:
            if isinstance(each, Save):
                self.saved[each.key] = each.body
        self.saved = {key: body for key, body in self.saved.items() if body is not None}

    def titles(self) -> list[str]:
        return [str(each.call.data["title"]) for each in self.given if isinstance(each, CallOutside)]


def test_a_message_that_does_not_get_through_is_tried_again_ever_later_and_it_is_said_once() -> None:
    way = Way()
    way.send("a")
    for minutes in (1, 5, 15, 60, 60):
        way.answer("connection refused")
        way.wait(timedelta(minutes=minutes - 0.1))
        before = len(way.titles())
        way.wait(timedelta(minutes=0.2))
        assert len(way.titles()) == before + 1
    assert [each.issue.code for each in way.given if isinstance(each, IssueRaised)] == ["channel_failing"]
    way.answer()
    assert [each.code for each in way.given if isinstance(each, IssueCleared)] == ["channel_failing"]
    assert way.saved == {}


def test_what_is_over_before_it_could_be_told_is_not_told() -> None:
    way = Way()
    way.send("a")
    way.answer("refused")
    way.send("b")
    way.send("b", "resolved")
    way.send("a", "resolved")
    way.wait(timedelta(hours=3))
    assert way.titles() == ["a opened"]
    assert way.saved == {}


def test_the_end_of_what_was_told_is_told() -> None:
    way = Way()
    way.send("a")
    way.send("a", "resolved")
    way.answer()
    way.answer()
    assert way.titles() == ["a opened", "a resolved"]


def test_of_what_waited_long_many_become_one_message() -> None:
    way = Way()
    way.send("first")
    way.answer("refused")
    for n in range(16):
        way.send(f"m{n}")
    way.wait(timedelta(minutes=2))
    last = [each for each in way.given if isinstance(each, CallOutside)][-1]
    assert last.call.data["title"] == "17 messages"
    assert str(last.call.data["message"]).endswith("and 12 others")


def test_what_was_owed_is_sent_after_a_restart_and_what_is_a_day_old_is_not() -> None:
    way = Way()
    way.send("a")
    way.channels = way.new()
    way.keep(way.channels.restore(dict(way.saved), way.now))
    way.wait(timedelta(minutes=2))
    assert way.titles() == ["a opened", "a opened"]

    way.channels = way.new()
    way.now += timedelta(days=2)
    way.keep(way.channels.restore(dict(way.saved), way.now))
    way.wait(timedelta(minutes=2))
    assert len(way.titles()) == 2


def test_a_channel_that_never_answers_does_not_hold_up_the_rest_for_ever() -> None:
    way = Way()
    way.send("a")
    way.wait(timedelta(minutes=7))
    assert way.titles() == ["a opened", "a opened"]
