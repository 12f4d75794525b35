"""The part of the fake door where forecasts are read."""

from typing import Any

AT = "2026-06-01T12:00:00+00:00"


class FakeForecasts:
    def forecasts(self) -> Any:
        return {
            "predictions": [
                {
                    "device_id": "d1",
                    "device_name": "Bedside",
                    "failure_type": "battery_death",
                    "confidence_level": 0.91,
                    "predicted_failure_date": "2026-06-20T00:00:00+00:00",
                    "earliest_failure_date": "2026-06-14T00:00:00+00:00",
                    "latest_failure_date": "2026-06-29T00:00:00+00:00",
                    "recommended_maintenance": "Put a new battery into Bedside before it is empty.",
                },
                {
                    "device_id": "d2",
                    "device_name": "Shed",
                    "failure_type": "offline_imminent",
                    "confidence_level": 0.9,
                    "recommended_maintenance": "Bring Shed nearer to its bridge.",
                },
            ],
            "anomalies": [
                {
                    "device_id": "d3",
                    "device_name": "Fridge",
                    "description": "Fridge has used 140 Wh an hour for 6 hours; at these hours 50 Wh are usual.",
                }
            ],
            "insights": [
                {
                    "device_id": "d4",
                    "device_name": "Lamp",
                    "description": "Lamp was on for about 9 hours a day last week while nothing moved in its room.",
                    "recommended_action": "Let an automation switch it off.",
                }
            ],
            "patterns": [{"device_id": "d4", "device_name": "Lamp", "pattern_name": "Lamp: every day 19:00 to 22:00"}],
            "batteries": [
                {"device_id": "d1", "name": "Bedside", "level": 18, "days_left": 19},
                {"device_id": "d5", "name": "Door", "level": 77, "days_left": None},
            ],
            "models": [
                {
                    "id": "m",
                    "name": "battery_empty",
                    "version": "1.0.0",
                    "algorithm": "theil_sen",
                    "parameters": {"horizon_days": 56.0},
                    "description": "When a battery will be empty.",
                }
            ],
            "at": AT,
        }
