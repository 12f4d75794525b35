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

-- Makes a hypertable, its compression and its retention, each step only where the engine and its licence have it.
-- One step's failure never undoes another, and is said aloud.
CREATE OR REPLACE FUNCTION ts.make_hypertable(
    base_table text, time_column text, segment_by text[], order_by text, compress_after interval, retain_for interval
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    has_community boolean := coalesce(current_setting('timescaledb.license', true), '') = 'timescale';
    is_compressed boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        RETURN 'table';
    END IF;
    BEGIN
        EXECUTE format('SELECT create_hypertable(%L::regclass, %L::name, if_not_exists => true, migrate_data => true)',
                       base_table, time_column);
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING '% stays a plain table: %', base_table, SQLERRM;
        RETURN 'table';
    END;
    IF has_community AND compress_after IS NOT NULL THEN
        EXECUTE 'SELECT compression_enabled FROM timescaledb_information.hypertables '
                'WHERE format(''%s.%s'', hypertable_schema, hypertable_name) = $1'
            INTO is_compressed USING base_table;
        BEGIN
            IF NOT coalesce(is_compressed, false) THEN
                EXECUTE format('ALTER TABLE %s SET (timescaledb.compress, timescaledb.compress_segmentby = %L, timescaledb.compress_orderby = %L)',
                               base_table::regclass, array_to_string(segment_by, ', '), order_by);
            END IF;
            EXECUTE format('SELECT add_compression_policy(%L::regclass, %L::interval, if_not_exists => true)', base_table, compress_after);
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '% is not compressed: %', base_table, SQLERRM;
        END;
    END IF;
    IF has_community AND retain_for IS NOT NULL THEN
        BEGIN
            EXECUTE format('SELECT add_retention_policy(%L::regclass, %L::interval, if_not_exists => true)', base_table, retain_for);
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '% keeps its rows for ever: %', base_table, SQLERRM;
        END;
    END IF;
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
