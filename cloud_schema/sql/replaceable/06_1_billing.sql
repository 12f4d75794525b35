-- How a subscription begins and changes, and what is invoiced for it. Called by the operator's backend.
--
-- Money: hundredths, half a hundredth away from zero. Time: UTC, periods are half open, and month ends stay where they
-- began (31 Jan, 28 Feb, 31 Mar). A discount counts for a period that starts before it ends.

CREATE OR REPLACE FUNCTION hub_sync.invoice_due_days() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 7';

CREATE OR REPLACE FUNCTION hub_sync.date_of(moment timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (moment AT TIME ZONE 'UTC')::date
$$;

-- The first border of a period after a moment. All borders are whole months from the anchor, never from one another.
CREATE OR REPLACE FUNCTION hub_sync.period_end(anchor timestamptz, billed text, past timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    step constant integer := CASE billed WHEN 'annual' THEN 12 ELSE 1 END;
    first constant timestamp := anchor AT TIME ZONE 'UTC';
    after constant timestamp := past AT TIME ZONE 'UTC';
    steps integer := greatest(0, (12 * (extract(year FROM after) - extract(year FROM first)) + extract(month FROM after) - extract(month FROM first))::integer / step);
BEGIN
    WHILE first + make_interval(months => steps * step) <= after LOOP
        steps := steps + 1;
    END LOOP;
    RETURN (first + make_interval(months => steps * step)) AT TIME ZONE 'UTC';
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.anchor_of(subscription public.user_subscriptions) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce((subscription.metadata ->> 'billing_anchor')::timestamptz, subscription.trial_ends_at, subscription.started_at)
$$;

CREATE OR REPLACE FUNCTION hub_sync.price_of(plan public.subscription_plans, billed text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    price numeric := CASE billed WHEN 'monthly' THEN plan.monthly_price WHEN 'annual' THEN plan.annual_price END;
BEGIN
    IF price IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'interval_not_offered',
            MESSAGE = format('Plan %s is not sold %s.', plan.plan_code, coalesce(billed, 'without an interval'));
    END IF;
    RETURN price;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.plan_on_sale(wanted uuid) RETURNS public.subscription_plans LANGUAGE plpgsql STABLE AS $$
DECLARE
    plan public.subscription_plans;
BEGIN
    SELECT * INTO plan FROM public.subscription_plans WHERE id = wanted AND is_active;
    IF plan.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such plan on sale.', DETAIL = 'plan_unknown';
    END IF;
    RETURN plan;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.lock_subscription(wanted uuid) RETURNS public.user_subscriptions LANGUAGE plpgsql AS $$
DECLARE
    subscription public.user_subscriptions;
BEGIN
    SELECT * INTO subscription FROM public.user_subscriptions WHERE id = wanted FOR NO KEY UPDATE;
    IF subscription.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such subscription.', DETAIL = 'subscription_unknown';
    END IF;
    RETURN subscription;
END
$$;

-- What the subscription's coupon takes off the price of a period that starts then.
CREATE OR REPLACE FUNCTION hub_sync.discount_on(price numeric, subscription public.user_subscriptions, period_start timestamptz) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN subscription.coupon_code IS NULL OR period_start >= subscription.discount_ends_at THEN 0
        WHEN subscription.discount_percent IS NOT NULL THEN round(price * subscription.discount_percent / 100, 2)
        ELSE least(coalesce(subscription.discount_amount, 0), price) END
$$;

CREATE OR REPLACE FUNCTION hub_sync.coupon_fits(coupon public.coupons, plan public.subscription_plans) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT (coupon.applies_to_plans IS NULL OR plan.id = ANY (coupon.applies_to_plans))
       AND (coupon.applies_to_tiers IS NULL OR plan.tier = ANY (coupon.applies_to_tiers))
       AND (coupon.discount_type = 'percent' OR coalesce(coupon.currency, 'USD') = coalesce(plan.currency, 'USD'))
$$;

-- Without gaps within a year: the counter's row is locked until the invoice is committed or, with the number, undone.
-- It is always the last lock that a billing transaction takes.
CREATE OR REPLACE FUNCTION hub_sync.next_invoice_number(issued date) RETURNS text LANGUAGE sql VOLATILE AS $$
    INSERT INTO public.hub_invoice_numbers AS n (year, last_number) VALUES (extract(year FROM issued)::integer, 1)
    ON CONFLICT (year) DO UPDATE SET last_number = n.last_number + 1
    RETURNING format('NX-%s-%s', year, lpad(last_number::text, greatest(6, length(last_number::text)), '0'))
$$;

CREATE OR REPLACE FUNCTION hub_sync.credit_of(subscription uuid) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(amount), 0) FROM public.hub_subscription_credits WHERE subscription_id = subscription
$$;

-- Issues an invoice over lines [{description, amount, period_start, period_end, plan_id, item_type}], less a discount and what
-- is left of earlier changes. Tax is on what is asked for after both, at the rate in metadata.tax_rate, and is spread
-- over the lines so that they add up to it.
CREATE OR REPLACE FUNCTION hub_sync.issue_invoice(
    subscription public.user_subscriptions, lines jsonb, discount numeric, as_of timestamptz,
    covers_from timestamptz, covers_to timestamptz, renews_from timestamptz
) RETURNS public.invoices LANGUAGE plpgsql AS $$
DECLARE
    invoice public.invoices;
    issued date := hub_sync.date_of(as_of);
    charge numeric := (SELECT sum((line ->> 'amount')::numeric) FROM jsonb_array_elements(lines) line);
    credit numeric := least(hub_sync.credit_of(subscription.id), charge - discount);
    rate numeric := coalesce((subscription.metadata ->> 'tax_rate')::numeric, 0);
    tax numeric := round((charge - discount - credit) * rate, 2);
    total numeric := charge - discount - credit + tax;
BEGIN
    IF credit > 0 THEN
        lines := lines || jsonb_build_object('description', 'Credit from an earlier change', 'amount', -credit, 'item_type', 'subscription');
    END IF;
    INSERT INTO public.invoices (
        invoice_number, user_id, subscription_id, invoice_date, due_date, subtotal, discount_amount, tax_amount, total_amount, amount_due,
        currency, status, period_start, period_end, billing_email, billing_name, billing_address, payment_provider, metadata
    ) VALUES (
        hub_sync.next_invoice_number(issued), subscription.user_id, subscription.id, issued, issued + hub_sync.invoice_due_days(),
        charge - credit, discount, tax, total, total, coalesce(subscription.currency, 'USD'), 'draft',
        hub_sync.date_of(covers_from), hub_sync.date_of(covers_to), subscription.billing_email, subscription.billing_name,
        subscription.billing_address, subscription.payment_provider,
        CASE WHEN renews_from IS NULL THEN '{}' ELSE jsonb_build_object('renews_from', to_char(renews_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) END
    ) RETURNING * INTO invoice;
    INSERT INTO public.invoice_line_items (
        invoice_id, description, item_type, unit_price, amount, tax_rate, tax_amount, period_start, period_end, plan_id)
    SELECT invoice.id, line ->> 'description', coalesce(line ->> 'item_type', 'subscription'), amount, amount, rate,
           CASE WHEN invoice.subtotal = 0 THEN 0
                ELSE round(tax * up_to_here / invoice.subtotal, 2) - round(tax * (up_to_here - amount) / invoice.subtotal, 2) END,
           (line ->> 'period_start')::date, (line ->> 'period_end')::date, (line ->> 'plan_id')::uuid
    FROM (SELECT line, (line ->> 'amount')::numeric AS amount, sum((line ->> 'amount')::numeric) OVER (ORDER BY place) AS up_to_here
          FROM jsonb_array_elements(lines) WITH ORDINALITY l (line, place)) l;
    IF credit > 0 THEN
        INSERT INTO public.hub_subscription_credits (subscription_id, invoice_id, amount, reason, created_at)
        VALUES (subscription.id, invoice.id, -credit, 'used', as_of);
    END IF;
    UPDATE public.invoices SET status = CASE WHEN total = 0 THEN 'paid' ELSE 'pending' END, paid_at = CASE WHEN total = 0 THEN as_of END
    WHERE id = invoice.id RETURNING * INTO invoice;
    RETURN invoice;
END
$$;

-- The invoice of one period. A period that costs nothing has none.
CREATE OR REPLACE FUNCTION hub_sync.invoice_period(subscription public.user_subscriptions, as_of timestamptz) RETURNS public.invoices LANGUAGE plpgsql AS $$
DECLARE
    plan_name text := (SELECT display_name FROM public.subscription_plans WHERE id = subscription.plan_id);
    invoice public.invoices;
BEGIN
    IF subscription.amount > 0 THEN
        invoice := hub_sync.issue_invoice(subscription, jsonb_build_array(jsonb_build_object(
                'description', format('%s, %s', plan_name, subscription.billing_interval), 'amount', subscription.amount, 'plan_id', subscription.plan_id,
                'period_start', hub_sync.date_of(subscription.current_period_start), 'period_end', hub_sync.date_of(subscription.current_period_end))),
            hub_sync.discount_on(subscription.amount, subscription, subscription.current_period_start), as_of,
            subscription.current_period_start, subscription.current_period_end, subscription.current_period_start);
    END IF;
    RETURN invoice;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.subscription_answer(subscription public.user_subscriptions, invoice public.invoices) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'subscription_id', subscription.id, 'status', subscription.status, 'plan_id', subscription.plan_id,
        'billing_interval', subscription.billing_interval, 'amount', subscription.amount, 'currency', subscription.currency,
        'current_period_start', subscription.current_period_start, 'current_period_end', subscription.current_period_end,
        'cancel_at_period_end', subscription.cancel_at_period_end, 'credit', hub_sync.credit_of(subscription.id))
        || CASE WHEN invoice.id IS NULL THEN '{}' ELSE jsonb_build_object('invoice_id', invoice.id, 'invoice_number', invoice.invoice_number,
                'total_amount', invoice.total_amount, 'amount_due', invoice.amount_due) END
$$;

CREATE OR REPLACE FUNCTION hub_sync.redeem_coupon(
    given_code text, plan public.subscription_plans, subscription public.user_subscriptions, as_of timestamptz
) RETURNS public.user_subscriptions LANGUAGE plpgsql AS $$
DECLARE
    coupon public.coupons;
    anchor timestamptz := hub_sync.anchor_of(subscription);
BEGIN
    SELECT * INTO coupon FROM public.coupons WHERE upper(code) = upper(btrim(given_code)) FOR NO KEY UPDATE;
    IF coupon.id IS NULL OR NOT hub_sync.coupon_fits(coupon, plan) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'coupon_refused',
            MESSAGE = format(CASE WHEN coupon.id IS NULL THEN 'Coupon %s is unknown.' ELSE 'Coupon %s is not for this plan.' END, btrim(given_code));
    END IF;
    UPDATE public.user_subscriptions SET coupon_code = coupon.code,
        discount_percent = CASE WHEN coupon.discount_type = 'percent' THEN coupon.discount_value END,
        discount_amount = CASE WHEN coupon.discount_type = 'fixed_amount' THEN coupon.discount_value END,
        discount_ends_at = CASE coupon.duration
            WHEN 'once' THEN hub_sync.period_end(anchor, subscription.billing_interval, anchor)
            WHEN 'repeating' THEN (anchor AT TIME ZONE 'UTC' + make_interval(months => coupon.duration_in_months)) AT TIME ZONE 'UTC' END
    WHERE id = subscription.id RETURNING * INTO subscription;
    INSERT INTO public.coupon_redemptions (coupon_id, user_id, subscription_id, redeemed_at, discount_amount)
    VALUES (coupon.id, subscription.user_id, subscription.id, as_of, hub_sync.discount_on(subscription.amount, subscription, anchor));
    RETURN subscription;
END
$$;

-- details: what the subscription shall know besides: tax_rate (0.25), partner_id, referred_by, billing_email, payment_provider ...
CREATE OR REPLACE FUNCTION public.billing_subscribe(
    for_user uuid, to_plan uuid, for_home uuid DEFAULT NULL, billed text DEFAULT 'monthly', coupon text DEFAULT NULL,
    as_of timestamptz DEFAULT now(), details jsonb DEFAULT '{}'
) RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    plan subscription_plans := hub_sync.plan_on_sale(to_plan);
    price numeric := hub_sync.price_of(plan, billed);
    subscription user_subscriptions;
    invoice invoices;
    trial_end timestamptz;
BEGIN
    IF for_home IS NOT NULL AND NOT EXISTS (
            SELECT FROM homes h WHERE h.id = for_home AND (h.owner_id = for_user OR EXISTS (
                SELECT FROM home_members m WHERE m.home_id = h.id AND m.user_id = for_user AND m.is_active))) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such home, or it is not this person''s.', DETAIL = 'home_unknown';
    END IF;
    -- One trial a person: a second subscription begins at once.
    IF coalesce(plan.trial_period_days, 0) > 0 AND NOT EXISTS (
            SELECT FROM user_subscriptions WHERE user_id = for_user AND trial_ends_at IS NOT NULL) THEN
        trial_end := as_of + make_interval(hours => 24 * plan.trial_period_days);
    END IF;
    BEGIN
        INSERT INTO user_subscriptions (
            user_id, plan_id, home_id, status, billing_interval, amount, currency, started_at, trial_ends_at, current_period_start,
            current_period_end, next_billing_date, payment_provider, billing_email, billing_name, billing_address, metadata
        ) VALUES (
            for_user, plan.id, for_home, CASE WHEN trial_end IS NULL THEN 'active' ELSE 'trialing' END::subscription_status, billed, price,
            coalesce(plan.currency, 'USD'), as_of, trial_end, as_of, coalesce(trial_end, hub_sync.period_end(as_of, billed, as_of)),
            coalesce(trial_end, hub_sync.period_end(as_of, billed, as_of)), details ->> 'payment_provider', details ->> 'billing_email',
            details ->> 'billing_name', details -> 'billing_address',
            details - ARRAY['payment_provider', 'billing_email', 'billing_name', 'billing_address'] || jsonb_build_object('billing_anchor', coalesce(trial_end, as_of))
        ) RETURNING * INTO subscription;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'already_subscribed', MESSAGE = 'This person already has a running subscription here.',
            HINT = 'Change it with billing_change_plan.';
    END;
    IF coupon IS NOT NULL THEN
        subscription := hub_sync.redeem_coupon(coupon, plan, subscription, as_of);
    END IF;
    IF trial_end IS NULL THEN
        invoice := hub_sync.invoice_period(subscription, as_of);
    END IF;
    RETURN hub_sync.subscription_answer(subscription, invoice);
END
$$;

-- takes_effect: 'now' or 'period_end'. Now: the unused rest of what was paid is credited, the rest of the new price is
-- charged, both to the hundredth; what is left over waits for the next invoice. Another interval begins a new period.
CREATE OR REPLACE FUNCTION public.billing_change_plan(
    of_subscription uuid, to_plan uuid, takes_effect text DEFAULT 'now', billed text DEFAULT NULL, as_of timestamptz DEFAULT now()
) RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    subscription user_subscriptions := hub_sync.lock_subscription(of_subscription);
    plan subscription_plans := hub_sync.plan_on_sale(to_plan);
    interval_wanted text := coalesce(billed, subscription.billing_interval);
    price numeric := hub_sync.price_of(plan, interval_wanted);
    invoice invoices;
BEGIN
    IF subscription.status NOT IN ('trialing', 'active') OR subscription.cancel_at_period_end OR as_of >= subscription.current_period_end
       OR as_of < subscription.current_period_start OR coalesce(plan.currency, 'USD') <> coalesce(subscription.currency, 'USD')
       OR takes_effect NOT IN ('now', 'period_end') THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'change_refused', MESSAGE = CASE
            WHEN takes_effect NOT IN ('now', 'period_end') THEN 'A change takes effect now or at period_end.'
            WHEN subscription.status NOT IN ('trialing', 'active') THEN format('A subscription that is %s cannot change its plan.', subscription.status)
            WHEN subscription.cancel_at_period_end THEN 'This subscription is cancelled at the end of its period.'
            WHEN coalesce(plan.currency, 'USD') <> coalesce(subscription.currency, 'USD')
                THEN format('Plan %s is sold in %s, the subscription is in %s.', plan.plan_code, plan.currency, subscription.currency)
            ELSE 'The moment lies outside the current period: renew first.' END,
            HINT = CASE WHEN subscription.status = 'past_due' THEN 'Pay the open invoice first.' ELSE '' END;
    END IF;
    IF takes_effect = 'period_end' THEN
        UPDATE user_subscriptions SET scheduled_plan_change_id = plan.id, scheduled_change_date = current_period_end,
            metadata = coalesce(metadata, '{}') || jsonb_build_object('scheduled_billing_interval', interval_wanted)
        WHERE id = subscription.id RETURNING * INTO subscription;
        RETURN hub_sync.subscription_answer(subscription, NULL);
    END IF;
    invoice := hub_sync.change_now(subscription, plan, interval_wanted, price, as_of);
    SELECT * INTO subscription FROM user_subscriptions WHERE id = of_subscription;
    RETURN hub_sync.subscription_answer(subscription, invoice);
END
$$;

-- Puts a plan in the place of the subscription's. A coupon that is not for it counts no more, from this period on; one for
-- a single period is not taken into a new and longer one.
CREATE OR REPLACE FUNCTION hub_sync.with_plan(
    subscription public.user_subscriptions, plan public.subscription_plans, billed text, price numeric
) RETURNS public.user_subscriptions LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.user_subscriptions s SET
        previous_plan_id = s.plan_id, plan_id = plan.id, amount = price, billing_interval = billed,
        scheduled_plan_change_id = NULL, scheduled_change_date = NULL, metadata = coalesce(metadata, '{}') - 'scheduled_billing_interval',
        discount_ends_at = CASE
            WHEN EXISTS (SELECT FROM public.coupons c WHERE c.code = s.coupon_code AND (NOT hub_sync.coupon_fits(c, plan)
                OR (c.duration = 'once' AND s.status <> 'trialing' AND s.billing_interval <> billed)))
            THEN least(s.discount_ends_at, s.current_period_start) ELSE s.discount_ends_at END
    WHERE s.id = subscription.id RETURNING * INTO subscription;
    RETURN subscription;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.change_now(
    subscription public.user_subscriptions, plan public.subscription_plans, billed text, price numeric, as_of timestamptz
) RETURNS public.invoices LANGUAGE plpgsql AS $$
DECLARE
    old public.user_subscriptions := subscription;
    old_name text := (SELECT display_name FROM public.subscription_plans WHERE id = old.plan_id);
    same_period boolean := billed = old.billing_interval;
    credit numeric;
    charge numeric;
    discount numeric;
    invoice public.invoices;
BEGIN
    subscription := hub_sync.with_plan(subscription, plan, billed, price);
    IF old.status = 'trialing' THEN
        RETURN invoice;  -- nothing was paid for the trial, and it goes on
    END IF;
    credit := round((old.amount - hub_sync.discount_on(old.amount, old, old.current_period_start))
        * extract(epoch FROM old.current_period_end - as_of) / extract(epoch FROM old.current_period_end - old.current_period_start), 2);
    discount := hub_sync.discount_on(price, subscription, CASE WHEN same_period THEN old.current_period_start ELSE as_of END);
    IF same_period THEN
        charge := round((price - discount)
            * extract(epoch FROM old.current_period_end - as_of) / extract(epoch FROM old.current_period_end - old.current_period_start), 2);
    ELSE
        charge := price - discount;
        UPDATE public.user_subscriptions SET current_period_start = as_of, current_period_end = hub_sync.period_end(as_of, billed, as_of),
            next_billing_date = hub_sync.period_end(as_of, billed, as_of), metadata = metadata || jsonb_build_object('billing_anchor', as_of)
        WHERE id = subscription.id RETURNING * INTO subscription;
    END IF;
    IF charge > credit THEN
        invoice := hub_sync.issue_invoice(subscription, jsonb_build_array(
                jsonb_build_object('description', format('%s, from %s', plan.display_name, hub_sync.date_of(as_of)), 'amount', charge, 'plan_id', plan.id,
                    'period_start', hub_sync.date_of(as_of), 'period_end', hub_sync.date_of(subscription.current_period_end)),
                jsonb_build_object('description', format('%s, unused from %s', old_name, hub_sync.date_of(as_of)), 'amount', -credit, 'plan_id', old.plan_id,
                    'period_start', hub_sync.date_of(as_of), 'period_end', hub_sync.date_of(old.current_period_end))),
            0, as_of, as_of, subscription.current_period_end, NULL);
    ELSIF charge < credit THEN
        INSERT INTO public.hub_subscription_credits (subscription_id, amount, reason, created_at)
        VALUES (subscription.id, credit - charge, format('%s instead of %s', plan.display_name, old_name), as_of);
    END IF;
    RETURN invoice;
END
$$;

REVOKE ALL ON FUNCTION public.billing_subscribe(uuid, uuid, uuid, text, text, timestamptz, jsonb),
    public.billing_change_plan(uuid, uuid, text, text, timestamptz) FROM PUBLIC, anon, authenticated, hub;
GRANT EXECUTE ON FUNCTION public.billing_subscribe(uuid, uuid, uuid, text, text, timestamptz, jsonb),
    public.billing_change_plan(uuid, uuid, text, text, timestamptz) TO service_role;
