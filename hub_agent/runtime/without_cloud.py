"""What is said of the link to the cloud where there is none."""

from hub_agent.model.json import JsonObject


def without_cloud() -> JsonObject:
    return {
        "is_claimed": False,
        "is_online": False,
        "streams": [],
        "waiting": 0,
        "definitions_owed": 0,
        "lines": [],
        "text": "No cloud is configured: this hub stays at home. Set cloud.url to change that.",
    }
