DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role', 'hub'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;
-- PostgreSQL database dump

-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

-- Name: auth; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA auth;

-- Name: hub_sync; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA hub_sync;

-- Name: ts; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA ts;

-- Name: action_status; Type: TYPE; Schema: public; Owner: -

CREATE TYPE public.action_status AS ENUM (
    'pending',
    'in_progress',
    'completed',
    'failed',
    'skipped',
    'requires_manual'
);

-- Name: alert_severity; Type: TYPE; Schema: public; Owner: -

CREATE TYPE public.alert_severity AS ENUM (
    'info',
    'warning',
    'error',
    'critical'
);

-- Name: alert_type; Type: TYPE; Schema: public; Owner: -

CREATE TYPE public.alert_type AS ENUM (
    'device_offline',
    'battery_low',
    'firmware_update',
    'security_vulnerability',
    'unauthorized_access',
    'predictive_failure',
    'automation_failure',
    'energy_anomaly',
    'connectivity_issue',
    'self_healing_completed',
    'self_healing_failed',
    'safety_alarm'
);

-- Name: connectivity_status; Type: TYPE; Schema: public; Owner: -

CREATE TYPE public.connectivity_status AS ENUM (
    'online',
    'offline',
    'weak',
    'degraded',
    'unknown'
);

-- Name: device_type; Type: TYPE; Schema: public; Owner: -

CREATE TYPE public.device_type AS ENUM (
    'light',
    'switch',
    'plug',
    'thermostat',
    'camera',
    'doorbell',
    'lock',
    'sensor_motion',
    'sensor_contact',
    'sensor_temperature',
    'sensor_humidity',
    'sensor_leak',
    'sensor_smoke',
    'hvac',
    'appliance',
    'garage_door',
    'blind',
    'speaker',
    'hub',
    'router',
    'bridge',
    'other'
);

-- Name: protocol_type; Type: TYPE; Schema: public; Owner: -

CREATE TYPE public.protocol_type AS ENUM (
    'matter',
    'thread',
    'zigbee',
    'zwave',
    'wifi',
    'bluetooth',
    'ethernet',
    'proprietary'
);

-- Name: subscription_status; Type: TYPE; Schema: public; Owner: -

CREATE TYPE public.subscription_status AS ENUM (
    'active',
    'inactive',
    'past_due',
    'cancelled',
    'trialing',
    'paused'
);

-- Name: subscription_tier; Type: TYPE; Schema: public; Owner: -

CREATE TYPE public.subscription_tier AS ENUM (
    'free',
    'essential',
    'secure',
    'optimize',
    'complete',
    'enterprise'
);

-- Name: user_role; Type: TYPE; Schema: public; Owner: -

CREATE TYPE public.user_role AS ENUM (
    'homeowner',
    'renter',
    'property_manager',
    'installer',
    'oem_partner',
    'admin',
    'support'
);

-- Name: uid(); Type: FUNCTION; Schema: auth; Owner: -

CREATE FUNCTION auth.uid() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid$$;

-- Name: aliases_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.aliases_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 50$$;

SET default_tablespace = '';

SET default_table_access_method = heap;

-- Name: hub_streams; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_streams (
    stream text NOT NULL,
    target_table text NOT NULL,
    columns text[] NOT NULL,
    time_column text NOT NULL,
    key_columns text[] NOT NULL,
    parents jsonb DEFAULT '{}'::jsonb NOT NULL,
    is_case boolean DEFAULT false NOT NULL
);

-- Name: arrived_sql(public.hub_streams, text[], boolean); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.arrived_sql(declared public.hub_streams, present_columns text[], as_columns boolean) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $_$
DECLARE
    source text;
    expressions text;
BEGIN
    SELECT string_agg(format('%s AS %I', CASE
            WHEN c.name = 'home_id' THEN '$4'
            WHEN c.name = 'id' AND NOT c.name = ANY (present_columns) THEN 'md5($5 || n.seq)::uuid'
            WHEN c.name = 'id' THEN format('coalesce(%s, md5($5 || n.seq)::uuid)', c.raw)
            WHEN NOT c.name = ANY (present_columns) THEN coalesce(c.standard, format('NULL::%s', c.type))
            WHEN c.standard IS NOT NULL THEN format('coalesce(%s, %s)', c.raw, c.standard)
            ELSE c.raw END, c.name), ', ' ORDER BY c.position)
    INTO expressions
    FROM (
        SELECT a.attname::text AS name, w.position, format_type(a.atttypid, a.atttypmod) AS type,
            -- A record without its time is refused, never dated by us.
            CASE WHEN a.attname <> declared.time_column THEN pg_get_expr(d.adbin, d.adrelid) END AS standard,
            CASE
                WHEN NOT as_columns THEN format('r.%I', a.attname)
                WHEN a.atttypid = 'jsonb'::regtype THEN format('nullif(r.%I, ''null'')', a.attname)
                WHEN t.typcategory = 'A' THEN format(
                    'CASE WHEN jsonb_typeof(r.%1$I) = ''array'' THEN ARRAY(SELECT jsonb_array_elements_text(r.%1$I))::%2$s END',
                    a.attname, format_type(a.atttypid, a.atttypmod))
                ELSE format('r.%I::%s', a.attname, format_type(a.atttypid, a.atttypmod))
            END AS raw
        FROM unnest(declared.columns) WITH ORDINALITY w (name, position)
        JOIN pg_attribute a ON a.attrelid = format('ts.%I', declared.target_table)::regclass AND a.attname = w.name AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    ) c;
    IF as_columns THEN
        SELECT format('ROWS FROM (%s) WITH ORDINALITY r (%s, ordinality)',
            string_agg(format(CASE WHEN t.typcategory = 'A' OR t.oid = 'jsonb'::regtype
                THEN 'jsonb_array_elements($1 -> %L)' ELSE 'jsonb_array_elements_text($1 -> %L)' END, a.attname), ', ' ORDER BY a.attnum),
            string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum))
        INTO source
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = format('ts.%I', declared.target_table)::regclass AND a.attname::text = ANY (present_columns) AND a.attname = ANY (declared.columns);
    ELSE
        source := format('jsonb_populate_recordset(NULL::ts.%I, $1) WITH ORDINALITY r', declared.target_table);
    END IF;
    RETURN format('WITH arrived AS (SELECT n.seq, %s FROM %s '
                  'CROSS JOIN LATERAL (SELECT CASE WHEN $2::bigint[] IS NULL THEN $3::bigint + r.ordinality - 1 ELSE ($2::bigint[])[r.ordinality] END) n (seq)) ',
                  expressions, source);
END
$_$;

-- Name: hub_definition_kinds; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_definition_kinds (
    entity_type text NOT NULL,
    rank smallint NOT NULL,
    target_table text NOT NULL,
    people_columns text[] NOT NULL,
    manual_columns text[] DEFAULT '{}'::text[] NOT NULL,
    hub_columns text[] DEFAULT '{}'::text[] NOT NULL,
    observed_columns text[] DEFAULT '{}'::text[] NOT NULL,
    cloud_columns text[] DEFAULT '{}'::text[] NOT NULL,
    comes_from_hub boolean DEFAULT true NOT NULL,
    is_soft_deleted boolean DEFAULT false NOT NULL,
    has_sync_status boolean DEFAULT false NOT NULL
);

