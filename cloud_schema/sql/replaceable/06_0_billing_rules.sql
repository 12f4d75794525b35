-- What holds for subscriptions, invoices, coupons and payments whoever writes them. The functions that operators call are
-- in 06_1_billing.sql and 06_2_renewal.sql; FLOWS.md draws the whole.

CREATE OR REPLACE FUNCTION public.handle_subscription_status_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed constant jsonb := '{
        "trialing": ["active", "past_due", "paused", "cancelled", "inactive"],
        "active": ["past_due", "paused", "cancelled", "inactive"],
        "past_due": ["active", "cancelled", "inactive"],
        "paused": ["active", "trialing", "cancelled", "inactive"],
        "inactive": ["cancelled"],
        "cancelled": []}';
BEGIN
    IF NOT allowed -> OLD.status::text ? NEW.status::text THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'subscription_status',
            MESSAGE = format('A subscription that is %s cannot become %s.', OLD.status, NEW.status),
            HINT = CASE WHEN OLD.status IN ('cancelled', 'inactive') THEN 'It has ended: subscribe again.' ELSE '' END;
    END IF;
    IF NEW.status IN ('cancelled', 'inactive') THEN
        NEW.ended_at := coalesce(NEW.ended_at, now());
        NEW.auto_renew := false;
        NEW.next_billing_date := NULL;
        NEW.scheduled_plan_change_id := NULL;
        NEW.scheduled_change_date := NULL;
    END IF;
    IF NEW.status = 'cancelled' THEN
        NEW.cancelled_at := coalesce(NEW.cancelled_at, NEW.ended_at);
    END IF;
    RETURN NEW;
END
$$;

-- Once issued, an invoice only learns what became of it: paid, overdue, void, refunded.
CREATE OR REPLACE FUNCTION hub_sync.guard_invoice() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    allowed constant jsonb := '{
        "draft": ["pending", "paid", "void"], "pending": ["paid", "overdue", "void"], "overdue": ["paid", "pending", "void"],
        "paid": ["refunded", "overdue"], "refunded": [], "void": []}';
    stays constant text[] := ARRAY['id', 'invoice_number', 'user_id', 'subscription_id', 'invoice_date', 'due_date', 'subtotal', 'tax_amount',
        'discount_amount', 'total_amount', 'currency', 'period_start', 'period_end', 'billing_email', 'billing_name', 'billing_address'];
    changed text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' AND EXISTS (SELECT FROM users WHERE id = OLD.user_id) THEN
            RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'invoice_issued',
                MESSAGE = format('Invoice %s is issued and cannot be deleted.', OLD.invoice_number),
                HINT = 'Void it with billing_void_invoice, or refund it.';
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.status <> OLD.status AND NOT allowed -> OLD.status ? NEW.status THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'invoice_status',
            MESSAGE = format('Invoice %s is %s and cannot become %s.', OLD.invoice_number, OLD.status, NEW.status);
    END IF;
    IF OLD.status <> 'draft' THEN
        SELECT string_agg(name, ', ' ORDER BY name) INTO changed FROM unnest(stays) name
        WHERE to_jsonb(OLD) -> name IS DISTINCT FROM to_jsonb(NEW) -> name;
        IF changed IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'invoice_issued',
                MESSAGE = format('Invoice %s is issued: %s cannot change.', OLD.invoice_number, changed),
                HINT = 'Void it with billing_void_invoice and issue another.';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.guard_invoice_lines() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    issued text;
BEGIN
    SELECT string_agg(invoice_number, ', ') INTO issued FROM invoices
    WHERE id IN (CASE WHEN TG_OP <> 'DELETE' THEN NEW.invoice_id END, CASE WHEN TG_OP <> 'INSERT' THEN OLD.invoice_id END) AND status <> 'draft';
    IF issued IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'invoice_issued',
            MESSAGE = format('Invoice %s is issued: its lines cannot change.', issued);
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;

-- Looked at when the transaction ends, because invoice and lines are written one after the other. A draft may still be
-- incomplete.
CREATE OR REPLACE FUNCTION hub_sync.check_invoice_sum() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    invoice invoices;
    lines numeric;
    taxes numeric;
BEGIN
    SELECT * INTO invoice FROM invoices WHERE id = NEW.id;
    IF NOT FOUND OR invoice.status IN ('draft', 'void') THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(sum(amount), 0), coalesce(sum(tax_amount), 0) INTO lines, taxes FROM invoice_line_items WHERE invoice_id = invoice.id;
    IF lines <> invoice.subtotal OR taxes <> coalesce(invoice.tax_amount, 0) THEN
        RAISE EXCEPTION USING ERRCODE = '23514', DETAIL = 'invoice_sum',
            MESSAGE = format('Invoice %s does not add up: its lines are %s with %s tax, the invoice says %s with %s.',
                invoice.invoice_number, lines, taxes, invoice.subtotal, coalesce(invoice.tax_amount, 0));
    END IF;
    RETURN NULL;
