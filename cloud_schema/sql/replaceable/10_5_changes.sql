-- The downlink: what has changed since a cursor, and commands that wait.
--
-- A cursor is a place in the change log of the home: "<transaction>.<rank>.<id>". Only what lies below the oldest transaction
-- still in flight is read, so nothing that commits later can lie behind a cursor that has been handed out. While a hub reads
-- everything from the start, page by page, the place ends in ".all": until then its own definitions are no echo to it. Behind
-- a "~" follows the place in the log of the catalogue, which is read when there is nothing more of the home.

CREATE OR REPLACE FUNCTION hub_sync.deliver_commands(hub public.hub_hubs) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    delivered jsonb;
BEGIN
    UPDATE public.hub_commands SET status = 'expired', finished_at = now(), result = jsonb_build_object('error', CASE status
        WHEN 'pending' THEN 'it expired before the hub asked for it' ELSE 'it went out to the hub, which has not said what became of it' END)
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

-- A hub that comes with a cursor has taken over everything up to it.
CREATE OR REPLACE FUNCTION hub_sync.note_taken_over(hub public.hub_hubs, seen_xid xid8, seen_rank smallint, seen_id uuid) RETURNS void LANGUAGE sql AS $$
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

-- How many of these one answer holds, by what they weigh; one at least.
CREATE OR REPLACE FUNCTION hub_sync.fitting(page public.hub_definition_versions[]) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT greatest(count(*) FILTER (WHERE w.upto <= hub_sync.changes_bytes_max()), 1)::integer FROM (
        SELECT sum(octet_length(p.extra::text) + coalesce(octet_length(d.document::text), 0)) OVER (ORDER BY p.place) AS upto
        FROM unnest(page) WITH ORDINALITY p (entity_type, entity_id, home_id, version, xid, rank, origin, is_deleted, extra, modified_at, place)
        LEFT JOIN (
            SELECT k.entity_type, c.id, c.document FROM public.hub_definition_kinds k
            CROSS JOIN LATERAL hub_sync.current_documents(k, ARRAY(SELECT q.entity_id FROM unnest(page) q WHERE q.entity_type = k.entity_type)) c
        ) d ON d.entity_type = p.entity_type AND d.id = p.entity_id
    ) w
$$;

CREATE OR REPLACE FUNCTION public.hub_changes_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    hub hub_hubs := hub_sync.caller(NULL, false);
    -- Before the rows are read, and in a statement of its own: what is below it then is there now.
    horizon xid8 := pg_snapshot_xmin(pg_current_snapshot());
    cursor_text text := request ->> 'cursor';
    is_from_start boolean := cursor_text IS NULL;
    seen_xid xid8 := '0';
    seen_rank smallint := 0;
    seen_id uuid := '00000000-0000-0000-0000-000000000000';
    place text := split_part(cursor_text, '~', 1);
    catalogue_place text := coalesce(nullif(split_part(cursor_text, '~', 2), ''), '0.0.00000000-0000-0000-0000-000000000000');
    page_size integer := least(greatest(coalesce((request -> 'limits' ->> 'changes_max')::integer, hub_sync.changes_max()), 1), hub_sync.changes_max());
    page hub_definition_versions[];
    n_max integer;
    of_catalogue hub_definition_versions[] := '{}';
    has_more boolean;
    last_seen hub_definition_versions;
    changes jsonb;