-- Name: as_columns(public.hub_definition_kinds, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.as_columns(kind public.hub_definition_kinds, fields jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $_$
DECLARE
    typed jsonb;
BEGIN
    EXECUTE format('SELECT to_jsonb(jsonb_populate_record(NULL::public.%I, $1))', kind.target_table) INTO typed USING fields;
    RETURN hub_sync.pick(typed, ARRAY(SELECT jsonb_object_keys(fields)));
END
$_$;

-- Name: base64url(bytea); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.base64url(octets bytea) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT translate(encode(octets, 'base64'), E'+/=\n', '-_')
$$;

-- Name: bounded(jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.bounded(document jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    SELECT CASE WHEN pg_column_size(document) <= hub_sync.extra_bytes_max() THEN document END
$$;

-- Name: hub_hubs; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_hubs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    home_id uuid NOT NULL,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    mirror_id text NOT NULL,
    epoch integer DEFAULT 1 NOT NULL,
    agent_version text,
    public jsonb DEFAULT '{}'::jsonb NOT NULL,
    clock jsonb,
    waiting jsonb DEFAULT '{}'::jsonb NOT NULL,
    present_boot_id text,
    present_monotonic_ms bigint,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone,
    last_ingest_at timestamp with time zone,
    retired_at timestamp with time zone
);

-- Name: bury(public.hub_hubs, text, integer, text, bigint, text, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.bury(hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, in_seq bigint, why text, in_body jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO public.hub_dead_letters (hub_id, home_id, mirror_id, epoch, stream, seq, reason, body)
    VALUES (hub.id, hub.home_id, in_mirror, in_epoch, left(in_stream, 100), in_seq, left(why, 500),
            hub_sync.bounded(in_body));
    RETURN jsonb_build_array(jsonb_build_object('stream', in_stream, 'seq', in_seq, 'reason', left(why, 500)));
END
$$;

-- Name: caller(text, boolean); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.caller(stated_hub text, for_writing boolean) RETURNS public.hub_hubs
    LANGUAGE plpgsql
    AS $$
DECLARE
    claims jsonb := hub_sync.claims();
    hub public.hub_hubs;
BEGIN
    IF claims ->> 'role' IS DISTINCT FROM 'hub' OR claims ->> 'hub_id' IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT401', MESSAGE = 'This call needs a hub''s token.', DETAIL = 'token_missing',
            HINT = 'Get one from hub_token_v1.';
    END IF;
    IF for_writing THEN
        SELECT * INTO hub FROM public.hub_hubs WHERE id::text = claims ->> 'hub_id' FOR NO KEY UPDATE;
    ELSE
        SELECT * INTO hub FROM public.hub_hubs WHERE id::text = claims ->> 'hub_id';
    END IF;
    IF hub.id IS NULL OR hub.home_id::text IS DISTINCT FROM claims ->> 'home_id' THEN
        RAISE EXCEPTION USING ERRCODE = 'PT401', MESSAGE = 'No hub of this identity is known.', DETAIL = 'hub_unknown',
            HINT = 'Claim the hub again.';
    END IF;
    IF hub.retired_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT403', MESSAGE = 'Another hub has taken over this home.', DETAIL = 'hub_retired',
            HINT = 'Claim this hub again if it shall serve the home.';
    END IF;
    IF stated_hub IS NOT NULL AND stated_hub <> hub.id::text THEN
        RAISE EXCEPTION USING ERRCODE = 'PT403', MESSAGE = 'The envelope names another hub than the token.', DETAIL = 'hub_mismatch';
    END IF;
    RETURN hub;
END
$$;

-- Name: changes_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.changes_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 500$$;

-- Name: claims(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.claims() RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}')
$$;

-- Name: code_sha256(text); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.code_sha256(code text) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT sha256(convert_to(translate(regexp_replace(upper(code), '[^0-9A-Z]', '', 'g'), 'ILO', '110'), 'UTF8'))
$$;

-- Name: commands_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.commands_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 50$$;

-- Name: commands_waiting_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.commands_waiting_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 1000$$;

-- Name: current_documents(public.hub_definition_kinds, uuid[]); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.current_documents(kind public.hub_definition_kinds, ids uuid[]) RETURNS TABLE(id uuid, document jsonb)
    LANGUAGE plpgsql STABLE
    AS $_$
BEGIN
    RETURN QUERY EXECUTE format('SELECT t.id, to_jsonb(t) FROM public.%I t WHERE t.id = ANY ($1)', kind.target_table) USING ids;
END
$_$;

-- Name: day_counts(public.hub_streams, uuid, date, date); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.day_counts(declared public.hub_streams, home uuid, first_day date, last_day date) RETURNS TABLE(day date, count bigint)
    LANGUAGE plpgsql STABLE
    AS $_$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT (t.%1$I AT TIME ZONE ''UTC'')::date, count(*) FROM ts.%2$I t WHERE t.%1$I >= $2::timestamp AT TIME ZONE ''UTC'' '
        'AND t.%1$I < ($3 + 1)::timestamp AT TIME ZONE ''UTC'' AND %3$s GROUP BY 1',
        declared.time_column, declared.target_table,
        CASE WHEN 'home_id' = ANY (declared.columns) THEN 't.home_id = $1'
             ELSE 't.device_id IN (SELECT id FROM public.devices WHERE home_id = $1)' END)
    USING home, first_day, last_day;
END
$_$;

-- Name: dead_letters_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.dead_letters_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 10000$$;

-- Name: definition_bytes_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.definition_bytes_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 262144$$;

-- Name: delete_definition(public.hub_definition_kinds, uuid); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.delete_definition(kind public.hub_definition_kinds, entity uuid) RETURNS void
    LANGUAGE plpgsql
    AS $_$
BEGIN
    IF kind.is_soft_deleted THEN
        EXECUTE format('UPDATE public.%I SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL', kind.target_table) USING entity;
    ELSE
        EXECUTE format('DELETE FROM public.%I WHERE id = $1', kind.target_table) USING entity;
    END IF;
END
$_$;

-- Name: deliver_commands(public.hub_hubs); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.deliver_commands(hub public.hub_hubs) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
DECLARE
    delivered jsonb;
BEGIN
    UPDATE public.hub_commands SET status = 'expired', finished_at = now()
    WHERE home_id = hub.home_id AND status IN ('pending', 'delivered') AND expires_at <= now();
    -- Again and again until the hub says it is done; the hub keeps the ids and does each once.
    WITH due AS (
        SELECT id FROM public.hub_commands
        WHERE home_id = hub.home_id AND (hub_id IS NULL OR hub_id = hub.id)
          AND (status = 'pending' OR (status = 'delivered' AND delivered_at <= now() - hub_sync.redeliver_after()))
        ORDER BY created_at, id LIMIT hub_sync.commands_max() FOR UPDATE SKIP LOCKED
    ), sent AS (
        UPDATE public.hub_commands c SET status = 'delivered', delivered_at = now() FROM due WHERE c.id = due.id RETURNING c.*
    )
    SELECT jsonb_agg(jsonb_build_object('id', id, 'kind', kind, 'payload', payload, 'created_at', created_at, 'expires_at', expires_at)
                     ORDER BY created_at, id)
    INTO delivered FROM sent;
    RETURN coalesce(delivered, '[]');
END
$$;

-- Name: envelope_definitions_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.envelope_definitions_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 2000$$;

-- Name: envelope_rows_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.envelope_rows_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 10000$$;

-- Name: extra_bytes_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.extra_bytes_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 16384$$;

-- Name: finished_commands_kept(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.finished_commands_kept() RETURNS interval
    LANGUAGE sql IMMUTABLE
    AS $$SELECT interval '30 days'$$;

-- Name: history_versions_max(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.history_versions_max() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 20$$;

-- Name: hmac_sha256(bytea, bytea); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.hmac_sha256(key bytea, message bytea) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE
    AS $$
DECLARE
    block bytea := CASE WHEN length(key) > 64 THEN sha256(key) ELSE key END;
    inner_pad bytea;
    outer_pad bytea;
BEGIN
    block := block || decode(repeat('00', 64 - length(block)), 'hex');
    inner_pad := block;
    outer_pad := block;
    FOR position IN 0..63 LOOP
        inner_pad := set_byte(inner_pad, position, get_byte(block, position) # 54);
        outer_pad := set_byte(outer_pad, position, get_byte(block, position) # 92);
    END LOOP;
    RETURN sha256(outer_pad || sha256(inner_pad || message));
END
$$;

-- Name: home_document(uuid); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.home_document(home uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    SELECT jsonb_build_object(
        'id', h.id, 'name', h.name, 'timezone', h.timezone, 'country', h.country, 'metadata', coalesce(h.metadata, '{}'),
        'latitude', h.coordinates[0], 'longitude', h.coordinates[1], 'version', v.version)
    FROM public.homes h
    LEFT JOIN public.hub_definition_versions v ON v.entity_type = 'home' AND v.entity_id = h.id
    WHERE h.id = home
$$;

-- Name: hub_ecosystem(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.hub_ecosystem() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$
    SELECT id FROM public.ecosystems WHERE slug = 'nexa_hub'
$$;

-- Name: insert_around_bad(public.hub_streams, text, text, public.hub_hubs, text, integer, jsonb[], bigint[], integer, integer); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.insert_around_bad(declared public.hub_streams, inserts text, finds_strays text, hub public.hub_hubs, in_mirror text, in_epoch integer, body_rows jsonb[], seqs bigint[], lo integer, hi integer) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
DECLARE
    middle integer := (lo + hi) / 2;
    why text;
BEGIN
    IF lo > hi THEN
        RETURN '[]';
    END IF;
    BEGIN
        RETURN hub_sync.insert_records(declared, inserts, finds_strays, hub, in_mirror, in_epoch, to_jsonb(body_rows[lo:hi]),
                                       seqs[lo:hi], NULL, seqs[lo] - 1, seqs[hi]);
    EXCEPTION WHEN OTHERS THEN
        IF hub_sync.is_passing(SQLSTATE) THEN
            RAISE;
        END IF;
        why := SQLERRM;
    END;
    IF lo = hi THEN
        RETURN hub_sync.bury(hub, in_mirror, in_epoch, declared.stream, seqs[lo], why, body_rows[lo]);
    END IF;
    RETURN hub_sync.insert_around_bad(declared, inserts, finds_strays, hub, in_mirror, in_epoch, body_rows, seqs, lo, middle)
        || hub_sync.insert_around_bad(declared, inserts, finds_strays, hub, in_mirror, in_epoch, body_rows, seqs, middle + 1, hi);
END
$$;

-- Name: insert_records(public.hub_streams, text, text, public.hub_hubs, text, integer, jsonb, bigint[], bigint, bigint, bigint); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.insert_records(declared public.hub_streams, inserts text, finds_strays text, hub public.hub_hubs, in_mirror text, in_epoch integer, body jsonb, seqs bigint[], first_seq bigint, after bigint, upto bigint) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
DECLARE
    seed text := concat_ws('/', hub.id, in_mirror, in_epoch, declared.stream, '');
    expected bigint := 0;
    stored bigint;
    letter record;
    refused jsonb := '[]';
BEGIN
    EXECUTE inserts USING body, seqs, first_seq, hub.home_id, seed, after, upto;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF seqs IS NOT NULL THEN
        SELECT count(*) INTO expected FROM unnest(seqs) s WHERE s > after AND s <= upto;
    ELSE
        expected := greatest(upto - greatest(after, first_seq - 1), 0);
    END IF;
    IF stored < expected AND finds_strays IS NOT NULL THEN
        FOR letter IN EXECUTE finds_strays USING body, seqs, first_seq, hub.home_id, seed, after, upto LOOP
            refused := refused || hub_sync.bury(hub, in_mirror, in_epoch, declared.stream, letter.seq, letter.reason, letter.body);
        END LOOP;
    END IF;
    RETURN refused;
END
$$;

-- Name: is_home_member(uuid, text); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.is_home_member(home uuid, permission text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (SELECT FROM public.homes WHERE id = home AND owner_id = auth.uid())
        OR EXISTS (
            SELECT FROM public.home_members
            WHERE home_id = home AND user_id = auth.uid() AND is_active
              AND (role IN ('owner', 'admin') OR coalesce((permissions ->> permission)::boolean, false)))
$$;

-- Name: is_operator(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.is_operator() RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT CASE current_setting('role')
        WHEN 'service_role' THEN true
        WHEN 'none' THEN pg_has_role(session_user, 'service_role', 'MEMBER')
        ELSE pg_has_role(current_setting('role')::name, 'service_role', 'MEMBER')
    END
$$;

-- Name: is_passing(text); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.is_passing(state text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT left(state, 2) IN ('08', '25', '40', '53', '55', '57', '58')
$$;

-- Name: is_stale_present(public.hub_hubs, text, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.is_stale_present(hub public.hub_hubs, in_mirror text, clock jsonb) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce(hub.mirror_id = in_mirror AND hub.present_boot_id = clock ->> 'boot_id'
        AND jsonb_typeof(clock -> 'monotonic_ms') = 'number' AND (clock ->> 'monotonic_ms')::numeric < hub.present_monotonic_ms, false)
$$;

-- Name: keep_conflict(text, uuid, uuid, integer, integer, jsonb, text); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.keep_conflict(in_type text, in_id uuid, home uuid, in_version integer, hub_version integer, conflicts jsonb, modified text) RETURNS void
    LANGUAGE sql
    AS $$
    UPDATE public.ecosystem_sync_status SET
        sync_status = 'conflict', local_version = in_version, remote_version = hub_version, last_sync_attempt_at = now(),
        error_message = format('changed on both sides: %s', (SELECT string_agg(key, ', ' ORDER BY key) FROM jsonb_object_keys(conflicts) key)),
        metadata = coalesce(metadata, '{}') || jsonb_build_object('conflict', jsonb_build_object(
            'fields', coalesce(metadata -> 'conflict' -> 'fields', '{}') || conflicts, 'base_version', hub_version, 'hub_modified_at', modified))
    WHERE home_id = home AND ecosystem_id = hub_sync.hub_ecosystem() AND entity_type = in_type AND entity_id = in_id
$$;

-- Name: merge(public.hub_definition_kinds, jsonb, jsonb, jsonb, text); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.merge(kind public.hub_definition_kinds, hub_fields jsonb, cloud_fields jsonb, base_fields jsonb, resolution text, OUT applied jsonb, OUT conflicts jsonb) RETURNS record
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT coalesce(jsonb_object_agg(f.key, f.hub) FILTER (WHERE f.verdict = 'hub'), '{}'),
           coalesce(jsonb_object_agg(f.key, jsonb_build_object('hub', f.hub, 'cloud', f.cloud, 'base', f.base)) FILTER (WHERE f.verdict = 'conflict'), '{}')
    FROM (
        SELECT h.key, h.value AS hub, cloud_fields -> h.key AS cloud, base_fields -> h.key AS base,
            CASE
                WHEN h.value = cloud_fields -> h.key THEN 'same'
                WHEN base_fields IS NOT NULL AND cloud_fields -> h.key = base_fields -> h.key THEN 'hub'
                WHEN base_fields IS NOT NULL AND h.value = base_fields -> h.key THEN 'cloud'
                WHEN NOT h.key = ANY (kind.manual_columns) OR resolution = 'nexa_wins' THEN 'cloud'
                WHEN resolution = 'ecosystem_wins' THEN 'hub'
                ELSE 'conflict'
            END AS verdict
        FROM jsonb_each(hub_fields) h
    ) f
$$;

-- Name: note_definition_change(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.note_definition_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    kind hub_definition_kinds;
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    document jsonb := coalesce(becomes, was);
    home uuid;
    writer text := nullif(current_setting('nexa.hub_origin', true), '');
    is_gone boolean;
    new_version integer;
BEGIN
    SELECT * INTO STRICT kind FROM hub_definition_kinds WHERE entity_type = TG_ARGV[0];
    IF TG_OP = 'UPDATE' AND hub_sync.pick(was, kind.people_columns || kind.cloud_columns) = hub_sync.pick(becomes, kind.people_columns || kind.cloud_columns)
       AND (was ->> 'deleted_at' IS NULL) = (becomes ->> 'deleted_at' IS NULL) THEN
        RETURN NULL;
    END IF;
    home := CASE WHEN kind.entity_type = 'home' THEN document ->> 'id' ELSE document ->> 'home_id' END;
    IF NOT EXISTS (SELECT FROM homes WHERE id = home) THEN
        RETURN NULL;  -- the whole home is being deleted
    END IF;
    is_gone := TG_OP = 'DELETE' OR document ->> 'deleted_at' IS NOT NULL;
    INSERT INTO hub_definition_versions AS v (entity_type, entity_id, home_id, version, xid, rank, origin, is_deleted)
    VALUES (kind.entity_type, (document ->> 'id')::uuid, home, 1, pg_current_xact_id(), kind.rank, writer, is_gone)
    ON CONFLICT (entity_type, entity_id) DO UPDATE SET version = v.version + 1, home_id = excluded.home_id, xid = excluded.xid,
        origin = excluded.origin, is_deleted = excluded.is_deleted, modified_at = now()
    RETURNING v.version INTO new_version;
    INSERT INTO hub_definition_history (entity_type, entity_id, version, fields, origin)
    VALUES (kind.entity_type, (document ->> 'id')::uuid, new_version, hub_sync.pick(document, kind.people_columns), writer);
    DELETE FROM hub_definition_history WHERE entity_type = kind.entity_type AND entity_id = (document ->> 'id')::uuid
        AND version <= new_version - hub_sync.history_versions_max();
    IF kind.has_sync_status THEN
        PERFORM hub_sync.note_sync_status(kind.entity_type, (document ->> 'id')::uuid, home, new_version, writer IS NOT NULL, is_gone,
            ARRAY(SELECT c FROM unnest(kind.people_columns) c WHERE was -> c IS DISTINCT FROM becomes -> c));
    END IF;
    PERFORM pg_notify('nexa_hub_changes', home::text);
    RETURN NULL;
END
$$;

-- Name: note_sync_status(text, uuid, uuid, integer, boolean, boolean, text[]); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.note_sync_status(in_type text, in_id uuid, home uuid, in_version integer, is_from_hub boolean, is_gone boolean, touched text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    open_conflict jsonb;
    open_fields jsonb;
BEGIN
    IF is_gone THEN
        DELETE FROM public.ecosystem_sync_status
        WHERE home_id = home AND ecosystem_id = hub_sync.hub_ecosystem() AND entity_type = in_type AND entity_id = in_id;
        RETURN;
    END IF;
    SELECT s.metadata -> 'conflict' INTO open_conflict FROM public.ecosystem_sync_status s
    WHERE s.home_id = home AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.entity_type = in_type AND s.entity_id = in_id;
    open_fields := coalesce(open_conflict -> 'fields', '{}') - touched;
    INSERT INTO public.ecosystem_sync_status AS s (
        home_id, ecosystem_id, entity_type, entity_id, sync_status, sync_direction, conflict_resolution, local_version, remote_version,
        last_modified_locally_at, last_modified_remotely_at, last_synced_at, last_sync_attempt_at)
    SELECT home, e.id, in_type, in_id, CASE WHEN is_from_hub THEN 'synced' ELSE 'pending' END, 'bidirectional', 'manual',
           in_version, CASE WHEN is_from_hub THEN in_version END, CASE WHEN NOT is_from_hub THEN now() END,
           CASE WHEN is_from_hub THEN now() END, CASE WHEN is_from_hub THEN now() END, CASE WHEN is_from_hub THEN now() END
    FROM public.ecosystems e WHERE e.id = hub_sync.hub_ecosystem()
    ON CONFLICT (home_id, ecosystem_id, entity_type, entity_id) DO UPDATE SET
        sync_status = CASE WHEN open_fields = '{}' THEN excluded.sync_status ELSE 'conflict' END,
        error_message = CASE WHEN open_fields <> '{}' THEN s.error_message END,
        local_version = excluded.local_version,
        remote_version = coalesce(excluded.remote_version, s.remote_version),
        last_modified_locally_at = coalesce(excluded.last_modified_locally_at, s.last_modified_locally_at),
        last_modified_remotely_at = coalesce(excluded.last_modified_remotely_at, s.last_modified_remotely_at),
        last_synced_at = coalesce(excluded.last_synced_at, s.last_synced_at),
        last_sync_attempt_at = coalesce(excluded.last_sync_attempt_at, s.last_sync_attempt_at),
        metadata = CASE WHEN open_fields = '{}' THEN coalesce(s.metadata, '{}') - 'conflict'
                        ELSE s.metadata || jsonb_build_object('conflict', open_conflict || jsonb_build_object('fields', open_fields)) END;
END
$$;

-- Name: note_taken_over(public.hub_hubs, xid8, smallint, uuid); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.note_taken_over(hub public.hub_hubs, seen_xid xid8, seen_rank smallint, seen_id uuid) RETURNS void
    LANGUAGE sql
    AS $$
    UPDATE public.ecosystem_sync_status s
    SET sync_status = 'synced', remote_version = v.version, last_synced_at = now(), last_sync_attempt_at = now()
    FROM public.hub_definition_versions v
    WHERE s.home_id = hub.home_id AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.sync_status = 'pending'
      AND v.entity_type = s.entity_type AND v.entity_id = s.entity_id
      AND (v.xid, v.rank, v.entity_id) <= (seen_xid, seen_rank, seen_id)
      -- An envelope of the same hub may hold some; the next question finds them.
      AND s.id IN (SELECT id FROM public.ecosystem_sync_status
                   WHERE home_id = hub.home_id AND sync_status = 'pending' FOR NO KEY UPDATE SKIP LOCKED)
$$;

-- Name: parent_checks(public.hub_streams); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.parent_checks(declared public.hub_streams) RETURNS TABLE(column_name text, expression text)
    LANGUAGE sql STABLE
    AS $_$
    SELECT p.key, format('(a.%1$I IS NULL OR a.%1$I IN (SELECT id FROM public.%2$I%3$s))', p.key, p.value,
        CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = format('public.%I', p.value)::regclass AND attname = 'home_id')
             THEN ' WHERE home_id = $4' ELSE '' END)
    FROM jsonb_each_text(declared.parents) p
    ORDER BY p.key
$_$;

-- Name: part(jsonb, text, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.part(request jsonb, name text, nothing jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT coalesce(nullif(request -> name, 'null'), nothing)
$$;

-- Name: pick(jsonb, text[]); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.pick(document jsonb, names text[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT coalesce(jsonb_object_agg(name, document -> name), '{}') FROM unnest(names) name WHERE document ? name
$$;

-- Name: random_code(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.random_code() RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    letters constant text := '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    noise bytea := decode(hub_sync.random_hex(), 'hex');
    code text := '';
BEGIN
    FOR position IN 0..11 LOOP
        code := code || CASE WHEN position IN (4, 8) THEN '-' ELSE '' END
                     || substr(letters, (get_byte(noise, position) % 32) + 1, 1);
    END LOOP;
    RETURN code;
END
$$;

-- Name: random_hex(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.random_hex() RETURNS text
    LANGUAGE sql
    AS $$
    SELECT encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex')
$$;

-- Name: reach(uuid, text, integer, text, bigint, bigint[], bigint, integer); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.reach(hub_id uuid, in_mirror text, in_epoch integer, in_stream text, mark bigint, seqs bigint[], first_seq bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    reached bigint := mark;
    stretch record;
BEGIN
    FOR stretch IN
        SELECT min(s.seq) AS lo, max(s.seq) AS hi
        FROM (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS island FROM unnest(seqs) seq) s
        GROUP BY s.island
        UNION ALL
        SELECT first_seq, first_seq + n - 1 WHERE seqs IS NULL AND n > 0
        UNION ALL
        SELECT g.first_seq, g.last_seq FROM public.hub_gaps g
        WHERE g.hub_id = reach.hub_id AND g.mirror_id = in_mirror AND g.epoch = in_epoch AND g.stream = in_stream AND g.last_seq > mark
        ORDER BY 1, 2
    LOOP
        EXIT WHEN stretch.lo > reached + 1;
        reached := greatest(reached, stretch.hi);
    END LOOP;
    RETURN reached;
END
$$;

-- Name: record_statements(public.hub_streams, text[], boolean, boolean); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.record_statements(declared public.hub_streams, present_columns text[], as_columns boolean, is_repair boolean, OUT inserts text, OUT finds_strays text) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $_$
DECLARE
    arrived text := hub_sync.arrived_sql(declared, present_columns, as_columns);
    checks text;
    reasons text;
    missing text := '';
BEGIN
    SELECT string_agg(expression, ' AND '),
           string_agg(format('WHEN NOT %s THEN %L', expression, column_name || ' is not known in this home'), ' ')
    INTO checks, reasons FROM hub_sync.parent_checks(declared);
    IF is_repair THEN
        SELECT format(' AND NOT EXISTS (SELECT FROM ts.%I k WHERE %s)', declared.target_table,
                      string_agg(format('k.%1$I = a.%1$I', key), ' AND '))
        INTO missing FROM unnest(declared.key_columns) key;
    END IF;
    inserts := arrived || format('INSERT INTO ts.%I (%s) SELECT %s FROM arrived a WHERE a.seq > $6 AND a.seq <= $7 AND %s%s%s',
        declared.target_table,
        (SELECT string_agg(quote_ident(c), ', ') FROM unnest(declared.columns) c),
        (SELECT string_agg('a.' || quote_ident(c), ', ') FROM unnest(declared.columns) c),
        coalesce(checks, 'true'), missing,
        CASE WHEN 'id' = ANY (declared.key_columns) THEN ' ON CONFLICT DO NOTHING' ELSE '' END);
    finds_strays := arrived || format(
        'SELECT a.seq, CASE %s END AS reason, to_jsonb(a) - ''seq'' AS body FROM arrived a '
        'WHERE a.seq > $6 AND a.seq <= $7 AND NOT (%s) ORDER BY a.seq', reasons, checks);
END
$_$;

-- Name: redeliver_after(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.redeliver_after() RETURNS interval
    LANGUAGE sql IMMUTABLE
    AS $$SELECT interval '30 seconds'$$;

-- Name: require_envelope(jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.require_envelope(request jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    n bigint;
BEGIN
    PERFORM hub_sync.require_shape(request, name, shape)
    FROM (VALUES ('definitions', 'array'), ('present', 'object'), ('streams', 'object'), ('cases', 'array'), ('gaps', 'array'),
                 ('commands_done', 'array'), ('clock', 'object')) v (name, shape);
    IF coalesce(request ->> 'mirror_id', '') = '' OR jsonb_typeof(request -> 'epoch') IS DISTINCT FROM 'number'
       OR (request ->> 'epoch')::numeric NOT BETWEEN 0 AND 2147483647 THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = 'An envelope needs mirror_id and epoch.', DETAIL = 'request_incomplete';
    END IF;
    IF hub_sync.version_parts(request ->> 'agent_version') < (SELECT hub_sync.version_parts(agent_version_min) FROM public.hub_limits) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT426', MESSAGE = 'This agent is too old for the cloud.', DETAIL = 'agent_too_old',
            HINT = format('Upgrade it to %s or later.', (SELECT agent_version_min FROM public.hub_limits));
    END IF;
    SELECT coalesce(sum(greatest(hub_sync.rows_in(coalesce(s.value -> 'columns', s.value -> 'rows', '[]'), s.value ? 'columns'), 0)), 0)
        + coalesce(jsonb_array_length(hub_sync.part(request, 'cases', '[]')), 0) + jsonb_array_length(hub_sync.part(request, 'gaps', '[]'))
    INTO n FROM jsonb_each(hub_sync.part(request, 'streams', '{}')) s;
    IF n > hub_sync.envelope_rows_max() OR jsonb_array_length(hub_sync.part(request, 'definitions', '[]')) > hub_sync.envelope_definitions_max() THEN
        RAISE EXCEPTION USING ERRCODE = 'PT413', MESSAGE = format('%s rows in one envelope are too many.', n), DETAIL = 'envelope_too_large',
            HINT = format('Send at most %s.', (SELECT rows_max FROM public.hub_limits));
    END IF;
END
$$;

-- Name: require_shape(jsonb, text, text); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.require_shape(request jsonb, name text, shape text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF request ? name AND jsonb_typeof(request -> name) NOT IN (shape, 'null') THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = format('"%s" must be an %s.', name, shape), DETAIL = 'request_malformed';
    END IF;
END
$$;

-- Name: revive_definition(public.hub_definition_kinds, uuid); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.revive_definition(kind public.hub_definition_kinds, entity uuid) RETURNS void
    LANGUAGE plpgsql
    AS $_$
BEGIN
    EXECUTE format('UPDATE public.%I SET deleted_at = NULL WHERE id = $1', kind.target_table) USING entity;
END
$_$;

-- Name: rows_in(jsonb, boolean); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.rows_in(body jsonb, as_columns boolean) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE
    AS $$
DECLARE
    shortest integer;
    longest integer;
BEGIN
    IF NOT as_columns THEN
        RETURN CASE WHEN jsonb_typeof(body) = 'array' THEN jsonb_array_length(body) ELSE -1 END;
    END IF;
    IF jsonb_typeof(body) <> 'object' THEN
        RETURN -1;
    END IF;
    SELECT min(n), max(n) INTO shortest, longest
    FROM (SELECT CASE WHEN jsonb_typeof(value) = 'array' THEN jsonb_array_length(value) ELSE -1 END AS n FROM jsonb_each(body)) c;
    RETURN CASE WHEN shortest = longest THEN shortest WHEN shortest IS NULL THEN 0 ELSE -1 END;
END
$$;

-- Name: signed_token(jsonb, text); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.signed_token(claims jsonb, secret text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $$
DECLARE
    unsigned text := hub_sync.base64url(convert_to('{"alg":"HS256","typ":"JWT"}', 'UTF8'))
        || '.' || hub_sync.base64url(convert_to(claims::text, 'UTF8'));
BEGIN
    RETURN unsigned || '.' || hub_sync.base64url(hub_sync.hmac_sha256(convert_to(secret, 'UTF8'), convert_to(unsigned, 'UTF8')));
END
$$;

-- Name: store_records(public.hub_streams, public.hub_hubs, text, integer, jsonb, boolean, bigint[], bigint, bigint, bigint, boolean); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.store_records(declared public.hub_streams, hub public.hub_hubs, in_mirror text, in_epoch integer, body jsonb, as_columns boolean, seqs bigint[], first_seq bigint, after bigint, upto bigint, is_repair boolean) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
DECLARE
    statements record;
    body_rows jsonb[];
    numbers bigint[];
BEGIN
    SELECT * INTO statements FROM hub_sync.record_statements(
        declared, CASE WHEN as_columns THEN ARRAY(SELECT jsonb_object_keys(body)) ELSE declared.columns END, as_columns, is_repair);
    BEGIN
        RETURN hub_sync.insert_records(declared, statements.inserts, statements.finds_strays, hub, in_mirror, in_epoch,
                                       body, seqs, first_seq, after, upto);
    EXCEPTION WHEN OTHERS THEN
        IF hub_sync.is_passing(SQLSTATE) THEN
            RAISE;
        END IF;
    END;
    SELECT array_agg(r.one ORDER BY r.position), array_agg(r.seq ORDER BY r.position) INTO body_rows, numbers
    FROM (
        SELECT e.position, CASE WHEN seqs IS NULL THEN first_seq + e.position - 1 ELSE seqs[e.position] END AS seq, e.one
        FROM (
            SELECT p.position, (SELECT jsonb_object_agg(c.key, c.value -> (p.position - 1)::integer) FROM jsonb_each(body) c) AS one
            FROM generate_series(1, CASE WHEN as_columns THEN hub_sync.rows_in(body, true) ELSE 0 END) p (position)
            UNION ALL
            SELECT r.position, r.value
            FROM jsonb_array_elements(CASE WHEN as_columns THEN '[]' ELSE body END) WITH ORDINALITY r (value, position)
        ) e
    ) r
    WHERE r.seq > after AND r.seq <= upto;
    SELECT * INTO statements FROM hub_sync.record_statements(declared, declared.columns, false, is_repair);
    RETURN hub_sync.insert_around_bad(declared, statements.inserts, statements.finds_strays, hub, in_mirror, in_epoch,
                                      body_rows, numbers, 1, coalesce(cardinality(numbers), 0));
END
$$;

-- Name: take_aliases(uuid, uuid, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.take_aliases(home uuid, device uuid, aliases jsonb) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO public.hub_device_aliases (home_id, kind, value, device_id)
    SELECT DISTINCT ON (1, 2, 3) home, left(a.value ->> 'kind', 50), left(a.value ->> 'value', 300), device
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(aliases) = 'array' THEN aliases ELSE '[]' END) WITH ORDINALITY a (value, position)
    WHERE a.position <= hub_sync.aliases_max() AND a.value ->> 'kind' IS NOT NULL AND a.value ->> 'value' IS NOT NULL
    ON CONFLICT (home_id, kind, value) DO UPDATE SET device_id = excluded.device_id
        WHERE hub_device_aliases.device_id <> excluded.device_id
$$;

-- Name: take_case(public.hub_hubs, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.take_case(hub public.hub_hubs, item jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $_$
DECLARE
    held jsonb;
    declared public.hub_streams;
    case_id uuid := (item ->> 'id')::uuid;
    case_time timestamptz := (item ->> 'time')::timestamptz;
    new_revision integer := (item ->> 'revision')::integer;
    known public.hub_case_revisions;
    body jsonb;
    seed text := '';
    bad text;
    stored bigint;
BEGIN
    SELECT * INTO declared FROM public.hub_streams WHERE stream = item ->> 'table' AND is_case;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'no kind of case that hubs send';
    END IF;
    IF case_id IS NULL OR case_time IS NULL OR new_revision IS NULL OR jsonb_typeof(item -> 'row') IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a case needs id, time, revision and row';
    END IF;
    SELECT * INTO known FROM public.hub_case_revisions r WHERE r.table_name = declared.target_table AND r.id = case_id AND r.time = case_time FOR UPDATE;
    IF known.home_id <> hub.home_id THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'this id is taken by another home';
    END IF;
    held := jsonb_build_object('table', declared.target_table, 'id', case_id, 'revision', greatest(known.revision, new_revision));
    IF known.revision >= new_revision THEN
        RETURN held;
    END IF;
    body := jsonb_build_array((item -> 'row') || jsonb_build_object('id', case_id, declared.time_column, case_time));
    EXECUTE hub_sync.arrived_sql(declared, declared.columns, false) || 'SELECT string_agg(c, '', '') FROM arrived a, LATERAL (VALUES '
        || (SELECT string_agg(format('(CASE WHEN NOT %s THEN %L END)', expression, column_name || ' is not known in this home'), ', ')
            FROM hub_sync.parent_checks(declared)) || ') v (c)'
        INTO bad USING body, NULL::bigint[], 1::bigint, hub.home_id, seed;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = bad;
    END IF;
    EXECUTE hub_sync.arrived_sql(declared, declared.columns, false) || format(
            'INSERT INTO ts.%1$I AS t (%2$s) SELECT %3$s FROM arrived a ON CONFLICT (%4$s) DO UPDATE SET %5$s%6$s',
            declared.target_table,
            (SELECT string_agg(quote_ident(c), ', ') FROM unnest(declared.columns) c),
            (SELECT string_agg('a.' || quote_ident(c), ', ') FROM unnest(declared.columns) c),
            (SELECT string_agg(quote_ident(c), ', ') FROM unnest(declared.key_columns) c),
            (SELECT string_agg(format('%1$I = excluded.%1$I', c), ', ') FROM unnest(declared.columns) c WHERE c <> ALL (declared.key_columns)),
            -- A row that lies there without a revision was written by somebody else, and may be another home's.
            ' WHERE t.home_id = excluded.home_id')
        USING body, NULL::bigint[], 1::bigint, hub.home_id, seed;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'this id is taken by another home';
    END IF;
    INSERT INTO public.hub_case_revisions (table_name, id, time, home_id, hub_id, revision)
    VALUES (declared.target_table, case_id, case_time, hub.home_id, hub.id, new_revision)
    ON CONFLICT (table_name, id, time) DO UPDATE SET revision = excluded.revision, hub_id = excluded.hub_id, updated_at = now();
    RETURN held;
END
$_$;

-- Name: take_cases(public.hub_hubs, text, integer, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.take_cases(hub public.hub_hubs, in_mirror text, in_epoch integer, items jsonb, OUT held jsonb, OUT refused jsonb) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE
    item jsonb;
    one jsonb;
BEGIN
    held := '[]';
    refused := '[]';
    FOR item IN SELECT value FROM jsonb_array_elements(items) LOOP
        BEGIN
            one := hub_sync.take_case(hub, item);
            held := held || jsonb_build_array(one);
        EXCEPTION WHEN OTHERS THEN
            IF hub_sync.is_passing(SQLSTATE) THEN
                RAISE;
            END IF;
            PERFORM hub_sync.bury(hub, in_mirror, in_epoch, coalesce(item ->> 'table', 'case'), NULL, SQLERRM, item);
            refused := refused || jsonb_build_array(jsonb_build_object('stream', item -> 'table', 'seq', NULL, 'id', item -> 'id',
                                                                       'revision', item -> 'revision', 'reason', left(SQLERRM, 500)));
        END;
    END LOOP;
END
$$;

-- Name: take_commands_done(public.hub_hubs, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.take_commands_done(hub public.hub_hubs, items jsonb) RETURNS void
    LANGUAGE sql
    AS $$
    UPDATE public.hub_commands c
    SET status = d.value ->> 'status', result = hub_sync.bounded(d.value -> 'result'), finished_at = now()
    FROM jsonb_array_elements(items) d
    WHERE c.id::text = lower(d.value ->> 'id') AND c.home_id = hub.home_id
      AND c.status NOT IN ('done', 'failed') AND d.value ->> 'status' IN ('done', 'failed', 'expired')
$$;

-- Name: take_definition(public.hub_hubs, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.take_definition(hub public.hub_hubs, item jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $_$
DECLARE
    kind public.hub_definition_kinds;
    entity uuid := (item ->> 'id')::uuid;
    sent jsonb := coalesce(item -> 'fields', '{}');
    base_version integer := (item ->> 'base_version')::integer;
    is_deletion boolean := coalesce((item ->> 'deleted')::boolean, false);
    known public.hub_definition_versions;
    document jsonb;
    people jsonb;
    described jsonb;
    unknown jsonb;
    base_fields jsonb;
    taken jsonb := '{}';
    disputed jsonb := '{}';
    answer jsonb;
    resolution text;
    is_unchanged boolean;
    is_news_there boolean;
    is_decision boolean := false;
    is_new boolean := false;
BEGIN
    SELECT * INTO kind FROM public.hub_definition_kinds WHERE entity_type = item ->> 'entity_type' AND comes_from_hub;
    IF NOT FOUND OR entity IS NULL OR jsonb_typeof(sent) <> 'object' THEN
        RETURN jsonb_build_object('entity_type', item -> 'entity_type', 'id', item -> 'id', 'version', NULL, 'status', 'failed',
                                  'error', 'no definition of a kind that hubs send');
    END IF;
    answer := jsonb_build_object('entity_type', kind.entity_type, 'id', entity);
    IF length(sent::text) > hub_sync.definition_bytes_max() THEN
        RETURN answer || jsonb_build_object('version', NULL, 'status', 'failed',
                                            'error', format('more than %s characters', hub_sync.definition_bytes_max()));
    END IF;
    EXECUTE format('SELECT to_jsonb(t) FROM public.%I t WHERE id = $1 FOR UPDATE', kind.target_table) INTO document USING entity;
    SELECT * INTO known FROM public.hub_definition_versions v WHERE v.entity_type = kind.entity_type AND v.entity_id = entity FOR UPDATE;
    IF coalesce(document ->> 'home_id', known.home_id::text, hub.home_id::text) <> hub.home_id::text THEN
        RETURN answer || '{"version": null, "status": "failed", "error": "this id is taken by another home"}';
    END IF;
    IF kind.entity_type = 'device' THEN
        sent := hub_sync.with_catalogue_ids(sent);
    END IF;
    sent := hub_sync.without_foreign_room(sent, hub.home_id);
    people := hub_sync.as_columns(kind, hub_sync.pick(sent, kind.people_columns));
    described := hub_sync.pick(sent, kind.hub_columns);
    unknown := sent - kind.people_columns - kind.hub_columns - kind.observed_columns - kind.cloud_columns - ARRAY['id', 'home_id', 'created_at', 'updated_at', 'deleted_at', 'search_vector'];

    IF is_deletion THEN
        IF known.version IS NULL OR known.is_deleted THEN
            RETURN answer || jsonb_build_object('version', known.version, 'status', 'synced', 'deleted', true);
        END IF;
        IF base_version IS DISTINCT FROM known.version THEN
            RETURN answer || jsonb_build_object('version', known.version, 'status', 'conflict', 'error', 'changed in the cloud since: not deleted',
                                                'fields', hub_sync.wire_fields(kind, document, known.extra));
        END IF;
        PERFORM hub_sync.delete_definition(kind, entity);
        RETURN answer || jsonb_build_object('version', known.version + 1, 'status', 'synced', 'deleted', true);
    END IF;

    IF known.is_deleted AND base_version IS DISTINCT FROM known.version THEN
        RETURN answer || jsonb_build_object('version', known.version, 'status', 'conflict', 'deleted', true, 'error', 'deleted in the cloud');
    END IF;
    -- What changed here since the hub looked, in columns it did not send too: the answer is where it hears of it.
    is_news_there := document IS NOT NULL AND (known.is_deleted OR base_version IS DISTINCT FROM known.version);
    IF document IS NULL THEN
        is_new := true;
        PERFORM hub_sync.write_columns(kind, entity, hub.home_id,
            people || described || hub_sync.pick(sent, kind.observed_columns), true);
    ELSE
        PERFORM hub_sync.write_columns(kind, entity, hub.home_id, described, false);
        IF known.is_deleted THEN
            PERFORM hub_sync.revive_definition(kind, entity);
        END IF;
        IF base_version = known.version THEN
            -- The hub has seen all there is: what it says now is the decision.
            PERFORM hub_sync.write_columns(kind, entity, hub.home_id, people, false);
            is_decision := true;
        ELSE
            SELECT h.fields INTO base_fields FROM public.hub_definition_history h
            WHERE h.entity_type = kind.entity_type AND h.entity_id = entity AND h.version = base_version;
            SELECT s.conflict_resolution INTO resolution FROM public.ecosystem_sync_status s
            WHERE s.home_id = hub.home_id AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.entity_type = kind.entity_type AND s.entity_id = entity;
            SELECT m.applied, m.conflicts INTO taken, disputed
            FROM hub_sync.merge(kind, people, hub_sync.pick(document, kind.people_columns), base_fields, resolution) m;
            PERFORM hub_sync.write_columns(kind, entity, hub.home_id, taken, false);
        END IF;
    END IF;
    IF unknown <> '{}' AND hub_sync.bounded(unknown) IS NOT NULL THEN
        UPDATE public.hub_definition_versions v SET extra = v.extra || unknown WHERE v.entity_type = kind.entity_type AND v.entity_id = entity AND NOT v.extra @> unknown;
    END IF;
    IF kind.entity_type = 'device' THEN
        PERFORM hub_sync.take_aliases(hub.home_id, entity, item -> 'aliases');
    END IF;

    SELECT * INTO STRICT known FROM public.hub_definition_versions v WHERE v.entity_type = kind.entity_type AND v.entity_id = entity;
    SELECT d.document INTO document FROM hub_sync.current_documents(kind, ARRAY[entity]) d;
    is_unchanged := hub_sync.pick(document, ARRAY(SELECT jsonb_object_keys(people))) = people AND NOT (item -> 'fields' ->> 'room_id' IS NOT NULL AND sent ->> 'room_id' IS NULL);
    answer := answer || jsonb_build_object('version', known.version, 'status', CASE WHEN disputed = '{}' THEN 'synced' ELSE 'conflict' END);
    IF is_news_there OR NOT is_unchanged THEN
        answer := answer || jsonb_build_object('fields', hub_sync.wire_fields(kind, document, known.extra));
        UPDATE public.hub_definition_versions v SET origin = NULL WHERE v.entity_type = kind.entity_type AND v.entity_id = entity;
    END IF;
    IF disputed <> '{}' THEN
        PERFORM hub_sync.keep_conflict(kind.entity_type, entity, hub.home_id, known.version, base_version, disputed, item ->> 'modified_at');
        answer := answer || jsonb_build_object('error', 'changed on both sides', 'disputed', ARRAY(SELECT jsonb_object_keys(disputed)));
    ELSIF kind.has_sync_status AND NOT is_new THEN
        PERFORM hub_sync.note_sync_status(kind.entity_type, entity, hub.home_id, known.version, true, false,
            CASE WHEN is_decision THEN ARRAY(SELECT jsonb_object_keys(people)) ELSE '{}' END);
    END IF;
    RETURN answer;
END
$_$;

-- Name: take_definitions(public.hub_hubs, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.take_definitions(hub public.hub_hubs, items jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
DECLARE
    item jsonb;
    answers jsonb := '[]';
    answer jsonb;
BEGIN
    FOR item IN
        SELECT i.value FROM jsonb_array_elements(items) WITH ORDINALITY i (value, position)
        LEFT JOIN public.hub_definition_kinds k ON k.entity_type = i.value ->> 'entity_type'
        ORDER BY k.rank NULLS LAST, i.position
    LOOP
        BEGIN
            answer := hub_sync.take_definition(hub, item);
        EXCEPTION WHEN OTHERS THEN
            IF hub_sync.is_passing(SQLSTATE) THEN
                RAISE;
            END IF;
            answer := jsonb_build_object('entity_type', item -> 'entity_type', 'id', item -> 'id', 'version', NULL,
                                         'status', 'failed', 'error', left(SQLERRM, 500));
            IF SQLSTATE = '23505' AND item ->> 'entity_type' = 'room' THEN
                answer := answer || coalesce((
                    SELECT jsonb_build_object('error', 'a room of this name exists', 'existing', jsonb_build_object('id', r.id, 'version', v.version))
                    FROM public.rooms r JOIN public.hub_definition_versions v ON v.entity_type = 'room' AND v.entity_id = r.id
                    WHERE r.home_id = hub.home_id AND r.name = item -> 'fields' ->> 'name'), '{}');
            END IF;
        END;
        answers := answers || jsonb_build_array(answer);
    END LOOP;
    RETURN answers;
END
$$;

-- Name: take_gaps(public.hub_hubs, text, integer, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.take_gaps(hub public.hub_hubs, in_mirror text, in_epoch integer, items jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
DECLARE
    item jsonb;
    refused jsonb := '[]';
BEGIN
    FOR item IN SELECT value FROM jsonb_array_elements(items) LOOP
        BEGIN
            INSERT INTO public.hub_gaps (hub_id, mirror_id, epoch, stream, home_id, first_seq, last_seq, count, reason, from_at, to_at)
            VALUES (hub.id, in_mirror, in_epoch, item ->> 'stream', hub.home_id, (item ->> 'first')::bigint, (item ->> 'last')::bigint,
                    coalesce((item ->> 'count')::bigint, (item ->> 'last')::bigint - (item ->> 'first')::bigint + 1),
                    left(coalesce(item ->> 'reason', 'unknown'), 500), (item ->> 'from')::timestamptz, (item ->> 'to')::timestamptz)
            ON CONFLICT DO NOTHING;
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            refused := refused || hub_sync.bury(hub, in_mirror, in_epoch, coalesce(item ->> 'stream', 'gap'), NULL, 'bad gap: ' || SQLERRM, item);
        END;
    END LOOP;
    RETURN refused;
END
$$;

-- Name: take_present(public.hub_hubs, text, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.take_present(hub public.hub_hubs, in_type text, snapshot jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
    kind public.hub_definition_kinds;
    statement text;
    one record;
BEGIN
    IF snapshot IS NULL OR jsonb_typeof(snapshot) <> 'object' OR snapshot = '{}' THEN
        RETURN;
    END IF;
    SELECT * INTO STRICT kind FROM public.hub_definition_kinds WHERE entity_type = in_type;
    statement := format(
        'WITH arrived AS MATERIALIZED ('
        '  SELECT CASE WHEN key ~* ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'' THEN key::uuid END AS id, value'
        '  FROM jsonb_each($1) WHERE jsonb_typeof(value) = ''object'') '
        'UPDATE public.%1$I t SET %2$s FROM ('
        '  SELECT was.id, %3$s FROM arrived JOIN public.%1$I was ON was.id = arrived.id'
        '  CROSS JOIN LATERAL jsonb_populate_record(was, arrived.value) r WHERE was.home_id = $2'
        ') s WHERE t.id = s.id AND (%4$s) IS DISTINCT FROM (%5$s)',
        kind.target_table,
        (SELECT string_agg(format('%1$I = s.%1$I', c), ', ') FROM unnest(kind.observed_columns) c),
        (SELECT string_agg(format('r.%1$I', c), ', ') FROM unnest(kind.observed_columns) c),
        (SELECT string_agg(format('t.%1$I', c), ', ') FROM unnest(kind.observed_columns) c),
        (SELECT string_agg(format('s.%1$I', c), ', ') FROM unnest(kind.observed_columns) c));
    BEGIN
        EXECUTE statement USING snapshot, hub.home_id;
        RETURN;
    EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
        NULL;
    END;
    FOR one IN SELECT key, value FROM jsonb_each(snapshot) LOOP
        BEGIN
            EXECUTE statement USING jsonb_build_object(one.key, one.value), hub.home_id;
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            PERFORM hub_sync.bury(hub, hub.mirror_id, hub.epoch, 'present/' || in_type, NULL, SQLERRM, one.value || jsonb_build_object('id', one.key));
        END;
    END LOOP;
END
$_$;

-- Name: take_stream(public.hub_hubs, text, integer, text, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.take_stream(hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, body jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
DECLARE
    declared public.hub_streams;
    as_columns boolean := body ? 'columns';
    content jsonb := coalesce(body -> 'columns', body -> 'rows', '[]');
    is_repair boolean := coalesce(body ->> 'lane', 'live') = 'repair';
    n integer;
    seqs bigint[];
    first_seq bigint;
    old_mark bigint;
    new_mark bigint;
    refused jsonb := '[]';
    whole jsonb;
BEGIN
    SELECT * INTO declared FROM public.hub_streams WHERE stream = in_stream AND NOT is_case;
    IF NOT FOUND THEN
        RETURN jsonb_build_array(jsonb_build_object('stream', in_stream, 'seq', NULL, 'reason', 'stream_unknown'));
    END IF;
    INSERT INTO public.hub_marks (hub_id, mirror_id, epoch, stream) VALUES (hub.id, in_mirror, in_epoch, in_stream) ON CONFLICT DO NOTHING;
    SELECT mark INTO old_mark FROM public.hub_marks
    WHERE hub_id = hub.id AND mirror_id = in_mirror AND epoch = in_epoch AND stream = in_stream FOR UPDATE;
    BEGIN
        n := hub_sync.rows_in(content, as_columns);
        first_seq := (body ->> 'first')::bigint;
        IF body ? 'seqs' THEN
            seqs := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(body -> 'seqs') WITH ORDINALITY s (value, position) ORDER BY position);
        END IF;
        whole := CASE
            WHEN n < 0 THEN '"rows_malformed"'
            WHEN n > 0 AND seqs IS NULL AND coalesce(first_seq, 0) < 1 THEN '"first_missing"'
            WHEN seqs IS NOT NULL AND cardinality(seqs) <> n THEN '"seqs_and_rows_differ"'
            WHEN EXISTS (SELECT FROM (SELECT s, lag(s, 1, 0::bigint) OVER (ORDER BY o) AS before FROM unnest(seqs) WITH ORDINALITY u (s, o)) p
                         WHERE s IS NULL OR s <= before) THEN '"seqs_not_rising"'
        END;
    EXCEPTION WHEN data_exception THEN
        whole := '"numbers_malformed"';
    END;
    IF whole IS NOT NULL THEN
        RETURN jsonb_build_array(jsonb_build_object('stream', in_stream, 'seq', NULL, 'reason', whole));
    END IF;
    IF is_repair THEN
        -- Above the mark nothing can be missing yet: the live lane brings it.
        RETURN CASE WHEN n > 0 THEN hub_sync.store_records(declared, hub, in_mirror, in_epoch, content, as_columns, seqs, first_seq, 0, old_mark, true) ELSE '[]' END;
    END IF;
    new_mark := hub_sync.reach(hub.id, in_mirror, in_epoch, in_stream, old_mark, seqs, first_seq, n);
    IF n > 0 AND new_mark > old_mark THEN
        refused := hub_sync.store_records(declared, hub, in_mirror, in_epoch, content, as_columns, seqs, first_seq, old_mark,
                                          least(new_mark, coalesce(seqs[n], first_seq + n - 1)), false);
    END IF;
    IF new_mark > old_mark THEN
        UPDATE public.hub_marks SET mark = new_mark, updated_at = now()
        WHERE hub_id = hub.id AND mirror_id = in_mirror AND epoch = in_epoch AND stream = in_stream;
    END IF;
    RETURN refused;
END
$$;

-- Name: token_lifetime_s(); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.token_lifetime_s() RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 3600$$;

-- Name: trim_dead_letters(public.hub_hubs); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.trim_dead_letters(hub public.hub_hubs) RETURNS void
    LANGUAGE sql
    AS $$
    DELETE FROM public.hub_dead_letters WHERE hub_id = hub.id AND id <= (
        SELECT id FROM public.hub_dead_letters WHERE hub_id = hub.id ORDER BY id DESC OFFSET hub_sync.dead_letters_max() LIMIT 1)
$$;

-- Name: version_parts(text); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.version_parts(version text) RETURNS integer[]
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT array_agg(part[1]::integer ORDER BY position) FROM regexp_matches(version, '[0-9]{1,9}', 'g') WITH ORDINALITY m (part, position)
$$;

-- Name: wire_fields(public.hub_definition_kinds, jsonb, jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.wire_fields(kind public.hub_definition_kinds, document jsonb, extra jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce(extra, '{}') || hub_sync.pick(
        CASE WHEN document ->> 'coordinates' IS NULL THEN document
             ELSE document || jsonb_build_object('coordinates', jsonb_build_object(
                 'latitude', ((document ->> 'coordinates')::point)[0], 'longitude', ((document ->> 'coordinates')::point)[1])) END,
        kind.people_columns || kind.hub_columns || kind.cloud_columns)
$$;

-- Name: with_catalogue_ids(jsonb); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.with_catalogue_ids(fields jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    brand uuid;
    model uuid;
BEGIN
    IF fields ->> 'brand' IS NULL THEN
        RETURN fields - 'brand_id' - 'device_model_id';
    END IF;
    SELECT id INTO brand FROM public.brands WHERE lower(name) = lower(fields ->> 'brand') OR slug = lower(fields ->> 'brand') LIMIT 1;
    SELECT id INTO model FROM public.device_models
    WHERE brand_id = brand AND lower(fields ->> 'model') IN (lower(model_number), lower(model_name)) LIMIT 1;
    RETURN (fields - 'brand_id' - 'device_model_id') || jsonb_strip_nulls(jsonb_build_object('brand_id', brand, 'device_model_id', model));
END
$$;

-- Name: without_foreign_room(jsonb, uuid); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.without_foreign_room(fields jsonb, home uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    SELECT CASE
        WHEN fields ->> 'room_id' IS NULL OR EXISTS (SELECT FROM public.rooms r WHERE r.home_id = home AND r.id::text = lower(fields ->> 'room_id'))
        THEN fields ELSE fields || '{"room_id": null}' END
$$;

-- Name: write_columns(public.hub_definition_kinds, uuid, uuid, jsonb, boolean); Type: FUNCTION; Schema: hub_sync; Owner: -

CREATE FUNCTION hub_sync.write_columns(kind public.hub_definition_kinds, entity uuid, home uuid, fields jsonb, is_new boolean) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
    -- A new row leaves what is null to the column's default.
    names text[] := ARRAY(SELECT key FROM jsonb_each(fields) WHERE NOT is_new OR jsonb_typeof(value) <> 'null' ORDER BY key);
BEGIN
    IF is_new THEN
        EXECUTE format('INSERT INTO public.%1$I (id, home_id%2$s) SELECT $1, $2%3$s FROM jsonb_populate_record(NULL::public.%1$I, $3) r',
            kind.target_table,
            (SELECT coalesce(string_agg(format(', %I', name), '' ORDER BY name), '') FROM unnest(names) name),
            (SELECT coalesce(string_agg(format(', r.%I', name), '' ORDER BY name), '') FROM unnest(names) name))
        USING entity, home, fields;
    ELSIF cardinality(names) > 0 THEN
        EXECUTE format('UPDATE public.%1$I t SET %2$s FROM jsonb_populate_record(NULL::public.%1$I, $2) r WHERE t.id = $1',
            kind.target_table, (SELECT string_agg(format('%1$I = r.%1$I', name), ', ' ORDER BY name) FROM unnest(names) name))
        USING entity, fields;
    END IF;
END
$_$;

-- Name: brands_search_vector_update(); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.brands_search_vector_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.search_vector := to_tsvector('simple', concat_ws(' ', NEW.name, NEW.slug));
    RETURN NEW;
END
$$;

-- Name: device_models_search_vector_update(); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.device_models_search_vector_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.search_vector := to_tsvector('simple', concat_ws(' ', NEW.model_name, NEW.model_number));
    RETURN NEW;
END
$$;

-- Name: devices_search_vector_update(); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.devices_search_vector_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.search_vector := to_tsvector('simple', concat_ws(' ', NEW.device_name, NEW.notes, array_to_string(NEW.tags, ' ')));
    RETURN NEW;
END
$$;

-- Name: hub_changes_v1(jsonb); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.hub_changes_v1(request jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $_$
DECLARE
    hub hub_hubs := hub_sync.caller(NULL, false);
    -- Before the rows are read, and in a statement of its own: what is below it then is there now.
    horizon xid8 := pg_snapshot_xmin(pg_current_snapshot());
    cursor_text text := request ->> 'cursor';
    is_from_start boolean := cursor_text IS NULL;
    seen_xid xid8 := '0';
    seen_rank smallint := 0;
    seen_id uuid := '00000000-0000-0000-0000-000000000000';
    page_size integer := least(greatest(coalesce((request -> 'limits' ->> 'changes_max')::integer, hub_sync.changes_max()), 1), hub_sync.changes_max());
    page hub_definition_versions[];
    has_more boolean;
    last_seen hub_definition_versions;
    changes jsonb;
BEGIN
    IF NOT is_from_start THEN
        IF cursor_text !~ '^[0-9]{1,19}[.][0-9]{1,3}[.][0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}([.]all)?$' THEN
            RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = 'This is no cursor of ours.', DETAIL = 'cursor_malformed',
                HINT = 'Send null to read from the start.';
        END IF;
        seen_xid := split_part(cursor_text, '.', 1)::xid8;
        seen_rank := split_part(cursor_text, '.', 2)::smallint;
        seen_id := split_part(cursor_text, '.', 3)::uuid;
        is_from_start := split_part(cursor_text, '.', 4) = 'all';
        IF seen_xid >= pg_snapshot_xmax(pg_current_snapshot()) THEN
            -- From a database that has lived longer than this one: it was restored. Everything again.
            is_from_start := true;
            seen_xid := '0';
        ELSE
            PERFORM hub_sync.note_taken_over(hub, seen_xid, seen_rank, seen_id);
        END IF;
    END IF;
    page := ARRAY(
        SELECT v FROM hub_definition_versions v
        WHERE v.home_id = hub.home_id AND v.xid < horizon AND (v.xid, v.rank, v.entity_id) > (seen_xid, seen_rank, seen_id)
        ORDER BY v.xid, v.rank, v.entity_id LIMIT page_size + 1);
    has_more := cardinality(page) > page_size;
    page := page[1:page_size];
    IF cardinality(page) > 0 THEN
        last_seen := page[cardinality(page)];
        cursor_text := concat_ws('.', last_seen.xid, last_seen.rank, last_seen.entity_id, CASE WHEN is_from_start AND has_more THEN 'all' END);
    ELSIF seen_xid = '0' THEN
        cursor_text := NULL;
    END IF;
    WITH documents AS MATERIALIZED (
        SELECT each_kind.entity_type, c.id, c.document
        FROM hub_definition_kinds each_kind
        CROSS JOIN LATERAL hub_sync.current_documents(each_kind, ARRAY(SELECT q.entity_id FROM unnest(page) q WHERE q.entity_type = each_kind.entity_type)) c
    )
    SELECT jsonb_agg(jsonb_build_object('entity_type', p.entity_type, 'id', p.entity_id, 'version', p.version, 'deleted', p.is_deleted,
                'fields', CASE WHEN p.is_deleted THEN '{}' ELSE hub_sync.wire_fields(k, d.document, p.extra) END)
            || CASE WHEN p.entity_type = 'device' AND is_from_start THEN jsonb_build_object('aliases', (
                SELECT coalesce(jsonb_agg(jsonb_build_object('kind', a.kind, 'value', a.value) ORDER BY a.kind, a.value), '[]')
                FROM hub_device_aliases a WHERE a.device_id = p.entity_id)) ELSE '{}' END
            ORDER BY p.xid, p.rank, p.entity_id)
    INTO changes
    FROM unnest(page) p
    JOIN hub_definition_kinds k ON k.entity_type = p.entity_type
    LEFT JOIN documents d ON d.entity_type = p.entity_type AND d.id = p.entity_id
    WHERE (is_from_start OR p.origin IS DISTINCT FROM hub.id || '/' || hub.mirror_id)
      AND (p.is_deleted OR d.document IS NOT NULL);
    UPDATE hub_hubs SET last_seen_at = now() WHERE id = (
        SELECT id FROM hub_hubs WHERE id = hub.id AND (last_seen_at IS NULL OR last_seen_at < now() - interval '30 seconds')
        FOR NO KEY UPDATE SKIP LOCKED);
    RETURN jsonb_build_object('cursor', cursor_text, 'home', hub_sync.home_document(hub.home_id), 'changes', coalesce(changes, '[]'),
                              'commands', hub_sync.deliver_commands(hub), 'more', has_more, 'server_time', clock_timestamp());
END
$_$;

-- Name: hub_claim_v1(jsonb); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.hub_claim_v1(request jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    claim hub_claims;
    hub hub_hubs;
    new_secret text := hub_sync.random_hex();
    mirror text := left(request ->> 'mirror_id', 200);
BEGIN
    IF coalesce(request ->> 'claim_code', '') = '' OR coalesce(mirror, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = 'A claim needs claim_code and mirror_id.', DETAIL = 'request_incomplete';
    END IF;
    SELECT * INTO claim FROM hub_claims WHERE code_sha256 = hub_sync.code_sha256(request ->> 'claim_code') FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'This claim code is not known.', DETAIL = 'claim_code_unknown',
            HINT = 'Check it for typing errors, or ask for a new one.';
    END IF;
    IF claim.expires_at <= now() THEN
        RAISE EXCEPTION USING ERRCODE = 'PT410', MESSAGE = 'This claim code has expired.', DETAIL = 'claim_code_expired',
            HINT = 'Ask for a new one.';
    END IF;
    SELECT * INTO hub FROM hub_hubs WHERE home_id = claim.home_id AND mirror_id = mirror ORDER BY claimed_at DESC LIMIT 1;
    IF claim.used_at IS NOT NULL AND claim.used_by_hub IS DISTINCT FROM hub.id THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', MESSAGE = 'This claim code has been used by another hub.', DETAIL = 'claim_code_used',
            HINT = 'Ask for a new one.';
    END IF;
    UPDATE hub_hubs SET retired_at = now() WHERE home_id = claim.home_id AND retired_at IS NULL AND id IS DISTINCT FROM hub.id;
    IF hub.id IS NULL THEN
        INSERT INTO hub_hubs (home_id, name, secret_sha256, mirror_id, agent_version, public)
        VALUES (claim.home_id, coalesce(left(request ->> 'hub_name', 200), 'hub'), sha256(convert_to(new_secret, 'UTF8')), mirror,
                left(request ->> 'agent_version', 100), coalesce(hub_sync.bounded(request -> 'public'), '{}'))
        RETURNING * INTO hub;
    ELSE
        UPDATE hub_hubs SET secret_sha256 = sha256(convert_to(new_secret, 'UTF8')), retired_at = NULL,
            name = coalesce(left(request ->> 'hub_name', 200), name), agent_version = left(request ->> 'agent_version', 100),
            public = coalesce(hub_sync.bounded(request -> 'public'), public), claimed_at = now()
        WHERE id = hub.id;
    END IF;
    UPDATE hub_claims SET used_at = now(), used_by_hub = hub.id WHERE code_sha256 = claim.code_sha256;
    RETURN jsonb_build_object('hub_id', hub.id, 'home_id', claim.home_id, 'secret', new_secret,
                              'home', hub_sync.home_document(claim.home_id), 'server_time', now());
END
$$;

-- Name: hub_command_v1(jsonb); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.hub_command_v1(request jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    home uuid := (request ->> 'home_id')::uuid;
    wanted text := request ->> 'kind';
    permission text := CASE WHEN wanted IN ('backup', 'upgrade', 'resync', 'diagnose') THEN 'configure' ELSE 'control' END;
    lifetime_s integer := least(greatest(coalesce((request ->> 'expires_in_s')::integer, 60), 1), 7 * 86400);
    command hub_commands;
BEGIN
    IF NOT EXISTS (SELECT FROM homes WHERE id = home AND (hub_sync.is_operator() OR hub_sync.is_home_member(id, permission))) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such home, or you may not control it.', DETAIL = 'home_unknown';
    END IF;
    IF pg_column_size(request -> 'payload') > 65536 THEN
        RAISE EXCEPTION USING ERRCODE = 'PT413', MESSAGE = 'The payload is too large.', DETAIL = 'payload_too_large', HINT = 'At most 64 KiB.';
    END IF;
    IF (SELECT count(*) FROM hub_commands WHERE home_id = home AND status IN ('pending', 'delivered') AND expires_at > now()) >= hub_sync.commands_waiting_max() THEN
        RAISE EXCEPTION USING ERRCODE = 'PT429', MESSAGE = 'Too many commands wait for this home.', DETAIL = 'commands_waiting',
            HINT = 'Wait until the hub has done some, or they have expired.';
    END IF;
    DELETE FROM hub_commands WHERE home_id = home AND expires_at < now() - hub_sync.finished_commands_kept();
    INSERT INTO hub_commands (home_id, kind, payload, created_by, expires_at)
    VALUES (home, wanted, hub_sync.part(request, 'payload', '{}'), auth.uid(), now() + make_interval(secs => lifetime_s))
    RETURNING * INTO command;
    PERFORM pg_notify('nexa_hub_changes', home::text);
    RETURN jsonb_build_object('id', command.id, 'status', command.status, 'created_at', command.created_at, 'expires_at', command.expires_at);
END
$$;

-- Name: hub_ingest_v1(jsonb); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.hub_ingest_v1(request jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    hub hub_hubs := hub_sync.caller(request ->> 'hub_id', true);
    mirror text;
    epoch_now integer;
    stream_now record;
    cases record;
    definitions jsonb;
    refused jsonb;
    present jsonb := hub_sync.part(request, 'present', '{}');
    clock_now jsonb := hub_sync.part(request, 'clock', '{}');
    has_present boolean;
BEGIN
    PERFORM hub_sync.require_envelope(request);
    mirror := left(request ->> 'mirror_id', 200);
    epoch_now := (request ->> 'epoch')::integer;

    PERFORM set_config('nexa.hub_origin', hub.id || '/' || mirror, true);
    definitions := hub_sync.take_definitions(hub, hub_sync.part(request, 'definitions', '[]'));
    PERFORM set_config('nexa.hub_origin', '', true);

    refused := hub_sync.take_gaps(hub, mirror, epoch_now, hub_sync.part(request, 'gaps', '[]'));
    FOR stream_now IN
        SELECT name, coalesce(hub_sync.part(request, 'streams', '{}') -> name, '{}') AS body
        FROM (SELECT jsonb_object_keys(hub_sync.part(request, 'streams', '{}')) AS name
              UNION SELECT value ->> 'stream' FROM jsonb_array_elements(hub_sync.part(request, 'gaps', '[]'))) n
        WHERE name IS NOT NULL ORDER BY name
    LOOP
        refused := refused || hub_sync.take_stream(hub, mirror, epoch_now, stream_now.name, stream_now.body);
    END LOOP;

    has_present := request ? 'present' AND NOT hub_sync.is_stale_present(hub, mirror, clock_now);
    IF has_present THEN
        PERFORM hub_sync.take_present(hub, 'device', present -> 'devices');
        PERFORM hub_sync.take_present(hub, 'automation', present -> 'automations');
        PERFORM hub_sync.take_present(hub, 'scene', present -> 'scenes');
    END IF;
    SELECT * INTO cases FROM hub_sync.take_cases(hub, mirror, epoch_now, hub_sync.part(request, 'cases', '[]'));
    refused := refused || cases.refused;
    PERFORM hub_sync.take_commands_done(hub, hub_sync.part(request, 'commands_done', '[]'));

    PERFORM hub_sync.trim_dead_letters(hub) WHERE refused <> '[]';

    UPDATE hub_hubs SET
        mirror_id = mirror, epoch = epoch_now, agent_version = coalesce(left(request ->> 'agent_version', 100), agent_version),
        clock = hub_sync.bounded(clock_now), last_seen_at = now(), last_ingest_at = now(),
        waiting = CASE WHEN has_present THEN coalesce(hub_sync.bounded(present -> 'hub' -> 'waiting'), '{}') ELSE waiting END,
        present_boot_id = CASE WHEN has_present THEN clock_now ->> 'boot_id' ELSE present_boot_id END,
        present_monotonic_ms = CASE
            WHEN NOT has_present THEN present_monotonic_ms
            WHEN jsonb_typeof(clock_now -> 'monotonic_ms') = 'number' AND (clock_now ->> 'monotonic_ms')::numeric BETWEEN 0 AND 1e18
            THEN (clock_now ->> 'monotonic_ms')::numeric::bigint END
    WHERE id = hub.id;

    RETURN jsonb_build_object(
        'marks', (SELECT coalesce(jsonb_object_agg(m.stream, m.mark), '{}') FROM hub_marks m
                  WHERE m.hub_id = hub.id AND m.mirror_id = mirror AND m.epoch = epoch_now),
        'refused', refused, 'definitions', definitions, 'cases', cases.held,
        'limits', (SELECT jsonb_build_object('rows_max', rows_max, 'bytes_max', bytes_max) FROM hub_limits),
        'server_time', clock_timestamp(), 'pause_s', (SELECT pause_s FROM hub_limits));
END
$$;

-- Name: hub_issue_claim_code_v1(jsonb); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.hub_issue_claim_code_v1(request jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    home uuid;
    code text := hub_sync.random_code();
    lifetime_s integer := least(greatest(coalesce((request ->> 'expires_in_s')::integer, 86400), 60), 30 * 86400);
    expires timestamptz := now() + make_interval(secs => lifetime_s);
BEGIN
    SELECT id INTO home FROM homes WHERE id = (request ->> 'home_id')::uuid
        AND (hub_sync.is_operator() OR hub_sync.is_home_member(id, 'configure'));
    IF home IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such home, or it is not yours to configure.', DETAIL = 'home_unknown';
    END IF;
    DELETE FROM hub_claims WHERE home_id = home AND expires_at < now() - interval '30 days';
    INSERT INTO hub_claims (code_sha256, home_id, created_by, expires_at)
    VALUES (hub_sync.code_sha256(code), home, auth.uid(), expires);
    RETURN jsonb_build_object('claim_code', code, 'home_id', home, 'expires_at', expires);
END
$$;

-- Name: hub_reconcile_v1(jsonb); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.hub_reconcile_v1(request jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    hub hub_hubs := hub_sync.caller(request ->> 'hub_id', false);
    asked record;
    declared hub_streams;
    streams jsonb := '{}';
    days jsonb;
BEGIN
    PERFORM hub_sync.require_shape(request, 'streams', 'object');
    FOR asked IN SELECT key AS stream, value -> 'days' AS days FROM jsonb_each(hub_sync.part(request, 'streams', '{}')) LOOP
        SELECT * INTO declared FROM hub_streams WHERE stream = asked.stream;
        CONTINUE WHEN NOT FOUND OR jsonb_typeof(asked.days) IS DISTINCT FROM 'object';
        SELECT jsonb_object_agg(w.day, jsonb_build_object('count', coalesce(c.count, 0), 'differs', coalesce(c.count, 0) <> w.count))
        INTO days
        FROM (SELECT key::date AS day, (value ->> 'count')::bigint AS count FROM jsonb_each(asked.days) LIMIT 400) w
        LEFT JOIN hub_sync.day_counts(declared, hub.home_id,
            (SELECT min(key::date) FROM jsonb_each(asked.days)), (SELECT max(key::date) FROM jsonb_each(asked.days))) c ON c.day = w.day;
        streams := streams || jsonb_build_object(asked.stream, jsonb_build_object('days', coalesce(days, '{}')));
    END LOOP;
    RETURN jsonb_build_object(
        'streams', streams,
        'definitions', (SELECT coalesce(jsonb_agg(jsonb_build_object('entity_type', v.entity_type, 'id', v.entity_id, 'version', v.version, 'deleted', v.is_deleted)
                                                  ORDER BY v.rank, v.entity_id), '[]')
                        FROM hub_definition_versions v
                        WHERE v.home_id = hub.home_id
                          AND (NOT request ? 'definitions' OR (request -> 'definitions' -> v.entity_type ->> v.entity_id::text)::integer IS DISTINCT FROM v.version)),
        'server_time', clock_timestamp());
END
$$;

-- Name: hub_token_v1(jsonb); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.hub_token_v1(request jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    hub hub_hubs;
    jwt_secret text := nullif(current_setting('app.settings.jwt_secret', true), '');
    claims jsonb;
    now_s bigint := floor(extract(epoch FROM clock_timestamp()))::bigint;
BEGIN
    SELECT * INTO hub FROM hub_hubs WHERE id::text = request ->> 'hub_id';
    IF hub.id IS NULL OR hub.secret_sha256 IS DISTINCT FROM sha256(convert_to(coalesce(request ->> 'secret', ''), 'UTF8')) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT401', MESSAGE = 'The hub or its secret is not known.', DETAIL = 'secret_wrong',
            HINT = 'Claim the hub again.';
    END IF;
    IF hub.retired_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT403', MESSAGE = 'Another hub has taken over this home.', DETAIL = 'hub_retired',
            HINT = 'Claim this hub again if it shall serve the home.';
    END IF;
    claims := jsonb_build_object('role', 'hub', 'hub_id', hub.id, 'home_id', hub.home_id);
    RETURN claims || jsonb_build_object('expires_in_s', hub_sync.token_lifetime_s(), 'server_time', now())
        || CASE WHEN jwt_secret IS NULL THEN '{}' ELSE jsonb_build_object('token_type', 'bearer', 'token', hub_sync.signed_token(
            claims || jsonb_build_object('iat', now_s, 'exp', now_s + hub_sync.token_lifetime_s()), jwt_secret)) END;
END
$$;

-- Name: my_homes(); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.my_homes() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT id FROM homes WHERE hub_sync.is_operator()
    UNION ALL
    SELECT id FROM homes WHERE NOT hub_sync.is_operator() AND hub_sync.is_home_member(id, 'view')
$$;

-- Name: update_updated_at_column(); Type: FUNCTION; Schema: public; Owner: -

CREATE FUNCTION public.update_updated_at_column() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

-- Name: delete_rows_of_parent(); Type: FUNCTION; Schema: ts; Owner: -

CREATE FUNCTION ts.delete_rows_of_parent() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    position integer := 0;
BEGIN
    WHILE position < TG_NARGS LOOP
        EXECUTE format('DELETE FROM ts.%I WHERE %I = %L::uuid', TG_ARGV[position], TG_ARGV[position + 1], OLD.id);
        position := position + 2;
    END LOOP;
    RETURN NULL;
END
$$;

-- Name: make_hypertable(text, text, text[], text, interval, interval); Type: FUNCTION; Schema: ts; Owner: -

CREATE FUNCTION ts.make_hypertable(base_table text, time_column text, segment_by text[], order_by text, compress_after interval, retain_for interval) RETURNS text
    LANGUAGE plpgsql
    AS $_$
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
$_$;

-- Name: users; Type: TABLE; Schema: auth; Owner: -

CREATE TABLE auth.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: alerts; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.alerts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    "time" timestamp with time zone DEFAULT now() NOT NULL,
    home_id uuid NOT NULL,
    alert_rule_id uuid,
    alert_type public.alert_type NOT NULL,
    severity public.alert_severity NOT NULL,
    priority text DEFAULT 'normal'::text,
    title text NOT NULL,
    message text NOT NULL,
    source_device_id uuid,
    source_type text,
    source_id uuid,
    context jsonb DEFAULT '{}'::jsonb,
    device_state jsonb,
    actionable boolean DEFAULT false,
    suggested_actions jsonb DEFAULT '[]'::jsonb,
    action_taken text,
    action_taken_at timestamp with time zone,
    action_taken_by uuid,
    status text DEFAULT 'active'::text,
    acknowledged_at timestamp with time zone,
    acknowledged_by uuid,
    resolved_at timestamp with time zone,
    resolved_by uuid,
    dismissed_at timestamp with time zone,
    dismissed_by uuid,
    notification_sent boolean DEFAULT false,
    notification_channels_used text[],
    notification_sent_at timestamp with time zone,
    notification_failed boolean DEFAULT false,
    notification_error text,
    expires_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT alerts_source_type_check CHECK ((source_type = ANY (ARRAY['device'::text, 'system'::text, 'security'::text, 'automation'::text, 'prediction'::text]))),
    CONSTRAINT alerts_status_check CHECK ((status = ANY (ARRAY['active'::text, 'acknowledged'::text, 'resolved'::text, 'dismissed'::text])))
);

-- Name: alerts; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.alerts WITH (security_barrier='true') AS
 SELECT id,
    "time",
    home_id,
    alert_rule_id,
    alert_type,
    severity,
    priority,
    title,
    message,
    source_device_id,
    source_type,
    source_id,
    context,
    device_state,
    actionable,
    suggested_actions,
    action_taken,
    action_taken_at,
    action_taken_by,
    status,
    acknowledged_at,
    acknowledged_by,
    resolved_at,
    resolved_by,
    dismissed_at,
    dismissed_by,
    notification_sent,
    notification_channels_used,
    notification_sent_at,
    notification_failed,
    notification_error,
    expires_at,
    metadata,
    created_at
   FROM ts.alerts t
  WHERE (home_id IN ( SELECT public.my_homes() AS my_homes))
  WITH CASCADED CHECK OPTION;

-- Name: automation_executions; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.automation_executions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    "time" timestamp with time zone DEFAULT now() NOT NULL,
    automation_id uuid NOT NULL,
    home_id uuid NOT NULL,
    triggered_by text,
    trigger_data jsonb,
    status text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    duration_ms integer,
    actions_total integer,
    actions_succeeded integer,
    actions_failed integer,
    action_results jsonb DEFAULT '[]'::jsonb,
    error_message text,
    error_details jsonb,
    retry_attempt integer DEFAULT 0,
    device_states_before jsonb,
    device_states_after jsonb,
    environment_context jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT automation_executions_status_check CHECK ((status = ANY (ARRAY['success'::text, 'failed'::text, 'partial'::text, 'cancelled'::text, 'timeout'::text]))),
    CONSTRAINT automation_executions_triggered_by_check CHECK ((triggered_by = ANY (ARRAY['schedule'::text, 'device_event'::text, 'manual'::text, 'ecosystem'::text])))
);

-- Name: automation_executions; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.automation_executions WITH (security_barrier='true') AS
 SELECT id,
    "time",
    automation_id,
    home_id,
    triggered_by,
    trigger_data,
    status,
    started_at,
    completed_at,
    duration_ms,
    actions_total,
    actions_succeeded,
    actions_failed,
    action_results,
    error_message,
    error_details,
    retry_attempt,
    device_states_before,
    device_states_after,
    environment_context,
    created_at
   FROM ts.automation_executions t
  WHERE (home_id IN ( SELECT public.my_homes() AS my_homes))
  WITH CASCADED CHECK OPTION;

-- Name: automation_health_checks; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.automation_health_checks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    "time" timestamp with time zone DEFAULT now() NOT NULL,
    automation_id uuid NOT NULL,
    home_id uuid NOT NULL,
    health_status text NOT NULL,
    health_score integer,
    trigger_valid boolean,
    conditions_valid boolean,
    actions_valid boolean,
    devices_accessible boolean,
    issues_found jsonb DEFAULT '[]'::jsonb,
    warnings jsonb DEFAULT '[]'::jsonb,
    recommended_fixes jsonb DEFAULT '[]'::jsonb,
    can_auto_repair boolean DEFAULT false,
    auto_repair_attempted boolean DEFAULT false,
    auto_repair_success boolean,
    devices_offline integer DEFAULT 0,
    deprecated_features boolean DEFAULT false,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT automation_health_checks_health_score_check CHECK (((health_score >= 0) AND (health_score <= 100))),
    CONSTRAINT automation_health_checks_health_status_check CHECK ((health_status = ANY (ARRAY['healthy'::text, 'degraded'::text, 'failing'::text, 'broken'::text])))
);

-- Name: automation_health_checks; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.automation_health_checks WITH (security_barrier='true') AS
 SELECT id,
    "time",
    automation_id,
    home_id,
    health_status,
    health_score,
    trigger_valid,
    conditions_valid,
    actions_valid,
    devices_accessible,
    issues_found,
    warnings,
    recommended_fixes,
    can_auto_repair,
    auto_repair_attempted,
    auto_repair_success,
    devices_offline,
    deprecated_features,
    created_at
   FROM ts.automation_health_checks t
  WHERE (home_id IN ( SELECT public.my_homes() AS my_homes))
  WITH CASCADED CHECK OPTION;

-- Name: automations; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.automations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    home_id uuid NOT NULL,
    created_by uuid,
    name text NOT NULL,
    description text,
    icon text,
    color text,
    automation_type text NOT NULL,
    source text DEFAULT 'user'::text,
    triggers jsonb DEFAULT '[]'::jsonb NOT NULL,
    conditions jsonb DEFAULT '[]'::jsonb,
    actions jsonb DEFAULT '[]'::jsonb NOT NULL,
    execution_mode text DEFAULT 'sequential'::text,
    delay_between_actions_ms integer DEFAULT 0,
    retry_on_failure boolean DEFAULT false,
    max_retries integer DEFAULT 3,
    schedule_type text,
    schedule_config jsonb,
    timezone text DEFAULT 'UTC'::text,
    is_enabled boolean DEFAULT true,
    is_paused boolean DEFAULT false,
    pause_until timestamp with time zone,
    health_status text DEFAULT 'healthy'::text,
    last_health_check_at timestamp with time zone,
    failure_count integer DEFAULT 0,
    success_count integer DEFAULT 0,
    last_executed_at timestamp with time zone,
    last_execution_status text,
    last_execution_duration_ms integer,
    total_executions integer DEFAULT 0,
    ai_optimized boolean DEFAULT false,
    learning_enabled boolean DEFAULT false,
    context_aware boolean DEFAULT false,
    tags text[] DEFAULT '{}'::text[],
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT automations_automation_type_check CHECK ((automation_type = ANY (ARRAY['scheduled'::text, 'trigger_based'::text, 'condition_based'::text, 'ai_suggested'::text]))),
    CONSTRAINT automations_execution_mode_check CHECK ((execution_mode = ANY (ARRAY['sequential'::text, 'parallel'::text]))),
    CONSTRAINT automations_health_status_check CHECK ((health_status = ANY (ARRAY['healthy'::text, 'degraded'::text, 'failing'::text, 'broken'::text]))),
    CONSTRAINT automations_last_execution_status_check CHECK ((last_execution_status = ANY (ARRAY['success'::text, 'failed'::text, 'partial'::text]))),
    CONSTRAINT automations_schedule_type_check CHECK ((schedule_type = ANY (ARRAY['once'::text, 'daily'::text, 'weekly'::text, 'custom'::text, 'cron'::text]))),
    CONSTRAINT automations_source_check CHECK ((source = ANY (ARRAY['user'::text, 'system'::text, 'ai'::text, 'ecosystem'::text])))
);

-- Name: brands; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.brands (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    logo_url text,
    website text,
    support_url text,
    api_integration_available boolean DEFAULT false,
    oauth_config jsonb,
    is_active boolean DEFAULT true,
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    search_vector tsvector
);

-- Name: device_error_logs; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.device_error_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    "time" timestamp with time zone DEFAULT now() NOT NULL,
    device_id uuid NOT NULL,
    home_id uuid NOT NULL,
    error_level public.alert_severity NOT NULL,
    error_code text,
    error_message text,
    error_category text,
    stack_trace text,
    context jsonb DEFAULT '{}'::jsonb,
    ai_decoded_message text,
    ai_suggested_fix text,
    ai_confidence_score integer,
    is_resolved boolean DEFAULT false,
    resolved_at timestamp with time zone,
    resolution_notes text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT device_error_logs_error_category_check CHECK ((error_category = ANY (ARRAY['network'::text, 'firmware'::text, 'sensor'::text, 'power'::text, 'communication'::text])))
);

-- Name: device_error_logs; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.device_error_logs WITH (security_barrier='true') AS
 SELECT id,
    "time",
    device_id,
    home_id,
    error_level,
    error_code,
    error_message,
    error_category,
    stack_trace,
    context,
    ai_decoded_message,
    ai_suggested_fix,
    ai_confidence_score,
    is_resolved,
    resolved_at,
    resolution_notes,
    created_at
   FROM ts.device_error_logs t
  WHERE (home_id IN ( SELECT public.my_homes() AS my_homes))
  WITH CASCADED CHECK OPTION;

-- Name: device_group_members; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.device_group_members (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    group_id uuid NOT NULL,
    device_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: device_groups; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.device_groups (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    home_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    group_type text,
    icon text,
    color text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT device_groups_group_type_check CHECK ((group_type = ANY (ARRAY['room'::text, 'category'::text, 'custom'::text])))
);

-- Name: devices; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.devices (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    home_id uuid NOT NULL,
    room_id uuid,
    brand_id uuid,
    device_model_id uuid,
    device_name text NOT NULL,
    device_type public.device_type NOT NULL,
    manufacturer_device_id text,
    ecosystem_device_id text,
    mac_address macaddr,
    ip_address inet,
    connectivity_status public.connectivity_status DEFAULT 'unknown'::public.connectivity_status,
    primary_protocol public.protocol_type,
    supported_protocols public.protocol_type[] DEFAULT '{}'::public.protocol_type[],
    signal_strength integer,
    network_ssid text,
    firmware_version text,
    firmware_update_available boolean DEFAULT false,
    latest_firmware_version text,
    last_firmware_update_at timestamp with time zone,
    power_source text,
    battery_level integer,
    battery_voltage numeric(5,2),
    is_charging boolean,
    health_score integer DEFAULT 100,
    is_online boolean DEFAULT false,
    last_seen_at timestamp with time zone,
    last_event_at timestamp with time zone,
    error_count integer DEFAULT 0,
    warning_count integer DEFAULT 0,
    settings jsonb DEFAULT '{}'::jsonb,
    capabilities jsonb DEFAULT '{}'::jsonb,
    installed_at timestamp with time zone,
    installed_by uuid,
    warranty_expires_at timestamp with time zone,
    purchase_date date,
    purchase_price numeric(10,2),
    tags text[] DEFAULT '{}'::text[],
    custom_fields jsonb DEFAULT '{}'::jsonb,
    is_favorite boolean DEFAULT false,
    is_active boolean DEFAULT true,
    notes text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    integration_platform character varying(50),
    search_vector tsvector,
    CONSTRAINT devices_battery_level_check CHECK (((battery_level >= 0) AND (battery_level <= 100))),
    CONSTRAINT devices_health_score_check CHECK (((health_score >= 0) AND (health_score <= 100))),
    CONSTRAINT devices_power_source_check CHECK ((power_source = ANY (ARRAY['battery'::text, 'wired'::text, 'solar'::text])))
);

-- Name: device_health_history; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.device_health_history (
    "time" timestamp with time zone NOT NULL,
    device_id uuid NOT NULL,
    health_score integer NOT NULL,
    connectivity_score integer,
    performance_score integer,
    reliability_score integer,
    security_score integer,
    energy_efficiency_score integer,
    previous_score integer,
    score_change integer,
    score_trend text,
    factors jsonb DEFAULT '[]'::jsonb,
    recommendations jsonb DEFAULT '[]'::jsonb,
    CONSTRAINT device_health_history_health_score_check CHECK (((health_score >= 0) AND (health_score <= 100))),
    CONSTRAINT device_health_history_score_trend_check CHECK ((score_trend = ANY (ARRAY['improving'::text, 'declining'::text, 'stable'::text])))
);

-- Name: device_health_history; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.device_health_history WITH (security_barrier='true') AS
 SELECT "time",
    device_id,
    health_score,
    connectivity_score,
    performance_score,
    reliability_score,
    security_score,
    energy_efficiency_score,
    previous_score,
    score_change,
    score_trend,
    factors,
    recommendations
   FROM ts.device_health_history t
  WHERE (device_id IN ( SELECT d.id
           FROM public.devices d
          WHERE (d.home_id IN ( SELECT public.my_homes() AS my_homes))))
  WITH CASCADED CHECK OPTION;

-- Name: device_models; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.device_models (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    brand_id uuid NOT NULL,
    model_number text NOT NULL,
    model_name text NOT NULL,
    device_type public.device_type NOT NULL,
    supported_protocols public.protocol_type[] DEFAULT '{}'::public.protocol_type[],
    capabilities jsonb DEFAULT '{}'::jsonb,
    specifications jsonb DEFAULT '{}'::jsonb,
    firmware_info jsonb DEFAULT '{}'::jsonb,
    energy_profile jsonb,
    known_issues jsonb DEFAULT '[]'::jsonb,
    failure_patterns jsonb DEFAULT '[]'::jsonb,
    image_url text,
    manual_url text,
    is_supported boolean DEFAULT true,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    search_vector tsvector
);

-- Name: device_states; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.device_states (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    device_id uuid NOT NULL,
    state jsonb NOT NULL,
    changed_fields text[],
    changed_by uuid,
    change_source text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT device_states_change_source_check CHECK ((change_source = ANY (ARRAY['manual'::text, 'automation'::text, 'self_healing'::text, 'ecosystem'::text, 'device_update'::text])))
);

-- Name: device_states; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.device_states WITH (security_barrier='true') AS
 SELECT id,
    device_id,
    state,
    changed_fields,
    changed_by,
    change_source,
    created_at
   FROM ts.device_states t
  WHERE (device_id IN ( SELECT d.id
           FROM public.devices d
          WHERE (d.home_id IN ( SELECT public.my_homes() AS my_homes))))
  WITH CASCADED CHECK OPTION;

-- Name: device_telemetry; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.device_telemetry (
    "time" timestamp with time zone NOT NULL,
    device_id uuid NOT NULL,
    metric_type text NOT NULL,
    value double precision,
    unit text,
    quality_score integer,
    metadata jsonb DEFAULT '{}'::jsonb,
    CONSTRAINT device_telemetry_quality_score_check CHECK (((quality_score >= 0) AND (quality_score <= 100)))
);

-- Name: device_telemetry; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.device_telemetry WITH (security_barrier='true') AS
 SELECT "time",
    device_id,
    metric_type,
    value,
    unit,
    quality_score,
    metadata
   FROM ts.device_telemetry t
  WHERE (device_id IN ( SELECT d.id
           FROM public.devices d
          WHERE (d.home_id IN ( SELECT public.my_homes() AS my_homes))))
  WITH CASCADED CHECK OPTION;

-- Name: ecosystem_sync_status; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.ecosystem_sync_status (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    home_id uuid NOT NULL,
    ecosystem_id uuid NOT NULL,
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    sync_status text NOT NULL,
    last_synced_at timestamp with time zone,
    last_sync_attempt_at timestamp with time zone,
    external_entity_id text,
    external_url text,
    sync_direction text,
    conflict_resolution text,
    error_message text,
    retry_count integer DEFAULT 0,
    max_retries integer DEFAULT 5,
    local_version integer DEFAULT 1,
    remote_version integer,
    last_modified_locally_at timestamp with time zone,
    last_modified_remotely_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ecosystem_sync_status_conflict_resolution_check CHECK ((conflict_resolution = ANY (ARRAY['nexa_wins'::text, 'ecosystem_wins'::text, 'manual'::text]))),
    CONSTRAINT ecosystem_sync_status_entity_type_check CHECK ((entity_type = ANY (ARRAY['automation'::text, 'scene'::text, 'device_group'::text, 'device'::text]))),
    CONSTRAINT ecosystem_sync_status_sync_direction_check CHECK ((sync_direction = ANY (ARRAY['nexa_to_ecosystem'::text, 'ecosystem_to_nexa'::text, 'bidirectional'::text]))),
    CONSTRAINT ecosystem_sync_status_sync_status_check CHECK ((sync_status = ANY (ARRAY['synced'::text, 'pending'::text, 'failed'::text, 'conflict'::text, 'unsupported'::text])))
);

-- Name: ecosystems; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.ecosystems (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    provider text NOT NULL,
    logo_url text,
    api_version text,
    oauth_config jsonb,
    webhook_config jsonb,
    capabilities jsonb DEFAULT '{}'::jsonb,
    rate_limits jsonb,
    is_active boolean DEFAULT true,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: energy_usage; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.energy_usage (
    "time" timestamp with time zone NOT NULL,
    device_id uuid NOT NULL,
    home_id uuid NOT NULL,
    power_watts double precision,
    energy_kwh double precision,
    voltage double precision,
    current_amps double precision,
    power_factor double precision,
    cost_estimate numeric(10,4),
    is_peak_hour boolean DEFAULT false,
    metadata jsonb DEFAULT '{}'::jsonb
);

-- Name: energy_usage; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.energy_usage WITH (security_barrier='true') AS
 SELECT "time",
    device_id,
    home_id,
    power_watts,
    energy_kwh,
    voltage,
    current_amps,
    power_factor,
    cost_estimate,
    is_peak_hour,
    metadata
   FROM ts.energy_usage t
  WHERE (home_id IN ( SELECT public.my_homes() AS my_homes))
  WITH CASCADED CHECK OPTION;

-- Name: home_members; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.home_members (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    home_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text DEFAULT 'member'::text,
    permissions jsonb DEFAULT '{"view": true, "control": false, "configure": false}'::jsonb,
    invited_by uuid,
    invited_at timestamp with time zone,
    accepted_at timestamp with time zone,
    is_active boolean DEFAULT true,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT home_members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'guest'::text])))
);

-- Name: homes; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.homes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner_id uuid NOT NULL,
    name text NOT NULL,
    address_line1 text,
    address_line2 text,
    city text,
    state text,
    postal_code text,
    country text DEFAULT 'US'::text,
    coordinates point,
    timezone text DEFAULT 'UTC'::text,
    square_footage integer,
    home_type text,
    construction_year integer,
    occupancy_status text,
    metadata jsonb DEFAULT '{}'::jsonb,
    is_active boolean DEFAULT true,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT homes_occupancy_status_check CHECK ((occupancy_status = ANY (ARRAY['owner_occupied'::text, 'rented'::text, 'vacant'::text])))
);

-- Name: hub_case_revisions; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_case_revisions (
    table_name text NOT NULL,
    id uuid NOT NULL,
    "time" timestamp with time zone NOT NULL,
    home_id uuid NOT NULL,
    hub_id uuid NOT NULL,
    revision integer NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: hub_claims; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_claims (
    code_sha256 bytea NOT NULL,
    home_id uuid NOT NULL,
    created_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    used_by_hub uuid
);

-- Name: hub_commands; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_commands (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    home_id uuid NOT NULL,
    hub_id uuid,
    kind text NOT NULL,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    delivered_at timestamp with time zone,
    finished_at timestamp with time zone,
    result jsonb,
    CONSTRAINT hub_commands_kind_check CHECK ((kind = ANY (ARRAY['scene.activate'::text, 'device.set'::text, 'automation.run'::text, 'automation.pause'::text, 'case.acknowledge'::text, 'case.approve'::text, 'case.refuse'::text, 'case.resolve'::text, 'diagnose'::text, 'backup'::text, 'upgrade'::text, 'resync'::text]))),
    CONSTRAINT hub_commands_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'delivered'::text, 'done'::text, 'failed'::text, 'expired'::text])))
);

-- Name: hub_dead_letters; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_dead_letters (
    id bigint NOT NULL,
    hub_id uuid NOT NULL,
    home_id uuid NOT NULL,
    mirror_id text NOT NULL,
    epoch integer NOT NULL,
    stream text NOT NULL,
    seq bigint,
    reason text NOT NULL,
    body jsonb,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: hub_dead_letters_id_seq; Type: SEQUENCE; Schema: public; Owner: -

ALTER TABLE public.hub_dead_letters ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.hub_dead_letters_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: hub_definition_history; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_definition_history (
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    version integer NOT NULL,
    fields jsonb NOT NULL,
    origin text,
    modified_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: hub_definition_versions; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_definition_versions (
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    home_id uuid NOT NULL,
    version integer NOT NULL,
    xid xid8 NOT NULL,
    rank smallint NOT NULL,
    origin text,
    is_deleted boolean DEFAULT false NOT NULL,
    extra jsonb DEFAULT '{}'::jsonb NOT NULL,
    modified_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: hub_device_aliases; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_device_aliases (
    home_id uuid NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    device_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: hub_gaps; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_gaps (
    hub_id uuid NOT NULL,
    mirror_id text NOT NULL,
    epoch integer NOT NULL,
    stream text NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    home_id uuid NOT NULL,
    count bigint NOT NULL,
    reason text NOT NULL,
    from_at timestamp with time zone,
    to_at timestamp with time zone,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT hub_gaps_check CHECK (((first_seq >= 1) AND (first_seq <= last_seq)))
);

-- Name: hub_limits; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_limits (
    is_the_row boolean DEFAULT true NOT NULL,
    rows_max integer DEFAULT 5000 NOT NULL,
    bytes_max integer DEFAULT 4194304 NOT NULL,
    pause_s integer DEFAULT 0 NOT NULL,
    agent_version_min text,
    CONSTRAINT hub_limits_is_the_row_check CHECK (is_the_row)
);

-- Name: hub_marks; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.hub_marks (
    hub_id uuid NOT NULL,
    mirror_id text NOT NULL,
    epoch integer NOT NULL,
    stream text NOT NULL,
    mark bigint DEFAULT 0 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: rooms; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.rooms (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    home_id uuid NOT NULL,
    name text NOT NULL,
    room_type text,
    floor_level integer DEFAULT 1,
    square_footage numeric(10,2),
    metadata jsonb DEFAULT '{}'::jsonb,
    sort_order integer DEFAULT 0,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

-- Name: scene_activations; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.scene_activations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    "time" timestamp with time zone DEFAULT now() NOT NULL,
    scene_id uuid NOT NULL,
    home_id uuid NOT NULL,
    activated_by uuid,
    activation_source text,
    status text NOT NULL,
    devices_targeted integer,
    devices_succeeded integer,
    devices_failed integer,
    execution_duration_ms integer,
    failed_devices uuid[],
    error_message text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT scene_activations_activation_source_check CHECK ((activation_source = ANY (ARRAY['manual'::text, 'automation'::text, 'voice'::text, 'schedule'::text]))),
    CONSTRAINT scene_activations_status_check CHECK ((status = ANY (ARRAY['success'::text, 'failed'::text, 'partial'::text])))
);

-- Name: scene_activations; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.scene_activations WITH (security_barrier='true') AS
 SELECT id,
    "time",
    scene_id,
    home_id,
    activated_by,
    activation_source,
    status,
    devices_targeted,
    devices_succeeded,
    devices_failed,
    execution_duration_ms,
    failed_devices,
    error_message,
    created_at
   FROM ts.scene_activations t
  WHERE (home_id IN ( SELECT public.my_homes() AS my_homes))
  WITH CASCADED CHECK OPTION;

-- Name: scenes; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.scenes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    home_id uuid NOT NULL,
    room_id uuid,
    created_by uuid,
    name text NOT NULL,
    description text,
    icon text,
    color text,
    scene_type text DEFAULT 'custom'::text,
    category text,
    device_states jsonb DEFAULT '[]'::jsonb NOT NULL,
    transition_duration_ms integer DEFAULT 0,
    is_favorite boolean DEFAULT false,
    activation_count integer DEFAULT 0,
    last_activated_at timestamp with time zone,
    is_active boolean DEFAULT true,
    is_synced boolean DEFAULT true,
    sync_status jsonb DEFAULT '{}'::jsonb,
    adaptive_brightness boolean DEFAULT false,
    context_aware boolean DEFAULT false,
    tags text[] DEFAULT '{}'::text[],
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT scenes_scene_type_check CHECK ((scene_type = ANY (ARRAY['custom'::text, 'preset'::text, 'time_based'::text, 'ai_suggested'::text])))
);

-- Name: self_healing_actions; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.self_healing_actions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    action_type text NOT NULL,
    description text,
    category text,
    applicable_device_types public.device_type[],
    applicable_protocols public.protocol_type[],
    applicable_brands uuid[],
    action_config jsonb DEFAULT '{}'::jsonb,
    parameters_schema jsonb,
    requires_user_approval boolean DEFAULT false,
    max_retry_attempts integer DEFAULT 3,
    cooldown_period_minutes integer DEFAULT 60,
    risk_level text DEFAULT 'low'::text,
    average_success_rate numeric(5,4),
    total_executions integer DEFAULT 0,
    total_successes integer DEFAULT 0,
    documentation_url text,
    is_active boolean DEFAULT true,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT self_healing_actions_action_type_check CHECK ((action_type = ANY (ARRAY['reboot'::text, 'repair'::text, 'reconfigure'::text, 'reset'::text, 'optimize'::text]))),
    CONSTRAINT self_healing_actions_category_check CHECK ((category = ANY (ARRAY['connectivity'::text, 'firmware'::text, 'automation'::text, 'performance'::text]))),
    CONSTRAINT self_healing_actions_risk_level_check CHECK ((risk_level = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text])))
);

-- Name: self_healing_executions; Type: TABLE; Schema: ts; Owner: -

CREATE TABLE ts.self_healing_executions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    "time" timestamp with time zone DEFAULT now() NOT NULL,
    device_id uuid NOT NULL,
    home_id uuid NOT NULL,
    action_id uuid NOT NULL,
    triggered_by text NOT NULL,
    trigger_source_id uuid,
    issue_detected text NOT NULL,
    issue_severity public.alert_severity,
    device_state_before jsonb,
    status public.action_status NOT NULL,
    started_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    duration_ms integer,
    action_parameters jsonb DEFAULT '{}'::jsonb,
    retry_attempt integer DEFAULT 0,
    success boolean,
    device_state_after jsonb,
    error_message text,
    error_details jsonb,
    issue_resolved boolean,
    verified_at timestamp with time zone,
    verification_method text,
    required_user_approval boolean DEFAULT false,
    approved_by uuid,
    approved_at timestamp with time zone,
    user_feedback text,
    follow_up_required boolean DEFAULT false,
    follow_up_action text,
    follow_up_scheduled_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT self_healing_executions_triggered_by_check CHECK ((triggered_by = ANY (ARRAY['diagnostic'::text, 'prediction'::text, 'alert'::text, 'manual'::text, 'scheduled'::text])))
);

-- Name: self_healing_executions; Type: VIEW; Schema: public; Owner: -

CREATE VIEW public.self_healing_executions WITH (security_barrier='true') AS
 SELECT id,
    "time",
    device_id,
    home_id,
    action_id,
    triggered_by,
    trigger_source_id,
    issue_detected,
    issue_severity,
    device_state_before,
    status,
    started_at,
    completed_at,
    duration_ms,
    action_parameters,
    retry_attempt,
    success,
    device_state_after,
    error_message,
    error_details,
    issue_resolved,
    verified_at,
    verification_method,
    required_user_approval,
    approved_by,
    approved_at,
    user_feedback,
    follow_up_required,
    follow_up_action,
    follow_up_scheduled_at,
    metadata,
    created_at
   FROM ts.self_healing_executions t
  WHERE (home_id IN ( SELECT public.my_homes() AS my_homes))
  WITH CASCADED CHECK OPTION;

-- Name: users; Type: TABLE; Schema: public; Owner: -

CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    full_name text,
    phone text,
    role public.user_role DEFAULT 'homeowner'::public.user_role NOT NULL,
    avatar_url text,
    preferences jsonb DEFAULT '{}'::jsonb,
    timezone text DEFAULT 'UTC'::text,
    language text DEFAULT 'en'::text,
    is_active boolean DEFAULT true,
    email_verified boolean DEFAULT false,
    phone_verified boolean DEFAULT false,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    last_login_at timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb
);

-- Data for Name: users; Type: TABLE DATA; Schema: auth; Owner: -

INSERT INTO auth.users VALUES ('80e86d9e-cef1-4c20-bf90-ed6615c89952', 'owner@example.com', '2026-11-22 18:06:40.616819+00');

-- Data for Name: automations; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.automations VALUES ('4fe1eea0-f9f1-4438-8530-ae4e4483c96f', '6309af95-b363-4fa0-974d-ff1801273e53', NULL, 'hall light', NULL, NULL, NULL, 'trigger_based', 'user', '[{"trigger": "sun"}]', '[]', '[]', 'sequential', 0, false, 3, NULL, NULL, 'UTC', true, false, NULL, 'healthy', NULL, 0, 0, NULL, NULL, NULL, 0, false, false, false, '{}', '{}', '2026-11-22 18:06:40.653766+00', '2026-11-22 18:06:40.653766+00', NULL);

-- Data for Name: brands; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: device_group_members; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: device_groups; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: device_models; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: devices; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.devices VALUES ('1fa84bce-ecef-4c72-8c0b-0605e4d38c7e', '6309af95-b363-4fa0-974d-ff1801273e53', NULL, NULL, NULL, 'lamp', 'light', NULL, NULL, NULL, NULL, 'unknown', NULL, '{}', NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, 100, false, NULL, NULL, 0, 0, '{}', '{}', NULL, NULL, NULL, NULL, NULL, '{}', '{}', false, true, NULL, '2026-11-22 18:06:40.634253+00', '2026-11-22 18:06:40.634253+00', NULL, NULL, '''lamp'':1');

-- Data for Name: ecosystem_sync_status; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.ecosystem_sync_status VALUES ('ce611c8c-7ea3-4f8a-af68-2770c6440d80', '6309af95-b363-4fa0-974d-ff1801273e53', 'd5cb9342-0318-53d9-83ff-81d31a23033c', 'automation', '4fe1eea0-f9f1-4438-8530-ae4e4483c96f', 'synced', '2026-11-22 18:06:40.653766+00', '2026-11-22 18:06:40.653766+00', NULL, NULL, 'bidirectional', 'manual', NULL, 0, 5, 1, 1, NULL, '2026-11-22 18:06:40.653766+00', '{}', '2026-11-22 18:06:40.653766+00', '2026-11-22 18:06:40.653766+00');
INSERT INTO public.ecosystem_sync_status VALUES ('3d6a9537-63dd-4881-a658-b78ac69e5180', '6309af95-b363-4fa0-974d-ff1801273e53', 'd5cb9342-0318-53d9-83ff-81d31a23033c', 'scene', '2846f4fa-cbda-47da-8a76-d5fe0937105f', 'synced', '2026-11-22 18:06:40.664064+00', '2026-11-22 18:06:40.664064+00', NULL, NULL, 'bidirectional', 'manual', NULL, 0, 5, 1, 1, NULL, '2026-11-22 18:06:40.664064+00', '{}', '2026-11-22 18:06:40.664064+00', '2026-11-22 18:06:40.664064+00');

-- Data for Name: ecosystems; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.ecosystems VALUES ('d5cb9342-0318-53d9-83ff-81d31a23033c', 'NEXA hub', 'nexa_hub', 'nexa', NULL, NULL, NULL, NULL, '{}', NULL, true, '2026-11-22 18:06:40.515598+00', '2026-11-22 18:06:40.515598+00');
INSERT INTO public.ecosystems VALUES ('d745e31a-e1ce-566b-83c3-a61b0eae1aed', 'Zigbee2MQTT', 'zigbee2mqtt', 'zigbee2mqtt', NULL, NULL, NULL, NULL, '{"groups": true, "scenes": true}', NULL, true, '2026-11-22 18:06:40.6091+00', '2026-11-22 18:06:40.6091+00');
INSERT INTO public.ecosystems VALUES ('7ae66606-0c9f-5fa8-9e1c-66cd5bcffc4f', 'Home Assistant MQTT discovery', 'homeassistant_mqtt', 'homeassistant', NULL, NULL, NULL, NULL, '{}', NULL, true, '2026-11-22 18:06:40.6091+00', '2026-11-22 18:06:40.6091+00');

-- Data for Name: home_members; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: homes; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.homes VALUES ('6309af95-b363-4fa0-974d-ff1801273e53', '80e86d9e-cef1-4c20-bf90-ed6615c89952', 'Old home', NULL, NULL, NULL, NULL, NULL, 'US', NULL, 'Europe/Stockholm', NULL, NULL, NULL, NULL, '{}', true, '2026-11-22 18:06:40.620001+00', '2026-11-22 18:06:40.620001+00');

-- Data for Name: hub_case_revisions; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.hub_case_revisions VALUES ('alerts', '1f9c350c-9515-4980-9f07-eb90813cedf4', '2026-03-01 12:00:00+00', '6309af95-b363-4fa0-974d-ff1801273e53', 'd4542961-99da-48df-9689-5fe2f3a47c89', 1, '2026-11-22 18:06:40.671291+00');

-- Data for Name: hub_claims; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.hub_claims VALUES ('\x904c442d141cf7ec738a2a9d2fbb9eab25d90d142d4c240c21feb5a219ee928a', '6309af95-b363-4fa0-974d-ff1801273e53', NULL, '2026-11-22 18:06:40.625835+00', '2026-11-23 18:06:40.625835+00', '2026-11-22 18:06:40.630039+00', 'd4542961-99da-48df-9689-5fe2f3a47c89');

-- Data for Name: hub_commands; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: hub_dead_letters; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: hub_definition_history; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.hub_definition_history VALUES ('home', '6309af95-b363-4fa0-974d-ff1801273e53', 1, '{"name": "Old home", "country": "US", "metadata": {}, "timezone": "Europe/Stockholm", "is_active": true, "coordinates": null}', NULL, '2026-11-22 18:06:40.620001+00');
INSERT INTO public.hub_definition_history VALUES ('device', '1fa84bce-ecef-4c72-8c0b-0605e4d38c7e', 1, '{"tags": [], "notes": null, "room_id": null, "settings": {}, "is_active": true, "device_name": "lamp", "device_type": "light", "is_favorite": false, "custom_fields": {}}', 'd4542961-99da-48df-9689-5fe2f3a47c89/old-mirror', '2026-11-22 18:06:40.634253+00');
INSERT INTO public.hub_definition_history VALUES ('automation', '4fe1eea0-f9f1-4438-8530-ae4e4483c96f', 1, '{"icon": null, "name": "hall light", "tags": [], "color": null, "source": "user", "actions": [], "metadata": {}, "timezone": "UTC", "triggers": [{"trigger": "sun"}], "is_paused": false, "conditions": [], "is_enabled": true, "description": null, "max_retries": 3, "pause_until": null, "ai_optimized": false, "context_aware": false, "schedule_type": null, "execution_mode": "sequential", "automation_type": "trigger_based", "schedule_config": null, "learning_enabled": false, "retry_on_failure": false, "delay_between_actions_ms": 0}', 'd4542961-99da-48df-9689-5fe2f3a47c89/old-mirror', '2026-11-22 18:06:40.653766+00');
INSERT INTO public.hub_definition_history VALUES ('scene', '2846f4fa-cbda-47da-8a76-d5fe0937105f', 1, '{"icon": null, "name": "evening", "tags": [], "color": null, "room_id": null, "category": null, "metadata": {}, "is_active": true, "scene_type": "custom", "description": null, "is_favorite": false, "context_aware": false, "device_states": [], "adaptive_brightness": false, "transition_duration_ms": 0}', 'd4542961-99da-48df-9689-5fe2f3a47c89/old-mirror', '2026-11-22 18:06:40.664064+00');

-- Data for Name: hub_definition_kinds; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.hub_definition_kinds VALUES ('home', 0, 'homes', '{name,timezone,coordinates,country,metadata,is_active}', '{}', '{}', '{}', '{}', false, false, false);
INSERT INTO public.hub_definition_kinds VALUES ('room', 1, 'rooms', '{name,room_type,floor_level,square_footage,metadata,sort_order}', '{}', '{}', '{}', '{}', true, false, false);
INSERT INTO public.hub_definition_kinds VALUES ('device', 2, 'devices', '{device_name,room_id,device_type,settings,tags,custom_fields,is_favorite,is_active,notes}', '{}', '{brand_id,device_model_id,manufacturer_device_id,ecosystem_device_id,mac_address,primary_protocol,supported_protocols,power_source,capabilities,integration_platform,network_ssid}', '{ip_address,connectivity_status,signal_strength,firmware_version,firmware_update_available,latest_firmware_version,last_firmware_update_at,battery_level,battery_voltage,is_charging,health_score,is_online,last_seen_at,last_event_at,error_count,warning_count}', '{installed_at,installed_by,warranty_expires_at,purchase_date,purchase_price}', true, true, false);
INSERT INTO public.hub_definition_kinds VALUES ('scene', 3, 'scenes', '{name,description,icon,color,scene_type,category,room_id,device_states,transition_duration_ms,is_favorite,is_active,adaptive_brightness,context_aware,tags,metadata}', '{device_states}', '{}', '{activation_count,last_activated_at}', '{created_by}', true, false, true);
INSERT INTO public.hub_definition_kinds VALUES ('automation', 4, 'automations', '{name,description,icon,color,automation_type,source,triggers,conditions,actions,execution_mode,delay_between_actions_ms,retry_on_failure,max_retries,schedule_type,schedule_config,timezone,is_enabled,is_paused,pause_until,ai_optimized,learning_enabled,context_aware,tags,metadata}', '{triggers,conditions,actions,execution_mode,schedule_type,schedule_config}', '{}', '{health_status,last_health_check_at,failure_count,success_count,last_executed_at,last_execution_status,last_execution_duration_ms,total_executions}', '{created_by}', true, true, true);

-- Data for Name: hub_definition_versions; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.hub_definition_versions VALUES ('home', '6309af95-b363-4fa0-974d-ff1801273e53', '6309af95-b363-4fa0-974d-ff1801273e53', 1, '788', 0, NULL, false, '{}', '2026-11-22 18:06:40.620001+00');
INSERT INTO public.hub_definition_versions VALUES ('device', '1fa84bce-ecef-4c72-8c0b-0605e4d38c7e', '6309af95-b363-4fa0-974d-ff1801273e53', 1, '791', 2, 'd4542961-99da-48df-9689-5fe2f3a47c89/old-mirror', false, '{}', '2026-11-22 18:06:40.634253+00');
INSERT INTO public.hub_definition_versions VALUES ('automation', '4fe1eea0-f9f1-4438-8530-ae4e4483c96f', '6309af95-b363-4fa0-974d-ff1801273e53', 1, '793', 4, 'd4542961-99da-48df-9689-5fe2f3a47c89/old-mirror', false, '{}', '2026-11-22 18:06:40.653766+00');
INSERT INTO public.hub_definition_versions VALUES ('scene', '2846f4fa-cbda-47da-8a76-d5fe0937105f', '6309af95-b363-4fa0-974d-ff1801273e53', 1, '795', 3, 'd4542961-99da-48df-9689-5fe2f3a47c89/old-mirror', false, '{}', '2026-11-22 18:06:40.664064+00');

-- Data for Name: hub_device_aliases; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: hub_gaps; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: hub_hubs; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.hub_hubs VALUES ('d4542961-99da-48df-9689-5fe2f3a47c89', '6309af95-b363-4fa0-974d-ff1801273e53', 'hall', '\x1f62e87b3a4beb3f548c68e66b22e966fdf054d499458a4d721903cc6da2f2b1', 'old-mirror', 1, NULL, '{}', '{}', '{}', NULL, NULL, '2026-11-22 18:06:40.630039+00', '2026-11-22 18:06:40.671291+00', '2026-11-22 18:06:40.671291+00', NULL);

-- Data for Name: hub_limits; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.hub_limits VALUES (true, 5000, 4194304, 0, NULL);

-- Data for Name: hub_marks; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.hub_marks VALUES ('d4542961-99da-48df-9689-5fe2f3a47c89', 'old-mirror', 1, 'automation_executions', 1, '2026-11-22 18:06:40.671291+00');
INSERT INTO public.hub_marks VALUES ('d4542961-99da-48df-9689-5fe2f3a47c89', 'old-mirror', 1, 'device_states', 1, '2026-11-22 18:06:40.671291+00');
INSERT INTO public.hub_marks VALUES ('d4542961-99da-48df-9689-5fe2f3a47c89', 'old-mirror', 1, 'device_telemetry', 1, '2026-11-22 18:06:40.671291+00');
INSERT INTO public.hub_marks VALUES ('d4542961-99da-48df-9689-5fe2f3a47c89', 'old-mirror', 1, 'energy_usage', 1, '2026-11-22 18:06:40.671291+00');
INSERT INTO public.hub_marks VALUES ('d4542961-99da-48df-9689-5fe2f3a47c89', 'old-mirror', 1, 'scene_activations', 1, '2026-11-22 18:06:40.671291+00');

-- Data for Name: hub_streams; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.hub_streams VALUES ('device_states', 'device_states', '{id,device_id,state,changed_fields,changed_by,change_source,created_at}', 'created_at', '{id,created_at}', '{"device_id": "devices"}', false);
INSERT INTO public.hub_streams VALUES ('device_telemetry', 'device_telemetry', '{time,device_id,metric_type,value,unit,quality_score,metadata}', 'time', '{device_id,metric_type,time}', '{"device_id": "devices"}', false);
INSERT INTO public.hub_streams VALUES ('energy_usage', 'energy_usage', '{time,device_id,home_id,power_watts,energy_kwh,voltage,current_amps,power_factor,cost_estimate,is_peak_hour,metadata}', 'time', '{device_id,time}', '{"device_id": "devices"}', false);
INSERT INTO public.hub_streams VALUES ('automation_executions', 'automation_executions', '{id,time,automation_id,home_id,triggered_by,trigger_data,status,started_at,completed_at,duration_ms,actions_total,actions_succeeded,actions_failed,action_results,error_message,error_details,retry_attempt,device_states_before,device_states_after,environment_context,created_at}', 'time', '{id,time}', '{"automation_id": "automations"}', false);
INSERT INTO public.hub_streams VALUES ('scene_activations', 'scene_activations', '{id,time,scene_id,home_id,activated_by,activation_source,status,devices_targeted,devices_succeeded,devices_failed,execution_duration_ms,failed_devices,error_message,created_at}', 'time', '{id,time}', '{"scene_id": "scenes"}', false);
INSERT INTO public.hub_streams VALUES ('self_healing_executions', 'self_healing_executions', '{id,time,device_id,home_id,action_id,triggered_by,trigger_source_id,issue_detected,issue_severity,device_state_before,status,started_at,completed_at,duration_ms,action_parameters,retry_attempt,success,device_state_after,error_message,error_details,issue_resolved,verified_at,verification_method,required_user_approval,approved_by,approved_at,user_feedback,follow_up_required,follow_up_action,follow_up_scheduled_at,metadata,created_at}', 'time', '{id,time}', '{"action_id": "self_healing_actions", "device_id": "devices"}', true);
INSERT INTO public.hub_streams VALUES ('alerts', 'alerts', '{id,time,home_id,alert_rule_id,alert_type,severity,priority,title,message,source_device_id,source_type,source_id,context,device_state,actionable,suggested_actions,action_taken,action_taken_at,action_taken_by,status,acknowledged_at,acknowledged_by,resolved_at,resolved_by,dismissed_at,dismissed_by,expires_at,metadata,created_at}', 'time', '{id,time}', '{"source_device_id": "devices"}', true);

-- Data for Name: rooms; Type: TABLE DATA; Schema: public; Owner: -

-- Data for Name: scenes; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.scenes VALUES ('2846f4fa-cbda-47da-8a76-d5fe0937105f', '6309af95-b363-4fa0-974d-ff1801273e53', NULL, NULL, 'evening', NULL, NULL, NULL, 'custom', NULL, '[]', 0, false, 0, NULL, true, true, '{}', false, false, '{}', '{}', '2026-11-22 18:06:40.664064+00', '2026-11-22 18:06:40.664064+00');

-- Data for Name: self_healing_actions; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.self_healing_actions VALUES ('8935bed9-a7b2-55ff-98bc-eb95fdede414', 'ask_state', 'repair', 'Ask the device for its state: it may only have been quiet.', 'connectivity', NULL, NULL, NULL, '{"step": 1}', NULL, false, 3, 5, 'low', NULL, 0, 0, NULL, true, '2026-11-22 18:06:40.6091+00', '2026-11-22 18:06:40.6091+00');
INSERT INTO public.self_healing_actions VALUES ('4664507b-ca5e-513d-9e92-d3c0dd248a13', 'resend_command', 'repair', 'Send the command again that the device has not confirmed.', 'connectivity', NULL, NULL, NULL, '{"step": 2}', NULL, false, 2, 1, 'low', NULL, 0, 0, NULL, true, '2026-11-22 18:06:40.6091+00', '2026-11-22 18:06:40.6091+00');
INSERT INTO public.self_healing_actions VALUES ('06d76ff9-31ed-5e84-8a5d-9248c8ce22c7', 'reconfigure_through_bridge', 'reconfigure', 'Let the bridge set the device up anew, which renews its bindings and reporting.', 'connectivity', NULL, NULL, NULL, '{"step": 3}', NULL, false, 1, 60, 'low', NULL, 0, 0, NULL, true, '2026-11-22 18:06:40.6091+00', '2026-11-22 18:06:40.6091+00');
INSERT INTO public.self_healing_actions VALUES ('96674b93-c484-55bc-a1c6-469c9003bdb8', 'tell_person', 'repair', 'Tell a person what is wrong and what to look at.', 'connectivity', NULL, NULL, NULL, '{"step": 4}', NULL, false, 1, 720, 'low', NULL, 0, 0, NULL, true, '2026-11-22 18:06:40.6091+00', '2026-11-22 18:06:40.6091+00');

-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -

INSERT INTO public.users VALUES ('80e86d9e-cef1-4c20-bf90-ed6615c89952', 'owner@example.com', NULL, NULL, 'homeowner', NULL, '{}', 'UTC', 'en', true, false, false, '2026-11-22 18:06:40.618135+00', '2026-11-22 18:06:40.618135+00', NULL, '{}');

-- Data for Name: alerts; Type: TABLE DATA; Schema: ts; Owner: -

INSERT INTO ts.alerts VALUES ('1f9c350c-9515-4980-9f07-eb90813cedf4', '2026-03-01 12:00:00+00', '6309af95-b363-4fa0-974d-ff1801273e53', NULL, 'safety_alarm', 'critical', 'normal', 'Smoke', 'Smoke in the hall', NULL, NULL, NULL, '{}', NULL, false, '[]', NULL, NULL, NULL, 'active', NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, false, NULL, NULL, '{}', '2026-11-22 18:06:40.671291+00');

-- Data for Name: automation_executions; Type: TABLE DATA; Schema: ts; Owner: -

INSERT INTO ts.automation_executions VALUES ('b6957756-82f1-0b1b-7d2f-8f28ec9b5e6b', '2026-03-01 12:00:00+00', '4fe1eea0-f9f1-4438-8530-ae4e4483c96f', '6309af95-b363-4fa0-974d-ff1801273e53', NULL, NULL, 'success', '2026-03-01 12:00:00+00', NULL, NULL, NULL, NULL, NULL, '[]', NULL, NULL, 0, NULL, NULL, NULL, '2026-11-22 18:06:40.671291+00');

-- Data for Name: automation_health_checks; Type: TABLE DATA; Schema: ts; Owner: -

-- Data for Name: device_error_logs; Type: TABLE DATA; Schema: ts; Owner: -

-- Data for Name: device_health_history; Type: TABLE DATA; Schema: ts; Owner: -

-- Data for Name: device_states; Type: TABLE DATA; Schema: ts; Owner: -

INSERT INTO ts.device_states VALUES ('0d3d324f-18fc-406a-09cd-404a99f3b0e0', '1fa84bce-ecef-4c72-8c0b-0605e4d38c7e', '{"on": true}', NULL, NULL, NULL, '2026-03-01 12:00:00+00');

-- Data for Name: device_telemetry; Type: TABLE DATA; Schema: ts; Owner: -

INSERT INTO ts.device_telemetry VALUES ('2026-03-01 12:00:00+00', '1fa84bce-ecef-4c72-8c0b-0605e4d38c7e', 'temperature', 20, NULL, NULL, '{}');

-- Data for Name: energy_usage; Type: TABLE DATA; Schema: ts; Owner: -

INSERT INTO ts.energy_usage VALUES ('2026-03-01 12:00:00+00', '1fa84bce-ecef-4c72-8c0b-0605e4d38c7e', '6309af95-b363-4fa0-974d-ff1801273e53', 5, NULL, NULL, NULL, NULL, NULL, false, '{}');

-- Data for Name: scene_activations; Type: TABLE DATA; Schema: ts; Owner: -

INSERT INTO ts.scene_activations VALUES ('95eeb710-1349-96eb-9c0f-09484afadc2a', '2026-03-01 12:00:00+00', '2846f4fa-cbda-47da-8a76-d5fe0937105f', '6309af95-b363-4fa0-974d-ff1801273e53', NULL, NULL, 'success', NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-22 18:06:40.671291+00');

-- Data for Name: self_healing_executions; Type: TABLE DATA; Schema: ts; Owner: -

-- Name: hub_dead_letters_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -

SELECT pg_catalog.setval('public.hub_dead_letters_id_seq', 1, false);

-- Name: users users_pkey; Type: CONSTRAINT; Schema: auth; Owner: -

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

-- Name: automations automations_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.automations
    ADD CONSTRAINT automations_pkey PRIMARY KEY (id);

-- Name: brands brands_name_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.brands
    ADD CONSTRAINT brands_name_key UNIQUE (name);

-- Name: brands brands_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.brands
    ADD CONSTRAINT brands_pkey PRIMARY KEY (id);

-- Name: brands brands_slug_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.brands
    ADD CONSTRAINT brands_slug_key UNIQUE (slug);

-- Name: device_group_members device_group_members_group_id_device_id_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_group_members
    ADD CONSTRAINT device_group_members_group_id_device_id_key UNIQUE (group_id, device_id);

-- Name: device_group_members device_group_members_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_group_members
    ADD CONSTRAINT device_group_members_pkey PRIMARY KEY (id);

-- Name: device_groups device_groups_home_id_name_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_groups
    ADD CONSTRAINT device_groups_home_id_name_key UNIQUE (home_id, name);

-- Name: device_groups device_groups_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_groups
    ADD CONSTRAINT device_groups_pkey PRIMARY KEY (id);

-- Name: device_models device_models_brand_id_model_number_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_models
    ADD CONSTRAINT device_models_brand_id_model_number_key UNIQUE (brand_id, model_number);

-- Name: device_models device_models_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_models
    ADD CONSTRAINT device_models_pkey PRIMARY KEY (id);

-- Name: devices devices_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (id);

-- Name: ecosystem_sync_status ecosystem_sync_status_home_id_ecosystem_id_entity_type_enti_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.ecosystem_sync_status
    ADD CONSTRAINT ecosystem_sync_status_home_id_ecosystem_id_entity_type_enti_key UNIQUE (home_id, ecosystem_id, entity_type, entity_id);

-- Name: ecosystem_sync_status ecosystem_sync_status_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.ecosystem_sync_status
    ADD CONSTRAINT ecosystem_sync_status_pkey PRIMARY KEY (id);

-- Name: ecosystems ecosystems_name_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.ecosystems
    ADD CONSTRAINT ecosystems_name_key UNIQUE (name);

-- Name: ecosystems ecosystems_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.ecosystems
    ADD CONSTRAINT ecosystems_pkey PRIMARY KEY (id);

-- Name: ecosystems ecosystems_slug_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.ecosystems
    ADD CONSTRAINT ecosystems_slug_key UNIQUE (slug);

-- Name: home_members home_members_home_id_user_id_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.home_members
    ADD CONSTRAINT home_members_home_id_user_id_key UNIQUE (home_id, user_id);

-- Name: home_members home_members_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.home_members
    ADD CONSTRAINT home_members_pkey PRIMARY KEY (id);

-- Name: homes homes_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.homes
    ADD CONSTRAINT homes_pkey PRIMARY KEY (id);

-- Name: hub_case_revisions hub_case_revisions_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_case_revisions
    ADD CONSTRAINT hub_case_revisions_pkey PRIMARY KEY (table_name, id, "time");

-- Name: hub_claims hub_claims_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_claims
    ADD CONSTRAINT hub_claims_pkey PRIMARY KEY (code_sha256);

-- Name: hub_commands hub_commands_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_commands
    ADD CONSTRAINT hub_commands_pkey PRIMARY KEY (id);

-- Name: hub_dead_letters hub_dead_letters_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_dead_letters
    ADD CONSTRAINT hub_dead_letters_pkey PRIMARY KEY (id);

-- Name: hub_definition_history hub_definition_history_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_definition_history
    ADD CONSTRAINT hub_definition_history_pkey PRIMARY KEY (entity_type, entity_id, version);

-- Name: hub_definition_kinds hub_definition_kinds_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_definition_kinds
    ADD CONSTRAINT hub_definition_kinds_pkey PRIMARY KEY (entity_type);

-- Name: hub_definition_kinds hub_definition_kinds_rank_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_definition_kinds
    ADD CONSTRAINT hub_definition_kinds_rank_key UNIQUE (rank);

-- Name: hub_definition_versions hub_definition_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_definition_versions
    ADD CONSTRAINT hub_definition_versions_pkey PRIMARY KEY (entity_type, entity_id);

-- Name: hub_device_aliases hub_device_aliases_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_device_aliases
    ADD CONSTRAINT hub_device_aliases_pkey PRIMARY KEY (home_id, kind, value);

-- Name: hub_gaps hub_gaps_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_gaps
    ADD CONSTRAINT hub_gaps_pkey PRIMARY KEY (hub_id, mirror_id, epoch, stream, first_seq, last_seq);

-- Name: hub_hubs hub_hubs_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_hubs
    ADD CONSTRAINT hub_hubs_pkey PRIMARY KEY (id);

-- Name: hub_limits hub_limits_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_limits
    ADD CONSTRAINT hub_limits_pkey PRIMARY KEY (is_the_row);

-- Name: hub_marks hub_marks_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_marks
    ADD CONSTRAINT hub_marks_pkey PRIMARY KEY (hub_id, mirror_id, epoch, stream);

-- Name: hub_streams hub_streams_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_streams
    ADD CONSTRAINT hub_streams_pkey PRIMARY KEY (stream);

-- Name: rooms rooms_home_id_name_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_home_id_name_key UNIQUE (home_id, name);

-- Name: rooms rooms_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_pkey PRIMARY KEY (id);

-- Name: scenes scenes_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.scenes
    ADD CONSTRAINT scenes_pkey PRIMARY KEY (id);

-- Name: self_healing_actions self_healing_actions_name_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.self_healing_actions
    ADD CONSTRAINT self_healing_actions_name_key UNIQUE (name);

-- Name: self_healing_actions self_healing_actions_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.self_healing_actions
    ADD CONSTRAINT self_healing_actions_pkey PRIMARY KEY (id);

-- Name: users users_email_key; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

-- Name: alerts alerts_pkey; Type: CONSTRAINT; Schema: ts; Owner: -

ALTER TABLE ONLY ts.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id, "time");

-- Name: automation_executions automation_executions_pkey; Type: CONSTRAINT; Schema: ts; Owner: -

ALTER TABLE ONLY ts.automation_executions
    ADD CONSTRAINT automation_executions_pkey PRIMARY KEY (id, "time");

-- Name: automation_health_checks automation_health_checks_pkey; Type: CONSTRAINT; Schema: ts; Owner: -

ALTER TABLE ONLY ts.automation_health_checks
    ADD CONSTRAINT automation_health_checks_pkey PRIMARY KEY (id, "time");

-- Name: device_error_logs device_error_logs_pkey; Type: CONSTRAINT; Schema: ts; Owner: -

ALTER TABLE ONLY ts.device_error_logs
    ADD CONSTRAINT device_error_logs_pkey PRIMARY KEY (id, "time");

-- Name: device_states device_states_pkey; Type: CONSTRAINT; Schema: ts; Owner: -

ALTER TABLE ONLY ts.device_states
    ADD CONSTRAINT device_states_pkey PRIMARY KEY (id, created_at);

-- Name: scene_activations scene_activations_pkey; Type: CONSTRAINT; Schema: ts; Owner: -

ALTER TABLE ONLY ts.scene_activations
    ADD CONSTRAINT scene_activations_pkey PRIMARY KEY (id, "time");

-- Name: self_healing_executions self_healing_executions_pkey; Type: CONSTRAINT; Schema: ts; Owner: -

ALTER TABLE ONLY ts.self_healing_executions
    ADD CONSTRAINT self_healing_executions_pkey PRIMARY KEY (id, "time");

-- Name: hub_case_revisions_home; Type: INDEX; Schema: public; Owner: -

CREATE INDEX hub_case_revisions_home ON public.hub_case_revisions USING btree (home_id);

-- Name: hub_claims_home; Type: INDEX; Schema: public; Owner: -

CREATE INDEX hub_claims_home ON public.hub_claims USING btree (home_id);

-- Name: hub_commands_expiry; Type: INDEX; Schema: public; Owner: -

CREATE INDEX hub_commands_expiry ON public.hub_commands USING btree (home_id, expires_at);

-- Name: hub_commands_waiting; Type: INDEX; Schema: public; Owner: -

CREATE INDEX hub_commands_waiting ON public.hub_commands USING btree (home_id, created_at) WHERE (status = ANY (ARRAY['pending'::text, 'delivered'::text]));

-- Name: hub_dead_letters_hub; Type: INDEX; Schema: public; Owner: -

CREATE INDEX hub_dead_letters_hub ON public.hub_dead_letters USING btree (hub_id, id);

-- Name: hub_definition_versions_line; Type: INDEX; Schema: public; Owner: -

CREATE INDEX hub_definition_versions_line ON public.hub_definition_versions USING btree (home_id, xid, rank, entity_id);

-- Name: hub_device_aliases_device; Type: INDEX; Schema: public; Owner: -

CREATE INDEX hub_device_aliases_device ON public.hub_device_aliases USING btree (device_id);

-- Name: hub_hubs_one_per_home; Type: INDEX; Schema: public; Owner: -

CREATE UNIQUE INDEX hub_hubs_one_per_home ON public.hub_hubs USING btree (home_id) WHERE (retired_at IS NULL);

-- Name: idx_automations_created_by; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_automations_created_by ON public.automations USING btree (created_by);

-- Name: idx_automations_health; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_automations_health ON public.automations USING btree (health_status);

-- Name: idx_automations_home; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_automations_home ON public.automations USING btree (home_id);

-- Name: idx_automations_type; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_automations_type ON public.automations USING btree (automation_type);

-- Name: idx_brands_is_active; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_brands_is_active ON public.brands USING btree (is_active);

-- Name: idx_brands_search; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_brands_search ON public.brands USING gin (search_vector);

-- Name: idx_brands_slug; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_brands_slug ON public.brands USING btree (slug);

-- Name: idx_device_models_brand_id; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_device_models_brand_id ON public.device_models USING btree (brand_id);

-- Name: idx_device_models_device_type; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_device_models_device_type ON public.device_models USING btree (device_type);

-- Name: idx_device_models_model_number; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_device_models_model_number ON public.device_models USING btree (model_number);

-- Name: idx_device_models_search; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_device_models_search ON public.device_models USING gin (search_vector);

-- Name: idx_devices_brand_id; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_brand_id ON public.devices USING btree (brand_id);

-- Name: idx_devices_connectivity_status; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_connectivity_status ON public.devices USING btree (connectivity_status);

-- Name: idx_devices_created_at; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_created_at ON public.devices USING btree (created_at);

-- Name: idx_devices_deleted_at; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_deleted_at ON public.devices USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);

-- Name: idx_devices_device_type; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_device_type ON public.devices USING btree (device_type);

-- Name: idx_devices_health_score; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_health_score ON public.devices USING btree (health_score);

-- Name: idx_devices_home_id; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_home_id ON public.devices USING btree (home_id);

-- Name: idx_devices_integration_platform; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_integration_platform ON public.devices USING btree (integration_platform);

-- Name: idx_devices_is_online; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_is_online ON public.devices USING btree (is_online);

-- Name: idx_devices_last_seen; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_last_seen ON public.devices USING btree (last_seen_at DESC);

-- Name: idx_devices_room_id; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_room_id ON public.devices USING btree (room_id);

-- Name: idx_devices_search; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_devices_search ON public.devices USING gin (search_vector);

-- Name: idx_ecosystem_sync_ecosystem; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_ecosystem_sync_ecosystem ON public.ecosystem_sync_status USING btree (ecosystem_id);

-- Name: idx_ecosystem_sync_entity; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_ecosystem_sync_entity ON public.ecosystem_sync_status USING btree (entity_type, entity_id);

-- Name: idx_ecosystem_sync_home; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_ecosystem_sync_home ON public.ecosystem_sync_status USING btree (home_id);

-- Name: idx_ecosystem_sync_status; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_ecosystem_sync_status ON public.ecosystem_sync_status USING btree (sync_status);

-- Name: idx_ecosystems_is_active; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_ecosystems_is_active ON public.ecosystems USING btree (is_active);

-- Name: idx_ecosystems_provider; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_ecosystems_provider ON public.ecosystems USING btree (provider);

-- Name: idx_home_members_home_id; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_home_members_home_id ON public.home_members USING btree (home_id);

-- Name: idx_home_members_role; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_home_members_role ON public.home_members USING btree (role);

-- Name: idx_home_members_user_id; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_home_members_user_id ON public.home_members USING btree (user_id);

-- Name: idx_homes_created_at; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_homes_created_at ON public.homes USING btree (created_at);

-- Name: idx_homes_is_active; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_homes_is_active ON public.homes USING btree (is_active);

-- Name: idx_homes_owner_id; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_homes_owner_id ON public.homes USING btree (owner_id);

-- Name: idx_rooms_home_id; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_rooms_home_id ON public.rooms USING btree (home_id);

-- Name: idx_rooms_room_type; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_rooms_room_type ON public.rooms USING btree (room_type);

-- Name: idx_scenes_created_by; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_scenes_created_by ON public.scenes USING btree (created_by);

-- Name: idx_scenes_home; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_scenes_home ON public.scenes USING btree (home_id);

-- Name: idx_scenes_type; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_scenes_type ON public.scenes USING btree (scene_type);

-- Name: idx_self_healing_actions_active; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_self_healing_actions_active ON public.self_healing_actions USING btree (is_active);

-- Name: idx_self_healing_actions_category; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_self_healing_actions_category ON public.self_healing_actions USING btree (category);

-- Name: idx_self_healing_actions_type; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_self_healing_actions_type ON public.self_healing_actions USING btree (action_type);

-- Name: idx_users_created_at; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_users_created_at ON public.users USING btree (created_at);

-- Name: idx_users_email; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_users_email ON public.users USING btree (email);

-- Name: idx_users_last_login; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_users_last_login ON public.users USING btree (last_login_at);

-- Name: idx_users_role; Type: INDEX; Schema: public; Owner: -

CREATE INDEX idx_users_role ON public.users USING btree (role);

-- Name: idx_alerts_device; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_alerts_device ON ts.alerts USING btree (source_device_id) WHERE (source_device_id IS NOT NULL);

-- Name: idx_alerts_home; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_alerts_home ON ts.alerts USING btree (home_id, "time" DESC);

-- Name: idx_automation_executions_automation; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_automation_executions_automation ON ts.automation_executions USING btree (automation_id, "time" DESC);

-- Name: idx_automation_executions_home; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_automation_executions_home ON ts.automation_executions USING btree (home_id, "time" DESC);

-- Name: idx_automation_health_automation; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_automation_health_automation ON ts.automation_health_checks USING btree (automation_id, "time" DESC);

-- Name: idx_device_states_device_id; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_device_states_device_id ON ts.device_states USING btree (device_id, created_at DESC);

-- Name: idx_device_telemetry_device_metric; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_device_telemetry_device_metric ON ts.device_telemetry USING btree (device_id, metric_type, "time" DESC);

-- Name: idx_energy_usage_device; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_energy_usage_device ON ts.energy_usage USING btree (device_id, "time" DESC);

-- Name: idx_energy_usage_home; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_energy_usage_home ON ts.energy_usage USING btree (home_id, "time" DESC);

-- Name: idx_error_logs_device; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_error_logs_device ON ts.device_error_logs USING btree (device_id, "time" DESC);

-- Name: idx_error_logs_home; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_error_logs_home ON ts.device_error_logs USING btree (home_id, "time" DESC);

-- Name: idx_health_history_device; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_health_history_device ON ts.device_health_history USING btree (device_id, "time" DESC);

-- Name: idx_scene_activations_home; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_scene_activations_home ON ts.scene_activations USING btree (home_id, "time" DESC);

-- Name: idx_scene_activations_scene; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_scene_activations_scene ON ts.scene_activations USING btree (scene_id, "time" DESC);

-- Name: idx_self_healing_executions_device; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_self_healing_executions_device ON ts.self_healing_executions USING btree (device_id, "time" DESC);

-- Name: idx_self_healing_executions_home; Type: INDEX; Schema: ts; Owner: -

CREATE INDEX idx_self_healing_executions_home ON ts.self_healing_executions USING btree (home_id, "time" DESC);

-- Name: brands brands_search_vector_trigger; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER brands_search_vector_trigger BEFORE INSERT OR UPDATE ON public.brands FOR EACH ROW EXECUTE FUNCTION public.brands_search_vector_update();

-- Name: automations delete_rows_of_automation; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER delete_rows_of_automation AFTER DELETE ON public.automations FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent('automation_executions', 'automation_id', 'automation_health_checks', 'automation_id');

-- Name: devices delete_rows_of_device; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER delete_rows_of_device AFTER DELETE ON public.devices FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent('device_states', 'device_id', 'device_telemetry', 'device_id', 'energy_usage', 'device_id', 'device_error_logs', 'device_id', 'device_health_history', 'device_id', 'self_healing_executions', 'device_id', 'alerts', 'source_device_id');

-- Name: homes delete_rows_of_home; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER delete_rows_of_home AFTER DELETE ON public.homes FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent('energy_usage', 'home_id', 'device_error_logs', 'home_id', 'automation_executions', 'home_id', 'automation_health_checks', 'home_id', 'scene_activations', 'home_id', 'self_healing_executions', 'home_id', 'alerts', 'home_id');

-- Name: scenes delete_rows_of_scene; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER delete_rows_of_scene AFTER DELETE ON public.scenes FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent('scene_activations', 'scene_id');

-- Name: device_models device_models_search_vector_trigger; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER device_models_search_vector_trigger BEFORE INSERT OR UPDATE ON public.device_models FOR EACH ROW EXECUTE FUNCTION public.device_models_search_vector_update();

-- Name: devices devices_search_vector_trigger; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER devices_search_vector_trigger BEFORE INSERT OR UPDATE OF device_name, notes, tags ON public.devices FOR EACH ROW EXECUTE FUNCTION public.devices_search_vector_update();

-- Name: automations note_definition_change; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER note_definition_change AFTER INSERT OR DELETE OR UPDATE OF name, description, icon, color, automation_type, source, triggers, conditions, actions, execution_mode, delay_between_actions_ms, retry_on_failure, max_retries, schedule_type, schedule_config, timezone, is_enabled, is_paused, pause_until, ai_optimized, learning_enabled, context_aware, tags, metadata, created_by, deleted_at ON public.automations FOR EACH ROW EXECUTE FUNCTION hub_sync.note_definition_change('automation');

-- Name: devices note_definition_change; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER note_definition_change AFTER INSERT OR DELETE OR UPDATE OF device_name, room_id, device_type, settings, tags, custom_fields, is_favorite, is_active, notes, installed_at, installed_by, warranty_expires_at, purchase_date, purchase_price, deleted_at ON public.devices FOR EACH ROW EXECUTE FUNCTION hub_sync.note_definition_change('device');

-- Name: homes note_definition_change; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER note_definition_change AFTER INSERT OR DELETE OR UPDATE OF name, timezone, coordinates, country, metadata, is_active ON public.homes FOR EACH ROW EXECUTE FUNCTION hub_sync.note_definition_change('home');

-- Name: rooms note_definition_change; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER note_definition_change AFTER INSERT OR DELETE OR UPDATE OF name, room_type, floor_level, square_footage, metadata, sort_order ON public.rooms FOR EACH ROW EXECUTE FUNCTION hub_sync.note_definition_change('room');

-- Name: scenes note_definition_change; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER note_definition_change AFTER INSERT OR DELETE OR UPDATE OF name, description, icon, color, scene_type, category, room_id, device_states, transition_duration_ms, is_favorite, is_active, adaptive_brightness, context_aware, tags, metadata, created_by ON public.scenes FOR EACH ROW EXECUTE FUNCTION hub_sync.note_definition_change('scene');

-- Name: automations update_automations_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_automations_updated_at BEFORE UPDATE ON public.automations FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: brands update_brands_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_brands_updated_at BEFORE UPDATE ON public.brands FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: device_groups update_device_groups_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_device_groups_updated_at BEFORE UPDATE ON public.device_groups FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: device_models update_device_models_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_device_models_updated_at BEFORE UPDATE ON public.device_models FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: devices update_devices_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_devices_updated_at BEFORE UPDATE ON public.devices FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: ecosystem_sync_status update_ecosystem_sync_status_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_ecosystem_sync_status_updated_at BEFORE UPDATE ON public.ecosystem_sync_status FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: ecosystems update_ecosystems_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_ecosystems_updated_at BEFORE UPDATE ON public.ecosystems FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: home_members update_home_members_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_home_members_updated_at BEFORE UPDATE ON public.home_members FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: homes update_homes_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_homes_updated_at BEFORE UPDATE ON public.homes FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: rooms update_rooms_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_rooms_updated_at BEFORE UPDATE ON public.rooms FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: scenes update_scenes_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_scenes_updated_at BEFORE UPDATE ON public.scenes FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: self_healing_actions update_self_healing_actions_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_self_healing_actions_updated_at BEFORE UPDATE ON public.self_healing_actions FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: users update_users_updated_at; Type: TRIGGER; Schema: public; Owner: -

CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Name: automations automations_created_by_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.automations
    ADD CONSTRAINT automations_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: automations automations_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.automations
    ADD CONSTRAINT automations_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: device_group_members device_group_members_device_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_group_members
    ADD CONSTRAINT device_group_members_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id) ON DELETE CASCADE;

-- Name: device_group_members device_group_members_group_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_group_members
    ADD CONSTRAINT device_group_members_group_id_fkey FOREIGN KEY (group_id) REFERENCES public.device_groups(id) ON DELETE CASCADE;

-- Name: device_groups device_groups_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_groups
    ADD CONSTRAINT device_groups_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: device_models device_models_brand_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.device_models
    ADD CONSTRAINT device_models_brand_id_fkey FOREIGN KEY (brand_id) REFERENCES public.brands(id) ON DELETE CASCADE;

-- Name: devices devices_brand_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_brand_id_fkey FOREIGN KEY (brand_id) REFERENCES public.brands(id) ON DELETE SET NULL;

-- Name: devices devices_device_model_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_device_model_id_fkey FOREIGN KEY (device_model_id) REFERENCES public.device_models(id) ON DELETE SET NULL;

-- Name: devices devices_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: devices devices_installed_by_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_installed_by_fkey FOREIGN KEY (installed_by) REFERENCES public.users(id);

-- Name: devices devices_room_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_room_id_fkey FOREIGN KEY (room_id) REFERENCES public.rooms(id) ON DELETE SET NULL;

-- Name: ecosystem_sync_status ecosystem_sync_status_ecosystem_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.ecosystem_sync_status
    ADD CONSTRAINT ecosystem_sync_status_ecosystem_id_fkey FOREIGN KEY (ecosystem_id) REFERENCES public.ecosystems(id) ON DELETE CASCADE;

-- Name: ecosystem_sync_status ecosystem_sync_status_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.ecosystem_sync_status
    ADD CONSTRAINT ecosystem_sync_status_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: home_members home_members_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.home_members
    ADD CONSTRAINT home_members_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: home_members home_members_invited_by_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.home_members
    ADD CONSTRAINT home_members_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES public.users(id);

-- Name: home_members home_members_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.home_members
    ADD CONSTRAINT home_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- Name: homes homes_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.homes
    ADD CONSTRAINT homes_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- Name: hub_case_revisions hub_case_revisions_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_case_revisions
    ADD CONSTRAINT hub_case_revisions_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: hub_claims hub_claims_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_claims
    ADD CONSTRAINT hub_claims_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: hub_claims hub_claims_used_by_hub_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_claims
    ADD CONSTRAINT hub_claims_used_by_hub_fkey FOREIGN KEY (used_by_hub) REFERENCES public.hub_hubs(id) ON DELETE CASCADE;

-- Name: hub_commands hub_commands_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_commands
    ADD CONSTRAINT hub_commands_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: hub_commands hub_commands_hub_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_commands
    ADD CONSTRAINT hub_commands_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES public.hub_hubs(id) ON DELETE CASCADE;

-- Name: hub_dead_letters hub_dead_letters_hub_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_dead_letters
    ADD CONSTRAINT hub_dead_letters_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES public.hub_hubs(id) ON DELETE CASCADE;

-- Name: hub_definition_history hub_definition_history_entity_type_entity_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_definition_history
    ADD CONSTRAINT hub_definition_history_entity_type_entity_id_fkey FOREIGN KEY (entity_type, entity_id) REFERENCES public.hub_definition_versions(entity_type, entity_id) ON DELETE CASCADE;

-- Name: hub_definition_versions hub_definition_versions_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_definition_versions
    ADD CONSTRAINT hub_definition_versions_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: hub_device_aliases hub_device_aliases_device_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_device_aliases
    ADD CONSTRAINT hub_device_aliases_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.devices(id) ON DELETE CASCADE;

-- Name: hub_device_aliases hub_device_aliases_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_device_aliases
    ADD CONSTRAINT hub_device_aliases_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: hub_gaps hub_gaps_hub_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_gaps
    ADD CONSTRAINT hub_gaps_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES public.hub_hubs(id) ON DELETE CASCADE;

-- Name: hub_hubs hub_hubs_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_hubs
    ADD CONSTRAINT hub_hubs_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: hub_marks hub_marks_hub_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.hub_marks
    ADD CONSTRAINT hub_marks_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES public.hub_hubs(id) ON DELETE CASCADE;

-- Name: rooms rooms_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: scenes scenes_created_by_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.scenes
    ADD CONSTRAINT scenes_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: scenes scenes_home_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.scenes
    ADD CONSTRAINT scenes_home_id_fkey FOREIGN KEY (home_id) REFERENCES public.homes(id) ON DELETE CASCADE;

-- Name: scenes scenes_room_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.scenes
    ADD CONSTRAINT scenes_room_id_fkey FOREIGN KEY (room_id) REFERENCES public.rooms(id) ON DELETE SET NULL;

-- Name: users users_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_id_fkey FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE;

-- Name: automations; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.automations ENABLE ROW LEVEL SECURITY;

-- Name: brands; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.brands ENABLE ROW LEVEL SECURITY;

-- Name: device_group_members; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.device_group_members ENABLE ROW LEVEL SECURITY;

-- Name: device_groups; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.device_groups ENABLE ROW LEVEL SECURITY;

-- Name: device_models; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.device_models ENABLE ROW LEVEL SECURITY;

-- Name: devices; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.devices ENABLE ROW LEVEL SECURITY;

-- Name: ecosystem_sync_status; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.ecosystem_sync_status ENABLE ROW LEVEL SECURITY;

-- Name: ecosystems; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.ecosystems ENABLE ROW LEVEL SECURITY;

-- Name: home_members; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.home_members ENABLE ROW LEVEL SECURITY;

-- Name: homes; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.homes ENABLE ROW LEVEL SECURITY;

-- Name: hub_case_revisions; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_case_revisions ENABLE ROW LEVEL SECURITY;

-- Name: hub_claims; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_claims ENABLE ROW LEVEL SECURITY;

-- Name: hub_commands; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_commands ENABLE ROW LEVEL SECURITY;

-- Name: hub_dead_letters; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_dead_letters ENABLE ROW LEVEL SECURITY;

-- Name: hub_definition_history; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_definition_history ENABLE ROW LEVEL SECURITY;

-- Name: hub_definition_kinds; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_definition_kinds ENABLE ROW LEVEL SECURITY;

-- Name: hub_definition_versions; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_definition_versions ENABLE ROW LEVEL SECURITY;

-- Name: hub_device_aliases; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_device_aliases ENABLE ROW LEVEL SECURITY;

-- Name: hub_gaps; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_gaps ENABLE ROW LEVEL SECURITY;

-- Name: hub_hubs; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_hubs ENABLE ROW LEVEL SECURITY;

-- Name: hub_limits; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_limits ENABLE ROW LEVEL SECURITY;

-- Name: hub_marks; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_marks ENABLE ROW LEVEL SECURITY;

-- Name: hub_streams; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.hub_streams ENABLE ROW LEVEL SECURITY;

-- Name: rooms; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.rooms ENABLE ROW LEVEL SECURITY;

-- Name: scenes; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.scenes ENABLE ROW LEVEL SECURITY;

-- Name: self_healing_actions; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.self_healing_actions ENABLE ROW LEVEL SECURITY;

-- Name: users; Type: ROW SECURITY; Schema: public; Owner: -

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

-- Name: SCHEMA auth; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA auth TO anon;
GRANT USAGE ON SCHEMA auth TO authenticated;
GRANT USAGE ON SCHEMA auth TO service_role;

-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA public TO anon;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT USAGE ON SCHEMA public TO service_role;
GRANT USAGE ON SCHEMA public TO hub;

-- Name: FUNCTION aliases_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.aliases_max() FROM PUBLIC;

-- Name: TABLE hub_streams; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_streams TO service_role;

-- Name: FUNCTION arrived_sql(declared public.hub_streams, present_columns text[], as_columns boolean); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.arrived_sql(declared public.hub_streams, present_columns text[], as_columns boolean) FROM PUBLIC;

-- Name: TABLE hub_definition_kinds; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_definition_kinds TO service_role;

-- Name: FUNCTION as_columns(kind public.hub_definition_kinds, fields jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.as_columns(kind public.hub_definition_kinds, fields jsonb) FROM PUBLIC;

-- Name: FUNCTION base64url(octets bytea); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.base64url(octets bytea) FROM PUBLIC;

-- Name: FUNCTION bounded(document jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.bounded(document jsonb) FROM PUBLIC;

-- Name: TABLE hub_hubs; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_hubs TO service_role;

-- Name: FUNCTION bury(hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, in_seq bigint, why text, in_body jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.bury(hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, in_seq bigint, why text, in_body jsonb) FROM PUBLIC;

-- Name: FUNCTION caller(stated_hub text, for_writing boolean); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.caller(stated_hub text, for_writing boolean) FROM PUBLIC;

-- Name: FUNCTION changes_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.changes_max() FROM PUBLIC;

-- Name: FUNCTION claims(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.claims() FROM PUBLIC;

-- Name: FUNCTION code_sha256(code text); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.code_sha256(code text) FROM PUBLIC;

-- Name: FUNCTION commands_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.commands_max() FROM PUBLIC;

-- Name: FUNCTION commands_waiting_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.commands_waiting_max() FROM PUBLIC;

-- Name: FUNCTION current_documents(kind public.hub_definition_kinds, ids uuid[]); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.current_documents(kind public.hub_definition_kinds, ids uuid[]) FROM PUBLIC;

-- Name: FUNCTION day_counts(declared public.hub_streams, home uuid, first_day date, last_day date); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.day_counts(declared public.hub_streams, home uuid, first_day date, last_day date) FROM PUBLIC;

-- Name: FUNCTION dead_letters_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.dead_letters_max() FROM PUBLIC;

-- Name: FUNCTION definition_bytes_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.definition_bytes_max() FROM PUBLIC;

-- Name: FUNCTION delete_definition(kind public.hub_definition_kinds, entity uuid); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.delete_definition(kind public.hub_definition_kinds, entity uuid) FROM PUBLIC;

-- Name: FUNCTION deliver_commands(hub public.hub_hubs); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.deliver_commands(hub public.hub_hubs) FROM PUBLIC;

-- Name: FUNCTION envelope_definitions_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.envelope_definitions_max() FROM PUBLIC;

-- Name: FUNCTION envelope_rows_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.envelope_rows_max() FROM PUBLIC;

-- Name: FUNCTION extra_bytes_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.extra_bytes_max() FROM PUBLIC;

-- Name: FUNCTION finished_commands_kept(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.finished_commands_kept() FROM PUBLIC;

-- Name: FUNCTION history_versions_max(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.history_versions_max() FROM PUBLIC;

-- Name: FUNCTION hmac_sha256(key bytea, message bytea); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.hmac_sha256(key bytea, message bytea) FROM PUBLIC;

-- Name: FUNCTION home_document(home uuid); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.home_document(home uuid) FROM PUBLIC;

-- Name: FUNCTION hub_ecosystem(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.hub_ecosystem() FROM PUBLIC;

-- Name: FUNCTION insert_around_bad(declared public.hub_streams, inserts text, finds_strays text, hub public.hub_hubs, in_mirror text, in_epoch integer, body_rows jsonb[], seqs bigint[], lo integer, hi integer); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.insert_around_bad(declared public.hub_streams, inserts text, finds_strays text, hub public.hub_hubs, in_mirror text, in_epoch integer, body_rows jsonb[], seqs bigint[], lo integer, hi integer) FROM PUBLIC;

-- Name: FUNCTION insert_records(declared public.hub_streams, inserts text, finds_strays text, hub public.hub_hubs, in_mirror text, in_epoch integer, body jsonb, seqs bigint[], first_seq bigint, after bigint, upto bigint); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.insert_records(declared public.hub_streams, inserts text, finds_strays text, hub public.hub_hubs, in_mirror text, in_epoch integer, body jsonb, seqs bigint[], first_seq bigint, after bigint, upto bigint) FROM PUBLIC;

-- Name: FUNCTION is_home_member(home uuid, permission text); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.is_home_member(home uuid, permission text) FROM PUBLIC;

-- Name: FUNCTION is_operator(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.is_operator() FROM PUBLIC;

-- Name: FUNCTION is_passing(state text); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.is_passing(state text) FROM PUBLIC;

-- Name: FUNCTION is_stale_present(hub public.hub_hubs, in_mirror text, clock jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.is_stale_present(hub public.hub_hubs, in_mirror text, clock jsonb) FROM PUBLIC;

-- Name: FUNCTION keep_conflict(in_type text, in_id uuid, home uuid, in_version integer, hub_version integer, conflicts jsonb, modified text); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.keep_conflict(in_type text, in_id uuid, home uuid, in_version integer, hub_version integer, conflicts jsonb, modified text) FROM PUBLIC;

-- Name: FUNCTION merge(kind public.hub_definition_kinds, hub_fields jsonb, cloud_fields jsonb, base_fields jsonb, resolution text, OUT applied jsonb, OUT conflicts jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.merge(kind public.hub_definition_kinds, hub_fields jsonb, cloud_fields jsonb, base_fields jsonb, resolution text, OUT applied jsonb, OUT conflicts jsonb) FROM PUBLIC;

-- Name: FUNCTION note_definition_change(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.note_definition_change() FROM PUBLIC;

-- Name: FUNCTION note_sync_status(in_type text, in_id uuid, home uuid, in_version integer, is_from_hub boolean, is_gone boolean, touched text[]); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.note_sync_status(in_type text, in_id uuid, home uuid, in_version integer, is_from_hub boolean, is_gone boolean, touched text[]) FROM PUBLIC;

-- Name: FUNCTION note_taken_over(hub public.hub_hubs, seen_xid xid8, seen_rank smallint, seen_id uuid); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.note_taken_over(hub public.hub_hubs, seen_xid xid8, seen_rank smallint, seen_id uuid) FROM PUBLIC;

-- Name: FUNCTION parent_checks(declared public.hub_streams); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.parent_checks(declared public.hub_streams) FROM PUBLIC;

-- Name: FUNCTION part(request jsonb, name text, nothing jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.part(request jsonb, name text, nothing jsonb) FROM PUBLIC;

-- Name: FUNCTION pick(document jsonb, names text[]); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.pick(document jsonb, names text[]) FROM PUBLIC;

-- Name: FUNCTION random_code(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.random_code() FROM PUBLIC;

-- Name: FUNCTION random_hex(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.random_hex() FROM PUBLIC;

-- Name: FUNCTION reach(hub_id uuid, in_mirror text, in_epoch integer, in_stream text, mark bigint, seqs bigint[], first_seq bigint, n integer); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.reach(hub_id uuid, in_mirror text, in_epoch integer, in_stream text, mark bigint, seqs bigint[], first_seq bigint, n integer) FROM PUBLIC;

-- Name: FUNCTION record_statements(declared public.hub_streams, present_columns text[], as_columns boolean, is_repair boolean, OUT inserts text, OUT finds_strays text); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.record_statements(declared public.hub_streams, present_columns text[], as_columns boolean, is_repair boolean, OUT inserts text, OUT finds_strays text) FROM PUBLIC;

-- Name: FUNCTION redeliver_after(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.redeliver_after() FROM PUBLIC;

-- Name: FUNCTION require_envelope(request jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.require_envelope(request jsonb) FROM PUBLIC;

-- Name: FUNCTION require_shape(request jsonb, name text, shape text); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.require_shape(request jsonb, name text, shape text) FROM PUBLIC;

-- Name: FUNCTION revive_definition(kind public.hub_definition_kinds, entity uuid); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.revive_definition(kind public.hub_definition_kinds, entity uuid) FROM PUBLIC;

-- Name: FUNCTION rows_in(body jsonb, as_columns boolean); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.rows_in(body jsonb, as_columns boolean) FROM PUBLIC;

-- Name: FUNCTION signed_token(claims jsonb, secret text); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.signed_token(claims jsonb, secret text) FROM PUBLIC;

-- Name: FUNCTION store_records(declared public.hub_streams, hub public.hub_hubs, in_mirror text, in_epoch integer, body jsonb, as_columns boolean, seqs bigint[], first_seq bigint, after bigint, upto bigint, is_repair boolean); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.store_records(declared public.hub_streams, hub public.hub_hubs, in_mirror text, in_epoch integer, body jsonb, as_columns boolean, seqs bigint[], first_seq bigint, after bigint, upto bigint, is_repair boolean) FROM PUBLIC;

-- Name: FUNCTION take_aliases(home uuid, device uuid, aliases jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.take_aliases(home uuid, device uuid, aliases jsonb) FROM PUBLIC;

-- Name: FUNCTION take_case(hub public.hub_hubs, item jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.take_case(hub public.hub_hubs, item jsonb) FROM PUBLIC;

-- Name: FUNCTION take_cases(hub public.hub_hubs, in_mirror text, in_epoch integer, items jsonb, OUT held jsonb, OUT refused jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.take_cases(hub public.hub_hubs, in_mirror text, in_epoch integer, items jsonb, OUT held jsonb, OUT refused jsonb) FROM PUBLIC;

-- Name: FUNCTION take_commands_done(hub public.hub_hubs, items jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.take_commands_done(hub public.hub_hubs, items jsonb) FROM PUBLIC;

-- Name: FUNCTION take_definition(hub public.hub_hubs, item jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.take_definition(hub public.hub_hubs, item jsonb) FROM PUBLIC;

-- Name: FUNCTION take_definitions(hub public.hub_hubs, items jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.take_definitions(hub public.hub_hubs, items jsonb) FROM PUBLIC;

-- Name: FUNCTION take_gaps(hub public.hub_hubs, in_mirror text, in_epoch integer, items jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.take_gaps(hub public.hub_hubs, in_mirror text, in_epoch integer, items jsonb) FROM PUBLIC;

-- Name: FUNCTION take_present(hub public.hub_hubs, in_type text, snapshot jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.take_present(hub public.hub_hubs, in_type text, snapshot jsonb) FROM PUBLIC;

-- Name: FUNCTION take_stream(hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, body jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.take_stream(hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, body jsonb) FROM PUBLIC;

-- Name: FUNCTION token_lifetime_s(); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.token_lifetime_s() FROM PUBLIC;

-- Name: FUNCTION trim_dead_letters(hub public.hub_hubs); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.trim_dead_letters(hub public.hub_hubs) FROM PUBLIC;

-- Name: FUNCTION version_parts(version text); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.version_parts(version text) FROM PUBLIC;

-- Name: FUNCTION wire_fields(kind public.hub_definition_kinds, document jsonb, extra jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.wire_fields(kind public.hub_definition_kinds, document jsonb, extra jsonb) FROM PUBLIC;

-- Name: FUNCTION with_catalogue_ids(fields jsonb); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.with_catalogue_ids(fields jsonb) FROM PUBLIC;

-- Name: FUNCTION without_foreign_room(fields jsonb, home uuid); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.without_foreign_room(fields jsonb, home uuid) FROM PUBLIC;

-- Name: FUNCTION write_columns(kind public.hub_definition_kinds, entity uuid, home uuid, fields jsonb, is_new boolean); Type: ACL; Schema: hub_sync; Owner: -

REVOKE ALL ON FUNCTION hub_sync.write_columns(kind public.hub_definition_kinds, entity uuid, home uuid, fields jsonb, is_new boolean) FROM PUBLIC;

-- Name: FUNCTION hub_changes_v1(request jsonb); Type: ACL; Schema: public; Owner: -

REVOKE ALL ON FUNCTION public.hub_changes_v1(request jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hub_changes_v1(request jsonb) TO hub;

-- Name: FUNCTION hub_claim_v1(request jsonb); Type: ACL; Schema: public; Owner: -

REVOKE ALL ON FUNCTION public.hub_claim_v1(request jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hub_claim_v1(request jsonb) TO anon;
GRANT ALL ON FUNCTION public.hub_claim_v1(request jsonb) TO authenticated;
GRANT ALL ON FUNCTION public.hub_claim_v1(request jsonb) TO service_role;
GRANT ALL ON FUNCTION public.hub_claim_v1(request jsonb) TO hub;

-- Name: FUNCTION hub_command_v1(request jsonb); Type: ACL; Schema: public; Owner: -

REVOKE ALL ON FUNCTION public.hub_command_v1(request jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hub_command_v1(request jsonb) TO authenticated;
GRANT ALL ON FUNCTION public.hub_command_v1(request jsonb) TO service_role;

-- Name: FUNCTION hub_ingest_v1(request jsonb); Type: ACL; Schema: public; Owner: -

REVOKE ALL ON FUNCTION public.hub_ingest_v1(request jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hub_ingest_v1(request jsonb) TO hub;

-- Name: FUNCTION hub_issue_claim_code_v1(request jsonb); Type: ACL; Schema: public; Owner: -

REVOKE ALL ON FUNCTION public.hub_issue_claim_code_v1(request jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hub_issue_claim_code_v1(request jsonb) TO authenticated;
GRANT ALL ON FUNCTION public.hub_issue_claim_code_v1(request jsonb) TO service_role;

-- Name: FUNCTION hub_reconcile_v1(request jsonb); Type: ACL; Schema: public; Owner: -

REVOKE ALL ON FUNCTION public.hub_reconcile_v1(request jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hub_reconcile_v1(request jsonb) TO hub;

-- Name: FUNCTION hub_token_v1(request jsonb); Type: ACL; Schema: public; Owner: -

REVOKE ALL ON FUNCTION public.hub_token_v1(request jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hub_token_v1(request jsonb) TO anon;
GRANT ALL ON FUNCTION public.hub_token_v1(request jsonb) TO authenticated;
GRANT ALL ON FUNCTION public.hub_token_v1(request jsonb) TO service_role;
GRANT ALL ON FUNCTION public.hub_token_v1(request jsonb) TO hub;

-- Name: FUNCTION my_homes(); Type: ACL; Schema: public; Owner: -

REVOKE ALL ON FUNCTION public.my_homes() FROM PUBLIC;
GRANT ALL ON FUNCTION public.my_homes() TO authenticated;
GRANT ALL ON FUNCTION public.my_homes() TO service_role;

-- Name: FUNCTION delete_rows_of_parent(); Type: ACL; Schema: ts; Owner: -

REVOKE ALL ON FUNCTION ts.delete_rows_of_parent() FROM PUBLIC;

-- Name: FUNCTION make_hypertable(base_table text, time_column text, segment_by text[], order_by text, compress_after interval, retain_for interval); Type: ACL; Schema: ts; Owner: -

REVOKE ALL ON FUNCTION ts.make_hypertable(base_table text, time_column text, segment_by text[], order_by text, compress_after interval, retain_for interval) FROM PUBLIC;

-- Name: TABLE alerts; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.alerts TO service_role;

-- Name: TABLE automation_executions; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.automation_executions TO service_role;

-- Name: TABLE automation_health_checks; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.automation_health_checks TO service_role;

-- Name: TABLE automations; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.automations TO service_role;

-- Name: TABLE brands; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.brands TO service_role;

-- Name: TABLE device_error_logs; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.device_error_logs TO service_role;

-- Name: TABLE device_group_members; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.device_group_members TO service_role;

-- Name: TABLE device_groups; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.device_groups TO service_role;

-- Name: TABLE devices; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.devices TO service_role;

-- Name: TABLE device_health_history; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.device_health_history TO service_role;

-- Name: TABLE device_models; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.device_models TO service_role;

-- Name: TABLE device_states; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.device_states TO service_role;

-- Name: TABLE device_telemetry; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.device_telemetry TO service_role;

-- Name: TABLE ecosystem_sync_status; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.ecosystem_sync_status TO service_role;

-- Name: TABLE ecosystems; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.ecosystems TO service_role;

-- Name: TABLE energy_usage; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.energy_usage TO service_role;

-- Name: TABLE home_members; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.home_members TO service_role;

-- Name: TABLE homes; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.homes TO service_role;

-- Name: TABLE hub_case_revisions; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_case_revisions TO service_role;

-- Name: TABLE hub_claims; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_claims TO service_role;

-- Name: TABLE hub_commands; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_commands TO service_role;

-- Name: TABLE hub_dead_letters; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_dead_letters TO service_role;

-- Name: TABLE hub_definition_history; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_definition_history TO service_role;

-- Name: TABLE hub_definition_versions; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_definition_versions TO service_role;

-- Name: TABLE hub_device_aliases; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_device_aliases TO service_role;

-- Name: TABLE hub_gaps; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_gaps TO service_role;

-- Name: TABLE hub_limits; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_limits TO service_role;

-- Name: TABLE hub_marks; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.hub_marks TO service_role;

-- Name: TABLE rooms; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.rooms TO service_role;

-- Name: TABLE scene_activations; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.scene_activations TO service_role;

-- Name: TABLE scenes; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.scenes TO service_role;

-- Name: TABLE self_healing_actions; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.self_healing_actions TO service_role;

-- Name: TABLE self_healing_executions; Type: ACL; Schema: public; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.self_healing_executions TO service_role;

-- Name: TABLE users; Type: ACL; Schema: public; Owner: -

GRANT ALL ON TABLE public.users TO service_role;

-- PostgreSQL database dump complete

