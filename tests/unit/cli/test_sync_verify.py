"""`nexa-hub sync verify`: what came of it in words, as a table and as JSON."""


def test_what_came_of_it_is_told_in_words_and_by_stream(nexa, door) -> None:
    said = nexa("sync", "verify", "--days", "3")
    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[0].startswith("2026-02-22 to 2026-03-01: 5,000 records of this hub were compared. 12 were missing")
    assert lines[1].split() == ["STREAM", "RECORDS", "MISSING", "REPAIRED", "REFUSED", "STILL", "DIFFERENT"]
    assert lines[2].split() == ["device_telemetry", "5000", "12", "9", "2", "1"]
    assert lines[3] == "refused in the cloud: 2 of device_telemetry: value out of range"
    assert door.asked[-1] == ("verify", None, "3")


def test_the_same_as_json_of_one_stream(nexa, door) -> None:
    said = nexa("sync", "verify", "--stream", "device_states", "--json")
    assert said.json()["is_agreed"] is False
    assert door.asked[-1] == ("verify", "device_states", "8")


def test_what_is_wrong_with_the_question_is_told(nexa, door) -> None:
    said = nexa("sync", "verify", "--stream", "dreams")
    assert said.code == 1
    assert "There is no stream dreams." in said.err
    assert door.asked == []
