-- Columns that a gateway stores by COPY, in the place of hub_ingest_v1, which stores the rest of the envelope in the same transaction.
-- What is not plain is left to hub_ingest_v1: one function decides what is bad.

-- How the gateway is to spell a column for COPY: as text, number or json; `constant` for all rows; `standard` in the place of null. Null: it is not to.
CREATE OR REPLACE FUNCTION hub_sync.column_plan(declared public.hub_streams, given text[], home uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN bool_and(c.kind IS NOT NULL AND (c.has_constant_standard OR c.standard IS NULL)) THEN jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'name', c.name, 'kind', c.kind,
        'constant', CASE WHEN c.name = 'home_id' THEN home END,
        'standard', CASE WHEN c.has_constant_standard THEN regexp_replace(regexp_replace(c.standard, '::[a-z ]+$', ''), '^''(.*)''$', '\1') END))
        ORDER BY c.position) END
    FROM (
        SELECT a.attname AS name, w.position, d.standard,
            coalesce(d.standard ~ '^(''[^''\\]*''|[0-9.]+|true|false)(::[a-z ]+)?$', false) AS has_constant_standard,
            CASE WHEN a.atttypid = 'jsonb'::regtype THEN 'json'
                 WHEN a.atttypid = 'uuid'::regtype OR t.typcategory IN ('S', 'D', 'E', 'I', 'T') THEN 'text'
                 WHEN t.typcategory IN ('N', 'B') THEN 'number' END AS kind
        FROM unnest(declared.columns) WITH ORDINALITY w (name, position)
        JOIN pg_attribute a ON a.attrelid = format('ts.%I', declared.target_table)::regclass AND a.attname = w.name AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid
        -- A record without its time is refused, never dated by us.
        LEFT JOIN LATERAL (SELECT pg_get_expr(adbin, adrelid) AS standard FROM pg_attrdef WHERE adrelid = a.attrelid AND adnum = a.attnum
                           AND a.attname <> declared.time_column) d ON true
        WHERE a.attname = ANY (given) OR a.attname = 'home_id'
    ) c
$$;

-- Does everything that the rows point at exist in this home? `ids`: the different ones of each column.
CREATE OR REPLACE FUNCTION hub_sync.has_parents(declared public.hub_streams, given text[], ids jsonb, home uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    one record;
    is_known boolean;
BEGIN
    FOR one IN SELECT key AS name, value AS parent FROM jsonb_each_text(declared.parents) WHERE key = ANY (given) LOOP
        EXECUTE format('SELECT count(p.id) = jsonb_array_length($1) FROM jsonb_array_elements_text($1) v (id) JOIN public.%I p ON p.id = v.id::uuid%s',
                       one.parent, CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = format('public.%I', one.parent)::regclass AND attname = 'home_id')
                                        THEN ' AND p.home_id = $2' ELSE '' END)
            INTO is_known USING ids -> one.name, home;
        IF is_known IS NOT TRUE THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$$;

-- `columns`: of each stream `first`, `count`, the `names` of its columns and the different `ids` in those that point somewhere; `rows`: how many
-- the envelope has in all. Moves the marks, and answers by stream which numbers the gateway must now store and how; without an answer for one of
-- them it rolls back and leaves all to hub_ingest_v1.
CREATE OR REPLACE FUNCTION public.hub_columns_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    hub hub_hubs := hub_sync.caller(request ->> 'hub_id', true);
    mirror text := left(request ->> 'mirror_id', 200);
    epoch_now integer := (request ->> 'epoch')::integer;
    one record;
    given text[];
    old_mark bigint;
    new_mark bigint;
    plans jsonb := '{}';
BEGIN
    IF (request ->> 'rows')::bigint > hub_sync.envelope_rows_max() OR hub_sync.fork_epoch(hub, mirror, epoch_now, request -> 'lineage') IS NOT NULL THEN
        RETURN plans;
    END IF;
    FOR one IN
        SELECT s AS declared, (c.value ->> 'first')::bigint AS first_seq, (c.value ->> 'count')::integer AS n, c.value
        FROM jsonb_each(request -> 'columns') c JOIN hub_streams s ON s.stream = c.key
        WHERE NOT s.is_case AND NOT 'id' = ANY (s.columns) AND s.resident_columns = '{}' AND s.row_check IS NULL
          AND to_regclass(format('ts.%I', s.target_table)) IS NOT NULL
        ORDER BY s.stream
    LOOP
        given := ARRAY(SELECT jsonb_array_elements_text(one.value -> 'names'));
        CONTINUE WHEN NOT (one.declared).time_column = ANY (given) OR NOT hub_sync.has_parents(one.declared, given, one.value -> 'ids', hub.home_id);
        old_mark := hub_sync.locked_mark(hub.id, mirror, epoch_now, (one.declared).stream);
        new_mark := hub_sync.reach(hub.id, mirror, epoch_now, (one.declared).stream, old_mark, NULL, one.first_seq, one.n);
        PERFORM hub_sync.move_mark(hub.id, mirror, epoch_now, (one.declared).stream, new_mark);
        plans := plans || jsonb_build_object((one.declared).stream, jsonb_build_object(
            'table', (one.declared).target_table, 'after', old_mark, 'upto', least(new_mark, one.first_seq + one.n - 1),
            'time', (one.declared).time_column, 'earliest', hub_sync.earliest()::timestamptz, 'latest', now() + hub_sync.ahead_max(),
            'columns', hub_sync.column_plan(one.declared, given, hub.home_id)));
    END LOOP;
    RETURN plans;
END
$$;
