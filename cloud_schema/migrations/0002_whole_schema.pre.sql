-- notes: all tables of the contract, summaries, aggregates, policies for people
-- The first release's indexes on small tables: the files make those anew that are still wanted, as they are wanted now.
-- contract/indexes_left_out.json has the reasons for the others.
DROP INDEX IF EXISTS
    public.idx_automations_created_by, public.idx_automations_health, public.idx_automations_home,
    public.idx_automations_type, public.idx_brands_is_active, public.idx_brands_search, public.idx_brands_slug,
    public.idx_device_models_brand_id, public.idx_device_models_device_type, public.idx_device_models_model_number,
    public.idx_device_models_search, public.idx_devices_brand_id, public.idx_devices_connectivity_status,
    public.idx_devices_created_at, public.idx_devices_deleted_at, public.idx_devices_device_type,
    public.idx_devices_health_score, public.idx_devices_home_id, public.idx_devices_integration_platform,
    public.idx_devices_is_online, public.idx_devices_last_seen, public.idx_devices_room_id,
    public.idx_devices_search, public.idx_ecosystem_sync_ecosystem, public.idx_ecosystem_sync_entity,
    public.idx_ecosystem_sync_home, public.idx_ecosystem_sync_status, public.idx_ecosystems_is_active,
    public.idx_ecosystems_provider, public.idx_home_members_home_id, public.idx_home_members_role,
    public.idx_home_members_user_id, public.idx_homes_created_at, public.idx_homes_is_active,
    public.idx_homes_owner_id, public.idx_rooms_home_id, public.idx_rooms_room_type, public.idx_scenes_created_by,
    public.idx_scenes_home, public.idx_scenes_type, public.idx_self_healing_actions_active,
    public.idx_self_healing_actions_category, public.idx_self_healing_actions_type, public.idx_users_created_at,
    public.idx_users_email, public.idx_users_last_login, public.idx_users_role;

-- Without TimescaleDB the index of telemetry gets the value as well. It takes a minute for thirty million rows.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        DROP INDEX IF EXISTS ts.idx_device_telemetry_device_metric;
    END IF;
END
$$;

-- What rows are checked for is more than their parents by now, and depends on whether the hub's clock is known to be right.
DROP FUNCTION IF EXISTS hub_sync.parent_checks(hub_streams);
-- Days are compared by count and hash now.
DROP FUNCTION IF EXISTS hub_sync.day_counts(public.hub_streams, uuid, date, date);
-- The catalogue goes to the hubs too, and is of no home.
DO $$
BEGIN
    IF to_regclass('public.hub_definition_versions') IS NOT NULL THEN
        ALTER TABLE public.hub_definition_versions ALTER COLUMN home_id DROP NOT NULL;
    END IF;
END
$$;

-- Made anew by the files, with other arguments or under another name.
DROP FUNCTION IF EXISTS hub_sync.note_sync_status(text, uuid, uuid, integer, boolean, boolean, text[]);
DROP FUNCTION IF EXISTS hub_sync.without_foreign_room(jsonb, uuid);
DROP FUNCTION IF EXISTS hub_sync.record_statements(hub_streams, text[], boolean, boolean);
DROP FUNCTION IF EXISTS hub_sync.store_records(hub_streams, hub_hubs, text, integer, jsonb, boolean, bigint[], bigint, bigint, bigint, boolean);

-- How far each stream has come says more than how much waits (hub_hubs.positions).
ALTER TABLE hub_hubs DROP COLUMN IF EXISTS waiting;
DROP FUNCTION IF EXISTS hub_sync.merge(public.hub_definition_kinds, jsonb, jsonb, jsonb, text);

-- The hub's last clock says as much.
DROP FUNCTION IF EXISTS hub_sync.is_stale_present(public.hub_hubs, text, jsonb);
ALTER TABLE IF EXISTS hub_hubs DROP COLUMN IF EXISTS present_boot_id, DROP COLUMN IF EXISTS present_monotonic_ms;

-- Envelopes of twice as many rows take in a backlog half as fast again; whoever had set another limit keeps it.
DO $$
BEGIN
    IF to_regclass('public.hub_limits') IS NOT NULL THEN
        UPDATE public.hub_limits SET rows_max = 10000 WHERE rows_max = 5000;
    END IF;
END
$$;
