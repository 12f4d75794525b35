-- Plans, subscriptions, invoices, coupons, partners and what they use. The rules that need more than a constraint are in
-- replaceable/06_*.sql. Money is kept in hundredths, and half a hundredth is rounded away from zero.

CREATE TABLE IF NOT EXISTS ts.api_usage (
    time timestamptz NOT NULL,
    user_id uuid,
    partner_id uuid,
    subscription_id uuid,
    endpoint text NOT NULL,
    method text NOT NULL,
    status_code integer,
    response_time_ms integer,
    request_size_bytes integer,
    response_size_bytes integer,
    api_key_id uuid,
    ip_address inet,
    user_agent text,
    cost_units numeric(10,4),
    created_at timestamptz NOT NULL DEFAULT now()
);
SELECT ts.make_hypertable('ts.api_usage', 'time', ARRAY['user_id', 'partner_id', 'endpoint'], 'time DESC', '30 days', '1 year');

CREATE TABLE IF NOT EXISTS coupons (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    code text NOT NULL,
    name text NOT NULL,
    discount_type text NOT NULL
        CHECK (discount_type IN ('percent', 'fixed_amount')),
    discount_value numeric(10,2) NOT NULL,
    currency text DEFAULT 'USD',
    applies_to_plans uuid[],
    applies_to_tiers subscription_tier[],
    duration text NOT NULL
        CHECK (duration IN ('once', 'repeating', 'forever')),
    duration_in_months integer,
    max_redemptions integer,
    redemptions_count integer DEFAULT 0,
    max_redemptions_per_user integer DEFAULT 1,
    valid_from timestamptz,
    valid_until timestamptz,
    is_active boolean DEFAULT true,
    description text,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (code),
    CONSTRAINT coupons_value_fits CHECK (discount_value > 0 AND (discount_type <> 'percent' OR discount_value <= 100)),
    CONSTRAINT coupons_repeating_says_how_long CHECK (duration <> 'repeating' OR coalesce(duration_in_months, 0) > 0),
    CONSTRAINT coupons_redeemed_within_limit CHECK (redemptions_count >= 0 AND redemptions_count <= coalesce(max_redemptions, redemptions_count)),
    CONSTRAINT coupons_valid_for_a_while CHECK (valid_until > valid_from)
);

CREATE TABLE IF NOT EXISTS oem_partners (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    company_name text NOT NULL,
    partner_type text NOT NULL
        CHECK (partner_type IN ('manufacturer', 'retailer', 'installer', 'property_manager')),
    contact_name text,
    contact_email text,
    contact_phone text,
    website text,
    tax_id text,
    business_address jsonb,
    partnership_tier text
        CHECK (partnership_tier IN ('bronze', 'silver', 'gold', 'platinum')),
    contract_start_date date,
    contract_end_date date,
    api_access_enabled boolean DEFAULT false,
    api_key_prefix text,
    api_rate_limit integer,
    revenue_share_percent numeric(5,2),
    referral_commission_percent numeric(5,2),
    integration_type text[]
        CHECK (integration_type <@ ARRAY['api', 'oauth', 'webhook']),
    webhook_url text,
    oauth_config jsonb,
    status text DEFAULT 'active'
        CHECK (status IN ('active', 'inactive', 'suspended')),
    logo_url text,
    brand_colors jsonb,
    white_label_enabled boolean DEFAULT false,
    notes text,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    CONSTRAINT oem_partners_shares_are_percents CHECK (revenue_share_percent BETWEEN 0 AND 100 AND referral_commission_percent BETWEEN 0 AND 100),
    CONSTRAINT oem_partners_api_rate_limit_not_negative CHECK (api_rate_limit >= 0),
    CONSTRAINT oem_partners_contract_in_order CHECK (contract_end_date >= contract_start_date)
);

CREATE TABLE IF NOT EXISTS b2b_revenue (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    partner_id uuid NOT NULL REFERENCES oem_partners (id) ON DELETE CASCADE,
    revenue_type text NOT NULL
        CHECK (revenue_type IN ('subscription', 'api_usage', 'referral', 'integration_fee')),
    period_start date NOT NULL,
    period_end date NOT NULL,
    gross_revenue numeric(10,2) NOT NULL,
    partner_share numeric(10,2) NOT NULL,
    nexa_share numeric(10,2) NOT NULL,
    currency text DEFAULT 'USD',
    transaction_count integer,
    user_count integer,
    device_count integer,
    payment_status text DEFAULT 'pending'
        CHECK (payment_status IN ('pending', 'paid', 'scheduled')),
    payment_date date,
    payment_reference text,
    revenue_breakdown jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    CONSTRAINT b2b_revenue_shares_add_up CHECK (partner_share + nexa_share = gross_revenue),
    CONSTRAINT b2b_revenue_period_in_order CHECK (period_end >= period_start)
);

