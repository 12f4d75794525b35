-- Plans, subscriptions, invoices, coupons, partners and what they use. The rules that need more than a constraint are in
-- replaceable/06_billing.sql.

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
    UNIQUE (code)
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
    PRIMARY KEY (id)
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
    PRIMARY KEY (id)
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
    UNIQUE (api_key_hash)
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
    UNIQUE (plan_code)
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
    PRIMARY KEY (id)
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
    UNIQUE (invoice_number)
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
    PRIMARY KEY (id)
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
    PRIMARY KEY (id)
);
