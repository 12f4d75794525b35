"""Who owns which column of a definition, and what holds when both sides changed one."""

from collections.abc import Mapping

from hub_agent.model.definition import CATALOGUE_KINDS
from hub_agent.model.json import JsonObject, JsonValue

# Rows that others point at go first.
KINDS = (
    "home",
    "room",
    "device",
    "scene",
    "automation",
    "device_group",
    "alert_rule",
    "network_access_rule",
    "home_member",
    "ecosystem",
    "brand",
    "device_model",
    "self_healing_action",
    "ml_model",
)
# The same for all homes.
SHARED_KINDS = frozenset({"self_healing_action", "ml_model"}) | CATALOGUE_KINDS
# What only the cloud decides: never owed to it.
DOWN_KINDS = frozenset({"network_access_rule", "home_member"}) | SHARED_KINDS
# Within a kind that goes both ways; `latitude` and `longitude` are how a hub has the coordinates.
CLOUD_COLUMNS: Mapping[str, frozenset[str]] = {
    "home": frozenset({"coordinates", "latitude", "longitude", "is_active", "owner_id", "owner_name"}),
    "device": frozenset(
        {"installed_at", "installed_by", "warranty_expires_at", "purchase_date", "purchase_price"},
    ),
    "scene": frozenset({"created_by"}),
    "automation": frozenset({"created_by"}),
    "alert_rule": frozenset({"created_by"}),
}

MANUAL_COLUMNS: Mapping[str, frozenset[str]] = {
    "automation": frozenset(
        {"triggers", "conditions", "actions", "execution_mode", "schedule_type", "schedule_config"},
    ),
    "scene": frozenset({"device_states"}),
}
HUB_COLUMNS: Mapping[str, frozenset[str]] = {
    "device": frozenset(
        {
            "manufacturer_device_id",
            "ecosystem_device_id",
            "mac_address",
            "primary_protocol",
            "supported_protocols",
            "power_source",
            "capabilities",
            "integration_platform",
            "network_ssid",
            "brand",
            "model",
        }
    ),
}
_ROW_COLUMNS = frozenset({"id", "home_id", "created_at", "updated_at", "deleted_at", "search_vector"})
# What is observed goes up as the present, never as a version.
OBSERVED_COLUMNS: Mapping[str, frozenset[str]] = {
    "device": frozenset(
        {
            "ip_address",
            "connectivity_status",
            "signal_strength",
            "firmware_version",
            "firmware_update_available",
            "latest_firmware_version",
            "last_firmware_update_at",
            "battery_level",
            "battery_voltage",
            "is_charging",
            "health_score",
            "is_online",
            "last_seen_at",
            "last_event_at",
            "error_count",
            "warning_count",
        }
    ),
    "automation": frozenset(
        {
            "health_status",
            "last_health_check_at",
            "failure_count",
            "success_count",
            "last_executed_at",
            "last_execution_status",
            "last_execution_duration_ms",
            "total_executions",
        }
    ),
    "scene": frozenset({"activation_count", "last_activated_at", "is_synced", "sync_status"}),
    "alert_rule": frozenset({"alert_count", "last_triggered_at"}),
    "network_access_rule": frozenset({"hit_count", "last_hit_at"}),
    "ml_model": frozenset({"accuracy", "precision_score", "recall_score", "f1_score", "auc_roc"}),
    "self_healing_action": frozenset({"average_success_rate", "total_executions", "total_successes"}),
}


def owned(kind: str, fields: JsonObject) -> dict[str, JsonValue]:
    """Only the columns that are decided, not observed, as plain JSON."""
    observed = OBSERVED_COLUMNS.get(kind, frozenset())
    return {name: _plain(value) for name, value in fields.items() if name not in observed and name not in _ROW_COLUMNS}


def _plain(value: JsonValue) -> JsonValue:
    """Lists and dicts all the way down, so that what is equal compares equal."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
