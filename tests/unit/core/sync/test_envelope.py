"""What goes into an envelope, and what is believed of the answer."""

from datetime import UTC, datetime

import orjson
import pytest

from hub_agent.core.sync.changes import read_changes
from hub_agent.core.sync.definitions import OwedDefinition
from hub_agent.core.sync.envelope import (
    Allowance,
    ClockReading,
    Envelope,
    Sender,
    encoded_columns,
    in_order,
    is_answer,
    read_answer,
)
from hub_agent.core.sync.isolation import SET_ASIDE_S, Isolation
from hub_agent.core.sync.present import has_news, news
from hub_agent.ports import Gap, RecordBatch

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENDER = Sender("hub", "mirror", 1, "0.1.0")
CLOCK = ClockReading(True, "boot", 5, NOON)


def envelope(**parts) -> Envelope:
    return Envelope(SENDER, CLOCK, **parts)


def test_bulk_streams_travel_as_columns_and_the_others_as_rows() -> None:
    readings = RecordBatch("device_telemetry", 4, [{"value": 1.0}, {"value": 2.0, "unit": "%"}])
    states = RecordBatch("device_states", 7, [{"state": {}}])
    document = orjson.loads(envelope(batches=(readings, states)).encode())
    assert document["streams"] == {
        "device_telemetry": {"lane": "live", "first": 4, "columns": {"unit": [None, "%"], "value": [1.0, 2.0]}},
        "device_states": {"lane": "live", "first": 7, "rows": [{"state": {}}]},
    }


def test_columns_encoded_one_by_one_come_to_the_same() -> None:
    readings = RecordBatch(
        "device_telemetry", 4, [{"value": 1.0, "unit": "\0"}, {"value": NOON}], is_clock_trusted=False
    )
    states = RecordBatch("device_states", 7, [{"state": {}}])
    whole = envelope(batches=(readings, states))
    columns = {batch.stream: dict(encoded_columns(batch)) for batch in whole.batches}
    assert sorted(columns["device_telemetry"]) == ["unit", "value"]
    assert whole.encode(columns) == whole.encode()
    with pytest.raises(TypeError):
        dict(encoded_columns(RecordBatch("device_telemetry", 1, [{"value": 2**70}])))


def test_broken_text_elsewhere_leaves_columns_that_are_encoded_already_as_they_are() -> None:
    readings = RecordBatch("device_telemetry", 4, [{"value": 1.0}, {"value": 2.0}])
    whole = envelope(batches=(readings, RecordBatch("device_states", 7, [{"state": {"name": "\ud800"}}])))
    columns = {"device_telemetry": dict(encoded_columns(whole.batches[0]))}
    assert whole.encode(columns) == whole.encode()
    assert orjson.loads(whole.encode(columns))["streams"]["device_telemetry"]["columns"] == {"value": [1.0, 2.0]}


def test_records_dated_by_a_clock_nobody_trusts_say_so() -> None:
    batch = RecordBatch("device_states", 1, [{}], is_clock_trusted=False)
    assert orjson.loads(envelope(batches=(batch,)).encode())["streams"]["device_states"]["clock_trusted"] is False


def test_text_and_numbers_that_json_or_the_database_cannot_hold_are_mended() -> None:
    row = {"a": "x\0y", "b": "\\u0000", "c": "\ud800", "d": 2**70, "e": float("nan"), "f": "\\\0"}
    sent = orjson.loads(envelope(batches=(RecordBatch("device_states", 1, [row]),)).encode())
    assert sent["streams"]["device_states"]["rows"] == [
        {"a": "x\ufffdy", "b": "\\u0000", "c": "?", "d": str(2**70), "e": None, "f": "\\\ufffd"}
    ]


def test_the_critical_goes_before_the_bulk() -> None:
    streams = ["device_telemetry", "strange", "device_states", "automation_executions"]
    assert in_order(streams) == ["automation_executions", "device_states", "device_telemetry", "strange"]


def test_a_mark_is_believed_only_up_to_what_was_sent() -> None:
    sent = envelope(batches=(RecordBatch("device_states", 4, [{}, {}]),))
    answer = read_answer(
        {"marks": {"device_states": 9, "device_telemetry": 3}}, sent, {"device_states": 20, "device_telemetry": 3}
    )
    assert answer.marks == {"device_states": 5}
    assert answer.beyond == {}


def test_a_mark_of_records_never_made_is_told_apart() -> None:
    sent = envelope(batches=(RecordBatch("device_states", 4, [{}, {}]),))
    answer = read_answer({"marks": {"device_states": 50}}, sent, {"device_states": 5})
    assert answer.marks == {}
    assert answer.beyond == {"device_states": 50}


def test_a_mark_below_what_was_confirmed_is_told_apart() -> None:
    sent = envelope(batches=(RecordBatch("device_states", 4, [{}, {}]),))
    assert read_answer({"marks": {"device_states": 1}}, sent, {"device_states": 5}).missing == {"device_states": 1}


