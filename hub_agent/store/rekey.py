"""Makes the ids of the hub's own finding again when it becomes part of a home.

Before the claim a hub lives in a random home of its own, and its devices and rooms have ids made from that. Made from the claimed
home they are the same on every hub that ever stands there. Ids stand as text in many bodies; being UUIDs they can be replaced as text.
"""

import zlib
from collections.abc import Callable, Mapping
from sqlite3 import Connection

from hub_agent.core.inventory import device_id_in, room_id_in
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.ids import HomeId
from hub_agent.store import codec, queries

Replace = Callable[[object], object]

# Small tables are read, emptied and filled again; the queries that do it.
WHOLE_TABLES = (
    ("all_devices", "delete_all_devices", "insert_devices"),
    ("all_device_aliases", "delete_all_device_aliases", "insert_device_aliases"),
    ("all_definitions", "delete_all_definitions", "insert_definitions"),
    ("all_definition_history", "delete_all_definition_history", "insert_definition_history"),
    ("all_activity", "delete_all_activity", "insert_activity"),
    ("all_commands", "delete_all_commands", "insert_commands"),
    ("all_cases", "delete_all_cases", "insert_cases"),
    ("all_saved", "delete_all_saved", "insert_saved"),
    ("all_traces", "delete_all_traces", "insert_traces"),
)
# Large ones are changed body by body.
BODIES = (("block_bodies", "save_block_bodies"), ("snapshot_bodies", "save_snapshot_bodies"))


def rekey(connection: Connection, home_id: str) -> int:
    """How many ids were made again; 0 most of the time. To be called in a transaction, with the home of the identity."""
    sql = queries.load()
    row = connection.execute(sql["keyed_home"]).fetchone()
    connection.execute(sql["save_keyed_home"], (home_id,))
    if row is None or row[0] == home_id:
        return 0
    renamed = _renamed(connection, HomeId(str(row[0])), HomeId(home_id))
    if renamed:
        replace = _replacing(renamed)
        for read, empty, fill in WHOLE_TABLES:
            rows = connection.execute(sql[read]).fetchall()
            connection.execute(sql[empty])
            connection.executemany(sql[fill], [tuple(replace(value) for value in row) for row in rows])
        for read, save in BODIES:
            for key, body in connection.execute(sql[read]).fetchall():
                connection.execute(sql[save], (replace(body), key))
    return len(renamed)


def _renamed(connection: Connection, old_home: HomeId, new_home: HomeId) -> dict[str, str]:
    sql = queries.load()
    renamed: dict[str, str] = {}
    for (body,) in connection.execute(sql["all_device_bodies"]).fetchall():
        device = codec.decode(Device, body)
        for alias in device.aliases:
            if device.id == device_id_in(old_home, alias):
                renamed[device.id] = device_id_in(new_home, alias)
    for (body,) in connection.execute(sql["room_bodies"]).fetchall():
        room = codec.decode(Definition, body)
        name = room.fields.get("name")
        if isinstance(name, str) and room.id == room_id_in(old_home, name):
            renamed[room.id] = room_id_in(new_home, name)
    return renamed


def _replacing(renamed: Mapping[str, str]) -> Replace:
    pairs = [(old.encode(), new.encode()) for old, new in renamed.items()]

    def in_text(text: bytes) -> bytes:
        for old, new in pairs:
            text = text.replace(old, new)
        return text

    def replace(value: object) -> object:
        if isinstance(value, str):
            return in_text(value.encode()).decode()
        if not isinstance(value, bytes):
            return value
        try:
            text = value if value[:1] in codec.JSON_STARTS else zlib.decompress(value)
        except zlib.error:
            return value  # damaged: whoever reads it will say so
        return codec.pack_json(in_text(text))

    return replace
