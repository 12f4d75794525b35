-- Commands to a hub, by who may control the home. They are for a moment: each has an end.

CREATE OR REPLACE FUNCTION public.hub_command_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
