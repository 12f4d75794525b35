-- What a plan allows, and what is used of it.
--
-- The plan of a home is the highest of those running for it: subscribed for the home itself, or by its owner for no home in
-- particular. Who has none has the free plan; where the catalogue has no free plan, nothing is limited.
-- Limits bind what people add. What a hub finds in the house is always stored, and the operator is never bound: then `used`
-- is more than `limit`, and nothing more can be added by hand.

CREATE OR REPLACE FUNCTION hub_sync.plan_for(for_user uuid, for_home uuid) RETURNS public.subscription_plans LANGUAGE sql STABLE AS $$
    SELECT p.* FROM public.subscription_plans p
    LEFT JOIN public.user_subscriptions s ON s.plan_id = p.id AND s.status IN ('trialing', 'active', 'past_due')
        AND CASE WHEN for_home IS NULL THEN s.user_id = for_user
                 ELSE s.home_id = for_home OR (s.home_id IS NULL AND s.user_id = (SELECT owner_id FROM public.homes WHERE id = for_home)) END
    WHERE s.id IS NOT NULL OR (p.tier = 'free' AND p.is_active)
    ORDER BY s.id IS NOT NULL DESC, p.tier DESC, p.sort_order DESC, p.id LIMIT 1
$$;

-- Bridges, routers and hubs are the house's plumbing, and helpers are no devices that somebody bought.
CREATE OR REPLACE FUNCTION hub_sync.counts_as_device(kind public.device_type, native_id text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT kind NOT IN ('hub', 'bridge', 'router') AND coalesce(native_id, '') NOT LIKE 'helper/%'
$$;

CREATE OR REPLACE FUNCTION hub_sync.plan_used(what text, for_user uuid, for_home uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE what
        WHEN 'home' THEN (SELECT count(*) FROM public.homes WHERE owner_id = for_user AND is_active)
        WHEN 'device' THEN (SELECT count(*) FROM public.devices WHERE home_id = for_home AND deleted_at IS NULL
                            AND hub_sync.counts_as_device(device_type, manufacturer_device_id))
        WHEN 'automation' THEN (SELECT count(*) FROM public.automations WHERE home_id = for_home AND deleted_at IS NULL)
        WHEN 'scene' THEN (SELECT count(*) FROM public.scenes WHERE home_id = for_home)
        WHEN 'user' THEN 1 + (SELECT count(*) FROM public.home_members m JOIN public.homes h ON h.id = m.home_id
                              WHERE m.home_id = for_home AND m.is_active AND m.user_id <> h.owner_id)
    END
$$;

CREATE OR REPLACE FUNCTION hub_sync.plan_limit(plan public.subscription_plans, what text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT (to_jsonb(plan) ->> (what || '_limit'))::integer
$$;

-- Who may ask: people about themselves and their homes, the operator about anybody.
CREATE OR REPLACE FUNCTION hub_sync.asked_plan(for_user uuid, for_home uuid, OUT person uuid, OUT plan public.subscription_plans) LANGUAGE plpgsql STABLE AS $$
BEGIN
    person := CASE WHEN hub_sync.is_operator() THEN for_user ELSE auth.uid() END;
    IF for_home IS NOT NULL AND NOT for_home IN (SELECT public.my_homes()) OR for_home IS NULL AND person IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such home or person, or you may not see them.', DETAIL = 'home_unknown';
    END IF;
    person := coalesce(person, (SELECT owner_id FROM public.homes WHERE id = for_home));
    plan := hub_sync.plan_for(person, for_home);
END
$$;

-- May one more be added (device, home, user, automation, scene), or is a feature in the plan (self_healing, api_access ...)?
CREATE OR REPLACE FUNCTION public.plan_allows(what text, for_home uuid DEFAULT NULL, for_user uuid DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked record;
    features constant text[] := ARRAY['device_monitoring', 'diagnostics', 'predictive_failure', 'self_healing', 'security_scanning', 'energy_optimization',
        'automation_repair', 'ai_insights', 'priority_support', 'multi_property_support', 'white_label_available', 'api_access'];
BEGIN
    SELECT * INTO asked FROM hub_sync.asked_plan(for_user, for_home);
    IF what IN ('device', 'home', 'user', 'automation', 'scene') THEN
        IF what <> 'home' AND for_home IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = format('Whether one more %s is allowed depends on the home: name it.', what), DETAIL = 'home_missing';
        END IF;
        RETURN coalesce(hub_sync.plan_used(what, asked.person, for_home) < hub_sync.plan_limit(asked.plan, what), true);
    ELSIF what <> ALL (features) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', MESSAGE = format('%s is nothing that a plan limits or contains.', what), DETAIL = 'limit_unknown';
    END IF;
    RETURN coalesce((to_jsonb(asked.plan) ->> what)::boolean, (asked.plan).id IS NULL);
END
$$;

-- The whole picture, for a page: the plan, each limit with what is used and left, and the features.
CREATE OR REPLACE FUNCTION public.plan_limits(for_home uuid DEFAULT NULL, for_user uuid DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked record;
    limits jsonb;
BEGIN
    SELECT * INTO asked FROM hub_sync.asked_plan(for_user, for_home);
    SELECT jsonb_object_agg(what, jsonb_build_object('limit', ceiling, 'used', used, 'left', CASE WHEN ceiling IS NOT NULL THEN greatest(ceiling - used, 0) END)) INTO limits
    FROM (SELECT what, hub_sync.plan_limit(asked.plan, what) AS ceiling, hub_sync.plan_used(what, asked.person, for_home) AS used
          FROM unnest(CASE WHEN for_home IS NULL THEN ARRAY['home'] ELSE ARRAY['device', 'user', 'automation', 'scene'] END) what) l;
    RETURN jsonb_build_object('plan_code', (asked.plan).plan_code, 'tier', (asked.plan).tier, 'limits', limits, 'features', (
        SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(asked.plan)) WHERE jsonb_typeof(value) = 'boolean' AND key NOT LIKE 'is\_%'));
END
$$;

-- One insert at a time of a kind and home, so that two people at once do not both get the last place.
CREATE OR REPLACE FUNCTION hub_sync.refuse_over_limit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    what constant text := TG_ARGV[0];
    added constant jsonb := to_jsonb(NEW);
    home constant uuid := CASE WHEN TG_ARGV[0] <> 'home' THEN (added ->> 'home_id')::uuid END;
    plan subscription_plans;
    ceiling integer;
BEGIN
    IF auth.uid() IS NULL OR hub_sync.is_operator() OR hub_sync.is_hub_writing() THEN
        RETURN NEW;
    END IF;
    IF what = 'device' AND NOT hub_sync.counts_as_device((added ->> 'device_type')::device_type, added ->> 'manufacturer_device_id') THEN
        RETURN NEW;
    END IF;
    plan := hub_sync.plan_for((added ->> 'owner_id')::uuid, home);
    ceiling := hub_sync.plan_limit(plan, what);
    IF ceiling IS NULL THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(format('plan %s %s', what, coalesce(home::text, added ->> 'owner_id')), 0));
    IF hub_sync.plan_used(what, (added ->> 'owner_id')::uuid, home) >= ceiling THEN
        RAISE EXCEPTION USING ERRCODE = 'PT402', DETAIL = 'plan_limit_reached',
            MESSAGE = format('The plan %s allows %s of %s, and they are in use.', plan.display_name, ceiling, what || 's'),
            HINT = 'Remove one, or change to a larger plan.';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER plan_limit_trigger BEFORE INSERT ON homes FOR EACH ROW EXECUTE FUNCTION hub_sync.refuse_over_limit('home');
CREATE OR REPLACE TRIGGER plan_limit_trigger BEFORE INSERT ON home_members FOR EACH ROW EXECUTE FUNCTION hub_sync.refuse_over_limit('user');
CREATE OR REPLACE TRIGGER plan_limit_trigger BEFORE INSERT ON devices FOR EACH ROW EXECUTE FUNCTION hub_sync.refuse_over_limit('device');
CREATE OR REPLACE TRIGGER plan_limit_trigger BEFORE INSERT ON automations FOR EACH ROW EXECUTE FUNCTION hub_sync.refuse_over_limit('automation');
CREATE OR REPLACE TRIGGER plan_limit_trigger BEFORE INSERT ON scenes FOR EACH ROW EXECUTE FUNCTION hub_sync.refuse_over_limit('scene');
-- What comes back is added again.
CREATE OR REPLACE TRIGGER plan_limit_return_trigger BEFORE UPDATE OF is_active ON homes
    FOR EACH ROW WHEN (NEW.is_active AND NOT OLD.is_active) EXECUTE FUNCTION hub_sync.refuse_over_limit('home');
CREATE OR REPLACE TRIGGER plan_limit_return_trigger BEFORE UPDATE OF is_active ON home_members
    FOR EACH ROW WHEN (NEW.is_active AND NOT OLD.is_active) EXECUTE FUNCTION hub_sync.refuse_over_limit('user');
CREATE OR REPLACE TRIGGER plan_limit_return_trigger BEFORE UPDATE OF deleted_at ON devices
    FOR EACH ROW WHEN (NEW.deleted_at IS NULL AND OLD.deleted_at IS NOT NULL) EXECUTE FUNCTION hub_sync.refuse_over_limit('device');
CREATE OR REPLACE TRIGGER plan_limit_return_trigger BEFORE UPDATE OF deleted_at ON automations
    FOR EACH ROW WHEN (NEW.deleted_at IS NULL AND OLD.deleted_at IS NOT NULL) EXECUTE FUNCTION hub_sync.refuse_over_limit('automation');

-- Calls. They are only ever appended; counters are brought up to date from them now and then, so no row is fought over.

CREATE OR REPLACE FUNCTION hub_sync.api_usage_batch_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 10000';

-- Stores a batch [{user_id or api_key_id, endpoint, method, status_code ...}]; answers how many. The caller sends each once:
-- calls have no identity by which a repeat could be known.
CREATE OR REPLACE FUNCTION public.record_api_usage(batch jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    stored integer;
BEGIN
    IF jsonb_typeof(batch) IS DISTINCT FROM 'array' OR jsonb_array_length(batch) > hub_sync.api_usage_batch_max() THEN
        RAISE EXCEPTION USING ERRCODE = 'PT400', DETAIL = 'batch_malformed',
            MESSAGE = format('Calls come as an array of at most %s.', hub_sync.api_usage_batch_max());
    END IF;
    INSERT INTO ts.api_usage (time, user_id, partner_id, subscription_id, endpoint, method, status_code, response_time_ms,
                              request_size_bytes, response_size_bytes, api_key_id, ip_address, user_agent, cost_units)
    SELECT coalesce(u.time, now()), coalesce(u.user_id, g.user_id), coalesce(u.partner_id, k.partner_id), coalesce(u.subscription_id, s.id), u.endpoint, u.method, u.status_code,
           u.response_time_ms, u.request_size_bytes, u.response_size_bytes, u.api_key_id, u.ip_address, left(u.user_agent, 500), u.cost_units
    FROM jsonb_populate_recordset(NULL::ts.api_usage, batch) u
    LEFT JOIN oem_api_keys k ON k.id = u.api_key_id
    LEFT JOIN user_subscriptions g ON g.id = u.subscription_id
    LEFT JOIN LATERAL (
        SELECT s.id FROM user_subscriptions s JOIN subscription_plans p ON p.id = s.plan_id
        WHERE s.user_id = u.user_id AND s.status IN ('trialing', 'active', 'past_due')
        ORDER BY p.tier DESC, s.id LIMIT 1) s ON true;
    GET DIAGNOSTICS stored = ROW_COUNT;
    RETURN stored;
EXCEPTION WHEN not_null_violation OR invalid_text_representation OR datetime_field_overflow OR invalid_datetime_format OR numeric_value_out_of_range THEN
    RAISE EXCEPTION USING ERRCODE = 'PT400', DETAIL = 'batch_malformed', MESSAGE = format('The batch is refused as a whole: %s.', SQLERRM);
END
$$;

-- How many calls are left in the hour before now: of a person by their plan, of a partner by its own limit. NULL: no limit.
CREATE OR REPLACE FUNCTION public.api_calls_left(for_user uuid DEFAULT NULL, for_partner uuid DEFAULT NULL, as_of timestamptz DEFAULT now())
RETURNS integer LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    person uuid := CASE WHEN hub_sync.is_operator() THEN for_user ELSE auth.uid() END;
    plan subscription_plans;
    ceiling integer;
    used bigint;
BEGIN
    IF for_partner IS NOT NULL AND hub_sync.is_operator() THEN
        SELECT CASE WHEN status = 'active' AND api_access_enabled THEN api_rate_limit ELSE 0 END INTO ceiling FROM oem_partners WHERE id = for_partner;
        IF NOT FOUND THEN
            RETURN 0;
        END IF;
        SELECT count(*) INTO used FROM ts.api_usage WHERE partner_id = for_partner AND time > as_of - interval '1 hour' AND time <= as_of;
    ELSE
        plan := hub_sync.plan_for(person, NULL);
        ceiling := CASE WHEN plan.id IS NULL OR plan.api_access THEN plan.api_rate_limit_per_hour ELSE 0 END;
        SELECT count(*) INTO used FROM ts.api_usage WHERE user_id = person AND time > as_of - interval '1 hour' AND time <= as_of;
    END IF;
    RETURN CASE WHEN ceiling IS NOT NULL THEN greatest(ceiling - used, 0) END;
END
$$;

-- Counts again what was called lately: user_subscriptions.api_calls_this_period and devices_used, oem_api_keys.usage_count (the
-- calls that are still kept) and last_used_at. Counting anew makes repeats and late rows harmless. Rows that somebody holds are
-- left for the next time.
CREATE OR REPLACE FUNCTION public.billing_roll_up_usage(as_of timestamptz DEFAULT now(), called_within interval DEFAULT '1 day')
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    subscriptions_changed integer;
    keys_changed integer;
    devices_changed integer;
BEGIN
    WITH free AS (
        SELECT s.id, s.user_id, s.current_period_start, s.current_period_end FROM user_subscriptions s
        WHERE (s.ended_at IS NULL OR s.ended_at > as_of - called_within) AND EXISTS (
            SELECT FROM ts.api_usage u WHERE u.user_id = s.user_id AND u.subscription_id = s.id AND u.time > as_of - called_within AND u.time <= as_of)
        ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED
    ), counted AS (
        SELECT f.id, least(count(u.time), 2147483647)::integer AS calls FROM free f
        LEFT JOIN ts.api_usage u ON u.user_id = f.user_id AND u.subscription_id = f.id AND u.time >= f.current_period_start AND u.time < f.current_period_end AND u.time <= as_of
        GROUP BY f.id)
    UPDATE user_subscriptions s SET api_calls_this_period = c.calls FROM counted c
    WHERE s.id = c.id AND s.api_calls_this_period IS DISTINCT FROM c.calls;
    GET DIAGNOSTICS subscriptions_changed = ROW_COUNT;

    WITH free AS (
        SELECT k.id, k.partner_id FROM oem_api_keys k
        WHERE EXISTS (SELECT FROM ts.api_usage u WHERE u.partner_id = k.partner_id AND u.api_key_id = k.id
                      AND u.time > as_of - called_within AND u.time <= as_of)
        ORDER BY k.id FOR NO KEY UPDATE SKIP LOCKED
    ), counted AS (
        SELECT f.id, least(count(*), 2147483647)::integer AS calls, max(u.time) AS latest FROM free f
        JOIN ts.api_usage u ON u.partner_id = f.partner_id AND u.api_key_id = f.id AND u.time <= as_of GROUP BY f.id)
    UPDATE oem_api_keys k SET usage_count = c.calls, last_used_at = greatest(k.last_used_at, c.latest) FROM counted c
    WHERE k.id = c.id AND (k.usage_count IS DISTINCT FROM c.calls OR k.last_used_at IS DISTINCT FROM greatest(k.last_used_at, c.latest));
    GET DIAGNOSTICS keys_changed = ROW_COUNT;

    WITH a_home AS (
        SELECT h.id, h.owner_id, count(d.id) FILTER (WHERE d.deleted_at IS NULL AND hub_sync.counts_as_device(d.device_type, d.manufacturer_device_id)) AS devices
        FROM homes h LEFT JOIN devices d ON d.home_id = h.id GROUP BY h.id
    ), free AS (
        SELECT s.id, s.home_id, s.user_id FROM user_subscriptions s WHERE s.status IN ('trialing', 'active', 'past_due', 'paused')
        ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED
    ), counted AS (
        SELECT f.id, coalesce(sum(h.devices), 0)::integer AS devices FROM free f
        LEFT JOIN a_home h ON h.id = f.home_id OR (f.home_id IS NULL AND h.owner_id = f.user_id) GROUP BY f.id)
    UPDATE user_subscriptions s SET devices_used = c.devices FROM counted c WHERE s.id = c.id AND s.devices_used IS DISTINCT FROM c.devices;
    GET DIAGNOSTICS devices_changed = ROW_COUNT;
    RETURN jsonb_build_object('subscriptions', subscriptions_changed, 'keys', keys_changed, 'devices_used', devices_changed);
END
$$;

REVOKE ALL ON FUNCTION public.plan_allows(text, uuid, uuid), public.plan_limits(uuid, uuid), public.api_calls_left(uuid, uuid, timestamptz),
    public.record_api_usage(jsonb), public.billing_roll_up_usage(timestamptz, interval) FROM PUBLIC, anon, authenticated, hub;
GRANT EXECUTE ON FUNCTION public.plan_allows(text, uuid, uuid), public.plan_limits(uuid, uuid), public.api_calls_left(uuid, uuid, timestamptz)
    TO authenticated, service_role;
GRANT EXECUTE ON FUNCTION public.record_api_usage(jsonb), public.billing_roll_up_usage(timestamptz, interval) TO service_role;
