-- The envelope: definitions, gaps, records, the present, cases and finished commands of one hub, in one transaction.

-- What is so now. Columns that are not named stay; a bad value loses its device's snapshot only, the next one is close.
CREATE OR REPLACE FUNCTION hub_sync.take_present(hub public.hub_hubs, in_type text, snapshot jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kind public.hub_definition_kinds;
    statement text;
    one record;
    is_bad boolean := false;
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
    -- One by one those of this home only: of others there may be any number.
    FOR one IN EXECUTE format('SELECT e.key, e.value FROM jsonb_each($1) e JOIN public.%I t ON t.id::text = lower(e.key) WHERE t.home_id = $2', kind.target_table)
        USING snapshot, hub.home_id
    LOOP
        BEGIN
            EXECUTE statement USING jsonb_build_object(one.key, one.value), hub.home_id;
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            PERFORM hub_sync.bury(hub, hub.mirror_id, hub.epoch, 'present/' || in_type, NULL, SQLERRM, one.value || jsonb_build_object('id', one.key));
            is_bad := true;
        END;
    END LOOP;
    PERFORM hub_sync.trim_dead_letters(hub) WHERE is_bad;
END
$$;

-- Where scenes are kept besides (a Zigbee group, a Hue bridge), by scene and ecosystem. What is told of a scene is all there is of it.
CREATE OR REPLACE FUNCTION hub_sync.take_copies(hub public.hub_hubs, copies jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one record;
    is_bad boolean := false;
BEGIN
    IF copies IS NULL OR jsonb_typeof(copies) <> 'object' OR copies = '{}' THEN
        RETURN;
    END IF;
    DELETE FROM public.ecosystem_sync_status s
    USING public.ecosystems e, jsonb_each(copies) c
    WHERE s.home_id = hub.home_id AND s.entity_type = 'scene' AND s.metadata ->> 'told_by' = 'hub' AND e.id = s.ecosystem_id
      AND s.entity_id::text = lower(c.key) AND jsonb_typeof(c.value) = 'object' AND NOT c.value ? e.slug;
    FOR one IN
        SELECT sc.id AS scene, d.key AS dialect, d.value AS told, e.id AS ecosystem
        FROM jsonb_each(copies) c
        JOIN public.scenes sc ON sc.home_id = hub.home_id AND sc.id::text = lower(c.key)
        CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(c.value) WHEN 'object' THEN c.value ELSE '{}' END) d
        LEFT JOIN public.ecosystems e ON e.slug = d.key AND e.id <> hub_sync.hub_ecosystem()
        ORDER BY sc.id, d.key LIMIT hub_sync.copies_max()
    LOOP
        BEGIN
            IF one.ecosystem IS NULL OR jsonb_typeof(one.told) <> 'object' THEN
                RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'no ecosystem of this name, or nothing told of it';
            END IF;
            PERFORM hub_sync.take_copy(hub.home_id, one.scene, one.ecosystem, one.told);
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            PERFORM hub_sync.bury(hub, hub.mirror_id, hub.epoch, 'present/copies', NULL, SQLERRM,
                                  jsonb_build_object('scene', one.scene, 'ecosystem', left(one.dialect, 100), 'told', one.told));
            is_bad := true;
        END;
    END LOOP;
    PERFORM hub_sync.trim_dead_letters(hub) WHERE is_bad;
END
$$;

-- Who wins in case of a conflict may be set by people, and stays as they set it.
CREATE OR REPLACE FUNCTION hub_sync.take_copy(home uuid, scene uuid, ecosystem uuid, told jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.ecosystem_sync_status AS s (
        home_id, ecosystem_id, entity_type, entity_id, sync_direction, conflict_resolution, metadata,
        sync_status, external_entity_id, error_message, retry_count, last_sync_attempt_at, last_synced_at)
    SELECT home, ecosystem, 'scene', scene, 'nexa_to_ecosystem', 'nexa_wins', '{"told_by": "hub"}',
           r.sync_status, left(r.external_entity_id, 500), left(r.error_message, 1000), coalesce(r.retry_count, 0), r.last_sync_attempt_at, r.last_synced_at
    FROM jsonb_to_record(told) r (sync_status text, external_entity_id text, error_message text, retry_count integer,
                                  last_sync_attempt_at timestamptz, last_synced_at timestamptz)
    ON CONFLICT (home_id, ecosystem_id, entity_type, entity_id) DO UPDATE SET
        sync_direction = excluded.sync_direction, metadata = coalesce(s.metadata, '{}') || excluded.metadata,
        sync_status = excluded.sync_status, external_entity_id = excluded.external_entity_id, error_message = excluded.error_message,
        retry_count = excluded.retry_count, last_sync_attempt_at = excluded.last_sync_attempt_at, last_synced_at = excluded.last_synced_at
    WHERE (s.sync_status, s.external_entity_id, s.error_message, s.retry_count, s.last_sync_attempt_at, s.last_synced_at, s.metadata ->> 'told_by')
        IS DISTINCT FROM (excluded.sync_status, excluded.external_entity_id, excluded.error_message, excluded.retry_count,
                          excluded.last_sync_attempt_at, excluded.last_synced_at, 'hub')
$$;

-- What a row that lies there may be replaced by: one of the same home. Some tables know the home by the device only.
CREATE OR REPLACE FUNCTION hub_sync.same_home_sql(declared public.hub_streams) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN 'home_id' = ANY (declared.columns) THEN 't.home_id = $4'
                ELSE 't.device_id IN (SELECT id FROM public.devices WHERE home_id = $4)' END
$$;

-- Whole rows by (id, time), or by id where that is the key; a higher revision replaces a lower one. Answers the revision now held.
CREATE OR REPLACE FUNCTION hub_sync.take_case(hub public.hub_hubs, item jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
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
    SELECT * INTO known FROM public.hub_case_revisions r
    WHERE r.table_name = declared.target_table AND r.id = case_id AND (r.time = case_time OR declared.key_columns = '{id}') FOR UPDATE;
    IF known.home_id <> hub.home_id THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'this id is taken by another home';
    END IF;
    held := jsonb_build_object('table', declared.target_table, 'id', case_id, 'revision', greatest(known.revision, new_revision));
    IF known.revision >= new_revision THEN
        RETURN held;
    END IF;
    body := jsonb_build_array((item -> 'row') || jsonb_build_object('id', case_id, declared.time_column, case_time));
    EXECUTE hub_sync.arrived_sql(declared, declared.columns, false) || 'SELECT string_agg(c, '', '') FROM arrived a, LATERAL (VALUES '
        || (SELECT string_agg(format('(CASE WHEN NOT %s THEN %L END)', c.expression, c.reason), ', ') FROM hub_sync.row_checks(declared, false) c) || ') v (c)'
        INTO bad USING body, NULL::bigint[], 1::bigint, hub.home_id, seed;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = bad;
    END IF;
    EXECUTE hub_sync.arrived_sql(declared, declared.columns, false) || format(
            'INSERT INTO %1$s AS t (%2$s) SELECT %3$s FROM arrived a ON CONFLICT (%4$s) DO UPDATE SET %5$s WHERE %6$s',
            hub_sync.place_of(declared.target_table),
            (SELECT string_agg(quote_ident(c), ', ') FROM unnest(declared.columns) c),
            (SELECT string_agg('a.' || quote_ident(c), ', ') FROM unnest(declared.columns) c),
            (SELECT string_agg(quote_ident(c), ', ') FROM unnest(declared.key_columns) c),
            -- When a case was opened stays what it was told first.
            (SELECT string_agg(format('%1$I = excluded.%1$I', c), ', ') FROM unnest(declared.columns) c
             WHERE c <> ALL (declared.key_columns || declared.time_column)),
            -- A row that lies there without a revision was written by somebody else, and may be another home's.
            hub_sync.same_home_sql(declared))
        USING body, NULL::bigint[], 1::bigint, hub.home_id, seed;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'this id is taken by another home';
    END IF;
    INSERT INTO public.hub_case_revisions (table_name, id, time, home_id, hub_id, revision)
    VALUES (declared.target_table, case_id, coalesce(known.time, case_time), hub.home_id, hub.id, new_revision)
    ON CONFLICT (table_name, id, time) DO UPDATE SET revision = excluded.revision, hub_id = excluded.hub_id, updated_at = now();
    RETURN held;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.take_cases(hub public.hub_hubs, in_mirror text, in_epoch integer, items jsonb, OUT held jsonb, OUT refused jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    item jsonb;
    one jsonb;
    state text;
    why text;
    of_column text;
    of_constraint text;
BEGIN
    held := '[]';
    refused := '[]';
    FOR item IN SELECT value FROM jsonb_array_elements(items) LOOP
        BEGIN
            one := hub_sync.take_case(hub, item);
            held := held || jsonb_build_array(one);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, why = MESSAGE_TEXT, of_column = COLUMN_NAME, of_constraint = CONSTRAINT_NAME;
            IF hub_sync.is_passing(state) THEN
                RAISE;
            END IF;
            why := left(hub_sync.in_words(state, why, of_column, of_constraint), 500);
            PERFORM hub_sync.bury(hub, in_mirror, in_epoch, coalesce(item ->> 'table', 'case'), NULL, why, item);
            refused := refused || jsonb_build_array(jsonb_build_object('stream', item -> 'table', 'seq', NULL, 'id', item -> 'id',
                                                                       'revision', item -> 'revision', 'reason', why));
        END;
    END LOOP;
END
$$;

-- What the hub had to shed. Once the gap is known, the mark may pass over it.
CREATE OR REPLACE FUNCTION hub_sync.take_gaps(hub public.hub_hubs, in_mirror text, in_epoch integer, items jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    item jsonb;
    refused jsonb := '[]';
BEGIN
    FOR item IN SELECT value FROM jsonb_array_elements(items) LOOP
        BEGIN
            IF (item ->> 'last')::bigint > hub_sync.number_max() THEN
                RAISE EXCEPTION USING ERRCODE = '22003', MESSAGE = 'its numbers are too high';
            END IF;
            INSERT INTO public.hub_gaps (hub_id, mirror_id, epoch, stream, home_id, first_seq, last_seq, count, reason, from_at, to_at)
            VALUES (hub.id, in_mirror, in_epoch, left(item ->> 'stream', 100), hub.home_id, (item ->> 'first')::bigint, (item ->> 'last')::bigint,
                    coalesce((item ->> 'count')::bigint, (item ->> 'last')::bigint - (item ->> 'first')::bigint + 1),
                    left(coalesce(item ->> 'reason', 'unknown'), 500), (item ->> 'from')::timestamptz, (item ->> 'to')::timestamptz)
            ON CONFLICT DO NOTHING;
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            refused := refused || hub_sync.bury(hub, in_mirror, in_epoch, coalesce(item ->> 'stream', 'gap'), NULL, 'bad gap: ' || SQLERRM, item);
        END;
    END LOOP;
    IF items <> '[]' THEN
        DELETE FROM public.hub_gaps WHERE ctid = ANY (ARRAY(
            SELECT g.ctid FROM public.hub_gaps g WHERE g.hub_id = hub.id ORDER BY g.received_at DESC, g.last_seq DESC OFFSET hub_sync.gaps_max()));
    END IF;
    RETURN refused;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.take_commands_done(hub public.hub_hubs, items jsonb) RETURNS void LANGUAGE sql AS $$
    UPDATE public.hub_commands c
    SET status = d.value ->> 'status', result = hub_sync.bounded(d.value -> 'result'), finished_at = now()
    FROM jsonb_array_elements(items) d
    WHERE c.id::text = lower(d.value ->> 'id') AND c.home_id = hub.home_id
      AND c.status NOT IN ('done', 'failed') AND d.value ->> 'status' IN ('done', 'failed', 'expired')
$$;

CREATE OR REPLACE FUNCTION hub_sync.require_shape(request jsonb, name text, shape text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF request ? name AND jsonb_typeof(request -> name) NOT IN (shape, 'null') THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = format('"%s" must be an %s.', name, shape), DETAIL = 'request_malformed';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.part(request jsonb, name text, nothing jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(nullif(request -> name, 'null'), nothing)
$$;

-- 0.10.2 is later than 0.9; what is no number in a version does not count, and without a number there is no telling.
CREATE OR REPLACE FUNCTION hub_sync.version_parts(version text) RETURNS integer[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(part[1]::integer ORDER BY position) FROM regexp_matches(left(version, 100), '[0-9]{1,9}', 'g') WITH ORDINALITY m (part, position)
$$;

CREATE OR REPLACE FUNCTION hub_sync.require_envelope(request jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
    others bigint;
BEGIN
    PERFORM hub_sync.require_shape(request, name, shape)
    FROM (VALUES ('definitions', 'array'), ('present', 'object'), ('streams', 'object'), ('cases', 'array'), ('gaps', 'array'),
                 ('commands_done', 'array'), ('clock', 'object')) v (name, shape);
    IF coalesce(request ->> 'mirror_id', '') = '' OR jsonb_typeof(request -> 'epoch') IS DISTINCT FROM 'number'
       OR (request ->> 'epoch')::numeric NOT BETWEEN 0 AND 2147483647 OR (request ->> 'epoch')::numeric % 1 <> 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = 'An envelope needs mirror_id and epoch.', DETAIL = 'request_incomplete';
    END IF;
    IF hub_sync.version_parts(request ->> 'agent_version') < (SELECT hub_sync.version_parts(agent_version_min) FROM public.hub_limits) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT426', MESSAGE = 'This agent is too old for the cloud.', DETAIL = 'agent_too_old',
            HINT = format('Upgrade it to %s or later.', (SELECT agent_version_min FROM public.hub_limits));
    END IF;
    SELECT coalesce(sum(greatest(hub_sync.rows_in(coalesce(s.value -> 'columns', s.value -> 'rows', '[]'), s.value ? 'columns'), 0)), 0)
    INTO n FROM jsonb_each(hub_sync.part(request, 'streams', '{}')) s;
    -- Apart from the rows: a hub that sends as many rows as it may must have room for these.
    others := jsonb_array_length(hub_sync.part(request, 'cases', '[]')) + jsonb_array_length(hub_sync.part(request, 'gaps', '[]'))
        + jsonb_array_length(hub_sync.part(request, 'commands_done', '[]'));
    IF greatest(n, others) > hub_sync.envelope_rows_max() OR jsonb_array_length(hub_sync.part(request, 'definitions', '[]')) > hub_sync.envelope_definitions_max() THEN
        RAISE EXCEPTION USING ERRCODE = 'PT413', MESSAGE = format('%s rows in one envelope are too many.', greatest(n, others)), DETAIL = 'envelope_too_large',
            HINT = format('Send at most %s.', (SELECT rows_max FROM public.hub_limits));
    END IF;
    SELECT count(*) INTO n FROM (SELECT jsonb_object_keys(hub_sync.part(request, 'streams', '{}'))
                                 UNION SELECT value ->> 'stream' FROM jsonb_array_elements(hub_sync.part(request, 'gaps', '[]'))) named;
    IF n > hub_sync.envelope_streams_max() THEN
        RAISE EXCEPTION USING ERRCODE = 'PT413', MESSAGE = format('%s streams in one envelope are too many.', n), DETAIL = 'envelope_too_large';
    END IF;
END
$$;

-- What a hub had given up and sent anew may still come in: its records have numbers, but what people decided, and the present, would go back.
CREATE OR REPLACE FUNCTION hub_sync.is_late(hub public.hub_hubs, in_mirror text, clock jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(hub.mirror_id = in_mirror AND hub.clock ->> 'boot_id' = clock ->> 'boot_id'
        AND jsonb_typeof(clock -> 'monotonic_ms') = 'number' AND jsonb_typeof(hub.clock -> 'monotonic_ms') = 'number'
        AND (clock ->> 'monotonic_ms')::numeric < (hub.clock ->> 'monotonic_ms')::numeric, false)
$$;

-- Does this envelope come from the mirror that was heard last in its epoch? Then its life is noted, and the answer is null.
-- Else a copy of the mirror speaks, which must go on in an epoch of its own: the answer is the next that is free. Agents
-- that tell of no lineage are believed. Whoever stores rows of an envelope asks this first.
CREATE OR REPLACE FUNCTION hub_sync.fork_epoch(hub public.hub_hubs, in_mirror text, in_epoch integer, lineage jsonb)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    now_living text;
    known text;
    next_epoch integer;
    from_queue boolean := coalesce(hub_sync.claims() -> 'queued', 'false') = 'true';
    has_ended boolean;
BEGIN
    IF jsonb_typeof(lineage -> -1) IS DISTINCT FROM 'string' THEN
        RETURN NULL;
    END IF;
    now_living := left(lineage ->> -1, 100);
    SELECT l.incarnation INTO known FROM public.hub_lines l WHERE l.hub_id = hub.id AND l.mirror_id = in_mirror AND l.epoch = in_epoch;
    has_ended := EXISTS (SELECT FROM public.hub_lines l WHERE l.hub_id = hub.id AND l.mirror_id = in_mirror AND l.epoch > in_epoch);
    -- A fork shuts the old epoch for what still waits in a queue: the copy was told the marks, and sends in its own epoch what they lack. And
    -- for whoever begins a life in it: what comes from an old backup may have gone in the later epoch.
    IF NOT lineage ? known OR (has_ended AND (from_queue OR known <> now_living)) THEN
        SELECT l.epoch INTO next_epoch FROM public.hub_lines l
        WHERE l.hub_id = hub.id AND l.mirror_id = in_mirror AND l.epoch > in_epoch AND l.incarnation = now_living;
        next_epoch := coalesce(next_epoch, least(2147483647, 1 + greatest(in_epoch::bigint,
            (SELECT max(l.epoch) FROM public.hub_lines l WHERE l.hub_id = hub.id AND l.mirror_id = in_mirror),
            (SELECT max(m.epoch) FROM public.hub_marks m WHERE m.hub_id = hub.id AND m.mirror_id = in_mirror))));
        INSERT INTO public.hub_lines (hub_id, mirror_id, epoch, incarnation)
        SELECT hub.id, in_mirror, next_epoch, now_living WHERE NOT from_queue ON CONFLICT DO NOTHING;
        PERFORM hub_sync.forget_old_lives(hub.id, in_mirror, in_epoch);
        RETURN next_epoch;
    END IF;
    IF known IS DISTINCT FROM now_living THEN
        INSERT INTO public.hub_lines (hub_id, mirror_id, epoch, incarnation) VALUES (hub.id, in_mirror, in_epoch, now_living)
        ON CONFLICT (hub_id, mirror_id, epoch) DO UPDATE SET incarnation = excluded.incarnation, since = now();
        PERFORM hub_sync.forget_old_lives(hub.id, in_mirror, in_epoch);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.marks_of(hub public.hub_hubs, in_mirror text, in_epoch integer) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(m.stream, m.mark), '{}') FROM public.hub_marks m
    WHERE m.hub_id = hub.id AND m.mirror_id = in_mirror AND m.epoch = in_epoch
$$;

CREATE OR REPLACE FUNCTION public.hub_ingest_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
    fork integer;
    is_late boolean;
BEGIN
    PERFORM hub_sync.require_envelope(request);
    mirror := left(request ->> 'mirror_id', 200);
    is_late := hub_sync.is_late(hub, mirror, clock_now);
    epoch_now := (request ->> 'epoch')::numeric;

    fork := hub_sync.fork_epoch(hub, mirror, epoch_now, request -> 'lineage');
    IF fork IS NOT NULL THEN
        RETURN jsonb_build_object(
            'fork', jsonb_build_object('epoch', fork), 'marks', hub_sync.marks_of(hub, mirror, epoch_now),
            'refused', '[]'::jsonb, 'definitions', '[]'::jsonb, 'cases', '[]'::jsonb,
            'limits', (SELECT jsonb_build_object('rows_max', rows_max, 'bytes_max', bytes_max) FROM hub_limits),
            'server_time', clock_timestamp(), 'pause_s', 0);
    END IF;
    -- The epoch before a fork, heard after the one that the fork began: both machines are alive.
    IF EXISTS (SELECT FROM hub_lines l WHERE l.hub_id = hub.id AND l.mirror_id = mirror AND l.epoch > epoch_now) THEN
        hub.doubled_at := now();
    END IF;

    PERFORM set_config('nexa.hub_origin', hub.id || '/' || mirror, true);
    definitions := hub_sync.take_definitions(hub, CASE WHEN is_late THEN '[]' ELSE hub_sync.part(request, 'definitions', '[]') END);
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

    has_present := request ? 'present' AND NOT is_late;
    IF has_present THEN
        PERFORM hub_sync.take_present(hub, 'device', present -> 'devices');
        PERFORM hub_sync.take_present(hub, 'automation', present -> 'automations');
        PERFORM hub_sync.take_present(hub, 'scene', present -> 'scenes');
        PERFORM hub_sync.take_present(hub, 'network_access_rule', present -> 'network_access_rules');
        PERFORM hub_sync.take_copies(hub, present -> 'copies');
    END IF;
    SELECT * INTO cases FROM hub_sync.take_cases(hub, mirror, epoch_now, hub_sync.part(request, 'cases', '[]'));
    refused := refused || cases.refused;
    PERFORM hub_sync.take_commands_done(hub, hub_sync.part(request, 'commands_done', '[]'));

    PERFORM hub_sync.trim_dead_letters(hub) WHERE refused <> '[]';

    UPDATE hub_hubs SET
        mirror_id = mirror, epoch = epoch_now, agent_version = coalesce(left(request ->> 'agent_version', 100), agent_version),
        clock = CASE WHEN is_late THEN clock ELSE hub_sync.bounded(clock_now) END, last_seen_at = now(), last_ingest_at = now(),
        doubled_at = hub.doubled_at,
        public = CASE WHEN has_present AND present ? 'hub'
            THEN (public - 'measures_health') || CASE WHEN present -> 'hub' -> 'measures_health' = 'true' THEN '{"measures_health": true}'::jsonb ELSE '{}' END
            ELSE public END,
        positions = CASE WHEN present -> 'hub' ? 'streams' AND has_present THEN hub_sync.positions_in(present -> 'hub' -> 'streams') ELSE positions END
    WHERE id = hub.id;

    RETURN jsonb_build_object(
        'marks', hub_sync.marks_of(hub, mirror, epoch_now),
        'refused', refused, 'definitions', definitions, 'cases', cases.held,
        'limits', (SELECT jsonb_build_object('rows_max', rows_max, 'bytes_max', bytes_max) FROM hub_limits),
        'server_time', clock_timestamp(), 'pause_s', (SELECT pause_s FROM hub_limits))
        || CASE WHEN hub.doubled_at > now() - hub_sync.doubled_told_for() THEN '{"warnings": ["hub_doubled"]}' ELSE '{}' END::jsonb;
END
$$;