CREATE TABLE IF NOT EXISTS oem_api_keys (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    partner_id uuid NOT NULL REFERENCES oem_partners (id) ON DELETE CASCADE,
    key_name text NOT NULL,
    api_key_hash text NOT NULL,
    key_prefix text NOT NULL,
    permissions jsonb DEFAULT '[]',
    scopes text[],
    rate_limit_per_hour integer,
    is_active boolean DEFAULT true,
    last_used_at timestamptz,
    usage_count integer DEFAULT 0,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (api_key_hash),
    CONSTRAINT oem_api_keys_stored_hashed CHECK (api_key_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT oem_api_keys_rate_limit_not_negative CHECK (rate_limit_per_hour >= 0)
);

CREATE TABLE IF NOT EXISTS subscription_plans (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    plan_code text NOT NULL,
    tier subscription_tier NOT NULL,
    plan_name text NOT NULL,
    display_name text NOT NULL,
    description text,
    tagline text,
    monthly_price numeric(10,2) NOT NULL,
    annual_price numeric(10,2),
    currency text DEFAULT 'USD',
    billing_interval text DEFAULT 'monthly'
        CHECK (billing_interval IN ('monthly', 'annual')),
    trial_period_days integer DEFAULT 0,
    features jsonb DEFAULT '[]',
    device_limit integer,
    home_limit integer,
    user_limit integer,
    automation_limit integer,
    scene_limit integer,
    api_rate_limit_per_hour integer,
    webhook_limit integer,
    data_retention_days integer,
    device_monitoring boolean DEFAULT true,
    diagnostics boolean DEFAULT true,
    predictive_failure boolean DEFAULT false,
    self_healing boolean DEFAULT false,
    security_scanning boolean DEFAULT false,
    energy_optimization boolean DEFAULT false,
    automation_repair boolean DEFAULT false,
    ai_insights boolean DEFAULT false,
    priority_support boolean DEFAULT false,
    is_b2b_plan boolean DEFAULT false,
    multi_property_support boolean DEFAULT false,
    white_label_available boolean DEFAULT false,
    api_access boolean DEFAULT false,
    is_active boolean DEFAULT true,
    is_public boolean DEFAULT true,
    available_regions text[] DEFAULT '{US}',
    sort_order integer DEFAULT 0,
    is_featured boolean DEFAULT false,
    is_popular boolean DEFAULT false,
    marketing_benefits jsonb DEFAULT '[]',
    comparison_highlights jsonb DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (plan_code),
    CONSTRAINT subscription_plans_prices_not_negative CHECK (monthly_price >= 0 AND annual_price >= 0),
    CONSTRAINT subscription_plans_currency_is_a_code CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT subscription_plans_trial_is_bounded CHECK (trial_period_days BETWEEN 0 AND 365),
    CONSTRAINT subscription_plans_limits_not_negative CHECK (
        least(device_limit, home_limit, user_limit, automation_limit, scene_limit, api_rate_limit_per_hour, webhook_limit, data_retention_days) >= 0)
);

CREATE TABLE IF NOT EXISTS user_subscriptions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    plan_id uuid NOT NULL REFERENCES subscription_plans (id),
    home_id uuid REFERENCES homes (id) ON DELETE SET NULL,
    status subscription_status NOT NULL DEFAULT 'active',
    billing_interval text NOT NULL
        CHECK (billing_interval IN ('monthly', 'annual')),
    amount numeric(10,2) NOT NULL,
    currency text DEFAULT 'USD',
    payment_provider text
        CHECK (payment_provider IN ('stripe', 'paypal', 'apple', 'google')),
    payment_provider_subscription_id text,
    payment_method_id text,
    started_at timestamptz NOT NULL DEFAULT now(),
    trial_ends_at timestamptz,
    current_period_start timestamptz NOT NULL,
    current_period_end timestamptz NOT NULL,
    cancelled_at timestamptz,
    cancel_at_period_end boolean DEFAULT false,
    ended_at timestamptz,
    auto_renew boolean DEFAULT true,
    next_billing_date timestamptz,
    previous_plan_id uuid REFERENCES subscription_plans (id),
    scheduled_plan_change_id uuid REFERENCES subscription_plans (id),
    scheduled_change_date timestamptz,
    coupon_code text,
    discount_amount numeric(10,2),
    discount_percent numeric(5,2),
    discount_ends_at timestamptz,
    devices_used integer DEFAULT 0,
    api_calls_this_period integer DEFAULT 0,
    billing_email text,
    billing_name text,
    billing_address jsonb,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    CONSTRAINT user_subscriptions_period_in_order CHECK (current_period_end > current_period_start),
    CONSTRAINT user_subscriptions_amounts_not_negative CHECK (amount >= 0 AND discount_amount >= 0),
    CONSTRAINT user_subscriptions_discount_is_a_percent CHECK (discount_percent BETWEEN 0 AND 100),
    CONSTRAINT user_subscriptions_ended_says_when CHECK (status <> 'cancelled' OR (ended_at IS NOT NULL AND cancelled_at IS NOT NULL)),
    CONSTRAINT user_subscriptions_trial_says_when CHECK (status <> 'trialing' OR trial_ends_at IS NOT NULL),
    CONSTRAINT user_subscriptions_change_is_dated CHECK ((scheduled_plan_change_id IS NULL) = (scheduled_change_date IS NULL)),
    CONSTRAINT user_subscriptions_counts_not_negative CHECK (devices_used >= 0 AND api_calls_this_period >= 0)
);

