-- Who and where we are

-- name: read_identity
SELECT home_id, hub_id, secret, mirror_id, epoch FROM identity;

-- name: save_identity
INSERT INTO identity VALUES (1, ?, ?, ?, ?, ?)
ON CONFLICT (only_row) DO UPDATE SET
    home_id = excluded.home_id, hub_id = excluded.hub_id, secret = excluded.secret,
    mirror_id = excluded.mirror_id, epoch = excluded.epoch;

-- name: read_cursor
SELECT cursor FROM downlink;

-- name: forget_cursor
DELETE FROM downlink;

-- name: save_cursor
INSERT INTO downlink VALUES (1, ?) ON CONFLICT (only_row) DO UPDATE SET cursor = excluded.cursor;

-- name: read_alive_at
SELECT max(at) FROM (
    SELECT alive_at AS at FROM life
    UNION ALL
    SELECT made_at FROM record_blocks WHERE block_key IN (
        SELECT (SELECT max(block_key) FROM record_blocks WHERE block_key < (stream_number + 1) << 40) FROM streams
    )
);

-- name: save_alive_at
INSERT INTO life VALUES (1, ?) ON CONFLICT (only_row) DO UPDATE SET alive_at = excluded.alive_at;

-- name: boot_number
SELECT boot_number FROM boots WHERE boot_id = ?;

-- name: add_boot
INSERT INTO boots (boot_id) VALUES (?);

-- What state machines keep

-- name: save
INSERT INTO saved VALUES (?, ?, ?) ON CONFLICT (room, key) DO UPDATE SET body = excluded.body;

-- name: forget_saved
DELETE FROM saved WHERE room = ? AND key = ?;

-- name: read_saved
SELECT room, key, body FROM saved;

-- name: save_command
INSERT INTO commands VALUES (?, ?) ON CONFLICT (command_id) DO UPDATE SET body = excluded.body;

-- name: forget_command
DELETE FROM commands WHERE command_id = ?;

-- name: read_commands
SELECT body FROM commands;

-- Devices and definitions

-- name: save_device
INSERT INTO devices (device_id, is_gone, body) VALUES (?, 0, ?)
ON CONFLICT (device_id) DO UPDATE SET is_gone = 0, body = excluded.body;

-- name: forget_device
UPDATE devices SET is_gone = 1 WHERE device_id = ?;

-- name: save_alias
INSERT INTO device_aliases VALUES (?, ?, ?)
ON CONFLICT (kind, value) DO UPDATE SET device_id = excluded.device_id WHERE device_id <> excluded.device_id;

-- name: read_devices
SELECT device_id, body FROM devices WHERE is_gone = 0;

-- name: read_gone_aliases
SELECT kind, value, device_id FROM device_aliases
WHERE device_id NOT IN (SELECT device_id FROM devices WHERE is_gone = 0);

-- name: read_definition
SELECT body FROM definitions WHERE kind = ? AND id = ?;

-- name: read_definitions_of_kind
SELECT kind, id, body FROM definitions WHERE kind = ? ORDER BY id;

-- name: note_activity
INSERT INTO activity (at, kind, who, devices, body) VALUES (?, ?, ?, ?, ?);

-- name: trim_activity
DELETE FROM activity WHERE entry <= (SELECT max(entry) FROM activity) - ?1 OR at < ?2;

-- name: read_activity
SELECT entry, at, kind, body, devices FROM activity
WHERE entry < ?1 AND entry > ?2 AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR who = ?4 OR who LIKE ?4 || ':%')
    AND (?5 IS NULL OR instr(devices, ?5))
ORDER BY entry DESC LIMIT ?6;

-- name: keep_former
INSERT INTO definition_history (kind, id, at, origin, columns, body) VALUES (?, ?, ?, ?, ?, ?);

-- name: trim_formers
DELETE FROM definition_history WHERE kind = ?1 AND id = ?2 AND entry NOT IN (
    SELECT entry FROM definition_history WHERE kind = ?1 AND id = ?2 ORDER BY entry DESC LIMIT ?3
);

-- name: trim_old_formers
DELETE FROM definition_history WHERE at < ?;

-- name: read_formers
SELECT entry, kind, id, at, origin, columns, body FROM definition_history WHERE kind = ? AND id = ? ORDER BY entry DESC;

