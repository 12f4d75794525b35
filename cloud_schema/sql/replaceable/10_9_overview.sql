-- What operators and the people of a home see of the link to its hub: how it stands, and how far each stream has come.

-- An instant as somebody wrote it, or nothing.
CREATE OR REPLACE FUNCTION hub_sync.read_instant(written text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN nullif(nullif(written::timestamptz, 'infinity'), '-infinity');
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.count_in(told jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(told) = 'number' THEN CASE WHEN told::numeric BETWEEN 0 AND 1e15 THEN trunc(told::numeric)::bigint END END
$$;

-- What a hub says of its own streams, as far as it can be meant: {"<stream>": {"last", "acknowledged", "waiting", "oldest_at"}}.
CREATE OR REPLACE FUNCTION hub_sync.positions_in(told jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(s.stream, jsonb_strip_nulls(jsonb_build_object(
        'last', hub_sync.count_in(t.value -> 'last'), 'acknowledged', hub_sync.count_in(t.value -> 'acknowledged'),
        'waiting', hub_sync.count_in(t.value -> 'waiting'), 'oldest_at', hub_sync.read_instant(t.value ->> 'oldest_at')))), '{}')
    FROM jsonb_each(CASE jsonb_typeof(told) WHEN 'object' THEN told ELSE '{}' END) t
    JOIN public.hub_streams s ON s.stream = t.key AND NOT s.is_case
    WHERE jsonb_typeof(t.value) = 'object'
$$;

-- One row a hub and stream. `mark`: stored up to this number, in the hub's present mirror and epoch; `made`, `waiting` and
-- `oldest_waiting_at`: as the hub said last (`said_at`). What was shed, refused or has unconfirmed times counts over all its time.
CREATE OR REPLACE VIEW public.hub_stream_positions WITH (security_barrier) AS
    SELECT h.home_id, h.id AS hub_id, s.stream, s.is_case,
        m.mark, m.updated_at AS marked_at,
        (h.positions -> s.stream ->> 'last')::bigint AS made,
        (h.positions -> s.stream ->> 'waiting')::bigint AS waiting,
        (h.positions -> s.stream ->> 'oldest_at')::timestamptz AS oldest_waiting_at,
        h.last_ingest_at AS said_at,
        coalesce(g.shed, 0) AS shed, g.shed_from, g.shed_to, g.shed_reasons,
        coalesce(d.refused, 0) AS refused, d.newest_refusal, d.refused_at,
        coalesce(u.undated, 0) AS undated, u.undated_from, u.undated_to
    FROM public.hub_hubs h
    CROSS JOIN public.hub_streams s
    LEFT JOIN public.hub_marks m ON m.hub_id = h.id AND m.mirror_id = h.mirror_id AND m.epoch = h.epoch AND m.stream = s.stream
    LEFT JOIN LATERAL (
        SELECT sum(x.count)::bigint AS shed, min(x.from_at) AS shed_from, max(x.to_at) AS shed_to, array_agg(DISTINCT x.reason ORDER BY x.reason) AS shed_reasons
        FROM public.hub_gaps x WHERE x.hub_id = h.id AND x.stream = s.stream AND x.count > 0) g ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS refused, (array_agg(x.reason ORDER BY x.received_at DESC))[1] AS newest_refusal, max(x.received_at) AS refused_at
        FROM public.hub_dead_letters x WHERE x.hub_id = h.id AND x.stream = s.stream) d ON true
    LEFT JOIN LATERAL (
        SELECT sum(x.last_seq - x.first_seq + 1)::bigint AS undated, min(x.from_at) AS undated_from, max(x.to_at) AS undated_to
        FROM public.hub_undated x WHERE x.hub_id = h.id AND x.stream = s.stream) u ON true
    WHERE h.home_id IN (SELECT hub_sync.my_homes_to('service'));

-- One row a hub, also of those that another one has taken over from.
CREATE OR REPLACE VIEW public.hub_sync_overview WITH (security_barrier) AS
    SELECT h.home_id, h.id AS hub_id, h.name AS hub_name, h.agent_version, h.claimed_at, h.retired_at,
        h.last_seen_at, h.last_ingest_at, (h.clock ->> 'trusted') = 'true' AS is_clock_trusted, h.mirror_id, h.epoch,
        w.waiting, w.oldest_waiting_at,
        (SELECT coalesce(sum(x.count), 0)::bigint FROM public.hub_gaps x WHERE x.hub_id = h.id) AS shed,
        (SELECT count(*) FROM public.hub_dead_letters x WHERE x.hub_id = h.id) AS refused,
        (SELECT coalesce(sum(x.last_seq - x.first_seq + 1), 0)::bigint FROM public.hub_undated x WHERE x.hub_id = h.id) AS undated,
        e.in_conflict, e.pending, e.failed,
        (SELECT count(*) FROM public.hub_commands c WHERE c.home_id = h.home_id AND c.status IN ('pending', 'delivered') AND c.expires_at > now()) AS commands_waiting
    FROM public.hub_hubs h
    LEFT JOIN LATERAL (
        SELECT coalesce(sum((p.value ->> 'waiting')::bigint), 0)::bigint AS waiting,
               min((p.value ->> 'oldest_at')::timestamptz) FILTER (WHERE (p.value ->> 'waiting')::bigint > 0) AS oldest_waiting_at
        FROM jsonb_each(h.positions) p) w ON true
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE y.sync_status = 'conflict') AS in_conflict, count(*) FILTER (WHERE y.sync_status = 'pending') AS pending,
               count(*) FILTER (WHERE y.sync_status = 'failed') AS failed
        FROM public.ecosystem_sync_status y
        WHERE y.home_id = h.home_id AND y.ecosystem_id = (SELECT x.id FROM public.ecosystems x WHERE x.slug = 'nexa_hub')) e ON true
    WHERE h.home_id IN (SELECT hub_sync.my_homes_to('service'));