CREATE TABLE IF NOT EXISTS coupon_redemptions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    coupon_id uuid NOT NULL REFERENCES coupons (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    subscription_id uuid REFERENCES user_subscriptions (id),
    redeemed_at timestamptz NOT NULL DEFAULT now(),
    discount_amount numeric(10,2),
    metadata jsonb DEFAULT '{}',
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS invoices (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    invoice_number text NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    subscription_id uuid REFERENCES user_subscriptions (id),
    invoice_date date NOT NULL,
    due_date date,
    subtotal numeric(10,2) NOT NULL,
    tax_amount numeric(10,2) DEFAULT 0,
    discount_amount numeric(10,2) DEFAULT 0,
    total_amount numeric(10,2) NOT NULL,
    amount_paid numeric(10,2) DEFAULT 0,
    amount_due numeric(10,2) NOT NULL,
    currency text DEFAULT 'USD',
    status text NOT NULL
        CHECK (status IN ('draft', 'pending', 'paid', 'overdue', 'void', 'refunded')),
    paid_at timestamptz,
    payment_provider text,
    payment_provider_invoice_id text,
    payment_intent_id text,
    payment_method text,
    period_start date,
    period_end date,
    billing_email text,
    billing_name text,
    billing_address jsonb,
    invoice_pdf_url text,
    notes text,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (invoice_number),
    CONSTRAINT invoices_add_up CHECK (subtotal - coalesce(discount_amount, 0) + coalesce(tax_amount, 0) = total_amount),
    CONSTRAINT invoices_amounts_not_negative CHECK (least(subtotal, discount_amount, tax_amount, total_amount, amount_paid, amount_due) >= 0),
    CONSTRAINT invoices_discount_within_subtotal CHECK (discount_amount <= subtotal),
    CONSTRAINT invoices_due_and_paid_within_total CHECK (coalesce(amount_paid, 0) + amount_due <= total_amount),
    CONSTRAINT invoices_owe_what_their_status_says CHECK (
        CASE WHEN status IN ('pending', 'overdue') THEN amount_due > 0
             WHEN status = 'draft' THEN true
             ELSE amount_due = 0 END),
    CONSTRAINT invoices_paid_says_when CHECK (status NOT IN ('paid', 'refunded') OR paid_at IS NOT NULL),
    CONSTRAINT invoices_period_in_order CHECK (period_end >= period_start)
);

CREATE TABLE IF NOT EXISTS invoice_line_items (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    invoice_id uuid NOT NULL REFERENCES invoices (id) ON DELETE CASCADE,
    description text NOT NULL,
    item_type text
        CHECK (item_type IN ('subscription', 'addon', 'usage', 'fee')),
    quantity numeric(10,2) DEFAULT 1,
    unit_price numeric(10,2) NOT NULL,
    amount numeric(10,2) NOT NULL,
    taxable boolean DEFAULT true,
    tax_rate numeric(5,4),
    tax_amount numeric(10,2),
    period_start date,
    period_end date,
    plan_id uuid REFERENCES subscription_plans (id),
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    CONSTRAINT invoice_line_items_multiply CHECK (amount = round(coalesce(quantity, 1) * unit_price, 2)),
    CONSTRAINT invoice_line_items_tax_rate_is_a_share CHECK (tax_rate BETWEEN 0 AND 1),
    CONSTRAINT invoice_line_items_untaxed_has_no_tax CHECK (taxable OR coalesce(tax_amount, 0) = 0)
);

CREATE TABLE IF NOT EXISTS payment_transactions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    invoice_id uuid REFERENCES invoices (id),
    subscription_id uuid REFERENCES user_subscriptions (id),
    transaction_type text NOT NULL
        CHECK (transaction_type IN ('charge', 'refund', 'chargeback')),
    amount numeric(10,2) NOT NULL,
    currency text DEFAULT 'USD',
    status text NOT NULL
        CHECK (status IN ('pending', 'processing', 'succeeded', 'failed', 'cancelled')),
    payment_provider text NOT NULL
        CHECK (payment_provider IN ('stripe', 'paypal', 'apple', 'google')),
    provider_transaction_id text,
    provider_customer_id text,
    payment_method_type text
        CHECK (payment_method_type IN ('card', 'bank_account', 'apple_pay', 'google_pay')),
    card_brand text,
    card_last4 text,
    card_exp_month integer,
    card_exp_year integer,
    transaction_date timestamptz NOT NULL DEFAULT now(),
    processed_at timestamptz,
    failure_code text,
    failure_message text,
    description text,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    CONSTRAINT payment_transactions_amount_positive CHECK (amount > 0),
    CONSTRAINT payment_transactions_card_is_never_whole CHECK (card_last4 ~ '^[0-9]{4}$'),
    CONSTRAINT payment_transactions_card_month_exists CHECK (card_exp_month BETWEEN 1 AND 12)
);

