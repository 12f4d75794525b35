"""What every device of the home is, whatever it speaks: it has power or not, is well or not, and some things bring it back."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from tests.simulation.healing.stage import Client

if TYPE_CHECKING:
    from tests.simulation.healing.home import Home

Json = dict[str, Any]
BOOT_S = (6.0, 14.0)


def dumped(body: Any) -> bytes:
    return json.dumps(body).encode()


class Thing(Client):
    """`condition`: well | dozing (says nothing until it is asked) | frozen (does nothing but restart when it is told to)
    | hung (does nothing until its power is taken away) | broken (nothing helps but another one).
    """

    rhythm_s: tuple[float, float] | None = None

    def __init__(self, home: Home, name: str) -> None:
        self.home, self.stage, self.name = home, home.stage, name
        self.chance = random.Random(f"{home.stage.seed}/{name}")
        self.condition = "well"
        self.has_current = True
        self.feeder: Thing | None = None
        self.feeds: list[Thing] = []
        self.is_on = False
        self.boots = 0
        # What others did to it: a remedy in the wrong place is seen here.
        self.was_rebooted = 0
        self.went_off = 0
        self.acts_on_commands = True
        self.loses_commands = 0
        home.things[name] = self

    # Power.

    @property
    def has_power(self) -> bool:
        return self.has_current and (self.feeder is None or (self.feeder.has_power and self.feeder.is_on))

    def feed(self, *things: Thing) -> None:
        self.is_on = True
        for each in things:
            each.feeder = self
            self.feeds.append(each)

    def cut(self) -> None:
        """Somebody pulls it out, or its breaker trips."""
        self._power(current=False)

    def restore_power(self) -> None:
        self._power(current=True)

    def switch(self, *, is_on: bool) -> None:
        """Its own relay: whatever it feeds follows."""
        if is_on == self.is_on:
            return
        before = [each.has_power for each in self.feeds]
        self.is_on = is_on
        self.went_off += not is_on
        self._pass_on(before)

    def _power(self, *, current: bool) -> None:
        had, before = self.has_power, [each.has_power for each in self.feeds]
        self.has_current = current
        self._follow(had=had)
        self._pass_on(before)

    def _pass_on(self, before: list[bool]) -> None:
        for each, had in zip(self.feeds, before, strict=True):
            below = [one.has_power for one in each.feeds] if had else [False] * len(each.feeds)
            each._follow(had=had)
            each._pass_on(below)

    def _follow(self, *, had: bool) -> None:
        if had and not self.has_power:
            self.power_lost()
        elif not had and self.has_power:
            if self.condition in {"hung", "frozen", "dozing"}:
                self.condition = "well"
            self.stage.after(self.chance.uniform(*BOOT_S), self._booted)

    def _booted(self) -> None:
        if self.has_power and self.condition == "well":
            self.boots += 1
            self.booted()

    def reboot(self) -> None:
        """It was told to restart."""
        self.was_rebooted += 1
        self.acts_on_commands = True
        if self.condition in {"frozen", "dozing"}:
            self.condition = "well"
        self.stage.after(self.chance.uniform(*BOOT_S), self._booted)

    @property
    def is_well(self) -> bool:
        return self.condition == "well" and self.has_power

    # Its life.

    def begin(self) -> None:
        """From the home's first moment on."""
        if self.rhythm_s is not None:
            self.stage.after(self.chance.uniform(1, self.rhythm_s[1]), self._tick)

    def _tick(self) -> None:
        assert self.rhythm_s is not None
        self.stage.after(self.chance.uniform(*self.rhythm_s), self._tick)
        if self.is_well:
            self.observe()

    def observe(self) -> None:
        """What it says by itself when its time has come."""

    def booted(self) -> None:
        """It is there again."""

    def power_lost(self) -> None:
        """It is gone without a word."""


class WifiThing(Thing):
    """A client of the broker with a last will; it hangs on the Wi-Fi."""

    online: tuple[str, bytes, bytes] = ("", b"", b"")
    keep_alive_s = 60.0

    def __init__(self, home: Home, name: str) -> None:
        super().__init__(home, name)
        self.is_in_session = True
        self._sessions = 0
        # Its will comes back and goes although nothing is wrong with the rest of the home.
        self.access_point = "wifi"
        home.stage.broker.join(self)

    @property
    def is_reachable(self) -> bool:
        """Its session stands: what is sent arrives."""
        return self.has_power and self.condition not in {"hung", "broken"} and self.home.is_wifi_up

    def begin(self) -> None:
        self.connect()
        super().begin()

    def connect(self) -> None:
        if not self.is_reachable or not self.stage.broker.is_up:
            return
        self._sessions += 1
        self.is_in_session = True
        topic, yes, _ = self.online
        self.stage.broker.publish(topic, yes, retain=True)
        self.announce()

    def announce(self) -> None:
        """What it says whenever it has connected."""

    def say(self, topic: str, body: Any, *, retain: bool = False) -> None:
        if self.is_reachable and self.is_in_session:
            payload = body if isinstance(body, bytes) else dumped(body)
            self.stage.broker.publish(topic, payload, retain=retain)

    def check_session(self) -> None:
        """After whatever may have ended it: its will is told when the broker has waited long enough."""
        if not self.is_reachable and self.is_in_session:
            self.is_in_session = False
            self._sessions += 1
            wait_s = self.keep_alive_s * 1.5 * self.chance.uniform(0.7, 1.0)
            self.stage.after(wait_s, self._tell_will, self._sessions)
        elif self.is_reachable and not self.is_in_session:
            self.stage.after(self.chance.uniform(2, 25), self._reconnect, self._sessions)

    def _tell_will(self, session: int) -> None:
        if session == self._sessions:
            topic, _, no = self.online
            self.stage.broker.publish(topic, no, retain=True)

    def _reconnect(self, session: int) -> None:
        if session == self._sessions:
            self.connect()

    def broker_is_back(self) -> None:
        self.is_in_session = False
        self._sessions += 1
        self.stage.after(self.chance.uniform(1, 20), self._reconnect, self._sessions)

    def fall(self, condition: str) -> None:
        self.condition = condition
        self.check_session()

    def booted(self) -> None:
        self.connect()

    def power_lost(self) -> None:
        self.check_session()

    def reboot(self) -> None:
        self._sessions += 1
        super().reboot()
