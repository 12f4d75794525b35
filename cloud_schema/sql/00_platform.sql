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
        IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'service_role') THEN
            ALTER ROLE service_role BYPASSRLS;
        END IF;
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'service_role keeps its rights: this login may not grant BYPASSRLS';
    END;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticator' AND NOT pg_has_role(oid, 'hub', 'MEMBER')) THEN
        BEGIN
            GRANT anon, authenticated, service_role, hub TO authenticator;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'hubs cannot come in through PostgREST: have an administrator GRANT hub TO authenticator';
        END;
    END IF;
    -- Whoever installs may operate: from PostgreSQL 16 on, who makes a role is a member of it already.
    IF NOT pg_has_role('service_role', 'MEMBER') THEN
        BEGIN
            EXECUTE format('GRANT service_role TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;  -- the installer says what is missing
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

-- Only where its loader was preloaded (which is who defines this setting): elsewhere creating it ends the session.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
       AND current_setting('timescaledb.disable_load', true) IS NOT NULL
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

-- The same for the continuous aggregates. Those of the raw rows' time are refreshed by the contract's policies; what arrives later than
-- these look back, by ts.catch_up_aggregates.
CREATE TABLE IF NOT EXISTS ts.aggregates (
    view_name text PRIMARY KEY,  -- in schema ts
    source text NOT NULL REFERENCES ts.hypertables (table_name),
    bucket interval NOT NULL,
    bucket_column text NOT NULL,
    start_offset interval NOT NULL,
    end_offset interval NOT NULL,
    schedule_interval interval NOT NULL,
    retain_for interval NOT NULL
);

-- Where the rows of a continuous aggregate lie; NULL where it is a plain view.
CREATE OR REPLACE FUNCTION ts.materialized_rows_of(aggregate_name text) RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text;
BEGIN
    IF ts.timescale_schema() IS NOT NULL THEN
        SELECT format('%I.%I', c.materialization_hypertable_schema, c.materialization_hypertable_name) INTO found
        FROM timescaledb_information.continuous_aggregates c WHERE c.view_schema = 'ts' AND c.view_name = aggregate_name;
    END IF;
    RETURN found;
END
$$;

-- The buckets between a device's first row and its last, of each metric where the table has metrics: one look into the index each.
-- A function, because the planner would guess hundreds of metrics, and compile (JIT) for a hundred milliseconds what takes five.
CREATE OR REPLACE FUNCTION ts.buckets_of(source text, time_column text, device uuid, bucket interval)
RETURNS TABLE (metric_type text, at timestamptz) LANGUAGE plpgsql STABLE ROWS 300 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    has_metrics boolean := EXISTS (SELECT FROM pg_attribute WHERE attrelid = format('ts.%I', source)::regclass AND attname = 'metric_type');
    rows_of_device text := format('FROM ts.%I s WHERE s.device_id = $1', source)
        || CASE WHEN has_metrics THEN ' AND s.metric_type = $2' ELSE '' END;
    one text;
BEGIN
    IF has_metrics THEN
        EXECUTE format('SELECT min(s.metric_type) FROM ts.%I s WHERE s.device_id = $1', source) INTO one USING device;
    END IF;
    LOOP
        EXIT WHEN has_metrics AND one IS NULL;
        RETURN QUERY EXECUTE format(
            'SELECT $2, generate_series(date_bin($3, min(s.%1$I), ''2000-01-01 00:00+00''), max(s.%1$I), $3) %2$s', time_column, rows_of_device)
            USING device, one, bucket;
        EXIT WHEN NOT has_metrics;
        EXECUTE format('SELECT min(s.metric_type) FROM ts.%I s WHERE s.device_id = $1 AND s.metric_type > $2', source) INTO one USING device, one;
    END LOOP;
END
$$;

-- The body of an aggregate that is counted when it is asked for. Each bucket looks for its rows by index: a plain GROUP BY would read
-- all that a device ever measured, however few buckets are asked for, because the planner cannot tell a bucket's rows by its time.
-- What is asked for by device, home or metric must reach the devices and their buckets, instead of going by way of the rows.
CREATE OR REPLACE FUNCTION ts.counted_when_asked(
    source text, time_column text, bucket interval, bucket_column text, group_by text[], aggregates text[]
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format(
        'SELECT b.at AS %1$I, %2$s, %3$s FROM public.devices d CROSS JOIN LATERAL ts.buckets_of(%4$L, %5$L, d.id, %6$L) b '
        'CROSS JOIN LATERAL (SELECT %7$s FROM ts.%4$I s WHERE s.device_id = d.id %8$s AND s.%5$I >= b.at AND s.%5$I < b.at + %6$L::interval HAVING count(*) > 0) a',
        bucket_column,
        (SELECT string_agg(CASE g WHEN 'device_id' THEN 'd.id' WHEN 'home_id' THEN 'd.home_id' WHEN 'metric_type' THEN 'b.metric_type' END || ' AS ' || g,
                           ', ' ORDER BY n) FROM unnest(group_by) WITH ORDINALITY u (g, n)),
        (SELECT string_agg('a.' || split_part(g, ' AS ', 2), ', ' ORDER BY n) FROM unnest(aggregates) WITH ORDINALITY u (g, n)),
        source, time_column, bucket, array_to_string(aggregates, ', '),
        CASE WHEN 'metric_type' = ANY (group_by) THEN 'AND s.metric_type = b.metric_type' ELSE '' END
            || CASE WHEN 'home_id' = ANY (group_by) THEN ' AND s.home_id = d.home_id' ELSE '' END)
$$;

CREATE OR REPLACE FUNCTION ts.is_hypertable(table_name text) RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF ts.timescale_schema() IS NULL THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM timescaledb_information.hypertables h
                   WHERE h.hypertable_schema = 'ts' AND h.hypertable_name = is_hypertable.table_name);
END
$$;

-- The same where the rows lie in chunks (Apache licence). There a look for each bucket would go through all chunks each time, while
-- TimescaleDB can tell by a bucket's time which chunks hold its rows: a week of a device reads two of them.
CREATE OR REPLACE FUNCTION ts.counted_by_chunk(
    source text, time_column text, bucket interval, bucket_column text, group_by text[], aggregates text[]
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format(
        'SELECT a.at AS %1$I, d.id AS device_id, %2$s, %3$s FROM public.devices d CROSS JOIN LATERAL '
        '(SELECT %4$I.time_bucket(%5$L::interval, s.%6$I) AS at, %7$s, %8$s FROM ts.%9$I s WHERE s.device_id = d.id %10$s GROUP BY 1, 2) a',
        bucket_column, CASE WHEN has_home THEN 'd.home_id' ELSE 'a.metric_type' END,
        (SELECT string_agg('a.' || split_part(g, ' AS ', 2), ', ' ORDER BY n) FROM unnest(aggregates) WITH ORDINALITY u (g, n)),
        ts.timescale_schema(), bucket, time_column, CASE WHEN has_home THEN 's.home_id' ELSE 's.metric_type' END,
        array_to_string(aggregates, ', '), source, CASE WHEN has_home THEN 'AND s.home_id = d.home_id' ELSE '' END)
    FROM (VALUES ('home_id' = ANY (group_by))) v (has_home)
$$;

-- Declares an aggregate by time and makes it: continuous where the engine can, a plain view of the same columns where not. A plain
-- view gives way once the engine can; what was built on it goes on through the old one, under another name.
CREATE OR REPLACE FUNCTION ts.make_aggregate(
    aggregate_name text, source text, bucket interval, bucket_column text, group_by text[], aggregates text[],
    start_offset interval, end_offset interval, schedule_interval interval, retain_for interval
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    body text := format('SELECT %%s AS %I, %s, %s FROM ts.%I GROUP BY 1, %s', bucket_column, array_to_string(group_by, ', '),
                        array_to_string(aggregates, ', '), source, array_to_string(group_by, ', '));
    time_column text := (SELECT h.time_column FROM ts.hypertables h WHERE h.table_name = source);
    had_rows boolean;
BEGIN
    INSERT INTO ts.aggregates VALUES (aggregate_name, source, bucket, bucket_column, start_offset, end_offset, schedule_interval, retain_for)
    ON CONFLICT (view_name) DO UPDATE SET (source, bucket, bucket_column, start_offset, end_offset, schedule_interval, retain_for)
        = (excluded.source, excluded.bucket, excluded.bucket_column, excluded.start_offset, excluded.end_offset, excluded.schedule_interval,
           excluded.retain_for);
    IF ts.materialized_rows_of(aggregate_name) IS NULL AND ts.has_community_features() THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM ts.%I)', source) INTO had_rows;
        BEGIN
            IF to_regclass(format('ts.%I', aggregate_name)) IS NOT NULL THEN
                EXECUTE format('ALTER VIEW ts.%I RENAME TO %I', aggregate_name, aggregate_name || '_before');
            END IF;
            EXECUTE format('CREATE MATERIALIZED VIEW ts.%I WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS %s WITH NO DATA',
                           aggregate_name,
                           format(body, format('%I.time_bucket(%L::interval, %I)', ts.timescale_schema(), bucket, time_column)));
            IF to_regclass(format('ts.%I', aggregate_name || '_before')) IS NOT NULL THEN
                EXECUTE format('CREATE OR REPLACE VIEW ts.%I AS SELECT * FROM ts.%I', aggregate_name || '_before', aggregate_name);
            END IF;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '% is no continuous aggregate: %', aggregate_name, SQLERRM;
        END;
    END IF;
    IF ts.materialized_rows_of(aggregate_name) IS NULL THEN
        EXECUTE format('CREATE OR REPLACE VIEW ts.%I AS %s', aggregate_name,
                       CASE WHEN ts.is_hypertable(source) THEN ts.counted_by_chunk(source, time_column, bucket, bucket_column, group_by, aggregates)
                       ELSE ts.counted_when_asked(source, time_column, bucket, bucket_column, group_by, aggregates) END);
        RETURN 'view';
    END IF;
    IF public.try_add_continuous_aggregate_policy('ts.' || aggregate_name, start_offset, end_offset, schedule_interval) AND had_rows THEN
        PERFORM ts.let_catch_up_come_first(aggregate_name);
    END IF;
    PERFORM public.try_add_retention_policy('ts.' || aggregate_name, retain_for);
    RETURN 'continuous aggregate';
END
$$;

-- What lies before the first refresh's window would seem gone: nothing below the newest refreshed hour is computed any more.
CREATE OR REPLACE FUNCTION ts.let_catch_up_come_first(aggregate_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    refresh integer;
BEGIN
    FOR refresh IN
        SELECT j.job_id FROM timescaledb_information.jobs j
        WHERE j.proc_name = 'policy_refresh_continuous_aggregate' AND j.hypertable_schema = 'ts' AND j.hypertable_name = aggregate_name
    LOOP
        EXECUTE format('SELECT %I.alter_job($1, next_start => now() + interval ''1 day'')', ts.timescale_schema()) USING refresh;
    END LOOP;
END
$$;

-- A hub that was away for weeks brings rows older than the policies look back, and a database that has just got TimescaleDB brings all
-- of them. Only buckets whose rows have changed are computed again; from old to new, so that what is not done yet is still computed when
-- asked for. Never further back than raw rows are kept: the aggregates of those that retention has dropped have to stay.
-- Its CALL commits, so it may have neither a search_path of its own nor stand in an EXECUTE.
CREATE OR REPLACE PROCEDURE ts.catch_up_aggregates(job_id integer, config jsonb) LANGUAGE plpgsql AS $$
DECLARE
    slice constant interval := '30 days';
    declared ts.aggregates;
    kept interval;
    at timestamptz;
    until_at timestamptz;
BEGIN
    IF NOT ts.has_community_features() THEN
        RETURN;
    END IF;
    FOREACH declared IN ARRAY ARRAY(SELECT a FROM ts.aggregates a ORDER BY a.view_name) LOOP
        CONTINUE WHEN ts.materialized_rows_of(declared.view_name) IS NULL;
        SELECT coalesce(min((j.config ->> 'drop_after')::interval), min(h.retain_for)) INTO kept
        FROM ts.hypertables h LEFT JOIN timescaledb_information.jobs j
            ON j.proc_name = 'policy_retention' AND j.hypertable_schema = 'ts' AND j.hypertable_name = h.table_name
        WHERE h.table_name = declared.source;
        at := now() - least(kept, (config ->> 'window')::interval);
        until_at := now() - declared.end_offset;
        WHILE at < until_at LOOP
            CALL refresh_continuous_aggregate(format('ts.%I', declared.view_name)::regclass, at, least(at + slice + declared.bucket, until_at));
            at := at + slice;
        END LOOP;
    END LOOP;
END
$$;

REVOKE ALL ON PROCEDURE ts.catch_up_aggregates(integer, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ts.schedule_catch_up(every interval, first_in interval, config jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT ts.has_community_features() THEN
        RETURN false;
    END IF;
    IF NOT EXISTS (SELECT FROM timescaledb_information.jobs j
                   WHERE j.proc_schema = 'ts' AND j.proc_name = 'catch_up_aggregates' AND j.config = schedule_catch_up.config) THEN
        EXECUTE format('SELECT %I.add_job(''ts.catch_up_aggregates'', $1, config => $2, initial_start => now() + $3)', ts.timescale_schema())
            USING every, config, first_in;
    END IF;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'late rows do not reach the aggregates by themselves: %', SQLERRM;
    RETURN false;
END
$$;

-- An earlier release took it away. But in a new session TimescaleDB looks up its own tables in the name of whoever asks, and without
-- the schema nobody of a client's role could ask for anything. What keeps clients from the chunks is that they have no right to the
-- base tables, which is all that a chunk takes over; 11_grants.sql closes the rest.
DO $$
BEGIN
    IF to_regnamespace('_timescaledb_internal') IS NOT NULL AND NOT has_schema_privilege('anon', '_timescaledb_internal', 'USAGE') THEN
        GRANT USAGE ON SCHEMA _timescaledb_internal TO PUBLIC;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'clients cannot connect: as the owner of schema _timescaledb_internal run GRANT USAGE ON SCHEMA _timescaledb_internal TO PUBLIC';
END
$$;
