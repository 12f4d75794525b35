-- Who is asking, and which homes they may do what in. Clients come as anon, authenticated, service_role or hub, with their
-- claims in request.jwt.claims; ACCESS.md has the rules for people to read.

CREATE OR REPLACE FUNCTION hub_sync.claims() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}')
$$;

-- The operator: service_role, or a login that is a member of it, or owns the tables anyway, and has taken no other role.
CREATE OR REPLACE FUNCTION hub_sync.is_operator() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE current_setting('role')
        WHEN 'service_role' THEN true
        WHEN 'none' THEN pg_has_role(session_user, 'service_role', 'MEMBER')
            OR pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'public.homes'::regclass), 'MEMBER')
        ELSE pg_has_role(current_setting('role')::name, 'service_role', 'MEMBER')
    END
$$;

-- One owner per fact: what a hub tells about its home is not told a second time by the triggers that serve homes without one.
CREATE OR REPLACE FUNCTION hub_sync.is_hub_writing() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT hub_sync.claims() ->> 'role' IS NOT DISTINCT FROM 'hub'
$$;

CREATE OR REPLACE FUNCTION hub_sync.has_hub(home uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM hub_hubs WHERE home_id = home AND retired_at IS NULL)
$$;

-- The role at NEXA of whoever asks. Somebody who was switched off has none.
CREATE OR REPLACE FUNCTION hub_sync.my_role() RETURNS public.user_role
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT role FROM users WHERE id = auth.uid() AND is_active IS NOT FALSE
$$;

-- Whose own things whoever asks may see: nobody's, once they were switched off.
CREATE OR REPLACE FUNCTION hub_sync.me() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM users WHERE id = auth.uid() AND is_active IS NOT FALSE
$$;

CREATE OR REPLACE FUNCTION hub_sync.is_admin() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT hub_sync.is_operator() OR coalesce(hub_sync.my_role() = 'admin', false)
$$;

