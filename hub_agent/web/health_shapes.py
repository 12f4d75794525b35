"""What the API answers and takes of the home's health."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from hub_agent.web.shapes import Asked, Shape, Whole

Named = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class OpenIssue(Shape):
    code: str = Field(examples=["device_silent"])
    severity: Literal["info", "warning", "error", "critical"]
    title: str
    text: str
    since: datetime | None = None


class AttemptAnswer(Shape):
    id: str
    remedy: str = Field(examples=["reboot_device"])
    words: str = Field(examples=["restarting it"])
    risk: str
    is_question: bool = Field(description="It waits for a person's yes or no.")
    since: datetime | None
    until: datetime


class TriedAnswer(Shape):
    remedy: str
    words: str
    count: int
    at: datetime | None


class CauseAnswer(Shape):
    id: str
    name: str


class NextAnswer(Shape):
    text: str
    at: datetime | None


class TroubleAnswer(Shape):
    """What is wrong, what was tried and what is next. `cause`: the device whose trouble this is."""

    since: datetime
    since_words: str = Field(description="in the home's time")
    issues: list[OpenIssue]
    cause: CauseAnswer | None
    tried: list[TriedAnswer]
    attempt: AttemptAnswer | None
    is_told: bool
    next: NextAnswer


class DeviceHealthAnswer(Shape):
    id: str
    name: str
    room: str | None
    device_type: str
    score: int
    state: Literal["asks", "troubled", "treated", "held", "well"]
    why: list[str]
    battery_level: int | None
    issues: list[OpenIssue]
    trouble: TroubleAnswer | None


class HomeHealth(Shape):
    score: int
    causes: list[str]
    issues: list[OpenIssue]


class HomeHealthAnswer(Shape):
    home: HomeHealth
    devices: list[DeviceHealthAnswer] = Field(description="What needs somebody first.")


class FactorAnswer(Shape):
    factor: str
    part: str
    points: float
    text: str


class RemedyAnswer(Shape):
    remedy: str
    words: str
    risk: str
    interrupts: bool
    chance: float
    verdict: Literal["now", "asks", "not_now", "waits", "spent", "never", "unfit"]
    reasons: list[str]
    at: datetime | None
    is_next: bool
    touches: list[str]


class DeviceHealthDetails(DeviceHealthAnswer):
    parts: dict[str, int | None]
    factors: list[FactorAnswer]
    recommendations: list[str]
    plan: list[RemedyAnswer]
    wishes: dict[str, Any]


class PlanAnswer(Shape):
    device_id: str
    name: str
    symptom: str | None
    remedies: list[RemedyAnswer]


class RateAnswer(Shape):
    remedy: str
    words: str
    of: Literal["all", "model", "device"]
    name: str | None
    tried: int
    helped: int


class HealingAnswer(Shape):
    id: str
    at: datetime | None
    device_id: str
    name: str | None
    issue: str | None
    remedy: str
    words: str
    status: str
    outcome: str = Field(examples=["it helped"])
    is_resolved: bool
    ended_at: datetime | None
    error: str | None


class WishesAnswer(Shape):
    id: str
    name: str
    wishes: dict[str, Any]


class AnswerRequest(Asked):
    is_approved: bool


class AnsweredAnswer(Shape):
    id: str
    is_approved: bool


class AttemptRequest(Asked):
    """`is_forced`: also in quiet hours, and on what is in use. What must never be touched is not."""

    remedy: Named
    is_forced: bool = False


class AttemptedAnswer(Shape):
    device_id: str
    remedy: str
    words: str


class DeviceWishes(Asked):
    """What is not named stays; null takes it back."""

    never_touch: bool | None = Field(None, description="A freezer, a medical device: nothing is ever tried on it.")
    ask_first: bool | None = None
    powered_by: Named | None = Field(None, description="The plug that feeds it, by id or name.")
    hangs_on: Annotated[list[Named], Field(max_length=8)] | None = Field(None, description="What it cannot do without.")


class QuietHours(Asked):
    model_config = ConfigDict(populate_by_name=True)

    from_: TimeOfDay = Field(alias="from", examples=["22:00"])
    to: TimeOfDay = Field(examples=["07:00"])


class HomeWishes(Asked):
    """What is not named stays. `back`: what is taken back, so that the default holds again."""

    risk: Literal["none", "low", "medium", "high"] | None = Field(
        None, description="The most that is taken without asking; null: as the catalogue has it for each remedy."
    )
    quiet_hours: QuietHours | None = Field(
        None, description="In which nothing is tried that people notice; null: none."
    )
    devices_per_hour: Annotated[Whole, Field(ge=0, le=1000)] | None = None
    back: list[Literal["risk", "quiet_hours", "devices_per_hour"]] = Field([])
