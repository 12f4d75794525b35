"""A home with people who want to be told, and what they were told."""

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row


@dataclass
class Household:
    db: psycopg.Connection
    home_id: str
    owner_id: str

    def _insert(self, table: str, values: dict[str, Any], returning: str = "id") -> Any:
        bound = {
            name: json.dumps(value) if isinstance(value, dict | list) and name != "notification_channels" else value
            for name, value in values.items()
        }
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
            sql.Identifier(*table.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, bound)),
            sql.SQL(", ").join(map(sql.Placeholder, bound)),
            sql.Identifier(returning),
        )
        return self.db.execute(statement, bound).fetchone()[0]

    def set_user(self, user_id: str | None = None, **values: Any) -> None:
        for name, value in values.items():
            self.db.execute(
                sql.SQL("UPDATE users SET {} = %s WHERE id = %s").format(sql.Identifier(name)),
                (json.dumps(value) if isinstance(value, dict) else value, user_id or self.owner_id),
            )

    def add_member(
        self, *, role: str = "member", permissions: dict[str, Any] | None = None, is_active: bool = True
    ) -> str:
        user_id = str(uuid.uuid4())
        self.db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (user_id, f"{user_id}@example.com"))
        self._insert("users", {"id": user_id, "email": f"{user_id}@example.com"})
        self._insert(
            "home_members",
            {
                "home_id": self.home_id,
                "user_id": user_id,
                "role": role,
                "permissions": {"view": True} if permissions is None else permissions,
                "is_active": is_active,
            },
        )
        return user_id

    def prefer(self, user_id: str | None = None, *, home_id: str | None = None, **values: Any) -> None:
        self._insert(
            "user_notification_preferences", {"user_id": user_id or self.owner_id, "home_id": home_id, **values}
        )

    def give_addresses(self, user_id: str | None = None, **urls: Any) -> None:
        self.set_user(user_id, preferences={"notify": {"urls": urls}})

    def add_device(self, **values: Any) -> str:
        return str(
            self._insert(
                "devices",
                {"home_id": self.home_id, "device_name": "Hall lamp", "device_type": "light", "is_online": True}
                | values,
            )
        )

    def set_device(self, device_id: str, **values: Any) -> None:
        self.db.execute(
            sql.SQL("UPDATE devices SET {} WHERE id = {}").format(
                sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in values),
                sql.Placeholder("device_id"),
            ),
            {**values, "device_id": device_id},
        )

    def add_rule(self, **values: Any) -> str:
        return str(
            self._insert(
                "alert_rules",
                {"home_id": self.home_id, "rule_name": "warm", "rule_type": "threshold", "conditions": {}} | values,
            )
        )

    def alert(self, alert_type: str = "connectivity_issue", severity: str = "warning", **values: Any) -> str:
        return str(
            self._insert(
                "ts.alerts",
                {
                    "home_id": self.home_id,
                    "alert_type": alert_type,
                    "severity": severity,
                    "title": "Title",
                    "message": "Message",
                    "source_id": str(uuid.uuid4()),
                }
                | values,
            )
        )

    def alerts(self) -> list[dict[str, Any]]:
        return self._rows("SELECT * FROM ts.alerts WHERE home_id = %s ORDER BY time, alert_type", self.home_id)

    def let_pass(self, gone: timedelta) -> None:
        """Makes what the owner was told so much older. Moved, not changed: it may belong into another chunk then."""
        self.db.execute(
            "WITH moved AS (DELETE FROM ts.user_notifications WHERE user_id = %s RETURNING *)"
            " INSERT INTO ts.user_notifications SELECT r.* FROM moved m,"
            " jsonb_populate_record(NULL::ts.user_notifications, to_jsonb(m) || jsonb_build_object('time', m.time - %s)) r",
            (self.owner_id, gone),
        )

    def told(self, user_id: str | None = None, alert_id: str | None = None) -> list[dict[str, Any]]:
        """What a person is told, in the order of channels."""
        rows = self._rows(
            "SELECT * FROM ts.user_notifications WHERE user_id = %s ORDER BY time, channel", user_id or self.owner_id
        )
        return [row for row in rows if alert_id is None or str(row["related_alert_id"]) == alert_id]

    def channels(self, user_id: str | None = None, alert_id: str | None = None) -> set[str]:
        return {row["channel"] for row in self.told(user_id, alert_id)}

    def message(self, channel: str, user_id: str | None = None, alert_id: str | None = None) -> dict[str, Any]:
        (row,) = (row for row in self.told(user_id, alert_id) if row["channel"] == channel)
        return row

    def _rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.db.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, values).fetchall()
