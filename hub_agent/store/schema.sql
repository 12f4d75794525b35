-- Made by: python -m hub_agent.store.migrate > hub_agent/store/schema.sql

CREATE TABLE activity (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    devices TEXT NOT NULL,
    body BLOB NOT NULL
);

CREATE TABLE boots (
    boot_number INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL UNIQUE
);

CREATE TABLE cases (
    table_name TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    acknowledged_revision INTEGER NOT NULL DEFAULT 0,
    changed_at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (table_name, id)
);

CREATE TABLE clock_corrections (
    boot_number INTEGER NOT NULL,
    turn_max INTEGER NOT NULL,
    offset_ms INTEGER NOT NULL,
    PRIMARY KEY (boot_number, turn_max)
) WITHOUT ROWID;

CREATE TABLE cloud_commands (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    done_at INTEGER NOT NULL,
    is_told INTEGER NOT NULL DEFAULT 0,
    result BLOB NOT NULL
);

CREATE TABLE commands (
    command_id TEXT PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE definition_history (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    origin TEXT NOT NULL,
    columns TEXT NOT NULL,
    body BLOB
);

CREATE TABLE definitions (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE device_aliases (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    device_id TEXT NOT NULL,
    PRIMARY KEY (kind, value)
) WITHOUT ROWID;

CREATE TABLE devices (
    device_id TEXT PRIMARY KEY,
    is_gone INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL
);

CREATE TABLE downlink (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    cursor TEXT NOT NULL
);

CREATE TABLE gaps (
    gap_id INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    reason TEXT NOT NULL,
    from_at INTEGER,
    to_at INTEGER
);

CREATE TABLE identity (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    home_id TEXT NOT NULL,
    hub_id TEXT,
    secret TEXT,
    mirror_id TEXT NOT NULL,
    epoch INTEGER NOT NULL
);

CREATE TABLE keyed_home (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    home_id TEXT NOT NULL
);

CREATE TABLE life (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    alive_at INTEGER NOT NULL
);

CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL);

CREATE TABLE ran_well (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    entry INTEGER NOT NULL
);

CREATE TABLE record_blocks (
    block_key INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    boot_number INTEGER NOT NULL,
    monotonic_ms INTEGER NOT NULL,
    is_clock_trusted INTEGER NOT NULL,
    is_thinned INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL
);

CREATE TABLE saved (
    room TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (room, key)
) WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE state_snapshots (
    turn INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    numbers TEXT NOT NULL,
    acknowledged TEXT NOT NULL,
    body BLOB NOT NULL
);

CREATE TABLE streams (
    stream_number INTEGER PRIMARY KEY,
    stream TEXT NOT NULL UNIQUE,
    last INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    acknowledged_at INTEGER,
    bytes INTEGER NOT NULL
);

CREATE TABLE traces (
    trace_id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    automation_id TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    body BLOB NOT NULL
);

CREATE INDEX cases_owed ON cases (changed_at) WHERE revision > acknowledged_revision;

CREATE INDEX cloud_commands_untold ON cloud_commands (done_at) WHERE is_told = 0;

CREATE INDEX definition_history_at ON definition_history (at);

CREATE INDEX definition_history_of ON definition_history (kind, id, entry);

CREATE INDEX gaps_by_stream ON gaps (stream, last);

CREATE INDEX traces_by_automation ON traces (automation_id, trace_id);

