-- Comparing what hub and cloud hold: by day, and where a day differs, record by record.
--
-- Records of a home may be another mirror's, or an earlier epoch's, and are as good: so a day that differs is no fault yet.
-- The hub then lists the fingerprints of its records, and the cloud says which of them it does not have.

-- The fingerprint of a row, as contract/wire.md spells it: the first 8 bytes of the MD5 of its hash_columns, as a signed number.
CREATE OR REPLACE FUNCTION hub_sync.print_sql(declared public.hub_streams, alias text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '(''x'' || left(md5(concat_ws(E''\x1f'', ' || string_agg(format('coalesce(%s, '''')', CASE
        WHEN a.atttypid = 'timestamptz'::regtype THEN format('(extract(epoch FROM %1$I.%2$I) * 1000000)::bigint::text', alias, a.attname)
        WHEN a.atttypid = 'float8'::regtype THEN format('encode(float8send(%1$I.%2$I), ''hex'')', alias, a.attname)
        WHEN t.typcategory = 'A' THEN format('array_to_string(%1$I.%2$I, E''\x1e'')', alias, a.attname)
        ELSE format('%1$I.%2$I::text', alias, a.attname) END), ', ' ORDER BY c.position) || ')), 16))::bit(64)::bigint'
    FROM unnest(declared.hash_columns) WITH ORDINALITY c (name, position)
    JOIN pg_attribute a ON a.attrelid = hub_sync.place_of(declared.target_table)::regclass AND a.attname = c.name AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
$$;

-- Which rows of the table are of the home ($1); $2 has the ids of its devices. Null: the table does not say. Of the audit, what hubs told.
CREATE OR REPLACE FUNCTION hub_sync.of_home_sql(declared public.hub_streams) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN declared.target_table = 'audit_logs' THEN 't.metadata ->> ''told_by'' = ''hub'' AND t.metadata ->> ''home_id'' = $1::text'
        WHEN 'home_id' = ANY (declared.columns) THEN 't.home_id = $1'
        WHEN 'device_id' = ANY (declared.columns) THEN 't.device_id = ANY ($2)' END
$$;

CREATE OR REPLACE FUNCTION hub_sync.days_of(declared public.hub_streams, home uuid, first_day date, last_day date)
RETURNS TABLE (day date, count bigint, hash numeric) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT (t.%1$I AT TIME ZONE ''UTC'')::date, count(*), mod(mod(sum(%3$s), 2::numeric ^ 64) + 2::numeric ^ 64, 2::numeric ^ 64) FROM %2$s t '
        'WHERE t.%1$I >= $3::timestamp AT TIME ZONE ''UTC'' AND t.%1$I < ($4 + 1)::timestamp AT TIME ZONE ''UTC'' AND %4$s GROUP BY 1',
        declared.time_column, hub_sync.place_of(declared.target_table), coalesce(hub_sync.print_sql(declared, 't'), 'NULL::bigint'), hub_sync.of_home_sql(declared))
    USING home, ARRAY(SELECT id FROM public.devices WHERE home_id = home), first_day, last_day;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.compare_days(declared public.hub_streams, home uuid, asked jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    WITH wanted AS (
        SELECT key::date AS day, (value ->> 'count')::bigint AS count, (value ->> 'hash')::numeric AS hash
        FROM jsonb_each(asked) ORDER BY key LIMIT hub_sync.compared_days_max())
    SELECT coalesce(jsonb_object_agg(w.day, jsonb_build_object(
        'count', coalesce(c.count, 0),
        'differs', coalesce(c.count, 0) <> w.count OR coalesce(c.hash, 0) <> coalesce(w.hash, c.hash, 0))
        || CASE WHEN declared.hash_columns = '{}' THEN '{}' ELSE jsonb_build_object('hash', trunc(coalesce(c.hash, 0))::text) END), '{}')
    FROM wanted w
    LEFT JOIN hub_sync.days_of(declared, home, (SELECT min(day) FROM wanted), (SELECT max(day) FROM wanted)) c ON c.day = w.day
$$;

-- Of the records that the hub lists, the numbers of those that the home has not; and of these, what was refused here.
CREATE OR REPLACE FUNCTION hub_sync.compare_listed(declared public.hub_streams, hub public.hub_hubs, in_mirror text, in_epoch integer, asked jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    prints bytea := decode(asked ->> 'prints', 'base64');
    n integer := coalesce(octet_length(prints), 0) / 8;
    seqs bigint[];
    missing bigint[];
BEGIN
    SELECT array_agg(l.seq ORDER BY l.position, l.seq) INTO seqs
    FROM (
        SELECT r.position, s.seq FROM jsonb_array_elements(asked -> 'seqs') WITH ORDINALITY r (bounds, position)
        CROSS JOIN LATERAL generate_series((r.bounds ->> 0)::bigint, least((r.bounds ->> 1)::bigint, (r.bounds ->> 0)::bigint + hub_sync.listed_max())) s (seq)
        LIMIT hub_sync.listed_max() + 1  -- many ranges may say more than there is memory for
    ) l;
    IF n > hub_sync.listed_max() OR coalesce(cardinality(seqs), 0) <> n THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', DETAIL = 'request_malformed',
            MESSAGE = format('A list has as many numbers as fingerprints, %s at most.', hub_sync.listed_max());
    END IF;
    EXECUTE format(
        'SELECT array_agg(w.seq ORDER BY w.seq) FROM ('
        '  SELECT ($5::bigint[])[i] AS seq, (''x'' || encode(substr($6::bytea, i * 8 - 7, 8), ''hex''))::bit(64)::bigint AS print FROM generate_series(1, $7) i'
        ') w WHERE w.print NOT IN (SELECT %3$s FROM %2$s t WHERE t.%1$I >= $3 AND t.%1$I <= $4 AND %4$s)',
        declared.time_column, hub_sync.place_of(declared.target_table), hub_sync.print_sql(declared, 't'), hub_sync.of_home_sql(declared))
    INTO missing
    USING hub.home_id, ARRAY(SELECT id FROM public.devices WHERE home_id = hub.home_id),
          (asked ->> 'from')::timestamptz, (asked ->> 'to')::timestamptz, seqs, prints, n;
    RETURN jsonb_build_object(
        'missing', coalesce(to_jsonb(missing), '[]'),
        'refused', (SELECT coalesce(jsonb_agg(jsonb_build_object('seq', l.seq, 'reason', l.reason) ORDER BY l.seq), '[]')
                    FROM (SELECT DISTINCT ON (seq) seq, reason FROM public.hub_dead_letters d
                          WHERE d.hub_id = hub.id AND d.mirror_id = in_mirror AND d.epoch = in_epoch AND d.stream = declared.stream
                            AND d.seq = ANY (missing) ORDER BY seq, id DESC) l));
END
$$;

CREATE OR REPLACE FUNCTION public.hub_reconcile_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    hub hub_hubs := hub_sync.caller(request ->> 'hub_id', false);
    asked record;
    declared hub_streams;
    streams jsonb := '{}';
    answer jsonb;
BEGIN
    PERFORM hub_sync.require_shape(request, 'streams', 'object');
    PERFORM hub_sync.require_shape(request, 'definitions', 'object');
    FOR asked IN SELECT key AS stream, value -> 'days' AS days, value -> 'listed' AS listed FROM jsonb_each(hub_sync.part(request, 'streams', '{}')) LOOP
        SELECT * INTO declared FROM hub_streams WHERE stream = asked.stream;
        CONTINUE WHEN NOT FOUND OR hub_sync.of_home_sql(declared) IS NULL;
        answer := '{}';
        IF jsonb_typeof(asked.days) = 'object' THEN
            answer := answer || jsonb_build_object('days', hub_sync.compare_days(declared, hub.home_id, asked.days));
        END IF;
        IF jsonb_typeof(asked.listed) = 'object' AND declared.hash_columns <> '{}' THEN
            answer := answer || hub_sync.compare_listed(declared, hub, coalesce(request ->> 'mirror_id', hub.mirror_id),
                                                        coalesce((request ->> 'epoch')::integer, hub.epoch), asked.listed);
        END IF;
        streams := streams || jsonb_build_object(asked.stream, answer);
    END LOOP;
    RETURN jsonb_build_object(
        'streams', streams,
        'definitions', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('entity_type', d.entity_type, 'id', d.id, 'version', d.version, 'deleted', coalesce(d.is_deleted, false))
                                      ORDER BY d.rank, d.entity_type, d.id), '[]')
            FROM (
                SELECT v.entity_type, v.entity_id::text AS id, v.version, v.is_deleted, v.rank::integer FROM hub_definition_versions v
                WHERE v.home_id = hub.home_id AND jsonb_typeof(request -> 'definitions') IS DISTINCT FROM 'null'
                  AND (NOT request ? 'definitions' OR (request -> 'definitions' -> v.entity_type ->> v.entity_id::text)::integer IS DISTINCT FROM v.version)
                UNION ALL
                -- What the hub has and nobody here ever heard of.
                SELECT k.key, e.key, NULL, NULL, NULL
                FROM jsonb_each(hub_sync.part(request, 'definitions', '{}')) k
                CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(k.value) WHEN 'object' THEN k.value ELSE '{}' END) e
                WHERE NOT EXISTS (SELECT FROM hub_definition_versions v
                                  WHERE v.entity_type = k.key AND v.entity_id::text = e.key AND v.home_id = hub.home_id)
            ) d),
        'server_time', clock_timestamp());
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = 'This cannot be compared: ' || SQLERRM, DETAIL = 'request_malformed';
END
$$;
