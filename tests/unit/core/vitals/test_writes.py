"""What is written a day is known after ten minutes, and is of the last day."""

from datetime import UTC, datetime, timedelta

from hub_agent.core.vitals.writes import MEBIBYTE, Writes
from hub_agent.model.measured import HubMeasured

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def lived(minutes: int, agent_a_minute: float, writes: Writes | None = None, card_a_minute: float = 0) -> Writes:
    writes = writes or Writes()
    for minute in range(minutes + 1):
        measured = HubMeasured(
            agent_written_bytes=int(minute * agent_a_minute), card_written_bytes=int(minute * card_a_minute)
        )
        writes.note(measured, NOON + minute * MINUTE)
    return writes


def test_it_is_told_after_ten_minutes_of_the_hub_and_of_the_whole_machine() -> None:
    assert Writes().figures() == []
    assert lived(9, MEBIBYTE).figures() == []
    assert lived(10, MEBIBYTE, card_a_minute=2 * MEBIBYTE).figures() == [
        ("agent_writes_a_day", 1440.0, "mebibytes"),
        ("card_writes_a_day", 2880.0, "mebibytes"),
    ]


def test_it_is_of_the_last_day() -> None:
    writes = Writes()
    for hour in range(100):
        total = min(hour, 50) * 10 * MEBIBYTE
        writes.note(HubMeasured(agent_written_bytes=total), NOON + timedelta(hours=hour))

    assert writes.figures() == [("agent_writes_a_day", 0.0, "mebibytes")], "nothing since two days"


def test_a_clock_that_is_set_changes_nothing() -> None:
    writes = lived(30, MEBIBYTE)
    writes.handle_clock_step(timedelta(days=365))
    writes.note(HubMeasured(agent_written_bytes=60 * MEBIBYTE), NOON + 60 * MINUTE + timedelta(days=365))

    assert writes.figures() == [("agent_writes_a_day", 1440.0, "mebibytes")]


def test_a_machine_that_does_not_tell_has_no_figure() -> None:
    writes = Writes()
    for minute in range(20):
        writes.note(HubMeasured(), NOON + minute * MINUTE)

    assert writes.figures() == []
