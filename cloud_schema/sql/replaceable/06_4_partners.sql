-- Partners: keys for the interface, and what they and NEXA have earned together.

-- A key is `nxk_` + 8 letters that name it + `_` + 256 random bits. Only its SHA-256 is stored: a slow hash protects what people
-- could guess, and nobody guesses 256 bits. The hash is also how a key is looked up, so the time that takes tells nothing.
CREATE OR REPLACE FUNCTION hub_sync.key_sha256(key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256(convert_to(CASE WHEN length(key) <= 200 THEN key ELSE '' END, 'UTF8')), 'hex')
$$;

-- How stale last_used_at may be, so that a busy key is not written at each call.
CREATE OR REPLACE FUNCTION hub_sync.key_used_every() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '5 minutes'$$;

-- Makes a key and answers it, once: it cannot be read again.
CREATE OR REPLACE FUNCTION public.oem_issue_key(
    for_partner uuid, key_name text, key_scopes text[] DEFAULT '{}', expires timestamptz DEFAULT NULL, rate_limit integer DEFAULT NULL
) RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    prefix text := 'nxk_' || left(hub_sync.random_hex(), 8);
    key text := prefix || '_' || encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex');
    key_id uuid;
BEGIN
    UPDATE oem_partners SET api_key_prefix = prefix WHERE id = for_partner AND status = 'active' AND api_access_enabled;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such partner, or it has no access to the interface.', DETAIL = 'partner_unknown';
    END IF;
    INSERT INTO oem_api_keys (partner_id, key_name, api_key_hash, key_prefix, scopes, rate_limit_per_hour, expires_at)
    VALUES (for_partner, oem_issue_key.key_name, hub_sync.key_sha256(key), prefix, key_scopes, rate_limit, expires) RETURNING id INTO key_id;
    RETURN jsonb_build_object('key_id', key_id, 'key', key, 'prefix', prefix, 'expires_at', expires);
END
$$;

-- Is this a key that counts now, and for the scope asked for? Every call does the same work, whatever is given.
CREATE OR REPLACE FUNCTION public.oem_verify_key(given text, needs_scope text DEFAULT NULL, as_of timestamptz DEFAULT now())
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    key oem_api_keys;
    partner oem_partners;
    hour_ago constant timestamptz := as_of - interval '1 hour';
    refusal text;
    key_left bigint;