def test_a_gap_counts_as_told() -> None:
    sent = envelope(gaps=(Gap("device_states", 1, 7, 7, "disk_full"),))
    assert read_answer({"marks": {"device_states": 7}}, sent, {"device_states": 7}).marks == {"device_states": 7}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"marks": None, "refused": 3, "definitions": {}, "limits": [], "server_time": 5, "pause_s": "x", "cases": "y"},
        {"marks": {"device_states": -1}, "refused": [None], "definitions": [None, {}], "cases": [7]},
        {
            "marks": {"device_states": 1.5},
            "server_time": "2026-03-01T12:00:00",
            "pause_s": -5,
            "limits": {"rows_max": "all"},
        },
        {"marks": {"device_states": True}, "server_time": "never", "pause_s": True},
    ],
)
def test_an_answer_that_makes_no_sense_confirms_nothing(answer) -> None:
    sent = envelope(
        batches=(RecordBatch("device_states", 1, [{}]),), definitions=(OwedDefinition("room", "r", None, {}),)
    )
    read = read_answer(answer, sent, {"device_states": 1})
    assert (dict(read.marks), read.definitions, read.server_time, read.pause_s, read.rows_max) == (
        {},
        (),
        None,
        0.0,
        None,
    )


def test_answers_about_definitions_that_were_not_sent_are_left_out() -> None:
    sent = envelope(definitions=(OwedDefinition("room", "r", None, {}),))
    answers = [{"entity_type": "room", "id": each, "version": 1, "status": "synced"} for each in ("r", "other")]
    assert [each.id for each in read_answer({"definitions": answers}, sent, {}).definitions] == ["r"]


def test_the_cloud_may_lower_what_is_sent_at_a_time_and_not_raise_it() -> None:
    assert Allowance().within(100, 20_000) == Allowance(100, 20_000)
    assert Allowance().within(10**9, 10**12) == Allowance()
    assert Allowance().within(0, 0).rows == 1


def test_of_the_present_only_what_is_new_goes_up() -> None:
    told = {"devices": {"a": {"is_online": True}, "b": {"is_online": True}}}
    present = {"devices": {"a": {"is_online": False}, "b": {"is_online": True}}, "hub": {"waiting": {}}}
    assert news(present, told)["devices"] == {"a": {"is_online": False}}
    assert has_news(present, told)
    assert not has_news(told, told)


def test_a_refused_envelope_is_taken_apart_until_one_row_stands_alone() -> None:
    search = Isolation()
    search.refused({"device_states", "device_telemetry"}, 10, 0.0)
    assert search.wants("device_states", 0.0)
    assert not search.wants("device_telemetry", 0.0)
    search.refused({"device_states"}, 3, 0.0)
    assert search.wants("present", 0.0)
    assert not search.wants("device_states", 0.0)
    search.passed({"present"})
    assert search.wants("device_telemetry", 0.0)
    search.passed({"device_telemetry"})
    search.passed({"device_telemetry"})
    assert search.wants("device_states", 0.0)
    assert search.allowance.rows == 1
    search.refused({"device_states"}, 1, 0.0)
    assert search.set_aside == ["device_states"]
    assert not search.is_searching
    assert not search.wants("device_states", SET_ASIDE_S - 1)
    assert search.wants("device_states", SET_ASIDE_S)


def test_what_comes_down_is_believed_as_far_as_it_makes_sense() -> None:
    heard = read_changes(
        {
            "cursor": "7.1.x",
            "home": {"id": "h", "name": "Home", "version": 2, "latitude": 1.0},
            "changes": [
                {"entity_type": "room", "id": "r", "version": 1, "deleted": False, "fields": {"name": "Hall"}},
                {"entity_type": "room", "id": "s", "version": 2, "deleted": True, "fields": {}},
                {
                    "entity_type": "home",
                    "id": "h",
                    "version": 2,
                    "fields": {"coordinates": {"latitude": 1.0, "longitude": 2.0}},
                },
                {"entity_type": "room", "id": 5, "version": 1, "fields": {}},
                {"entity_type": "room", "id": "t", "version": 0, "fields": {}},
                "nonsense",
            ],
            "commands": [
                {"id": "c", "kind": "diagnose", "payload": {}, "expires_at": "2026-03-01T12:00:05+00:00"},
                {"id": "d", "kind": "diagnose", "payload": None, "expires_at": "2026-03-01T11:00:00+00:00"},
                {"id": "e", "kind": "diagnose", "payload": {}},
            ],
            "server_time": "2026-03-01T12:00:00+00:00",
        },
        NOON,
    )
    assert [(each.definition.id, each.definition.is_deleted) for each in heard.definitions] == [
        ("r", False),
        ("s", True),
        ("h", False),
    ]
    assert heard.definitions[2].definition.fields == {"latitude": 1.0, "longitude": 2.0}
    assert [(each.id, each.is_expired) for each in heard.commands] == [("c", False), ("d", True)]
    assert heard.unread == 4
    assert heard.home.fields == {"name": "Home", "latitude": 1.0}


@pytest.mark.parametrize("answer", [{}, {"marks": None}, {"marks": [1]}, {"marks": {"device_states": "many"}}])
def test_what_has_no_marks_that_can_be_is_no_answer_of_the_cloud(answer) -> None:
    assert is_answer({"marks": {}})
    assert not is_answer(answer)