END
$$;

-- The coupon's row is locked until the transaction ends, so the last redemption is given to one person only.
CREATE OR REPLACE FUNCTION hub_sync.count_redemption() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    coupon coupons;
    refusal text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE coupons SET redemptions_count = greatest(coalesce(redemptions_count, 0) - 1, 0) WHERE id = OLD.coupon_id;
        RETURN NULL;
    END IF;
    SELECT * INTO coupon FROM coupons WHERE id = NEW.coupon_id FOR NO KEY UPDATE;
    refusal := CASE
        WHEN coupon.id IS NULL THEN 'unknown'
        WHEN NOT coalesce(coupon.is_active, true) THEN 'no longer active'
        WHEN NEW.redeemed_at < coupon.valid_from THEN 'not valid yet'
        WHEN NEW.redeemed_at >= coupon.valid_until THEN 'no longer valid'
        WHEN coupon.redemptions_count >= coupon.max_redemptions THEN 'used up'
        WHEN (SELECT count(*) FROM coupon_redemptions r WHERE r.coupon_id = coupon.id AND r.user_id = NEW.user_id)
            >= coupon.max_redemptions_per_user THEN 'used up by this person'
    END;
    IF refusal IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'coupon_refused',
            MESSAGE = format('Coupon %s is %s.', coalesce(coupon.code, NEW.coupon_id::text), refusal);
    END IF;
    UPDATE coupons SET redemptions_count = coalesce(redemptions_count, 0) + 1 WHERE id = coupon.id;
    RETURN NEW;
END
$$;

-- Locks in the order that every billing function keeps: subscription, then invoice. Never FOR UPDATE, which would wait for
-- each row that merely points here.
CREATE OR REPLACE FUNCTION hub_sync.lock_invoice(wanted uuid) RETURNS public.invoices LANGUAGE plpgsql AS $$
DECLARE
    invoice public.invoices;
BEGIN
    PERFORM FROM public.user_subscriptions WHERE id = (SELECT subscription_id FROM public.invoices WHERE id = wanted) FOR NO KEY UPDATE;
    SELECT * INTO invoice FROM public.invoices WHERE id = wanted FOR NO KEY UPDATE;
    RETURN invoice;
END
$$;

-- A subscription is past due exactly as long as one of its invoices is overdue.
CREATE OR REPLACE FUNCTION hub_sync.settle_subscription(of_subscription uuid) RETURNS void LANGUAGE sql AS $$
    UPDATE public.user_subscriptions s SET status = CASE WHEN o.is_overdue THEN 'past_due' ELSE 'active' END::public.subscription_status
    FROM (SELECT EXISTS (SELECT FROM public.invoices WHERE subscription_id = of_subscription AND status = 'overdue') AS is_overdue) o
    WHERE s.id = of_subscription
      AND ((o.is_overdue AND s.status = 'active') OR (NOT o.is_overdue AND s.status = 'past_due'))
$$;

-- Brings an invoice to what its transactions say. Refunds are a kindness: what they returned is not owed again. A chargeback
-- takes the money back without asking: it is owed again.
CREATE OR REPLACE FUNCTION hub_sync.settle_invoice(wanted uuid, has_failed boolean, as_of timestamptz) RETURNS public.invoices LANGUAGE plpgsql AS $$
DECLARE
    invoice public.invoices := hub_sync.lock_invoice(wanted);
    charged numeric;
    refunded numeric;
    reclaimed numeric;
    owed numeric;
    outcome text;
