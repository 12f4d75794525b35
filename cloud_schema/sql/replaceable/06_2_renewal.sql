-- How a subscription goes on and ends: renewal, cancellation, pauses, payments. People may cancel, and take that back,
-- for themselves; the rest is the operator's.

-- How long a subscription is served after an invoice's due date without payment.
CREATE OR REPLACE FUNCTION hub_sync.payment_grace_days() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 14';
-- How many periods of one subscription are made up for in one call, if nobody renewed for long.
CREATE OR REPLACE FUNCTION hub_sync.periods_renewed_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 24';

-- The person's own, or any for the operator. Somebody else's is as unknown as none.
CREATE OR REPLACE FUNCTION hub_sync.lock_own_subscription(wanted uuid) RETURNS public.user_subscriptions LANGUAGE plpgsql AS $$
BEGIN
    IF NOT hub_sync.is_operator() AND NOT EXISTS (SELECT FROM public.user_subscriptions WHERE id = wanted AND user_id = auth.uid()) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such subscription.', DETAIL = 'subscription_unknown';
    END IF;
    RETURN hub_sync.lock_subscription(wanted);
END
$$;

-- Ends a subscription at the end of what is paid for, or at once. What was paid is not returned by itself.
CREATE OR REPLACE FUNCTION public.billing_cancel(of_subscription uuid, at_period_end boolean DEFAULT true, as_of timestamptz DEFAULT now())
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    subscription user_subscriptions := hub_sync.lock_own_subscription(of_subscription);
    moment timestamptz := CASE WHEN hub_sync.is_operator() THEN as_of ELSE now() END;
BEGIN
    IF subscription.status NOT IN ('cancelled', 'inactive') THEN
        UPDATE user_subscriptions SET
            cancel_at_period_end = at_period_end AND status <> 'paused',
            status = CASE WHEN at_period_end AND status <> 'paused' THEN status ELSE 'cancelled' END,
            cancelled_at = coalesce(cancelled_at, moment),
            ended_at = CASE WHEN at_period_end AND status <> 'paused' THEN ended_at ELSE moment END,
            next_billing_date = NULL, scheduled_plan_change_id = NULL, scheduled_change_date = NULL
        WHERE id = subscription.id RETURNING * INTO subscription;
    END IF;
    RETURN hub_sync.subscription_answer(subscription, NULL);
END
$$;

-- Takes a cancellation back as long as the period has not ended.
CREATE OR REPLACE FUNCTION public.billing_keep(of_subscription uuid)
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    subscription user_subscriptions := hub_sync.lock_own_subscription(of_subscription);
BEGIN
    IF subscription.status IN ('cancelled', 'inactive') THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'subscription_ended', MESSAGE = 'This subscription has ended.', HINT = 'Subscribe again.';
    END IF;
    UPDATE user_subscriptions SET cancel_at_period_end = false, cancelled_at = NULL, next_billing_date = current_period_end
    WHERE id = subscription.id AND cancel_at_period_end RETURNING * INTO subscription;
    SELECT * INTO subscription FROM user_subscriptions WHERE id = of_subscription;
    RETURN hub_sync.subscription_answer(subscription, NULL);
END
$$;

CREATE OR REPLACE FUNCTION public.billing_pause(of_subscription uuid, as_of timestamptz DEFAULT now())
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    subscription user_subscriptions := hub_sync.lock_subscription(of_subscription);
BEGIN
    IF subscription.status <> 'paused' THEN
        UPDATE user_subscriptions SET status = 'paused', next_billing_date = NULL,
            metadata = coalesce(metadata, '{}') || jsonb_build_object('paused_at', as_of, 'paused_from', status)
        WHERE id = subscription.id RETURNING * INTO subscription;
    END IF;
    RETURN hub_sync.subscription_answer(subscription, NULL);
END
$$;

-- What was left of the period, the trial and the discount when it was paused is left now.
CREATE OR REPLACE FUNCTION public.billing_resume(of_subscription uuid, as_of timestamptz DEFAULT now())
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    subscription user_subscriptions := hub_sync.lock_subscription(of_subscription);
    paused_for interval := make_interval(secs => greatest(extract(epoch FROM as_of - (subscription.metadata ->> 'paused_at')::timestamptz), 0)::double precision);
