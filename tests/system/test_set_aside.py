"""An agent that keeps failing after something was changed goes back to what ran well, says so, and loses nothing."""

import json
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace

from hub_agent.runtime.failures import FAILURES_MAX
from tests.system.conftest import SEEN_WITHIN_S, Hub, scene

MOVIE = scene("Movie", lamp_1="on")
FILM = replace(MOVIE, fields={**MOVIE.fields, "name": "Film"})


def test_what_was_changed_before_the_agent_failed_again_and_again_is_taken_back(hub: Hub) -> None:
    hub.remember(MOVIE)
    with closing(sqlite3.connect(hub.state_dir / "mirror.db")) as mirror:
        mirror.execute("INSERT INTO ran_well SELECT 1, max(entry) FROM definition_history")
        mirror.commit()
    hub.remember(FILM)
    for _ in range(FAILURES_MAX):
        hub.start()
        assert [each["name"] for each in hub.get("scenes")] == ["Film"]
        # As systemd's watchdog does when the loop hangs.
        assert hub.stop(signal.SIGABRT, SEEN_WITHIN_S) == -signal.SIGABRT

    hub.start()

    assert [each["name"] for each in hub.get("scenes")] == ["Movie"]
    assert "“Movie” is set aside" in hub.issues()["definition_set_aside"]
    listed = json.loads(hub.cli("definitions", "list", "scene", "--json").stdout)
    assert [each["name"] for each in listed] == ["Film"]
    # Whoever changes it gives it another chance; here by undoing the change.
    assert hub.cli("definitions", "undo", "scene", "Film").returncode == 0
    assert "definition_set_aside" not in hub.issues()
    assert [each["name"] for each in hub.get("scenes")] == ["Movie"]
