-- What the rest stands on: schemas, roles, stand-ins for the platform's auth, and hypertables where they can be had.
-- Every step is guarded: on Supabase the auth schema and three of the roles are there already and are left alone.

CREATE SCHEMA IF NOT EXISTS ts;        -- base tables of the hypertables; clients only ever see views of them
CREATE SCHEMA IF NOT EXISTS hub_sync;  -- the inner parts of the hub functions

REVOKE ALL ON SCHEMA ts, hub_sync FROM PUBLIC;

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role', 'hub'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- roles belong to the whole server: another database's installation came first
            END;
        END IF;
    END LOOP;
    BEGIN
        ALTER ROLE service_role BYPASSRLS;
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'service_role keeps its rights: this login may not grant BYPASSRLS';
    END;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticator') THEN
        BEGIN
            GRANT anon, authenticated, service_role, hub TO authenticator;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'grant the role hub to authenticator by hand: this login may not';
        END;
    END IF;
END
$$;

DO $$
BEGIN
    IF to_regclass('auth.users') IS NULL THEN
        CREATE SCHEMA IF NOT EXISTS auth;
        CREATE TABLE auth.users (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            email text,
            created_at timestamptz NOT NULL DEFAULT now()
        );
    END IF;
    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
            'SELECT (nullif(current_setting(''request.jwt.claims'', true), '''')::jsonb ->> ''sub'')::uuid';
        GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
    END IF;
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
       AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE EXTENSION timescaledb;
    END IF;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'TimescaleDB is offered but cannot be switched on (%): going on with plain tables', SQLERRM;
END
$$;

-- What was declared for each hypertable, on every engine: `verify` compares it with what the engine has, `maintain` deletes by it where there are no jobs.
CREATE TABLE IF NOT EXISTS ts.hypertables (
    table_name text PRIMARY KEY,  -- of the base table in schema ts
    time_column text NOT NULL,
    segment_by text[] NOT NULL,
    order_by text NOT NULL,
    compress_after interval,
    retain_for interval
);

-- Where the extension's functions are: public, unless the platform keeps its extensions elsewhere. NULL: no TimescaleDB.
CREATE OR REPLACE FUNCTION ts.timescale_schema() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb'
$$;

-- Compression, policies and continuous aggregates are under the community licence.
CREATE OR REPLACE FUNCTION ts.has_community_features() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ts.timescale_schema() IS NOT NULL AND coalesce(current_setting('timescaledb.license', true) = 'timescale', false)
$$;

-- Each of these is a step of its own: false where the engine or its licence cannot, and one step's failure undoes no other.
CREATE OR REPLACE FUNCTION public.try_create_hypertable(table_name text, time_column text) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF ts.timescale_schema() IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT %I.create_hypertable($1::regclass, $2::name, if_not_exists => true, migrate_data => true)', ts.timescale_schema())
        USING table_name, time_column;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING '% stays a plain table: %', table_name, SQLERRM;
    RETURN false;
END
$$;

CREATE OR REPLACE FUNCTION public.try_add_compression_policy(hypertable_name text, compress_after interval) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT ts.has_community_features() THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT %I.add_compression_policy($1::regclass, $2, if_not_exists => true)', ts.timescale_schema())
        USING hypertable_name, compress_after;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING '% is not compressed by itself: %', hypertable_name, SQLERRM;
    RETURN false;
END
$$;

CREATE OR REPLACE FUNCTION public.try_add_retention_policy(hypertable_name text, drop_after interval) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT ts.has_community_features() THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT %I.add_retention_policy($1::regclass, $2, if_not_exists => true)', ts.timescale_schema())
        USING hypertable_name, drop_after;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING '% keeps its rows for ever: %', hypertable_name, SQLERRM;
    RETURN false;
END
$$;

CREATE OR REPLACE FUNCTION public.try_add_continuous_aggregate_policy(
    view_name text, start_offset interval, end_offset interval, schedule_interval interval
) RETURNS boolean LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT ts.has_community_features() THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT %I.add_continuous_aggregate_policy($1::regclass, start_offset => $2, end_offset => $3, schedule_interval => $4, if_not_exists => true)',
                   ts.timescale_schema())
        USING view_name, start_offset, end_offset, schedule_interval;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING '% is not refreshed by itself: %', view_name, SQLERRM;
    RETURN false;
END
$$;

REVOKE ALL ON FUNCTION public.try_create_hypertable(text, text), public.try_add_compression_policy(text, interval),
    public.try_add_retention_policy(text, interval), public.try_add_continuous_aggregate_policy(text, interval, interval, interval)
    FROM PUBLIC, anon, authenticated, service_role, hub;

CREATE OR REPLACE FUNCTION ts.try_enable_compression(base_table text, segment_by text[], order_by text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    is_enabled boolean;
BEGIN
    IF NOT ts.has_community_features() THEN
        RETURN false;
    END IF;
    SELECT h.compression_enabled INTO is_enabled FROM timescaledb_information.hypertables h
    WHERE format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass = base_table::regclass;
    IF NOT is_enabled THEN
        EXECUTE format('ALTER TABLE %s SET (timescaledb.compress, timescaledb.compress_segmentby = %L, timescaledb.compress_orderby = %L)',
                       base_table::regclass, array_to_string(segment_by, ', '), order_by);
    END IF;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING '% cannot be compressed: %', base_table, SQLERRM;
    RETURN false;
END
$$;

-- Declares a hypertable and makes as much of it as the engine can: the table itself, its compression, its retention. May run
-- any number of times: a plain table becomes a hypertable, rows and all, once TimescaleDB is there. A policy that an operator has
-- changed is left as it is.
CREATE OR REPLACE FUNCTION ts.make_hypertable(
    base_table text, time_column text, segment_by text[], order_by text, compress_after interval, retain_for interval
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ts.hypertables VALUES ((parse_ident(base_table))[2], time_column, segment_by, order_by, compress_after, retain_for)
    ON CONFLICT (table_name) DO UPDATE SET (time_column, segment_by, order_by, compress_after, retain_for)
        = (excluded.time_column, excluded.segment_by, excluded.order_by, excluded.compress_after, excluded.retain_for);
    IF NOT public.try_create_hypertable(base_table, time_column) THEN
        RETURN 'table';
    END IF;
    IF ts.try_enable_compression(base_table, segment_by, order_by) THEN
        PERFORM public.try_add_compression_policy(base_table, compress_after);
    END IF;
    PERFORM public.try_add_retention_policy(base_table, retain_for);
    RETURN 'hypertable';
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = '_timescaledb_internal') THEN
        REVOKE USAGE ON SCHEMA _timescaledb_internal FROM PUBLIC;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'chunks stay visible to every login: revoke USAGE ON SCHEMA _timescaledb_internal FROM PUBLIC as its owner';
END
$$;