BEGIN
    IF NOT is_from_start THEN
        IF cursor_text !~ '^[0-9]{1,19}[.][0-9]{1,3}[.][0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}([.]all)?(~[0-9]{1,19}[.][0-9]{1,3}[.][0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$' THEN
            RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = 'This is no cursor of ours.', DETAIL = 'cursor_malformed',
                HINT = 'Send null to read from the start.';
        END IF;
        seen_xid := split_part(place, '.', 1)::xid8;
        seen_rank := split_part(place, '.', 2)::smallint;
        seen_id := split_part(place, '.', 3)::uuid;
        is_from_start := split_part(place, '.', 4) = 'all';
        IF seen_xid >= pg_snapshot_xmax(pg_current_snapshot()) THEN
            -- From a database that has lived longer than this one: it was restored. Everything again.
            is_from_start := true;
            seen_xid := '0';
            catalogue_place := '0.0.00000000-0000-0000-0000-000000000000';
        ELSE
            PERFORM hub_sync.note_taken_over(hub, seen_xid, seen_rank, seen_id);
        END IF;
    END IF;
    page := ARRAY(
        SELECT v FROM hub_definition_versions v
        WHERE v.home_id = hub.home_id AND v.xid < horizon AND (v.xid, v.rank, v.entity_id) > (seen_xid, seen_rank, seen_id)
        ORDER BY v.xid, v.rank, v.entity_id LIMIT page_size + 1);
    n_max := CASE WHEN cardinality(page) > 1 THEN least(page_size, hub_sync.fitting(page)) ELSE page_size END;
    has_more := cardinality(page) > n_max;
    page := page[1:n_max];
    IF cardinality(page) > 0 THEN
        last_seen := page[cardinality(page)];
        place := concat_ws('.', last_seen.xid, last_seen.rank, last_seen.entity_id, CASE WHEN is_from_start AND has_more THEN 'all' END);
    ELSIF seen_xid = '0' THEN
        place := NULL;
    END IF;
    IF NOT has_more THEN
        of_catalogue := ARRAY(
            SELECT v FROM hub_definition_versions v
            WHERE v.home_id IS NULL AND v.xid < horizon AND (v.xid, v.rank, v.entity_id)
                > (split_part(catalogue_place, '.', 1)::xid8, split_part(catalogue_place, '.', 2)::smallint, split_part(catalogue_place, '.', 3)::uuid)
            ORDER BY v.xid, v.rank, v.entity_id LIMIT page_size - cardinality(page) + 1);
        has_more := cardinality(of_catalogue) > page_size - cardinality(page);
        of_catalogue := of_catalogue[1:page_size - cardinality(page)];
        IF cardinality(of_catalogue) > 0 THEN
            last_seen := of_catalogue[cardinality(of_catalogue)];
            catalogue_place := concat_ws('.', last_seen.xid, last_seen.rank, last_seen.entity_id);
        END IF;
        page := page || of_catalogue;
    END IF;
    cursor_text := place || CASE WHEN split_part(catalogue_place, '.', 1) <> '0' THEN '~' || catalogue_place ELSE '' END;
    WITH documents AS MATERIALIZED (
        SELECT each_kind.entity_type, c.id, c.document
        FROM hub_definition_kinds each_kind
        CROSS JOIN LATERAL hub_sync.current_documents(each_kind, ARRAY(SELECT q.entity_id FROM unnest(page) q WHERE q.entity_type = each_kind.entity_type)) c
    )
    SELECT jsonb_agg(jsonb_build_object('entity_type', p.entity_type, 'id', p.entity_id, 'version', p.version, 'deleted', p.is_deleted,
                'fields', CASE WHEN p.is_deleted THEN '{}' ELSE hub_sync.wire_fields(k, d.document, p.extra) END,
                'disputed', ARRAY(SELECT jsonb_object_keys(s.metadata -> 'conflict' -> 'fields') ORDER BY 1),
                'modified_at', p.modified_at, 'modified_by', hub_sync.changed_by(s.metadata))
            || CASE WHEN p.entity_type = 'device' AND is_from_start THEN jsonb_build_object('aliases', (
                SELECT coalesce(jsonb_agg(jsonb_build_object('kind', a.kind, 'value', a.value) ORDER BY a.kind, a.value), '[]')
                FROM hub_device_aliases a WHERE a.device_id = p.entity_id)) ELSE '{}' END
            ORDER BY p.home_id IS NULL, p.xid, p.rank, p.entity_id)
    INTO changes
    FROM unnest(page) p
    JOIN hub_definition_kinds k ON k.entity_type = p.entity_type
    LEFT JOIN documents d ON d.entity_type = p.entity_type AND d.id = p.entity_id
    LEFT JOIN ecosystem_sync_status s ON s.home_id = hub.home_id AND s.ecosystem_id = hub_sync.hub_ecosystem()
        AND s.entity_type = p.entity_type AND s.entity_id = p.entity_id
    WHERE (is_from_start OR p.origin IS DISTINCT FROM hub.id || '/' || hub.mirror_id)
      AND (p.is_deleted OR d.document IS NOT NULL);
    UPDATE hub_hubs SET last_seen_at = now() WHERE id = (
        SELECT id FROM hub_hubs WHERE id = hub.id AND (last_seen_at IS NULL OR last_seen_at < now() - interval '30 seconds')
        FOR NO KEY UPDATE SKIP LOCKED);
    RETURN jsonb_build_object('cursor', cursor_text, 'home', hub_sync.home_document(hub.home_id), 'changes', coalesce(changes, '[]'),
                              'commands', hub_sync.deliver_commands(hub), 'more', has_more, 'server_time', clock_timestamp());
END
$$;
