"""What takes seconds of hard work is done beside the agent, not in its way."""

import threading
import time

from hub_agent.store import archive
from tests.unit.store.test_archive import NOW, OPEN_SESAME, a_hub


async def test_the_home_goes_on_while_a_backup_is_encrypted_and_read_back(tmp_path) -> None:
    await a_hub(tmp_path / "hub")
    longest, is_over = 0.0, threading.Event()

    def live() -> None:
        nonlocal longest
        last = time.monotonic()
        while not is_over.wait(0.005):
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    home = threading.Thread(target=live)
    home.start()
    began = time.monotonic()
    archive.make(archive.Source(tmp_path / "hub"), tmp_path / "b", OPEN_SESAME, NOW)
    took = time.monotonic() - began
    is_over.set()
    home.join()

    assert longest < took / 4
