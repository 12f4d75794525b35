-- How a hub becomes known, and how it proves later that it is the one. Codes and secrets are random, so their SHA-256 is
-- what is stored; nobody can read them back.

CREATE OR REPLACE FUNCTION hub_sync.random_hex() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex')
$$;

-- Codes are read aloud and typed: case, blanks and dashes do not count, and I, L, O are taken as 1, 1, 0.
CREATE OR REPLACE FUNCTION hub_sync.code_sha256(code text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(translate(regexp_replace(upper(code), '[^0-9A-Z]', '', 'g'), 'ILO', '110'), 'UTF8'))
$$;

CREATE OR REPLACE FUNCTION hub_sync.random_code() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
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

CREATE OR REPLACE FUNCTION hub_sync.home_document(home uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'id', h.id, 'name', h.name, 'timezone', h.timezone, 'country', h.country, 'metadata', coalesce(h.metadata, '{}'),
        'latitude', h.coordinates[0], 'longitude', h.coordinates[1], 'owner_id', h.owner_id, 'owner_name', u.full_name, 'version', v.version)
    FROM public.homes h
    JOIN public.users u ON u.id = h.owner_id
    LEFT JOIN public.hub_definition_versions v ON v.entity_type = 'home' AND v.entity_id = h.id
    WHERE h.id = home
$$;

-- The hub that is asking, checked against its claims. `FOR NO KEY UPDATE` lets one envelope of a hub be stored at a time.
CREATE OR REPLACE FUNCTION hub_sync.caller(stated_hub text, for_writing boolean) RETURNS public.hub_hubs LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION public.hub_issue_claim_code_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
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

-- One code, one hub. The mirror that used a code may use it again until it expires and gets a new secret: the answer to
-- the first time may have been lost on the way.
CREATE OR REPLACE FUNCTION public.hub_claim_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    claim hub_claims;
    hub hub_hubs;
    new_secret text := hub_sync.random_hex();
    mirror text := left(request ->> 'mirror_id', 200);
    was_known boolean;
    retired uuid[];
    origin record := ts.asked_from();
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
    WITH gone AS (
        UPDATE hub_hubs SET retired_at = now() WHERE home_id = claim.home_id AND retired_at IS NULL AND id IS DISTINCT FROM hub.id RETURNING id)
    SELECT array_agg(id) INTO retired FROM gone;
    was_known := hub.id IS NOT NULL;
    IF NOT was_known THEN
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
    -- By whoever asked for the code.
    INSERT INTO ts.audit_logs (user_id, action, table_name, record_id, new_values, changed_fields, ip_address, user_agent, metadata)
    VALUES (claim.created_by, CASE WHEN was_known THEN 'UPDATE' ELSE 'INSERT' END, 'hub_hubs', hub.id,
            jsonb_strip_nulls(jsonb_build_object('name', coalesce(left(request ->> 'hub_name', 200), hub.name), 'mirror_id', mirror,
                                                 'agent_version', left(request ->> 'agent_version', 100))),
            CASE WHEN was_known THEN '{secret}'::text[] END, origin.address, origin.agent,
            jsonb_strip_nulls(jsonb_build_object('role', 'hub', 'hub_id', hub.id, 'home_id', claim.home_id, 'took_over_from', to_jsonb(retired))));
    RETURN jsonb_build_object('hub_id', hub.id, 'home_id', claim.home_id, 'secret', new_secret,
                              'home', hub_sync.home_document(claim.home_id), 'server_time', now());
END
$$;

-- RFC 2104 over SHA-256, so that nothing but the core is needed.
CREATE OR REPLACE FUNCTION hub_sync.hmac_sha256(key bytea, message bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
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

CREATE OR REPLACE FUNCTION hub_sync.base64url(octets bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT translate(encode(octets, 'base64'), E'+/=\n', '-_')
$$;

-- RFC 7519 with HS256.
CREATE OR REPLACE FUNCTION hub_sync.signed_token(claims jsonb, secret text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    unsigned text := hub_sync.base64url(convert_to('{"alg":"HS256","typ":"JWT"}', 'UTF8'))
        || '.' || hub_sync.base64url(convert_to(claims::text, 'UTF8'));
BEGIN
    RETURN unsigned || '.' || hub_sync.base64url(hub_sync.hmac_sha256(convert_to(secret, 'UTF8'), convert_to(unsigned, 'UTF8')));
END
$$;

-- Says whether the secret is right, and what the token shall say. Where the database knows the JWT secret (app.settings.jwt_secret,
-- as PostgREST hands it over) it signs; elsewhere whoever fronts it does.
CREATE OR REPLACE FUNCTION public.hub_token_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