-- What each purpose asks of a member. Owners may all of it. `view` is given unless it was taken away; the other permissions
-- only if they were given; a value that is not true or false counts as not given.
CREATE OR REPLACE FUNCTION hub_sync.membership_allows(member_role text, permissions jsonb, purpose text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN purpose = 'own' THEN false
        WHEN member_role IN ('owner', 'admin') THEN true
        WHEN purpose IN ('visit', 'view') THEN coalesce(permissions -> 'view', 'true') = 'true'
        WHEN purpose = 'live_in' THEN member_role = 'member' AND coalesce(permissions -> 'view', 'true') = 'true'
        WHEN purpose IN ('control', 'configure') THEN coalesce(permissions -> purpose = 'true', false)
        ELSE false
    END
$$;

-- The homes in which a person may act for a purpose, by ownership and membership alone.
CREATE OR REPLACE FUNCTION hub_sync.homes_of(person uuid, purpose text) RETURNS SETOF uuid LANGUAGE plpgsql STABLE ROWS 3
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT h.id FROM homes h JOIN users u ON u.id = h.owner_id WHERE h.owner_id = person AND u.is_active IS NOT FALSE
        UNION
        SELECT m.home_id FROM home_members m JOIN users u ON u.id = m.user_id
        WHERE m.user_id = person AND m.is_active AND u.is_active IS NOT FALSE
          AND hub_sync.membership_allows(m.role, m.permissions, purpose);
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.is_home_member(home uuid, permission text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT home IN (SELECT hub_sync.homes_of(auth.uid(), permission))
$$;

-- The homes of whoever asks, for a purpose: visit (look at the home itself), live_in (what guests need not know), service
-- (what keeps it running), control, configure, manage, own. NEXA's admins may read everywhere, support what is of service.
CREATE OR REPLACE FUNCTION hub_sync.my_homes_to(purpose text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 3 SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    mine user_role := hub_sync.my_role();
BEGIN
    IF hub_sync.is_operator() OR (mine = 'admin' AND purpose IN ('visit', 'view', 'live_in', 'service'))
        OR (mine = 'support' AND purpose IN ('view', 'service')) THEN
        RETURN QUERY SELECT id FROM homes;
    ELSE
        RETURN QUERY SELECT hub_sync.homes_of(auth.uid(), CASE purpose WHEN 'service' THEN 'live_in' ELSE purpose END);
    END IF;
END
$$;

-- The homes whose devices, rooms, records ... whoever asks may look at.
CREATE OR REPLACE FUNCTION public.my_homes() RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 3 SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT hub_sync.my_homes_to('view')
$$;

-- The people whose messages whoever asks may read.
CREATE OR REPLACE FUNCTION hub_sync.my_people() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 1 SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF hub_sync.is_admin() THEN
        RETURN QUERY SELECT id FROM users;
    ELSE
        RETURN QUERY SELECT hub_sync.me() WHERE hub_sync.me() IS NOT NULL;
    END IF;
END
$$;

-- A partner's people are named in oem_partners.metadata.user_ids by an admin; the contract has no column for them.
CREATE OR REPLACE FUNCTION hub_sync.my_partners() RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 1 SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM oem_partners
    WHERE hub_sync.is_admin() OR (hub_sync.my_role() = 'oem_partner' AND status = 'active' AND metadata -> 'user_ids' ? auth.uid()::text)
$$;

-- Brands or models that hubs of one's own homes have told of: seen there before enough other homes have them.
CREATE OR REPLACE FUNCTION hub_sync.my_catalogue(catalogue_table text) RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 50 SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT row_id FROM hub_catalogue_reports WHERE table_name = catalogue_table AND home_id = ANY (ARRAY(SELECT hub_sync.homes_of(auth.uid(), 'view')))
$$;

-- For checks that compare with what stands in the table now: a changed row must not decide about itself.
CREATE OR REPLACE FUNCTION hub_sync.owner_of_home(home uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT owner_id FROM homes WHERE id = home
$$;

CREATE OR REPLACE FUNCTION hub_sync.is_part_of_home(part_table text, part uuid, home uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT part IS NULL OR CASE part_table
        WHEN 'rooms' THEN EXISTS (SELECT FROM rooms WHERE id = part AND home_id = home)
        WHEN 'devices' THEN EXISTS (SELECT FROM devices WHERE id = part AND home_id = home)
    END
$$;

CREATE OR REPLACE FUNCTION hub_sync.home_of_group(device_group uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT home_id FROM device_groups WHERE id = device_group
$$;

CREATE OR REPLACE FUNCTION hub_sync.user_still_has(person uuid, stated_role public.user_role, stated_active boolean) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM users WHERE id = person AND role = stated_role AND is_active IS NOT DISTINCT FROM stated_active)
$$;

-- The contract's functions. People may ask about themselves; about others only the operator and admins get an answer.
CREATE OR REPLACE FUNCTION hub_sync.may_ask_about(person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT person = auth.uid() OR hub_sync.is_admin()
$$;

CREATE OR REPLACE FUNCTION public.user_accessible_homes(uid uuid) RETURNS TABLE (home_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT home FROM hub_sync.homes_of(uid, 'view') home WHERE hub_sync.may_ask_about(uid)
$$;

CREATE OR REPLACE FUNCTION public.user_can_access_home(uid uuid, hid uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(hub_sync.may_ask_about(uid), false) AND EXISTS (SELECT FROM hub_sync.homes_of(uid, 'view') home WHERE home = hid)
$$;

CREATE OR REPLACE FUNCTION public.user_is_admin(uid uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(hub_sync.may_ask_about(uid), false)
        AND EXISTS (SELECT FROM users WHERE id = uid AND role = 'admin' AND is_active IS NOT FALSE)
$$;

CREATE OR REPLACE FUNCTION public.user_is_home_owner(uid uuid, hid uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(hub_sync.may_ask_about(uid), false) AND EXISTS (SELECT FROM hub_sync.homes_of(uid, 'own') home WHERE home = hid)
$$;
