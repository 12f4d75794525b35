"""How the hub is, as the API says it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from hub_agent.web.safe_mode import SafeModeAnswer
from hub_agent.web.shapes import Shape, SyncAnswer


class AgentAnswer(Shape):
    version: str
    pid: int
    started_at: datetime
    uptime_s: float
    memory_bytes: int


class HomeAnswer(Shape):
    id: str
    name: str
    timezone: str


class BrokerAnswer(Shape):
    address: str
    is_connected: bool


class CountsAnswer(Shape):
    devices: int
    entities: int
    automations: int
    scenes: int
    issues: int


class ClockAnswer(Shape):
    now: datetime
    is_trusted: bool


class InboxAnswer(Shape):
    waiting: int
    handled: int
    rejected: int


class FigureAnswer(Shape):
    name: str = Field(examples=["cpu_temperature"])
    value: float = Field(examples=[52.3])
    unit: str = Field(examples=["celsius"])


class VitalsAnswer(Shape):
    """How the hub itself is. `starts`: of its program, within the hour and the day."""

    measured_at: datetime | None = None
    figures: list[FigureAnswer]
    troubles: list[str] = Field(examples=[["hub_hot"]])
    starts: dict[str, int] = Field(examples=[{"hour": 0, "day": 1}])


class WayAnswer(Shape):
    address: str = Field(examples=["192.168.1.1"])
    is_open: bool
    latency_ms: float | None = None
    loss_percent: float | None = None
    reason: str = Field(examples=["it does not answer"])


class WaysAnswer(Shape):
    """The ways from the hub: router, dns, internet, cloud, broker, as far as there are such. `broken`: the nearest that lastingly is."""

    measured_at: datetime | None = None
    broken: str | None = None
    ways: dict[str, WayAnswer]


class CertificateAnswer(Shape):
    """The page's certificate, as far as it is known. `names` is None before the hub's own is made, which is when somebody first asks."""

    names: list[str] | None = Field(examples=[["hub", "hub.local", "192.168.1.20"]])
    until: datetime | None
    fingerprint: str | None = Field(description="SHA-256 of the hub's own authority, to compare when it is trusted.")
    problem: str | None = Field(description="Why there is none, or why the last one stays in force.")


class PageAnswer(Shape):
    """How the page is reached. `plain`: also without TLS."""

    tls: Literal["own", "given", "off"]
    plain: bool
    certificate: CertificateAnswer | None


class StatusAnswer(Shape):
    agent: AgentAnswer
    home: HomeAnswer
    broker: BrokerAnswer
    cloud: SyncAnswer
    counts: CountsAnswer
    clock: ClockAnswer
    inbox: InboxAnswer
    safe_mode: SafeModeAnswer | None
    vitals: VitalsAnswer
    ways: WaysAnswer
    page: PageAnswer