BEGIN
    SELECT coalesce(sum(amount) FILTER (WHERE transaction_type = 'charge'), 0), coalesce(sum(amount) FILTER (WHERE transaction_type = 'refund'), 0),
           coalesce(sum(amount) FILTER (WHERE transaction_type = 'chargeback'), 0)
    INTO charged, refunded, reclaimed FROM public.payment_transactions WHERE invoice_id = wanted AND status = 'succeeded';
    IF refunded + reclaimed > charged THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'refund_exceeds_payment',
            MESSAGE = format('Invoice %s was paid %s: %s cannot be returned.', invoice.invoice_number, charged, refunded + reclaimed);
    END IF;
    owed := invoice.total_amount - charged + reclaimed;
    IF owed < 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'overpaid',
            MESSAGE = format('Invoice %s is %s: %s is too much.', invoice.invoice_number, invoice.total_amount, charged - reclaimed);
    END IF;
    outcome := CASE
        WHEN owed = 0 AND charged > 0 AND charged = refunded + reclaimed THEN 'refunded'
        WHEN owed = 0 THEN 'paid'
        WHEN reclaimed > 0 OR has_failed OR invoice.status = 'overdue' THEN 'overdue'
        ELSE invoice.status END;
    UPDATE public.invoices SET status = outcome, amount_paid = charged - refunded - reclaimed, amount_due = owed,
        paid_at = CASE WHEN outcome IN ('paid', 'refunded') THEN coalesce(paid_at, as_of) END
    WHERE id = wanted RETURNING * INTO invoice;
    PERFORM hub_sync.settle_subscription(invoice.subscription_id);
    RETURN invoice;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.guard_payment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    invoice invoices;
    final constant text[] := ARRAY['succeeded', 'failed', 'cancelled'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM users WHERE id = OLD.user_id) THEN
            RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'payment_kept', MESSAGE = 'Payments are kept: they cannot be deleted.';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.invoice_id, OLD.user_id, OLD.amount, OLD.currency, OLD.transaction_type)
            IS DISTINCT FROM (NEW.invoice_id, NEW.user_id, NEW.amount, NEW.currency, NEW.transaction_type)
        OR TG_OP = 'UPDATE' AND OLD.status = ANY (final) AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'payment_differs',
            MESSAGE = format('Transaction %s is known otherwise: %s %s %s, %s.', coalesce(OLD.provider_transaction_id, OLD.id::text),
                OLD.transaction_type, OLD.amount, OLD.currency, OLD.status);
    END IF;
    IF NEW.invoice_id IS NULL OR TG_OP = 'UPDATE' THEN
        RETURN NEW;
    END IF;
    invoice := hub_sync.lock_invoice(NEW.invoice_id);
    IF invoice.status IN ('draft', 'void') OR (invoice.status IN ('paid', 'refunded') AND NEW.transaction_type = 'charge' AND NEW.status <> 'failed') THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'invoice_status',
            MESSAGE = format('Invoice %s is %s: it takes no %s.', invoice.invoice_number, invoice.status, NEW.transaction_type);
    END IF;
    IF invoice.currency IS DISTINCT FROM NEW.currency OR invoice.user_id <> NEW.user_id THEN
        RAISE EXCEPTION USING ERRCODE = 'PT409', DETAIL = 'payment_misfits',
            MESSAGE = format('Invoice %s is in %s and another person''s or currency''s payment cannot settle it.', invoice.invoice_number, invoice.currency);
    END IF;
    NEW.subscription_id := coalesce(NEW.subscription_id, invoice.subscription_id);
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.settle_payment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM hub_sync.settle_invoice(NEW.invoice_id, NEW.status = 'failed' AND NEW.transaction_type = 'charge',
                                    coalesce(NEW.processed_at, NEW.transaction_date));
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER subscription_status_change_trigger BEFORE UPDATE ON user_subscriptions
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION handle_subscription_status_change();
CREATE OR REPLACE TRIGGER guard_invoice_trigger BEFORE UPDATE OR DELETE ON invoices
    FOR EACH ROW EXECUTE FUNCTION hub_sync.guard_invoice();
CREATE OR REPLACE TRIGGER guard_invoice_lines_trigger BEFORE INSERT OR UPDATE OR DELETE ON invoice_line_items
    FOR EACH ROW EXECUTE FUNCTION hub_sync.guard_invoice_lines();
DROP TRIGGER IF EXISTS check_invoice_sum_trigger ON invoices;
-- Lines change only while their invoice is a draft, so the invoice's own change is the moment to look.
CREATE CONSTRAINT TRIGGER check_invoice_sum_trigger AFTER INSERT OR UPDATE ON invoices
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hub_sync.check_invoice_sum();
CREATE OR REPLACE TRIGGER count_redemption_trigger BEFORE INSERT ON coupon_redemptions
    FOR EACH ROW EXECUTE FUNCTION hub_sync.count_redemption();
CREATE OR REPLACE TRIGGER uncount_redemption_trigger AFTER DELETE ON coupon_redemptions
    FOR EACH ROW EXECUTE FUNCTION hub_sync.count_redemption();
CREATE OR REPLACE TRIGGER guard_payment_trigger BEFORE INSERT OR UPDATE OR DELETE ON payment_transactions
    FOR EACH ROW EXECUTE FUNCTION hub_sync.guard_payment();
CREATE OR REPLACE TRIGGER settle_payment_trigger AFTER INSERT OR UPDATE OF status ON payment_transactions
    FOR EACH ROW WHEN (NEW.invoice_id IS NOT NULL) EXECUTE FUNCTION hub_sync.settle_payment();

REVOKE ALL ON FUNCTION public.handle_subscription_status_change() FROM PUBLIC, anon, authenticated, hub;