BEGIN
    SELECT * INTO key FROM oem_api_keys WHERE api_key_hash = hub_sync.key_sha256(coalesce(given, ''));
    SELECT * INTO partner FROM oem_partners WHERE id = key.partner_id;
    refusal := CASE
        WHEN key.id IS NULL THEN 'unknown'
        WHEN NOT coalesce(key.is_active, false) THEN 'revoked'
        WHEN key.expires_at <= as_of THEN 'expired'
        WHEN partner.status IS DISTINCT FROM 'active' OR partner.api_access_enabled IS DISTINCT FROM true THEN 'partner_suspended'
        WHEN needs_scope IS NOT NULL AND NOT coalesce(needs_scope = ANY (key.scopes), false) THEN 'scope_missing'
    END;
    IF refusal IS NOT NULL THEN
        RETURN jsonb_build_object('valid', false, 'reason', refusal);
    END IF;
    IF key.last_used_at IS NULL OR key.last_used_at < as_of - hub_sync.key_used_every() THEN
        -- Somebody who holds the row is doing the same.
        UPDATE oem_api_keys SET last_used_at = as_of WHERE id = (SELECT id FROM oem_api_keys WHERE id = key.id FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
    SELECT CASE WHEN key.rate_limit_per_hour IS NOT NULL THEN greatest(key.rate_limit_per_hour - count(*), 0) END INTO key_left FROM ts.api_usage
    WHERE partner_id = key.partner_id AND api_key_id = key.id AND time > hour_ago AND time <= as_of;
    RETURN jsonb_build_object('valid', true, 'key_id', key.id, 'partner_id', key.partner_id, 'scopes', to_jsonb(coalesce(key.scopes, '{}')),
                              'calls_left', least(key_left, public.api_calls_left(for_partner => key.partner_id, as_of => as_of)));
END
$$;

CREATE OR REPLACE FUNCTION public.oem_revoke_key(key_id uuid) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH revoked AS (UPDATE oem_api_keys SET is_active = false WHERE id = key_id RETURNING 1) SELECT EXISTS (SELECT FROM revoked)
$$;

-- A new key in the place of an old one, which goes on for a while, so that the partner can change over.
CREATE OR REPLACE FUNCTION public.oem_rotate_key(key_id uuid, old_lives_for interval DEFAULT '1 day', as_of timestamptz DEFAULT now())
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    old oem_api_keys;
BEGIN
    SELECT * INTO old FROM oem_api_keys WHERE id = key_id AND is_active AND (expires_at IS NULL OR expires_at > as_of) FOR NO KEY UPDATE;
    IF old.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such key in use.', DETAIL = 'key_unknown';
    END IF;
    UPDATE oem_api_keys SET expires_at = least(expires_at, as_of + old_lives_for) WHERE id = old.id;
    RETURN public.oem_issue_key(old.partner_id, old.key_name, old.scopes, old.expires_at, old.rate_limit_per_hour);
END
$$;

-- What a partner's people paid without tax, less what was returned: subscriptions that came with it (metadata.partner_id) and
-- that it brought (metadata.referred_by); and its own calls, where metadata.price_per_cost_unit says what one costs.
CREATE OR REPLACE FUNCTION hub_sync.partner_earnings(partner public.oem_partners, first_day date, last_day date)
RETURNS TABLE (kind text, money text, gross numeric, share_percent numeric, transactions bigint, people bigint) LANGUAGE sql STABLE AS $$
    SELECT r.kind, t.currency, round(sum(CASE t.transaction_type WHEN 'charge' THEN 1 ELSE -1 END * t.amount * (i.total_amount - coalesce(i.tax_amount, 0)) / i.total_amount), 2),
           r.share_percent, count(*), count(DISTINCT t.user_id)
    FROM (VALUES ('subscription', 'partner_id', coalesce(partner.revenue_share_percent, 0)),
                 ('referral', 'referred_by', coalesce(partner.referral_commission_percent, 0))) r (kind, key, share_percent)
    JOIN public.user_subscriptions s ON s.metadata ->> r.key = partner.id::text
    JOIN public.payment_transactions t ON t.subscription_id = s.id AND t.status = 'succeeded'
        AND hub_sync.date_of(coalesce(t.processed_at, t.transaction_date)) BETWEEN first_day AND last_day
    JOIN public.invoices i ON i.id = t.invoice_id
    GROUP BY r.kind, r.share_percent, t.currency
    UNION ALL
    SELECT 'api_usage', coalesce(partner.metadata ->> 'currency', 'USD'), round(sum(u.cost_units) * (partner.metadata ->> 'price_per_cost_unit')::numeric, 2),
           0, count(*), count(DISTINCT u.user_id)
    FROM ts.api_usage u
    WHERE u.partner_id = partner.id AND partner.metadata ? 'price_per_cost_unit' AND u.cost_units IS NOT NULL
      AND u.time >= first_day::timestamp AT TIME ZONE 'UTC' AND u.time < (last_day + 1)::timestamp AT TIME ZONE 'UTC'
    HAVING count(*) > 0
$$;

-- Writes down what a period of whole days, both included, has brought. A closed period stays as it is, and no day is closed
-- twice: the same period again answers the same rows, an overlapping one is refused. What is returned later counts later.
CREATE OR REPLACE FUNCTION public.b2b_close_period(for_partner uuid, first_day date, last_day date, as_of timestamptz DEFAULT now())
RETURNS SETOF public.b2b_revenue LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    partner oem_partners;
    computed constant text[] := ARRAY['subscription', 'referral', 'api_usage'];
BEGIN
    SELECT * INTO partner FROM oem_partners WHERE id = for_partner FOR NO KEY UPDATE;
    IF partner.id IS NULL OR last_day < first_day OR last_day >= hub_sync.date_of(as_of) THEN
        RAISE EXCEPTION USING ERRCODE = CASE WHEN partner.id IS NULL THEN 'PT404' ELSE 'PT409' END, DETAIL = 'period_refused', MESSAGE = CASE
            WHEN partner.id IS NULL THEN 'There is no such partner.'
            WHEN last_day < first_day THEN 'The period ends before it begins.'
            ELSE 'The period is not over yet.' END;
    END IF;
    IF NOT EXISTS (SELECT FROM b2b_revenue WHERE partner_id = partner.id AND revenue_type = ANY (computed) AND (period_start, period_end) = (first_day, last_day)) THEN
        IF EXISTS (SELECT FROM b2b_revenue WHERE partner_id = partner.id AND revenue_type = ANY (computed) AND period_start <= last_day AND period_end >= first_day) THEN
            RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'period_overlaps', MESSAGE = 'Some of these days are closed already.';
        END IF;
        INSERT INTO b2b_revenue (partner_id, revenue_type, period_start, period_end, gross_revenue, partner_share, nexa_share, currency,
                                 transaction_count, user_count, revenue_breakdown)
        SELECT partner.id, e.kind, first_day, last_day, e.gross, round(e.gross * e.share_percent / 100, 2), e.gross - round(e.gross * e.share_percent / 100, 2),
               e.money, e.transactions, e.people, jsonb_build_object('share_percent', e.share_percent)
        FROM (SELECT * FROM hub_sync.partner_earnings(partner, first_day, last_day)
              UNION ALL
              -- A period without revenue is closed all the same.
              SELECT 'subscription', 'USD', 0, coalesce(partner.revenue_share_percent, 0), 0, 0
              WHERE NOT EXISTS (SELECT FROM hub_sync.partner_earnings(partner, first_day, last_day))) e;
    END IF;
    RETURN QUERY SELECT * FROM b2b_revenue WHERE partner_id = partner.id AND revenue_type = ANY (computed)
        AND (period_start, period_end) = (first_day, last_day) ORDER BY revenue_type, currency;
END
$$;

REVOKE ALL ON FUNCTION public.oem_issue_key(uuid, text, text[], timestamptz, integer), public.oem_verify_key(text, text, timestamptz),
    public.oem_revoke_key(uuid), public.oem_rotate_key(uuid, interval, timestamptz), public.b2b_close_period(uuid, date, date, timestamptz)
    FROM PUBLIC, anon, authenticated, hub;
GRANT EXECUTE ON FUNCTION public.oem_issue_key(uuid, text, text[], timestamptz, integer), public.oem_verify_key(text, text, timestamptz),
    public.oem_revoke_key(uuid), public.oem_rotate_key(uuid, interval, timestamptz), public.b2b_close_period(uuid, date, date, timestamptz) TO service_role;
