-- A conflict between hub and cloud, decided by who may configure the home: for one side, or field by field.
--
-- The decision is a change of the cloud like any other: a new version, which the hub hears of at once. Its change no longer
-- names the field as disputed, so the hub takes the cloud's value over, whichever that is.

CREATE OR REPLACE FUNCTION public.hub_decide_conflict_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    home uuid := (request ->> 'home_id')::uuid;
    entity uuid := (request ->> 'id')::uuid;
    each_for jsonb := hub_sync.part(request, 'fields', '{}');
    kind hub_definition_kinds;
    document jsonb;
    disputed jsonb;
    decided jsonb;
    chosen jsonb;
    status text;
    new_version integer;
BEGIN
    IF NOT EXISTS (SELECT FROM homes WHERE id = home AND (hub_sync.is_operator() OR hub_sync.is_home_member(id, 'configure'))) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such home, or you may not configure it.', DETAIL = 'home_unknown';
    END IF;
    SELECT * INTO kind FROM hub_definition_kinds WHERE entity_type = request ->> 'entity_type' AND has_sync_status;
    IF NOT FOUND OR entity IS NULL OR jsonb_typeof(each_for) <> 'object' OR coalesce(request ->> 'for', 'hub') NOT IN ('hub', 'cloud')
       OR EXISTS (SELECT FROM jsonb_each_text(each_for) WHERE coalesce(value, '') NOT IN ('hub', 'cloud')) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = 'This is no decision.', DETAIL = 'request_malformed',
            HINT = 'entity_type and id say of what; for, or fields by name, say whose value holds: hub or cloud.';
    END IF;
    -- Locked in the order in which an envelope does.
    EXECUTE format('SELECT to_jsonb(t) FROM public.%I t WHERE id = $1 AND home_id = $2 FOR UPDATE', kind.target_table) INTO document USING entity, home;
    PERFORM FROM hub_definition_versions v WHERE v.entity_type = kind.entity_type AND v.entity_id = entity AND v.home_id = home FOR UPDATE;
    SELECT s.metadata -> 'conflict' -> 'fields' INTO disputed FROM ecosystem_sync_status s
    WHERE s.home_id = home AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.entity_type = kind.entity_type AND s.entity_id = entity FOR UPDATE;
    IF document IS NULL OR coalesce(disputed, '{}') = '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', MESSAGE = format('No conflict waits about this %s.', kind.entity_type), DETAIL = 'no_conflict',
            HINT = 'Somebody may have decided it already, here or in the home.';
    END IF;
    IF EXISTS (SELECT FROM jsonb_object_keys(each_for) name WHERE NOT disputed ? name) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', DETAIL = 'request_malformed',
            MESSAGE = format('Only these wait for a decision: %s.', (SELECT string_agg(name, ', ' ORDER BY name) FROM jsonb_object_keys(disputed) name));
    END IF;
    SELECT coalesce(jsonb_object_agg(name, coalesce(each_for ->> name, request ->> 'for'))
                    FILTER (WHERE coalesce(each_for ->> name, request ->> 'for') IS NOT NULL), '{}')
    INTO decided FROM jsonb_object_keys(disputed) name;
    IF decided = '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = 'This decides nothing.', DETAIL = 'request_incomplete', HINT = 'for or fields must be given.';
    END IF;
    SELECT coalesce(jsonb_object_agg(d.key, disputed -> d.key -> 'hub'), '{}') INTO chosen FROM jsonb_each_text(decided) d WHERE d.value = 'hub';
    PERFORM hub_sync.write_columns(kind, entity, home, chosen, false);
    -- Also where the row has the decided values already: the hub must hear of the decision.
    PERFORM hub_sync.note_again(kind.entity_type, entity, ARRAY(SELECT jsonb_object_keys(decided)), NULL);
    SELECT v.version INTO new_version FROM hub_definition_versions v WHERE v.entity_type = kind.entity_type AND v.entity_id = entity;
    SELECT s.sync_status INTO status FROM ecosystem_sync_status s
    WHERE s.home_id = home AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.entity_type = kind.entity_type AND s.entity_id = entity;
    RETURN jsonb_build_object('entity_type', kind.entity_type, 'id', entity, 'version', new_version, 'status', status, 'decided', decided,
                              'left', ARRAY(SELECT name FROM jsonb_object_keys(disputed) name WHERE NOT decided ? name ORDER BY name));
END
$$;
