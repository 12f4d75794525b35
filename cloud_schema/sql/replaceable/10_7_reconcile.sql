-- Comparing, day by day, what hub and cloud hold. Counts for now; hashes come when both sides agree on their spelling.

CREATE OR REPLACE FUNCTION hub_sync.day_counts(declared public.hub_streams, home uuid, first_day date, last_day date)
RETURNS TABLE (day date, count bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT (t.%1$I AT TIME ZONE ''UTC'')::date, count(*) FROM %2$s t WHERE t.%1$I >= $2::timestamp AT TIME ZONE ''UTC'' '
        'AND t.%1$I < ($3 + 1)::timestamp AT TIME ZONE ''UTC'' AND %3$s GROUP BY 1',
        declared.time_column, hub_sync.place_of(declared.target_table),
        CASE WHEN 'home_id' = ANY (declared.columns) THEN 't.home_id = $1'
             ELSE 't.device_id IN (SELECT id FROM public.devices WHERE home_id = $1)' END)
    USING home, first_day, last_day;
END
$$;

CREATE OR REPLACE FUNCTION public.hub_reconcile_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
