"""Whoever asks what goes on between hub and cloud is told in words, whatever goes on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub_agent.core.sync.account import Account, Drain, Drained, Lost
from hub_agent.core.sync.envelope import Refused
from hub_agent.core.sync.telling import ONE_AND_MANY, Disputes, LinkState, Waiting, headline, lines, when
from hub_agent.model.record import STREAMS

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WELL = LinkState(now=NOON, address="https://cloud.example", since=NOON - timedelta(hours=22))
WAITING = (
    Waiting("automation_executions", 1, NOON - timedelta(hours=1)),
    Waiting("device_telemetry", 1204, NOON - timedelta(hours=22)),
)
MONTH_AGO, LONG_AGO = NOON - timedelta(days=30), datetime(2025, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "link, said",
    [
        (WELL, "Online: the cloud has everything."),
        (replace(WELL, waiting=WAITING), "Online: 1,205 records wait to be sent."),
        (replace(WELL, waiting=WAITING[:1]), "Online: 1 record waits to be sent."),
        (replace(WELL, error="A fault."), "Online, with trouble. Nothing waits to be sent. A fault."),
        (
            replace(WELL, is_online=False, waiting=WAITING, error="Upgrade nexa-hub."),
            "Offline: the home goes on. 1,205 records wait to be sent. Upgrade nexa-hub.",
        ),
        (
            replace(WELL, is_online=False),
            "Offline: the home goes on. Nothing waits to be sent. The cloud at https://cloud.example has not answered yet.",
        ),
        (
            replace(WELL, is_claimed=False, is_online=False),
            "This hub is not part of a home in the cloud yet. Set cloud.claim_code to the code shown for your home.",
        ),
    ],
)
def test_the_headline_says_how_the_link_is(link, said) -> None:
    assert headline(link) == said


@pytest.mark.parametrize(
    "link, said",
    [
        (WELL, []),
        (
            replace(WELL, waiting=WAITING),
            [
                "To be sent: 1 run of an automation, the oldest from today 11:00; 1,204 measurements, the oldest from yesterday 14:00."
            ],
        ),
        (
            replace(WELL, waiting=WAITING[1:], drained=Drained(1234.5, 130.0), queued_in_cloud=1000),
            [
                "To be sent: 1,204 measurements, the oldest from yesterday 14:00.",
                "1,000 of them wait in the cloud's queue to be stored.",
                "The cloud takes about 1,200 records a minute; all will be there in about 2 minutes.",
            ],
        ),
        (
            replace(WELL, waiting=(Waiting("energy_usage", 2),), drained=Drained(12.0, None)),
            ["To be sent: 2 energy readings.", "The cloud takes about 12 records a minute."],
        ),
        (replace(WELL, flow="Metered: states are sent once an hour."), ["Metered: states are sent once an hour."]),
        (
            replace(WELL, set_aside=("device_states",)),
            ["The cloud refuses changes of states even alone; they are kept here and tried again every hour."],
        ),
        (
            replace(WELL, refused=(Lost("device_telemetry", "no such device.", 3, NOON, NOON),)),
            ["Refused by the cloud: 3 measurements, the newest today 12:00: no such device."],
        ),
        (
            replace(WELL, refused=(Lost("alerts", "no such device", 1, NOON, NOON),)),
            ["Refused by the cloud: 1 record of alerts, the newest today 12:00: no such device."],
        ),
        (
            replace(
                WELL,
                shed=(
                    Lost("device_states", "the disk was nearly full", 7, NOON, NOON),
                    Lost("device_telemetry", "thinned to 15-minute means", 120_000, LONG_AGO, MONTH_AGO),
                    Lost("energy_usage", "damaged", 2, None, MONTH_AGO),
                ),
            ),
            [
                "Shed here before the cloud had it: 7 changes of states of 23 November (the disk was nearly full).",
                "Shed here before the cloud had it: 120,000 measurements from 1 March 2025 to 24 October (thinned to 15-minute means).",
                "Shed here before the cloud had it: 2 energy readings (damaged).",
            ],
        ),
        (
            replace(WELL, disputes=Disputes(("Movie night", "Hall light"), 1), definitions_owed=2),
            [
                "Changed here and in the cloud, to be decided (nexa-hub sync conflicts): Movie night, Hall light.",
                "1 value gave way when both sides changed something, and can be put back (nexa-hub sync lost).",
                "2 changed definitions wait to be sent.",
            ],
        ),
        (
            replace(WELL, disputes=Disputes(tuple("abcdefg"))),
            ["Changed here and in the cloud, to be decided (nexa-hub sync conflicts): a, b, c, d, e and 2 more."],
        ),
        (
            replace(WELL, compared_at=NOON - timedelta(hours=9), compared="Hub and cloud agree."),
            ["Compared with the cloud today 03:00: Hub and cloud agree."],
        ),
        (
            replace(WELL, is_clock_trusted=False),
            ["This hub does not know the time for certain yet: its records are dated right once it does."],
        ),
    ],
)
def test_what_is_worth_knowing_has_a_sentence_and_what_is_not_has_none(link, said) -> None:
    assert lines(link) == ["Online since yesterday 14:00.", *said]


def test_while_offline_nobody_is_told_how_fast_it_goes_but_when_the_cloud_last_answered() -> None:
    told = lines(
        replace(WELL, is_online=False, waiting=WAITING[:1], drained=Drained(9.0, 9.0), last_contact_at=WELL.since)
    )
    assert told == [
        "Offline since yesterday 14:00.",
        "The cloud last answered yesterday 14:00.",
        "To be sent: 1 run of an automation, the oldest from today 11:00.",
    ]


def test_two_machines_with_one_identity_are_told_first() -> None:
    assert lines(replace(WELL, is_doubled=True))[0].startswith("Another machine sends as this hub")


def test_a_hub_without_a_home_says_no_more_than_what_to_do() -> None:
    assert lines(replace(WELL, is_claimed=False, waiting=WAITING, definitions_owed=3)) == []


def test_days_are_said_as_people_say_them() -> None:
    assert when(NOON, NOON) == "today 12:00"
    assert when(NOON - timedelta(hours=13), NOON) == "yesterday 23:00"
    assert when(NOON - timedelta(days=2), NOON) == "21 November 12:00"
    assert when(LONG_AGO, NOON) == "1 March 2025 00:00"
    assert when(NOON + timedelta(days=1), NOON) == "24 November 12:00"


def test_every_stream_has_words() -> None:
    assert ONE_AND_MANY.keys() == STREAMS.keys()


# How fast.


def test_how_fast_it_goes_is_said_from_the_last_minutes_and_not_before() -> None:
    drain = Drain()
    drain.note(0.0, 0, 10_000)
    drain.note(5.0, 1000, 9000)
    assert drain.drained(5.0) is None
    drain.note(60.0, 6000, 4000)
    assert drain.drained(60.0) == Drained(6000.0, 40.0)


def test_what_grows_as_fast_as_it_goes_has_no_end() -> None:
    drain = Drain()
    drain.note(0.0, 0, 100)
    drain.note(60.0, 60, 100)
    assert drain.drained(60.0) == Drained(60.0, None)


def test_what_came_in_one_go_does_not_count_as_growing() -> None:
    drain = Drain()
    drain.note(0.0, 0, 0)
    drain.note(10.0, 0, 1000)
    drain.note(20.0, 500, 500)
    assert drain.drained(20.0) == Drained(1500.0, 10.0)


def test_what_does_not_move_has_no_speed_and_what_is_through_neither() -> None:
    drain = Drain()
    drain.note(0.0, 50, 100)
    drain.note(60.0, 50, 160)
    assert drain.drained(60.0) is None
    drain.note(70.0, 210, 0)
    assert drain.drained(70.0) is None
    drain.note(1000.0, 210, 30)
    drain.note(1020.0, 230, 10)
    assert drain.drained(1020.0) == Drained(60.0, 10.0)


def test_only_the_last_minutes_count() -> None:
    drain = Drain()
    for second in range(3600):
        drain.note(float(second), second * (1 if second < 3000 else 10), 1_000_000 - second)
    found = drain.drained(3599.0)
    assert found is not None
    assert 590 <= found.per_minute <= 610


# What is kept.


def test_what_was_shed_and_refused_is_kept_over_a_restart_and_forgotten_after_a_month() -> None:
    account = Account()
    shed = [Lost("device_telemetry", "damaged", 5, NOON, NOON), Lost("device_telemetry", "damaged", 7, LONG_AGO, NOON)]
    saves = [
        *account.note_shed(shed),
        *account.note_refused([Refused("alerts", 1, "no such device"), Refused("alerts", 2, "no such room")], NOON),
    ]
    kept = Account({save.key: save.body for save in saves if save.body is not None})
    assert kept.shed(NOON) == [Lost("device_telemetry", "damaged", 12, LONG_AGO, NOON)]
    assert kept.refused(NOON) == [Lost("alerts", "no such room", 2, NOON, NOON)]
    assert kept.shed(NOON + timedelta(days=31)) == kept.refused(NOON + timedelta(days=31)) == []


def test_a_stream_refused_as_a_whole_is_kept_once_and_not_with_each_envelope() -> None:
    account = Account()
    assert account.note_refused([Refused("alerts", None, "unknown")], NOON)
    assert account.note_refused([Refused("alerts", None, "unknown")], NOON) == []
    assert account.refused(NOON)[0].count == 1


def test_what_was_kept_and_makes_no_sense_is_left_out() -> None:
    assert Account({"shed/x/y": {"from_at": "soon"}}).shed(NOON) == []
