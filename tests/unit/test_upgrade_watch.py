"""When a version that was just installed counts as well, and when the one before comes back."""

from dataclasses import replace

from deploy.upgrade.watch import Limits, Look, Verdict, judge

LIMITS = Limits(watch_s=120, every_s=10, silent_s=60, restarts=2)


def looks(*, live: str, restarts: str = "", broker: bool | None = True) -> list[Look]:
    """One look each ten seconds; `live`: x where it answers."""
    counted = restarts or "0" * len(live)
    return [
        Look(at * 10.0, is_failed=False, restarts=int(counted[at]), is_live=each == "x", has_broker=broker)
        for at, each in enumerate(live)
    ]


def told(seen: list[Look], *, had_broker: bool = True) -> Verdict | None:
    return judge(seen, LIMITS, had_broker=had_broker)


def test_one_that_answers_all_the_time_is_well_at_the_end_and_not_before() -> None:
    assert told(looks(live="x" * 12)) is None
    assert told(looks(live="x" * 13)) == Verdict(is_well=True)


def test_one_that_starts_slowly_or_ends_once_is_waited_for() -> None:
    assert told(looks(live="-----xxxxxxxx")) == Verdict(is_well=True)
    assert told(looks(live="xxx--xxxxxxxxxxx", restarts="0001111111111111")) == Verdict(is_well=True)


def test_one_that_ended_is_watched_as_long_again_from_there() -> None:
    assert told(looks(live="xxx--xxxxxxxxx", restarts="00011111111111")) is None
    slowly = looks(live="x" * 10 + "-xxxxxxxx-", restarts="0" * 10 + "1" * 9 + "2")
    assert told(slowly) == Verdict(is_well=False, reason="it ended by itself 2 times")


def test_one_that_runs_in_safe_mode_is_not_well_however_well_it_answers() -> None:
    first, second = looks(live="xx")
    safe = replace(second, safe_mode="it runs in safe mode")

    assert told([first, safe]) == Verdict(is_well=False, reason="it runs in safe mode")


def test_one_that_never_answers_or_falls_silent_is_not_well() -> None:
    assert told(looks(live="-------")) == Verdict(is_well=False, reason="it has not answered for 60 s")
    assert told(looks(live="xxx------")) == Verdict(is_well=False, reason="it has not answered for 60 s")


def test_one_that_is_silent_just_at_the_end_is_watched_on() -> None:
    assert told(looks(live="xxxxxxxxxxxx-")) is None
    assert told(looks(live="xxxxxxxxxxxx-x")) == Verdict(is_well=True)


def test_one_that_keeps_ending_is_not_well_also_when_systemd_begins_to_count_anew() -> None:
    verdict = told(looks(live="x-x-x", restarts="01100")[:4] + looks(live="x-x-x", restarts="00001")[4:])

    assert verdict == Verdict(is_well=False, reason="it ended by itself 2 times")


def test_one_that_has_failed_is_not_watched_any_longer() -> None:
    failed = Look(0.0, is_failed=True, restarts=0, is_live=False, has_broker=None)

    assert judge([failed], LIMITS, had_broker=False) == Verdict(is_well=False, reason="its service failed")


def test_one_that_lost_the_broker_is_not_well_but_a_home_without_one_is() -> None:
    seen = looks(live="x" * 13, broker=False)

    assert told(seen) == Verdict(is_well=False, reason="it does not reach the broker, which the version before did")
    assert told(seen, had_broker=False) == Verdict(is_well=True)