BEGIN
    IF subscription.status = 'paused' THEN
        UPDATE user_subscriptions SET status = coalesce(metadata ->> 'paused_from', 'active')::subscription_status,
            current_period_start = current_period_start + paused_for, current_period_end = current_period_end + paused_for,
            next_billing_date = current_period_end + paused_for, trial_ends_at = CASE
                WHEN metadata ->> 'paused_from' = 'trialing' THEN trial_ends_at + paused_for ELSE trial_ends_at END,
            discount_ends_at = discount_ends_at + paused_for,
            metadata = metadata - ARRAY['paused_at', 'paused_from'] || jsonb_build_object('billing_anchor', current_period_end + paused_for)
        WHERE id = subscription.id RETURNING * INTO subscription;
    END IF;
    RETURN hub_sync.subscription_answer(subscription, NULL);
END
$$;

-- Moves one subscription, which the caller has locked, over every border up to a moment. Answers how many invoices that made.
CREATE OR REPLACE FUNCTION hub_sync.renew_subscription(subscription public.user_subscriptions, as_of timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    plan public.subscription_plans;
    wanted_interval text;
    border timestamptz;
    issued integer := 0;
    invoice public.invoices;
BEGIN
    FOR period IN 1..hub_sync.periods_renewed_max() LOOP
        border := subscription.current_period_end;
        EXIT WHEN border > as_of;
        IF subscription.cancel_at_period_end OR NOT coalesce(subscription.auto_renew, true) THEN
            UPDATE public.user_subscriptions SET ended_at = border,
                status = CASE WHEN cancel_at_period_end THEN 'cancelled' ELSE 'inactive' END::public.subscription_status
            WHERE id = subscription.id;
            RETURN issued;
        END IF;
        IF subscription.scheduled_change_date <= border THEN
            SELECT * INTO plan FROM public.subscription_plans WHERE id = subscription.scheduled_plan_change_id;
            wanted_interval := coalesce(subscription.metadata ->> 'scheduled_billing_interval', subscription.billing_interval);
            IF wanted_interval <> subscription.billing_interval THEN
                subscription.metadata := coalesce(subscription.metadata, '{}') || jsonb_build_object('billing_anchor', border);
                UPDATE public.user_subscriptions SET metadata = subscription.metadata WHERE id = subscription.id;
            END IF;
            subscription := hub_sync.with_plan(subscription, plan, wanted_interval, hub_sync.price_of(plan, wanted_interval));
        END IF;
        UPDATE public.user_subscriptions SET
            status = CASE WHEN status = 'trialing' THEN 'active' ELSE status END, api_calls_this_period = 0, current_period_start = border,
            current_period_end = hub_sync.period_end(hub_sync.anchor_of(subscription), billing_interval, border),
            next_billing_date = hub_sync.period_end(hub_sync.anchor_of(subscription), billing_interval, border)
        WHERE id = subscription.id RETURNING * INTO subscription;
        invoice := hub_sync.invoice_period(subscription, as_of);
        issued := issued + (invoice.id IS NOT NULL)::integer;
    END LOOP;
    RETURN issued;
END
$$;

-- Unpaid and past its date: overdue, and so is the subscription. Unpaid past the grace: it ends.
CREATE OR REPLACE FUNCTION hub_sync.dun(as_of timestamptz, at_most integer, only_subscription uuid, OUT past_due integer, OUT ended integer) LANGUAGE plpgsql AS $$
DECLARE
    today date := hub_sync.date_of(as_of);
    late uuid;
BEGIN
    past_due := 0;
    ended := 0;
    FOR late IN
        SELECT s.id FROM public.user_subscriptions s
        WHERE s.id IN (SELECT i.subscription_id FROM public.invoices i WHERE i.status = 'pending' AND i.due_date < today)
          AND (only_subscription IS NULL OR s.id = only_subscription)
        ORDER BY s.id LIMIT at_most FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        UPDATE public.invoices SET status = 'overdue' WHERE subscription_id = late AND status = 'pending' AND due_date < today;
        PERFORM hub_sync.settle_subscription(late);
        past_due := past_due + 1;
    END LOOP;
    -- Invoices that were settled by hand.
    FOR late IN
        SELECT s.id FROM public.user_subscriptions s
        WHERE s.status = 'past_due' AND (only_subscription IS NULL OR s.id = only_subscription)
          AND NOT EXISTS (SELECT FROM public.invoices i WHERE i.subscription_id = s.id AND i.status = 'overdue')
        ORDER BY s.id LIMIT at_most FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        PERFORM hub_sync.settle_subscription(late);
    END LOOP;
    FOR late IN
        SELECT s.id FROM public.user_subscriptions s
        WHERE s.status = 'past_due' AND (only_subscription IS NULL OR s.id = only_subscription)
          AND s.id IN (SELECT i.subscription_id FROM public.invoices i WHERE i.status = 'overdue' AND i.due_date + hub_sync.payment_grace_days() < today)
        ORDER BY s.id LIMIT at_most FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        UPDATE public.user_subscriptions SET status = 'inactive', ended_at = as_of WHERE id = late;
        ended := ended + 1;
    END LOOP;
END
$$;

-- Brings what is due up to a moment: periods, invoices, scheduled changes, ends of trials and of cancelled ones, overdue
-- invoices. Any number of workers may call it at once and again: each subscription is one worker's, each period is invoiced
-- once, and one that fails is named and does not stop the others. `more` asks to be called again.
CREATE OR REPLACE FUNCTION public.billing_renew(as_of timestamptz DEFAULT now(), at_most integer DEFAULT 500, only_subscription uuid DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    subscription user_subscriptions;
    dunned record;
    renewed integer := 0;
    invoiced integer := 0;
    failed jsonb := '[]';
BEGIN
    SELECT * INTO dunned FROM hub_sync.dun(as_of, at_most, only_subscription);
    FOR subscription IN
        SELECT * FROM user_subscriptions
        WHERE status IN ('trialing', 'active', 'past_due') AND current_period_end <= as_of
          AND (only_subscription IS NULL OR id = only_subscription)
        ORDER BY current_period_end, id LIMIT at_most FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        BEGIN
            invoiced := invoiced + hub_sync.renew_subscription(subscription, as_of);
            renewed := renewed + 1;
        EXCEPTION WHEN OTHERS THEN
            IF hub_sync.is_passing(SQLSTATE) THEN
                RAISE;
            END IF;
            failed := failed || jsonb_build_object('subscription_id', subscription.id, 'reason', SQLERRM);
        END;
    END LOOP;
    RETURN jsonb_build_object('renewed', renewed, 'invoiced', invoiced, 'past_due', dunned.past_due, 'ended_unpaid', dunned.ended, 'failed', failed,
        'more', renewed > 0 AND EXISTS (
            SELECT FROM user_subscriptions WHERE status IN ('trialing', 'active', 'past_due') AND current_period_end <= as_of
              AND (only_subscription IS NULL OR id = only_subscription)
              AND NOT failed @> jsonb_build_array(jsonb_build_object('subscription_id', id))));
END
$$;

-- What a payment provider tells about an invoice: kind charge, refund or chargeback; outcome pending, processing, succeeded,
-- failed or cancelled. The same transaction may be told any number of times, and in any order.
CREATE OR REPLACE FUNCTION public.billing_record_payment(
    of_invoice uuid, paid numeric, outcome text DEFAULT 'succeeded', kind text DEFAULT 'charge', provider text DEFAULT 'stripe',
    provider_id text DEFAULT NULL, as_of timestamptz DEFAULT now(), details jsonb DEFAULT '{}'
) RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    invoice invoices := hub_sync.lock_invoice(of_invoice);
    known payment_transactions;
    is_news boolean := true;
BEGIN
    IF invoice.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such invoice.', DETAIL = 'invoice_unknown';
    END IF;
    SELECT * INTO known FROM payment_transactions WHERE payment_provider = provider AND provider_transaction_id = provider_id FOR NO KEY UPDATE;
    IF known.id IS NULL THEN
        BEGIN
            INSERT INTO payment_transactions (
                user_id, invoice_id, subscription_id, transaction_type, amount, currency, status, payment_provider, provider_transaction_id,
                transaction_date, processed_at, payment_method_type, card_brand, card_last4, failure_code, failure_message, description
            ) VALUES (
                invoice.user_id, invoice.id, invoice.subscription_id, kind, paid, invoice.currency, outcome, provider, provider_id,
                as_of, CASE WHEN outcome IN ('succeeded', 'failed') THEN as_of END, details ->> 'payment_method_type', details ->> 'card_brand',
                details ->> 'card_last4', details ->> 'failure_code', details ->> 'failure_message', details ->> 'description'
            ) RETURNING * INTO known;
        EXCEPTION WHEN unique_violation THEN
            RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'payment_differs', MESSAGE = format('Transaction %s belongs to another invoice.', provider_id);
        END;
    ELSIF (known.invoice_id, known.transaction_type, known.amount) IS DISTINCT FROM (invoice.id, kind, round(paid, 2)) THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'payment_differs',
            MESSAGE = format('Transaction %s is known otherwise: %s of %s.', provider_id, known.transaction_type, known.amount);
    ELSIF known.status = outcome OR (known.status IN ('succeeded', 'failed', 'cancelled') AND outcome IN ('pending', 'processing')) THEN
        is_news := false;
    ELSE
        UPDATE payment_transactions SET status = outcome, processed_at = CASE WHEN outcome IN ('succeeded', 'failed') THEN as_of END,
            failure_code = details ->> 'failure_code', failure_message = details ->> 'failure_message'
        WHERE id = known.id;
    END IF;
    SELECT * INTO invoice FROM invoices WHERE id = of_invoice;
    RETURN jsonb_build_object('transaction_id', known.id, 'is_news', is_news, 'invoice_status', invoice.status,
        'amount_paid', invoice.amount_paid, 'amount_due', invoice.amount_due,
        'subscription_status', (SELECT status FROM user_subscriptions WHERE id = invoice.subscription_id));
END
$$;

-- Takes an unpaid invoice back; the credit that it used is there again.
CREATE OR REPLACE FUNCTION public.billing_void_invoice(of_invoice uuid, reason text)
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    invoice invoices := hub_sync.lock_invoice(of_invoice);
BEGIN
    IF invoice.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT404', MESSAGE = 'There is no such invoice.', DETAIL = 'invoice_unknown';
    ELSIF invoice.amount_paid > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'invoice_paid', MESSAGE = format('%s was paid on invoice %s.', invoice.amount_paid, invoice.invoice_number),
            HINT = 'Refund it instead.';
    END IF;
    UPDATE invoices SET status = 'void', amount_due = 0, notes = concat_ws(E'\n', notes, reason)
    WHERE id = invoice.id RETURNING * INTO invoice;
    INSERT INTO hub_subscription_credits (subscription_id, invoice_id, amount, reason)
    SELECT subscription_id, invoice_id, -sum(amount), 'the invoice was voided' FROM hub_subscription_credits
    WHERE invoice_id = invoice.id GROUP BY subscription_id, invoice_id HAVING sum(amount) <> 0;
    PERFORM hub_sync.settle_subscription(invoice.subscription_id);
    RETURN jsonb_build_object('invoice_id', invoice.id, 'status', invoice.status);
END
$$;

-- A home that is deleted is not billed for any longer.
CREATE OR REPLACE FUNCTION hub_sync.end_subscriptions_of_home() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE user_subscriptions SET status = 'cancelled' WHERE home_id = OLD.id AND status IN ('trialing', 'active', 'past_due', 'paused');
    RETURN OLD;
END
$$;

CREATE OR REPLACE TRIGGER end_subscriptions_of_home BEFORE DELETE ON homes FOR EACH ROW EXECUTE FUNCTION hub_sync.end_subscriptions_of_home();

REVOKE ALL ON FUNCTION public.billing_cancel(uuid, boolean, timestamptz), public.billing_keep(uuid), public.billing_pause(uuid, timestamptz),
    public.billing_resume(uuid, timestamptz), public.billing_renew(timestamptz, integer, uuid),
    public.billing_record_payment(uuid, numeric, text, text, text, text, timestamptz, jsonb), public.billing_void_invoice(uuid, text)
    FROM PUBLIC, anon, authenticated, hub;
GRANT EXECUTE ON FUNCTION public.billing_cancel(uuid, boolean, timestamptz), public.billing_keep(uuid) TO authenticated, service_role;
GRANT EXECUTE ON FUNCTION public.billing_pause(uuid, timestamptz), public.billing_resume(uuid, timestamptz),
    public.billing_renew(timestamptz, integer, uuid), public.billing_void_invoice(uuid, text),
    public.billing_record_payment(uuid, numeric, text, text, text, text, timestamptz, jsonb) TO service_role;
