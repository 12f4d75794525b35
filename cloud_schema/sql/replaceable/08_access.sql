-- Who is asking. Clients come as anon, authenticated, service_role or hub, with their claims in request.jwt.claims.

CREATE OR REPLACE FUNCTION hub_sync.claims() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}')
$$;

-- The operator: service_role, or a login that is a member of it and has taken no other role.
CREATE OR REPLACE FUNCTION hub_sync.is_operator() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE current_setting('role')
        WHEN 'service_role' THEN true
        WHEN 'none' THEN pg_has_role(session_user, 'service_role', 'MEMBER')
        ELSE pg_has_role(current_setting('role')::name, 'service_role', 'MEMBER')
    END
$$;

-- One owner per fact: what a hub tells about its home is not told a second time by the triggers that serve homes without one.
CREATE OR REPLACE FUNCTION hub_sync.is_hub_writing() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT hub_sync.claims() ->> 'role' IS NOT DISTINCT FROM 'hub'
$$;

CREATE OR REPLACE FUNCTION hub_sync.is_home_member(home uuid, permission text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM public.homes WHERE id = home AND owner_id = auth.uid())
        OR EXISTS (
            SELECT FROM public.home_members
            WHERE home_id = home AND user_id = auth.uid() AND is_active
              AND (role IN ('owner', 'admin') OR coalesce((permissions ->> permission)::boolean, false)))
$$;

CREATE OR REPLACE FUNCTION public.my_homes() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM homes WHERE hub_sync.is_operator()
    UNION ALL
    SELECT id FROM homes WHERE NOT hub_sync.is_operator() AND hub_sync.is_home_member(id, 'view')
$$;
