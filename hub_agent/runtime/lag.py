"""How late the event loop is: a look a second, which costs next to nothing."""

import asyncio

EVERY_S = 1.0


class LoopLag:
    def __init__(self) -> None:
        self._longest_s = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self._longest_s = max(self._longest_s, loop.time() - due_s)

    def take(self) -> float:
        """The longest since the last time."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return longest_s