-- name: read_formers_since_well
SELECT entry, kind, id, at, origin, columns, body FROM definition_history
WHERE entry > coalesce((SELECT entry FROM ran_well), 0) ORDER BY entry;

-- name: save_ran_well
INSERT OR REPLACE INTO ran_well SELECT 1, coalesce(max(entry), 0) FROM definition_history;

-- name: save_definition
INSERT INTO definitions (kind, id, body) VALUES (?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body;

-- name: read_definitions
SELECT kind, id, body FROM definitions WHERE kind NOT IN ('ecosystem', 'brand', 'device_model');

-- Traces

-- name: save_trace
INSERT INTO traces (run_id, automation_id, made_at, body) VALUES (?, ?, ?, ?)
ON CONFLICT (run_id) DO UPDATE SET body = excluded.body;

-- name: trim_traces
DELETE FROM traces WHERE automation_id = ?1 AND trace_id NOT IN (
    SELECT trace_id FROM traces WHERE automation_id = ?1 ORDER BY trace_id DESC LIMIT ?2
);

-- name: trim_old_traces
DELETE FROM traces WHERE made_at < ?;

-- name: read_runs
SELECT body FROM traces ORDER BY trace_id DESC LIMIT ?;

-- name: read_runs_of
SELECT body FROM traces WHERE automation_id = ? ORDER BY trace_id DESC LIMIT ?;

-- name: read_traces_between
SELECT run_id, body FROM traces WHERE run_id >= ? AND run_id < ? LIMIT 2;

-- Records

-- name: read_streams
SELECT stream, last, acknowledged, acknowledged_at, bytes FROM streams;

-- name: read_stream_numbers
SELECT stream_number FROM streams ORDER BY stream_number;

-- name: add_stream
INSERT OR IGNORE INTO streams (stream_number, stream, last, acknowledged, bytes)
VALUES ((SELECT coalesce(min(stream_number), 1001) - 1 FROM streams), ?, 0, 0, 0);

-- name: save_stream
UPDATE streams SET last = ?2, acknowledged = ?3, acknowledged_at = ?4, bytes = ?5 WHERE stream = ?1;

-- name: appended_since
SELECT coalesce(max(block_key & 0xFFFFFFFFFF), 0), coalesce(sum(length(body)), 0) FROM record_blocks
WHERE block_key > (SELECT stream_number << 40 FROM streams WHERE stream = ?1) + ?2
    AND block_key < (SELECT (stream_number + 1) << 40 FROM streams WHERE stream = ?1);

-- name: newest_turn
SELECT coalesce(max(turn), 0) FROM (
    SELECT turn FROM record_blocks WHERE block_key IN (
        SELECT (SELECT max(block_key) FROM record_blocks WHERE block_key < (stream_number + 1) << 40) FROM streams
    )
    UNION ALL
    SELECT max(turn) FROM state_snapshots
    UNION ALL
    SELECT max(turn_max) FROM clock_corrections
);

-- name: append_block
INSERT INTO record_blocks VALUES (
    (SELECT stream_number << 40 FROM streams WHERE stream = ?1) + ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
);

-- name: read_blocks
SELECT ?1, block_key & 0xFFFFFFFFFF, first, turn, made_at, boot_number, monotonic_ms, is_clock_trusted, is_thinned, body
FROM record_blocks
WHERE block_key > (SELECT stream_number << 40 FROM streams WHERE stream = ?1) + ?2
    AND block_key < (SELECT (stream_number + 1) << 40 FROM streams WHERE stream = ?1)
ORDER BY block_key LIMIT ?3;

-- name: read_block_heads
SELECT block_key & 0xFFFFFFFFFF, first, turn, made_at, is_clock_trusted, is_thinned, length(body)
FROM record_blocks
WHERE block_key > (SELECT stream_number << 40 FROM streams WHERE stream = ?1) + ?2
    AND block_key < (SELECT (stream_number + 1) << 40 FROM streams WHERE stream = ?1)
ORDER BY block_key LIMIT ?3;

-- name: first_block_made_since
SELECT first FROM record_blocks
WHERE block_key > (SELECT stream_number << 40 FROM streams WHERE stream = ?1)
    AND block_key < (SELECT (stream_number + 1) << 40 FROM streams WHERE stream = ?1)
    AND made_at >= ?2
ORDER BY block_key LIMIT 1;

-- name: last_number
SELECT last FROM streams WHERE stream = ?;

-- name: newest_boot
SELECT max(boot_number) FROM boots;

-- name: delete_block
DELETE FROM record_blocks WHERE block_key = (SELECT stream_number << 40 FROM streams WHERE stream = ?1) + ?2;

-- name: delete_blocks_up_to
DELETE FROM record_blocks
WHERE block_key > (SELECT stream_number << 40 FROM streams WHERE stream = ?1)
    AND block_key <= (SELECT stream_number << 40 FROM streams WHERE stream = ?1) + ?2;

-- name: trusted_before
SELECT made_at FROM record_blocks
WHERE block_key > (SELECT stream_number << 40 FROM streams WHERE stream = ?1)
    AND block_key < (SELECT stream_number << 40 FROM streams WHERE stream = ?1) + ?2
    AND is_clock_trusted = 1
ORDER BY block_key DESC LIMIT 1;

-- name: trusted_after
SELECT made_at FROM record_blocks
WHERE block_key > (SELECT stream_number << 40 FROM streams WHERE stream = ?1) + ?2
    AND block_key < (SELECT (stream_number + 1) << 40 FROM streams WHERE stream = ?1)
    AND is_clock_trusted = 1
ORDER BY block_key LIMIT 1;

-- name: read_corrections
SELECT boot_number, turn_max, offset_ms FROM clock_corrections ORDER BY boot_number, turn_max;

-- name: add_correction
INSERT OR REPLACE INTO clock_corrections VALUES (?, ?, ?);

-- name: untrusted_of_boot
SELECT first, block_key & 0xFFFFFFFFFF FROM record_blocks
WHERE block_key > (SELECT stream_number << 40 FROM streams WHERE stream = ?1) + ?2
    AND block_key < (SELECT (stream_number + 1) << 40 FROM streams WHERE stream = ?1)
    AND boot_number = ?3 AND is_clock_trusted = 0 AND turn > ?4;

-- Gaps

-- name: last_gap
SELECT gap_id, last, reason FROM gaps WHERE stream = ? ORDER BY last DESC LIMIT 1;

-- name: add_gap
INSERT INTO gaps (stream, first, last, count, reason, from_at, to_at) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: extend_gap
UPDATE gaps SET last = ?, count = count + ?, to_at = ? WHERE gap_id = ?;

-- name: read_gaps
SELECT stream, first, last, count, reason, from_at, to_at FROM gaps ORDER BY stream, first;

-- name: delete_gap
DELETE FROM gaps WHERE stream = ? AND first = ? AND last = ?;

-- name: read_gaps_above
SELECT first, last, count, reason, from_at, to_at FROM gaps WHERE stream = ? AND last > ? ORDER BY first;

-- name: delete_gaps
DELETE FROM gaps WHERE stream = ?;

-- name: shorten_gap
UPDATE gaps SET first = ?, count = count - ?, from_at = ? WHERE stream = ? AND first = ? AND last > ?;

-- Snapshots of states

-- name: save_snapshot
INSERT OR REPLACE INTO state_snapshots VALUES (?, ?, ?, ?, ?);

-- name: newest_snapshot
SELECT turn, numbers, body FROM state_snapshots ORDER BY turn DESC LIMIT 1;

-- name: read_snapshot_numbers
SELECT turn, at, numbers FROM state_snapshots ORDER BY turn;

-- name: read_snapshot
SELECT turn, numbers, body FROM state_snapshots WHERE turn = ?;

-- name: read_snapshot_marks
SELECT acknowledged FROM state_snapshots;

-- name: delete_snapshots
DELETE FROM state_snapshots;

-- name: delete_snapshot
DELETE FROM state_snapshots WHERE turn = ?;

-- Cases

-- name: save_case
INSERT INTO cases (table_name, id, revision, changed_at, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (table_name, id) DO UPDATE SET
    revision = excluded.revision, changed_at = excluded.changed_at, body = excluded.body
WHERE excluded.revision > revision;

-- name: read_owed_cases
-- An issue points at the examination that found it, a vulnerability at its scan; either may have changed since.
SELECT table_name, id, revision, body FROM cases WHERE revision > acknowledged_revision
ORDER BY table_name NOT IN ('diagnostic_runs', 'security_scans'), changed_at, id LIMIT ?;

-- name: read_recent_cases
SELECT body FROM cases WHERE table_name = ? ORDER BY changed_at DESC LIMIT ?;

-- name: acknowledge_case
UPDATE cases SET acknowledged_revision = max(acknowledged_revision, ?3)
WHERE table_name = ?1 AND id = ?2 AND revision >= ?3;

-- name: trim_cases
DELETE FROM cases WHERE changed_at < ? AND revision <= acknowledged_revision;

-- name: trim_cases_beyond
-- What the cloud has goes first, the oldest first.
DELETE FROM cases WHERE (table_name, id) IN (
    SELECT table_name, id FROM cases ORDER BY revision > acknowledged_revision DESC, changed_at DESC, id LIMIT -1 OFFSET ?
) RETURNING revision > acknowledged_revision;

-- Commands of the cloud

-- name: save_cloud_command
INSERT INTO cloud_commands (id, status, done_at, result) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING;

-- name: read_cloud_command_ids
SELECT id FROM cloud_commands;

-- name: read_untold_commands
SELECT id, status, result FROM cloud_commands WHERE is_told = 0 ORDER BY done_at, id LIMIT ?;

-- name: tell_command
UPDATE cloud_commands SET is_told = 1 WHERE id = ?;

-- name: trim_cloud_commands
DELETE FROM cloud_commands WHERE is_told = 1 AND done_at < ?;

-- The file

-- name: count_tables
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name;

-- name: keyed_home
SELECT home_id FROM keyed_home;

-- name: save_keyed_home
INSERT INTO keyed_home VALUES (1, ?) ON CONFLICT (only_row) DO UPDATE SET home_id = excluded.home_id;

-- name: all_device_bodies
SELECT body FROM devices;

-- name: room_bodies
SELECT body FROM definitions WHERE kind = 'room';

-- name: block_bodies
SELECT block_key, body FROM record_blocks;

-- name: save_block_bodies
UPDATE record_blocks SET body = ? WHERE block_key = ?;

-- name: snapshot_bodies
SELECT turn, body FROM state_snapshots;

-- name: save_snapshot_bodies
UPDATE state_snapshots SET body = ? WHERE turn = ?;

-- name: all_devices
SELECT device_id, is_gone, body FROM devices;

-- name: delete_all_devices
DELETE FROM devices;

-- name: insert_devices
INSERT OR REPLACE INTO devices VALUES (?, ?, ?);

-- name: all_device_aliases
SELECT kind, value, device_id FROM device_aliases;

-- name: delete_all_device_aliases
DELETE FROM device_aliases;

-- name: insert_device_aliases
INSERT OR REPLACE INTO device_aliases VALUES (?, ?, ?);

-- name: all_definitions
SELECT kind, id, body FROM definitions;

-- name: delete_all_definitions
DELETE FROM definitions;

-- name: insert_definitions
INSERT OR REPLACE INTO definitions VALUES (?, ?, ?);

-- name: all_definition_history
SELECT entry, kind, id, at, origin, columns, body FROM definition_history;

-- name: delete_all_definition_history
DELETE FROM definition_history;

-- name: insert_definition_history
INSERT OR REPLACE INTO definition_history VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: all_activity
SELECT entry, at, kind, who, devices, body FROM activity;

-- name: delete_all_activity
DELETE FROM activity;

-- name: insert_activity
INSERT OR REPLACE INTO activity VALUES (?, ?, ?, ?, ?, ?);

-- name: all_commands
SELECT command_id, body FROM commands;

-- name: delete_all_commands
DELETE FROM commands;

-- name: insert_commands
INSERT OR REPLACE INTO commands VALUES (?, ?);

-- name: all_cases
SELECT table_name, id, revision, acknowledged_revision, changed_at, body FROM cases;

-- name: delete_all_cases
DELETE FROM cases;

-- name: insert_cases
INSERT OR REPLACE INTO cases VALUES (?, ?, ?, ?, ?, ?);

-- name: all_saved
SELECT room, key, body FROM saved;

-- name: delete_all_saved
DELETE FROM saved;

-- name: insert_saved
INSERT OR REPLACE INTO saved VALUES (?, ?, ?);

-- name: all_traces
SELECT trace_id, run_id, automation_id, made_at, body FROM traces;

-- name: delete_all_traces
DELETE FROM traces;

-- name: insert_traces
INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?, ?);
