-- Definitions: what people decide, kept by cloud and hub both.
--
-- Every change of a column that people own, whoever makes it, passes the trigger below: a new version, a place at the end
-- of the change log, a base for later merges. What a hub merely observes passes by unnoticed, so a hub never hears its
-- own echo. take_definition merges what a hub sends, three ways by field.

CREATE OR REPLACE FUNCTION hub_sync.pick(document jsonb, names text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(name, document -> name), '{}') FROM unnest(names) name WHERE document ? name
$$;

CREATE OR REPLACE FUNCTION hub_sync.hub_ecosystem() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT id FROM public.ecosystems WHERE slug = 'nexa_hub'
$$;

-- The row with what belongs to it and stands in another table. Members: the devices of the same home that are there.
CREATE OR REPLACE FUNCTION hub_sync.with_joined(entity text, document jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE entity
        WHEN 'device_group' THEN document || jsonb_build_object('members', (
            SELECT coalesce(jsonb_agg(d.id ORDER BY d.id), '[]') FROM public.device_group_members m JOIN public.devices d ON d.id = m.device_id
            WHERE m.group_id = (document ->> 'id')::uuid AND d.home_id = (document ->> 'home_id')::uuid AND d.deleted_at IS NULL))
        WHEN 'home_member' THEN document || coalesce((
            SELECT jsonb_build_object('display_name', u.full_name, 'is_active', (document ->> 'is_active')::boolean IS TRUE AND u.is_active IS NOT FALSE)
            FROM public.users u WHERE u.id = (document ->> 'user_id')::uuid), '{}')
        WHEN 'home' THEN document || jsonb_build_object('owner_name', (
            SELECT u.full_name FROM public.users u WHERE u.id = (document ->> 'owner_id')::uuid))
        ELSE document END
$$;

-- One definition has changed: a new version of it, unless this transaction has made one already. `touched`: the columns.
-- `writer`: the hub that said so, or null. What a hub does not know of in full has no writer, so that it hears of it.
CREATE OR REPLACE FUNCTION hub_sync.note_version(
    kind public.hub_definition_kinds, row_document jsonb, is_row_gone boolean, touched text[], writer text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    document jsonb := CASE WHEN kind.joined_columns = '{}' THEN row_document ELSE hub_sync.with_joined(kind.entity_type, row_document) END;
    entity uuid := (document ->> 'id')::uuid;
    home uuid := CASE WHEN kind.entity_type = 'home' THEN document ->> 'id' ELSE document ->> 'home_id' END;
    is_gone boolean := is_row_gone OR document ->> 'deleted_at' IS NOT NULL
        OR (kind.living_column IS NOT NULL AND (document ->> kind.living_column)::boolean IS NOT TRUE);
    new_version integer;
BEGIN
    IF home IS NOT NULL AND NOT EXISTS (SELECT FROM public.homes WHERE id = home) THEN
        RETURN;  -- the whole home is being deleted
    END IF;
    IF is_gone AND NOT EXISTS (SELECT FROM public.hub_definition_versions v
                               WHERE v.entity_type = kind.entity_type AND v.entity_id = entity AND NOT v.is_deleted) THEN
        RETURN;  -- no hub has heard of it
    END IF;
    INSERT INTO public.hub_definition_versions AS v (entity_type, entity_id, home_id, version, xid, rank, origin, is_deleted)
    VALUES (kind.entity_type, entity, home, 1, pg_current_xact_id(), kind.rank, writer, is_gone)
    ON CONFLICT (entity_type, entity_id) DO UPDATE SET
        version = CASE WHEN v.xid = excluded.xid THEN v.version ELSE v.version + 1 END, home_id = excluded.home_id, xid = excluded.xid,
        origin = CASE WHEN v.xid = excluded.xid AND v.origin IS DISTINCT FROM excluded.origin THEN NULL ELSE excluded.origin END,
        is_deleted = excluded.is_deleted, modified_at = now()
    RETURNING v.version INTO new_version;
    IF kind.comes_from_hub THEN
        INSERT INTO public.hub_definition_history (entity_type, entity_id, version, fields, origin)
        VALUES (kind.entity_type, entity, new_version, hub_sync.pick(document, kind.people_columns), writer)
        ON CONFLICT (entity_type, entity_id, version) DO UPDATE SET fields = excluded.fields, origin = excluded.origin;
        DELETE FROM public.hub_definition_history WHERE entity_type = kind.entity_type AND entity_id = entity
            AND version <= new_version - hub_sync.history_versions_max();
    END IF;
    IF kind.has_sync_status THEN
        PERFORM hub_sync.note_sync_status(kind.entity_type, entity, home, new_version, writer IS NOT NULL, is_gone, touched,
            jsonb_build_object('last_change', jsonb_strip_nulls(jsonb_build_object(
                'where', CASE WHEN writer IS NULL THEN 'cloud' ELSE 'hub' END, 'by', coalesce(auth.uid()::text, split_part(writer, '/', 1)),
                'at', now(), 'columns', to_jsonb(touched)))), document);
    END IF;
    IF home IS NOT NULL THEN
        PERFORM pg_notify('nexa_hub_changes', home::text);  -- the catalogue wakes nobody
    END IF;
END
$$;

-- The hub that is just writing this definition. What follows from another row (a room's deletion, say) is news to it.
CREATE OR REPLACE FUNCTION hub_sync.hub_writing(entity uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN current_setting('nexa.hub_entity', true) = entity::text THEN nullif(current_setting('nexa.hub_origin', true), '') END
$$;

CREATE OR REPLACE FUNCTION hub_sync.note_definition_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kind hub_definition_kinds;
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    touched text[];
    is_deleted_or_back boolean := TG_OP = 'UPDATE' AND (was ->> 'deleted_at' IS NULL) <> (becomes ->> 'deleted_at' IS NULL);
BEGIN
    SELECT * INTO STRICT kind FROM hub_definition_kinds WHERE entity_type = TG_ARGV[0];
    touched := ARRAY(SELECT c FROM unnest(kind.people_columns || kind.cloud_columns || kind.living_column) c WHERE was -> c IS DISTINCT FROM becomes -> c);
    IF TG_OP = 'UPDATE' AND touched = '{}' AND NOT is_deleted_or_back THEN
        RETURN NULL;
    END IF;
    PERFORM hub_sync.note_version(kind, coalesce(becomes, was), TG_OP = 'DELETE', touched,
                                  hub_sync.hub_writing((coalesce(becomes, was) ->> 'id')::uuid));
    IF is_deleted_or_back AND kind.entity_type = 'device' THEN
        PERFORM hub_sync.note_again('device_group', m.group_id, '{members}', NULL) FROM device_group_members m WHERE m.device_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;

-- Something of it changed that stands in another table.
CREATE OR REPLACE FUNCTION hub_sync.note_again(in_type text, entity uuid, touched text[], writer text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kind public.hub_definition_kinds;
    document jsonb;
BEGIN
    SELECT * INTO STRICT kind FROM public.hub_definition_kinds WHERE entity_type = in_type;
    EXECUTE format('SELECT to_jsonb(t) FROM public.%I t WHERE id = $1', kind.target_table) INTO document USING entity;
    IF document IS NOT NULL THEN
        PERFORM hub_sync.note_version(kind, document, false, touched, writer);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.note_group_members() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM hub_sync.note_again('device_group', g.group_id, '{members}', hub_sync.hub_writing(g.group_id))
    FROM (SELECT DISTINCT c.group_id FROM changed c ORDER BY 1) g;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER note_members_added AFTER INSERT ON public.device_group_members
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION hub_sync.note_group_members();
CREATE OR REPLACE TRIGGER note_members_removed AFTER DELETE ON public.device_group_members
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION hub_sync.note_group_members();
CREATE OR REPLACE TRIGGER note_members_changed AFTER UPDATE ON public.device_group_members
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION hub_sync.note_group_members();

-- Names of people, and who was switched off: never more of them.
CREATE OR REPLACE FUNCTION hub_sync.note_person() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM hub_sync.note_again('home_member', m.id, '{display_name}', NULL) FROM home_members m WHERE m.user_id = NEW.id;
    PERFORM hub_sync.note_again('home', h.id, '{owner_name}', NULL) FROM homes h WHERE h.owner_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER note_person AFTER UPDATE OF full_name, is_active ON public.users FOR EACH ROW
    WHEN (OLD.full_name IS DISTINCT FROM NEW.full_name OR OLD.is_active IS DISTINCT FROM NEW.is_active) EXECUTE FUNCTION hub_sync.note_person();

-- Values that gave way are kept beside the row, the newest last, each once.
CREATE OR REPLACE FUNCTION hub_sync.with_lost(metadata jsonb, lost jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN coalesce(lost, '[]') = '[]' THEN coalesce(metadata, '{}') ELSE coalesce(metadata, '{}') || jsonb_build_object('lost', (
        SELECT jsonb_agg(k.entry ORDER BY k.place) FROM (
            SELECT e.entry, e.place FROM (
                SELECT old.value AS entry, old.ordinality AS place FROM jsonb_array_elements(coalesce(metadata -> 'lost', '[]')) WITH ORDINALITY old
                WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(lost) fresh WHERE fresh - 'at' = old.value - 'at')
                UNION ALL
                SELECT fresh.value || jsonb_build_object('at', now()), 1000000 + fresh.ordinality FROM jsonb_array_elements(lost) WITH ORDINALITY fresh
            ) e ORDER BY e.place DESC LIMIT hub_sync.lost_values_max()
        ) k)) END
$$;

-- What gives way when the columns `closing` ({name: {"hub", "cloud"}}) are decided: whichever the row does not have now.
CREATE OR REPLACE FUNCTION hub_sync.given_up(closing jsonb, becomes jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('field', f.key, 'of', side, 'value', f.value -> side) ORDER BY f.key, side), '[]')
    FROM jsonb_each(closing) f CROSS JOIN unnest('{cloud,hub}'::text[]) side
    WHERE f.value -> side IS DISTINCT FROM becomes -> f.key
$$;

-- The name of the person who changed it last in the cloud. (A column of users is named like the parameter.)
CREATE OR REPLACE FUNCTION hub_sync.changed_by(metadata jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT u.full_name FROM public.users u
    WHERE changed_by.metadata -> 'last_change' ->> 'where' = 'cloud' AND u.id = (changed_by.metadata -> 'last_change' ->> 'by')::uuid
$$;

-- "Local" is NEXA's row, "remote" the hub's copy. A conflict stays until each disputed column has been touched again.
CREATE OR REPLACE FUNCTION hub_sync.note_sync_status(
    in_type text, in_id uuid, home uuid, in_version integer, is_from_hub boolean, is_gone boolean, touched text[], told jsonb DEFAULT '{}', becomes jsonb DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    open_conflict jsonb;
    open_fields jsonb;
    lost jsonb;
BEGIN
    IF is_gone THEN
        DELETE FROM public.ecosystem_sync_status
        WHERE home_id = home AND (ecosystem_id = hub_sync.hub_ecosystem() OR metadata ->> 'told_by' = 'hub')
          AND entity_type = in_type AND entity_id = in_id;
        RETURN;
    END IF;
    SELECT s.metadata -> 'conflict' INTO open_conflict FROM public.ecosystem_sync_status s
    WHERE s.home_id = home AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.entity_type = in_type AND s.entity_id = in_id;
    open_fields := coalesce(open_conflict -> 'fields', '{}') - touched;
    lost := hub_sync.given_up(hub_sync.pick(coalesce(open_conflict -> 'fields', '{}'), touched), becomes);
    INSERT INTO public.ecosystem_sync_status AS s (
        metadata, home_id, ecosystem_id, entity_type, entity_id, sync_status, sync_direction, conflict_resolution, local_version, remote_version,
        last_modified_locally_at, last_modified_remotely_at, last_synced_at, last_sync_attempt_at)
    SELECT told, home, e.id, in_type, in_id, CASE WHEN is_from_hub THEN 'synced' ELSE 'pending' END, 'bidirectional', 'manual',
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
        metadata = hub_sync.with_lost(CASE WHEN open_fields = '{}' THEN coalesce(s.metadata, '{}') - 'conflict'
                        ELSE s.metadata || jsonb_build_object('conflict', open_conflict || jsonb_build_object('fields', open_fields)) END, lost) || told;
END
$$;

-- Only for the columns that count: what is observed is written many times a day and must not pay for it.
DO $$
DECLARE
    kind hub_definition_kinds;
BEGIN
    FOR kind IN SELECT * FROM hub_definition_kinds ORDER BY rank LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER note_definition_change AFTER INSERT OR DELETE OR UPDATE OF %s ON public.%I '
            'FOR EACH ROW EXECUTE FUNCTION hub_sync.note_definition_change(%L)',
            (SELECT string_agg(quote_ident(c), ', ')
             FROM unnest(kind.people_columns || kind.cloud_columns || kind.living_column || CASE WHEN kind.is_soft_deleted THEN 'deleted_at' END) c
             WHERE c <> ALL (kind.joined_columns)),
            kind.target_table, kind.entity_type);
        -- Rows from before hubs were told of their kind, or before this kind had a sync status.
        IF NOT EXISTS (SELECT FROM hub_definition_versions WHERE entity_type = kind.entity_type) THEN
            EXECUTE format('SELECT hub_sync.note_version($1, to_jsonb(t), false, ''{}'', NULL) FROM public.%I t', kind.target_table) USING kind;
        ELSIF kind.has_sync_status AND NOT EXISTS (
            SELECT FROM ecosystem_sync_status WHERE entity_type = kind.entity_type AND ecosystem_id = hub_sync.hub_ecosystem()) THEN
            PERFORM hub_sync.note_sync_status(entity_type, entity_id, home_id, version, false, false, '{}')
            FROM hub_definition_versions WHERE entity_type = kind.entity_type AND NOT is_deleted;
        END IF;
    END LOOP;
END
$$;

-- What a definition looks like on the wire. Of the columns only people's, the hub's and those that come down.
CREATE OR REPLACE FUNCTION hub_sync.wire_fields(kind public.hub_definition_kinds, document jsonb, extra jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(extra, '{}') || hub_sync.pick(
        CASE WHEN document ->> 'coordinates' IS NULL THEN document
             ELSE document || jsonb_build_object('coordinates', jsonb_build_object(
                 'latitude', ((document ->> 'coordinates')::point)[0], 'longitude', ((document ->> 'coordinates')::point)[1])) END,
        kind.people_columns || kind.hub_columns || kind.cloud_columns)
$$;

CREATE OR REPLACE FUNCTION hub_sync.current_documents(kind public.hub_definition_kinds, ids uuid[]) RETURNS TABLE (id uuid, document jsonb)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF ids <> '{}' THEN
        RETURN QUERY EXECUTE format('SELECT t.id, %s FROM public.%I t WHERE t.id = ANY ($1)',
            CASE kind.joined_columns WHEN '{}' THEN 'to_jsonb(t)' ELSE 'hub_sync.with_joined($2, to_jsonb(t))' END, kind.target_table)
        USING ids, kind.entity_type;
    END IF;
END
$$;

-- The values as the column types have them, so that a hub's spelling of a time or a number is no change.
CREATE OR REPLACE FUNCTION hub_sync.as_columns(kind public.hub_definition_kinds, fields jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    typed jsonb;
BEGIN
    EXECUTE format('SELECT to_jsonb(jsonb_populate_record(NULL::public.%I, $1))', kind.target_table) INTO typed USING fields;
    RETURN hub_sync.pick(typed, ARRAY(SELECT jsonb_object_keys(fields))) || hub_sync.pick(fields, kind.joined_columns);
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.write_columns(kind public.hub_definition_kinds, entity uuid, home uuid, fields jsonb, is_new boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- A new row leaves what is null to the column's default.
    names text[] := ARRAY(SELECT key FROM jsonb_each(fields)
                          WHERE (NOT is_new OR jsonb_typeof(value) <> 'null') AND key <> ALL (kind.joined_columns) ORDER BY key);
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
    IF kind.entity_type = 'device_group' AND fields ? 'members' THEN
        PERFORM hub_sync.write_members(entity, ARRAY(SELECT jsonb_array_elements_text(fields -> 'members')::uuid));
    END IF;
END
$$;

-- Devices that are deleted stay in their groups, in case they come back.
CREATE OR REPLACE FUNCTION hub_sync.write_members(in_group uuid, members uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM public.device_group_members m USING public.devices d
    WHERE m.group_id = in_group AND d.id = m.device_id AND d.deleted_at IS NULL AND m.device_id <> ALL (members);
    INSERT INTO public.device_group_members (group_id, device_id)
    SELECT in_group, device FROM unnest(members) device
    WHERE NOT EXISTS (SELECT FROM public.device_group_members m WHERE m.group_id = in_group AND m.device_id = device)
$$;

-- What a definition points at must be of the same home; what is not (deleted meanwhile, say) is left out rather than losing
-- the definition.
CREATE OR REPLACE FUNCTION hub_sync.with_own_references(fields jsonb, home uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT fields
        || CASE WHEN fields ->> 'room_id' IS NULL
                  OR EXISTS (SELECT FROM public.rooms r WHERE r.home_id = home AND r.id::text = lower(fields ->> 'room_id'))
                THEN '{}'::jsonb ELSE '{"room_id": null}' END
        || CASE WHEN fields ->> 'target_id' IS NULL OR lower(fields ->> 'target_id') = home::text
                  OR EXISTS (SELECT FROM public.devices d WHERE d.home_id = home AND d.id::text = lower(fields ->> 'target_id'))
                  OR EXISTS (SELECT FROM public.rooms r WHERE r.home_id = home AND r.id::text = lower(fields ->> 'target_id'))
                  OR EXISTS (SELECT FROM public.device_groups g WHERE g.home_id = home AND g.id::text = lower(fields ->> 'target_id'))
                THEN '{}'::jsonb ELSE '{"target_id": null}' END
        || CASE WHEN NOT fields ? 'members' THEN '{}' ELSE jsonb_build_object('members', (
                SELECT coalesce(jsonb_agg(d.id ORDER BY d.id), '[]') FROM public.devices d
                WHERE d.home_id = home AND d.deleted_at IS NULL AND d.id::text IN (
                    SELECT lower(m.value #>> '{}')
                    FROM jsonb_array_elements(CASE jsonb_typeof(fields -> 'members') WHEN 'array' THEN fields -> 'members' ELSE '[]' END) m))) END
$$;

CREATE OR REPLACE FUNCTION hub_sync.take_aliases(home uuid, device uuid, aliases jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.hub_device_aliases (home_id, kind, value, device_id)
    SELECT DISTINCT ON (1, 2, 3) home, left(a.value ->> 'kind', 50), left(a.value ->> 'value', 300), device
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(aliases) = 'array' THEN aliases ELSE '[]' END) WITH ORDINALITY a (value, position)
    WHERE a.position <= hub_sync.aliases_max() AND a.value ->> 'kind' IS NOT NULL AND a.value ->> 'value' IS NOT NULL
    ON CONFLICT (home_id, kind, value) DO UPDATE SET device_id = excluded.device_id
        WHERE hub_device_aliases.device_id <> excluded.device_id;
    DELETE FROM public.hub_device_aliases WHERE ctid = ANY (ARRAY(
        SELECT a.ctid FROM public.hub_device_aliases a WHERE a.device_id = device ORDER BY a.created_at DESC, a.kind, a.value OFFSET hub_sync.aliases_max()))
$$;

CREATE OR REPLACE FUNCTION hub_sync.delete_definition(kind public.hub_definition_kinds, entity uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF kind.is_soft_deleted THEN
        EXECUTE format('UPDATE public.%I SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL', kind.target_table) USING entity;
    ELSE
        EXECUTE format('DELETE FROM public.%I WHERE id = $1', kind.target_table) USING entity;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.revive_definition(kind public.hub_definition_kinds, entity uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE public.%I SET deleted_at = NULL WHERE id = $1', kind.target_table) USING entity;
END
$$;

-- Field by field: what the hub changed since the base and the cloud did not is the hub's. What both changed is the
-- cloud's, except for what waits for a person. Without a base everything that differs counts as changed by both.
CREATE OR REPLACE FUNCTION hub_sync.merge(
    kind public.hub_definition_kinds, hub_fields jsonb, cloud_fields jsonb, base_fields jsonb, resolution text,
    OUT applied jsonb, OUT conflicts jsonb, OUT lost jsonb
) LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(f.key, f.hub) FILTER (WHERE f.verdict IN ('hub', 'hub_wins')), '{}'),
           coalesce(jsonb_object_agg(f.key, jsonb_build_object('hub', f.hub, 'cloud', f.cloud, 'base', f.base)) FILTER (WHERE f.verdict = 'conflict'), '{}'),
           coalesce(jsonb_agg(jsonb_build_object('field', f.key, 'of', CASE f.verdict WHEN 'hub_wins' THEN 'cloud' ELSE 'hub' END,
               'value', CASE f.verdict WHEN 'hub_wins' THEN f.cloud ELSE f.hub END) ORDER BY f.key) FILTER (WHERE f.verdict IN ('hub_wins', 'cloud_wins')), '[]')
    FROM (
        SELECT h.key, h.value AS hub, cloud_fields -> h.key AS cloud, base_fields -> h.key AS base,
            CASE
                WHEN h.value = cloud_fields -> h.key THEN 'same'
                WHEN base_fields IS NOT NULL AND cloud_fields -> h.key = base_fields -> h.key THEN 'hub'
                WHEN base_fields IS NOT NULL AND h.value = base_fields -> h.key THEN 'cloud'
                WHEN NOT h.key = ANY (kind.manual_columns) OR resolution = 'nexa_wins' THEN 'cloud_wins'
                WHEN resolution = 'ecosystem_wins' THEN 'hub_wins'
                ELSE 'conflict'
            END AS verdict
        FROM jsonb_each(hub_fields) h
    ) f
$$;

CREATE OR REPLACE FUNCTION hub_sync.keep_conflict(
    in_type text, in_id uuid, home uuid, in_version integer, hub_version integer, conflicts jsonb, modified text
) RETURNS void LANGUAGE sql AS $$
    UPDATE public.ecosystem_sync_status SET
        sync_status = 'conflict', local_version = in_version, remote_version = hub_version, last_sync_attempt_at = now(),
        error_message = format('changed on both sides: %s', (SELECT string_agg(key, ', ' ORDER BY key) FROM jsonb_object_keys(conflicts) key)),
        metadata = coalesce(metadata, '{}') || jsonb_build_object('conflict', jsonb_build_object(
            'fields', coalesce(metadata -> 'conflict' -> 'fields', '{}') || conflicts, 'base_version', hub_version, 'hub_modified_at', modified))
    WHERE home_id = home AND ecosystem_id = hub_sync.hub_ecosystem() AND entity_type = in_type AND entity_id = in_id
$$;

-- What the hub has seen: what this mirror wrote itself it knows of, also where the answer got lost. Without a base: from the beginning.
CREATE OR REPLACE FUNCTION hub_sync.seen_version(in_type text, in_id uuid, base_version integer, writer text) RETURNS integer
LANGUAGE sql STABLE AS $$
    WITH since AS (
        SELECT h.version, h.origin FROM public.hub_definition_history h
        WHERE h.entity_type = in_type AND h.entity_id = in_id AND h.version > coalesce(base_version, 0)
    )
    SELECT CASE WHEN min(s.version) = coalesce(base_version, 0) + 1
        THEN nullif(coalesce(min(s.version) FILTER (WHERE s.origin IS DISTINCT FROM writer) - 1, max(s.version)), 0)
        ELSE base_version END FROM since s
$$;

-- Values that this mirror has written since already, without hearing the answer: whoever changed them afterwards had seen them.
CREATE OR REPLACE FUNCTION hub_sync.said_before(in_type text, in_id uuid, base_version integer, people jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(p.key, p.value), '{}') FROM jsonb_each(people) p
    WHERE EXISTS (SELECT FROM public.hub_definition_history h
                  WHERE h.entity_type = in_type AND h.entity_id = in_id AND h.version > base_version
                    AND h.origin = nullif(current_setting('nexa.hub_origin', true), '') AND h.fields -> p.key = p.value)
$$;

-- One definition as the hub has it. Answers {"entity_type","id","version","status", "fields"?, "deleted"?, "error"?}:
-- `fields` whenever the hub may not know what the cloud now says; it takes that over (its own stays only in a conflict).
CREATE OR REPLACE FUNCTION hub_sync.take_definition(hub public.hub_hubs, item jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
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
    lost jsonb := '[]';
    changed jsonb;
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
    PERFORM set_config('nexa.hub_entity', entity::text, true);
    EXECUTE format('SELECT to_jsonb(t) FROM public.%I t WHERE id = $1 FOR UPDATE', kind.target_table) INTO document USING entity;
    document := hub_sync.with_joined(kind.entity_type, document);
    SELECT * INTO known FROM public.hub_definition_versions v WHERE v.entity_type = kind.entity_type AND v.entity_id = entity FOR UPDATE;
    IF coalesce(document ->> 'home_id', known.home_id::text, hub.home_id::text) <> hub.home_id::text THEN
        RETURN answer || '{"version": null, "status": "failed", "error": "this id is taken by another home"}';
    END IF;
    IF kind.entity_type = 'home' AND (entity <> hub.home_id OR is_deletion) THEN
        RETURN answer || '{"version": null, "status": "failed", "error": "a hub changes its own home only, and deletes none"}';
    END IF;
    base_version := hub_sync.seen_version(kind.entity_type, entity, base_version, current_setting('nexa.hub_origin', true));
    IF kind.entity_type = 'device' THEN
        sent := hub_sync.with_catalogue_ids(sent);
    END IF;
    IF sent ?| '{room_id,target_id,members}' THEN
        sent := hub_sync.with_own_references(sent, hub.home_id);
    END IF;
    people := hub_sync.as_columns(kind, hub_sync.pick(sent, kind.people_columns));
    described := hub_sync.pick(sent, kind.hub_columns);
    unknown := sent - kind.people_columns - kind.hub_columns - kind.observed_columns - kind.cloud_columns - ARRAY['id', 'home_id', 'created_at', 'updated_at', 'deleted_at', 'search_vector', 'latitude', 'longitude'];

    IF is_deletion THEN
        IF known.version IS NULL OR known.is_deleted THEN
            RETURN answer || jsonb_build_object('version', known.version, 'status', 'synced', 'deleted', true);
        END IF;
        IF base_version IS DISTINCT FROM known.version THEN
            RETURN answer || jsonb_build_object('version', known.version, 'status', 'conflict', 'error', 'changed in the cloud since: not deleted',
                                                'fields', hub_sync.wire_fields(kind, document, known.extra));
        END IF;
        PERFORM hub_sync.delete_definition(kind, entity);
        SELECT * INTO STRICT known FROM public.hub_definition_versions v WHERE v.entity_type = kind.entity_type AND v.entity_id = entity;
        RETURN answer || jsonb_build_object('version', known.version, 'status', 'synced', 'deleted', true);
    END IF;

    IF known.is_deleted AND base_version IS DISTINCT FROM known.version THEN
        RETURN answer || jsonb_build_object('version', known.version, 'status', 'conflict', 'deleted', true, 'error', 'deleted in the cloud');
    END IF;
    -- What changed here since the hub looked, in columns it did not send too: the answer is where it hears of it. Also what it caused
    -- itself (a row that came back with all it had), where it did not hear the answer.
    is_news_there := document IS NOT NULL AND (known.is_deleted OR (item ->> 'base_version')::integer IS DISTINCT FROM known.version);
    changed := jsonb_build_object('modified_at', known.modified_at, 'modified_by', (
        SELECT hub_sync.changed_by(s.metadata) FROM public.ecosystem_sync_status s
        WHERE s.home_id = hub.home_id AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.entity_type = kind.entity_type AND s.entity_id = entity));
    IF document IS NULL AND known.version IS NULL AND (
        SELECT count(*) FROM (SELECT FROM public.hub_definition_versions v WHERE v.home_id = hub.home_id LIMIT hub_sync.definitions_max()) n) >= hub_sync.definitions_max() THEN
        RETURN answer || jsonb_build_object('version', NULL, 'status', 'failed',
                                            'error', format('a home has no more than %s definitions, with the deleted ones', hub_sync.definitions_max()));
    END IF;
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
            SELECT h.fields || hub_sync.said_before(kind.entity_type, entity, base_version, people) INTO base_fields
            FROM public.hub_definition_history h
            WHERE h.entity_type = kind.entity_type AND h.entity_id = entity AND h.version = base_version;
            SELECT s.conflict_resolution INTO resolution FROM public.ecosystem_sync_status s
            WHERE s.home_id = hub.home_id AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.entity_type = kind.entity_type AND s.entity_id = entity;
            SELECT m.applied, m.conflicts, m.lost INTO taken, disputed, lost
            FROM hub_sync.merge(kind, people, hub_sync.pick(document, kind.people_columns), base_fields, resolution) m;
            PERFORM hub_sync.write_columns(kind, entity, hub.home_id, taken, false);
        END IF;
    END IF;
    IF unknown <> '{}' AND hub_sync.bounded(unknown) IS NOT NULL THEN
        UPDATE public.hub_definition_versions v SET extra = v.extra || unknown WHERE v.entity_type = kind.entity_type AND v.entity_id = entity
            AND NOT v.extra @> unknown AND hub_sync.bounded(v.extra || unknown) IS NOT NULL;
    END IF;
    IF kind.entity_type = 'device' THEN
        PERFORM hub_sync.take_aliases(hub.home_id, entity, item -> 'aliases');
    END IF;

    SELECT * INTO STRICT known FROM public.hub_definition_versions v WHERE v.entity_type = kind.entity_type AND v.entity_id = entity;
    SELECT d.document INTO document FROM hub_sync.current_documents(kind, ARRAY[entity]) d;
    is_unchanged := hub_sync.pick(document, ARRAY(SELECT jsonb_object_keys(people))) = people
        AND hub_sync.pick(sent, '{room_id,target_id,members}') = hub_sync.pick(item -> 'fields', '{room_id,target_id,members}');
    answer := answer || jsonb_build_object('version', known.version, 'status', CASE WHEN disputed = '{}' THEN 'synced' ELSE 'conflict' END);
    IF is_news_there OR NOT is_unchanged THEN
        answer := answer || jsonb_build_object('fields', hub_sync.wire_fields(kind, document, known.extra)) || changed;
        UPDATE public.hub_definition_versions v SET origin = NULL WHERE v.entity_type = kind.entity_type AND v.entity_id = entity;
    END IF;
    IF disputed <> '{}' THEN
        PERFORM hub_sync.keep_conflict(kind.entity_type, entity, hub.home_id, known.version, base_version, disputed, item ->> 'modified_at');
        answer := answer || jsonb_build_object('error', 'changed on both sides', 'disputed', ARRAY(SELECT jsonb_object_keys(disputed)));
    ELSIF kind.has_sync_status AND NOT is_new AND EXISTS (
        -- What only describes is sent often, and must not touch it.
        SELECT FROM public.ecosystem_sync_status s
        WHERE s.home_id = hub.home_id AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.entity_type = kind.entity_type AND s.entity_id = entity
          AND (s.sync_status, s.remote_version) IS DISTINCT FROM ('synced', known.version)) THEN
        -- Where both have the same there is nothing left to decide.
        PERFORM hub_sync.note_sync_status(kind.entity_type, entity, hub.home_id, known.version, true, false,
            ARRAY(SELECT p.key FROM jsonb_each(people) p WHERE is_decision OR document -> p.key = p.value), '{}', document);
    END IF;
    IF lost <> '[]' THEN
        UPDATE public.ecosystem_sync_status s SET metadata = hub_sync.with_lost(s.metadata, lost)
        WHERE s.home_id = hub.home_id AND s.ecosystem_id = hub_sync.hub_ecosystem() AND s.entity_type = kind.entity_type AND s.entity_id = entity;
    END IF;
    RETURN answer;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.of_same_name(home uuid, in_type text, wanted text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT jsonb_build_object('error', format('a %s of this name exists', replace(in_type, '_', ' ')),
                                  'existing', jsonb_build_object('id', n.id, 'version', v.version))
        FROM (SELECT id FROM public.rooms WHERE in_type = 'room' AND home_id = home AND name = wanted
              UNION ALL SELECT id FROM public.device_groups WHERE in_type = 'device_group' AND home_id = home AND name = wanted) n
        JOIN public.hub_definition_versions v ON v.entity_type = in_type AND v.entity_id = n.id), '{}')
$$;

-- All definitions of an envelope, those first that others point at. A bad one fails alone.
CREATE OR REPLACE FUNCTION hub_sync.take_definitions(hub public.hub_hubs, items jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    item jsonb;
    answers jsonb := '[]';
    answer jsonb;
BEGIN
    PERFORM hub_sync.take_catalogue(hub, items);
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
            IF SQLSTATE = '23505' AND item ->> 'entity_type' IN ('room', 'device_group') THEN
                answer := answer || hub_sync.of_same_name(hub.home_id, item ->> 'entity_type', item -> 'fields' ->> 'name');
            END IF;
        END;
        answers := answers || jsonb_build_array(answer);
    END LOOP;
    RETURN answers;
END
$$;
