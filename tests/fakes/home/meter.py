"""An electricity meter behind a gateway that speaks Home Assistant discovery, one entity per message."""

import random
from datetime import datetime, timedelta

from hub_agent.model.report import Publication
from tests.fakes.home.curves import presence
from tests.fakes.home.peer import Json, read_lines, say


class Meter:
    name = "CE301_00123456"
    rhythm_s = (10.0, 12.0)
    subscriptions: tuple[str, ...] = ()
    will = say(f"homeassistant/binary_sensor/{name}/{name}_IS_ONLINE/state", {"value": "OFF"}, retain=True, qos=1)

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        self._configs: list[Json] = [line["payload"] for line in read_lines("energomera.jsonl")]
        self._rng = random.Random(f"{seed}/{self.name}")
        self._pace = pace
        self._reports_at: datetime | None = None
        self._energy_kwh = 16377.2

    def start(self, now: datetime) -> list[Publication]:
        self._reports_at = now + timedelta(seconds=self._rng.uniform(1, 4) / self._pace)
        configs = [say(f"{_base(config)}/config", config, retain=True) for config in self._configs]
        return [*configs, say(self.will.topic, {"value": "ON"}, retain=True)]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        return []

    def get_timer(self) -> datetime | None:
        return self._reports_at

    def handle_timer(self, now: datetime) -> list[Publication]:
        if self._reports_at is None or now < self._reports_at:
            return []
        interval_s = self._rng.uniform(*self.rhythm_s) / self._pace
        self._reports_at = now + timedelta(seconds=interval_s)
        measured = self._measured(now, interval_s)
        said = []
        for config in self._configs:
            register = str(config["unique_id"]).removeprefix(f"{self.name}_")
            if register in measured:
                said.append(say(f"{_base(config)}/state", {"value": measured[register]}))
        return said

    def _measured(self, now: datetime, interval_s: float) -> dict[str, str]:
        power_kw = [0.12 + 0.9 * presence(now) * self._rng.uniform(0.6, 1.2) * share for share in (1.0, 0.6, 0.3)]
        voltage = [self._rng.uniform(228, 236) for _ in power_kw]
        self._energy_kwh += sum(power_kw) * interval_s / 3600
        by_phase = {
            **{f"POWPP_{n}": f"{kw:.3f}" for n, kw in enumerate(power_kw)},
            **{f"VOLTA_{n}": f"{volts:.2f}" for n, volts in enumerate(voltage)},
            **{
                f"CURRE_{n}": f"{kw * 1000 / volts:.2f}"
                for n, (kw, volts) in enumerate(zip(power_kw, voltage, strict=True))
            },
        }
        return {
            **by_phase,
            "POWEP": f"{sum(power_kw):.3f}",
            "ET0PE": f"{self._energy_kwh:.2f}",
            "ECMPE": f"{self._energy_kwh - 16200:.2f}",
            "ECDPE": f"{self._energy_kwh - 16370:.2f}",
            "VNULL": "0",
            "FREQU": f"{self._rng.uniform(49.96, 50.04):.2f}",
            "CYCLE_DURATION": f"{self._rng.uniform(6, 7):.1f}",
        }


def _base(config: Json) -> str:
    return str(config["state_topic"]).removesuffix("/state")
