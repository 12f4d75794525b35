"""The models, as `ml_models` has them: what each is, and the parameters that the cloud may set within bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from hub_agent.core.expectation import number_in
from hub_agent.model.json import JsonObject

_CATALOGUE = uuid5(NAMESPACE_URL, "https://nexa.example/ml_models")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of a model's `hyperparameters`."""

    name: str
    default: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    model_type: str
    version: str
    algorithm: str
    description: str
    parameters: tuple[Parameter, ...]

    @property
    def id(self) -> str:
        """Its row in the central catalogue."""
        return str(uuid5(_CATALOGUE, self.name))

    @property
    def defaults(self) -> dict[str, float]:
        return {each.name: each.default for each in self.parameters}

    def read(self, hyperparameters: object) -> tuple[dict[str, float], list[str]]:
        """The parameters to use, and what was wrong with those that were sent. One that is wrong takes all back to the defaults:
        they only make sense together. What nobody knows here is for other hubs.
        """
        if hyperparameters is None:
            return self.defaults, []
        if not isinstance(hyperparameters, Mapping):
            return self.defaults, ["hyperparameters is not an object"]
        wrong: list[str] = []
        values = self.defaults
        for each in self.parameters:
            if each.name not in hyperparameters:
                continue
            number = number_in(hyperparameters[each.name])
            if number is None or not each.low <= number <= each.high:
                wrong.append(f"{each.name} must be between {each.low:g} and {each.high:g}")
            else:
                values[each.name] = number
        return (self.defaults, wrong) if wrong else (values, [])

    def as_json(self, values: Mapping[str, float]) -> JsonObject:
        return {"name": self.name, "version": self.version, "algorithm": self.algorithm, "parameters": dict(values)}


BATTERY = Model(
    "battery_empty",
    "predictive_failure",
    "1.0.0",
    "theil_sen",
    "When a battery will be empty: the median slope between its daily medians since it was put in.",
    (
        Parameter("horizon_days", 56, 7, 180),  # nothing is said of what is farther away
        Parameter("min_days", 14, 7, 60),  # that a battery is known
        Parameter("min_drop", 6, 2, 30),  # per cent that it has lost since
        Parameter("confidence_min", 0.7, 0.5, 0.99),
        Parameter("empty_at", 5, 0, 20),  # per cent, where devices stop
        Parameter("replaced_rise", 20, 10, 60),  # per cent, that a new battery is better by
        Parameter("tell_days", 28, 1, 180),  # ahead, when people are told
    ),
)
LINK = Model(
    "link_decline",
    "predictive_failure",
    "1.0.0",
    "poisson_rate_and_theil_sen",
    "Whether a device is about to lose its connection: dropouts of a week against the weeks before, and the slope of its signal.",
    (
        Parameter("horizon_days", 28, 7, 90),
        Parameter("min_days", 21, 14, 56),
        Parameter("dropouts_min", 7, 3, 100),  # in a week
        Parameter("dropouts_times", 4, 2, 50),  # as many as before
        Parameter("signal_drop", 15, 5, 50),  # points of its scale
        Parameter("weak_percent", 10, 1, 40),
        Parameter("weak_dbm", -90, -110, -60),
        Parameter("confidence_min", 0.8, 0.5, 0.99),
    ),
)
ENERGY = Model(
    "energy_hour_of_week",
    "anomaly_detection",
    "1.0.0",
    "median_and_mad",
    "Whether a device that is regular uses much more or less than in the same hour of past weeks, for hours on end.",
    (
        Parameter("weeks_min", 4, 3, 6),
        Parameter("band", 4, 2, 20),  # in scatters of that hour
        Parameter("hours", 6, 3, 48),  # on end
        Parameter("floor_wh", 20, 1, 1000),  # less is no matter
        Parameter("irregular_max", 0.03, 0, 0.2),  # share of a device's hours that may be out of the band
    ),
)
USAGE = Model(
    "usage_windows",
    "usage_pattern",
    "1.0.0",
    "share_of_days_per_half_hour",
    "When a device or a room is normally used: half hours in which that was so on most of the days of six weeks.",
    (
        Parameter("share", 0.7, 0.5, 1),  # of the days
        Parameter("days_min", 8, 4, 30),
    ),
)
MODELS = (BATTERY, LINK, ENERGY, USAGE)