-- Codes are typed by people: case does not tell two coupons apart.
CREATE UNIQUE INDEX IF NOT EXISTS coupons_code_in_any_case ON coupons (upper(code));
-- A person has one running subscription for a home, and one for no home in particular.
CREATE UNIQUE INDEX IF NOT EXISTS user_subscriptions_one_running ON user_subscriptions (user_id, home_id) NULLS NOT DISTINCT
    WHERE status IN ('trialing', 'active', 'past_due', 'paused');
-- A period is invoiced once, however many workers renew.
CREATE UNIQUE INDEX IF NOT EXISTS invoices_one_a_period ON invoices (subscription_id, (metadata ->> 'renews_from'))
    WHERE metadata ->> 'renews_from' IS NOT NULL AND status <> 'void';
-- Providers tell of one transaction several times.
CREATE UNIQUE INDEX IF NOT EXISTS payment_transactions_stored_once ON payment_transactions (payment_provider, provider_transaction_id)
    WHERE provider_transaction_id IS NOT NULL;
-- A partner's period is closed once.
CREATE UNIQUE INDEX IF NOT EXISTS b2b_revenue_closed_once ON b2b_revenue (partner_id, revenue_type, currency, period_start, period_end) NULLS NOT DISTINCT;
CREATE INDEX IF NOT EXISTS user_subscriptions_due ON user_subscriptions (current_period_end)
    WHERE status IN ('trialing', 'active', 'past_due');

-- Numbers of invoices have no gaps: a sequence would leave one at each rollback.
CREATE TABLE IF NOT EXISTS hub_invoice_numbers (
    year integer PRIMARY KEY,
    last_number integer NOT NULL CHECK (last_number > 0)
);

-- What a change to a cheaper plan left over: given with a positive amount, used by later invoices with a negative one.
CREATE TABLE IF NOT EXISTS hub_subscription_credits (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    subscription_id uuid NOT NULL REFERENCES user_subscriptions (id) ON DELETE CASCADE,
    invoice_id uuid REFERENCES invoices (id) ON DELETE CASCADE,
    amount numeric(10,2) NOT NULL CHECK (amount <> 0),
    reason text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS hub_subscription_credits_of ON hub_subscription_credits (subscription_id);
CREATE INDEX IF NOT EXISTS hub_subscription_credits_used_by ON hub_subscription_credits (invoice_id);
