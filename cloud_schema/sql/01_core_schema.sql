-- Core infrastructure: people, homes, rooms, the catalogue, devices and their states.
-- Columns, types, defaults and keys are the contract's; README.md lists the differences and their reasons.

DO $$ BEGIN
    CREATE TYPE action_status AS ENUM ('pending', 'in_progress', 'completed', 'failed', 'skipped', 'requires_manual');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE TYPE alert_severity AS ENUM ('info', 'warning', 'error', 'critical');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE TYPE alert_type AS ENUM ('device_offline', 'battery_low', 'firmware_update', 'security_vulnerability', 'unauthorized_access', 'predictive_failure', 'automation_failure', 'energy_anomaly', 'connectivity_issue', 'self_healing_completed', 'self_healing_failed');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE TYPE connectivity_status AS ENUM ('online', 'offline', 'weak', 'degraded', 'unknown');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE TYPE device_type AS ENUM ('light', 'switch', 'plug', 'thermostat', 'camera', 'doorbell', 'lock', 'sensor_motion', 'sensor_contact', 'sensor_temperature', 'sensor_humidity', 'sensor_leak', 'sensor_smoke', 'hvac', 'appliance', 'garage_door', 'blind', 'speaker', 'hub', 'router', 'bridge', 'other');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE TYPE protocol_type AS ENUM ('matter', 'thread', 'zigbee', 'zwave', 'wifi', 'bluetooth', 'ethernet', 'proprietary');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE TYPE subscription_status AS ENUM ('active', 'inactive', 'past_due', 'cancelled', 'trialing', 'paused');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE TYPE subscription_tier AS ENUM ('free', 'essential', 'secure', 'optimize', 'complete', 'enterprise');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE TYPE user_role AS ENUM ('homeowner', 'renter', 'property_manager', 'installer', 'oem_partner', 'admin', 'support');
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

CREATE TABLE IF NOT EXISTS users (
    id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    email text NOT NULL,
    full_name text,
    phone text,
    role user_role NOT NULL DEFAULT 'homeowner',
    avatar_url text,
    preferences jsonb DEFAULT '{}',
    timezone text DEFAULT 'UTC',
    language text DEFAULT 'en',
    is_active boolean DEFAULT true,
    email_verified boolean DEFAULT false,
    phone_verified boolean DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    last_login_at timestamptz,
    metadata jsonb DEFAULT '{}',
    PRIMARY KEY (id),
    UNIQUE (email)
);

CREATE TABLE IF NOT EXISTS homes (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    owner_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    address_line1 text,
    address_line2 text,
    city text,
    state text,
    postal_code text,
    country text DEFAULT 'US',
    coordinates point,
    timezone text DEFAULT 'UTC',
    square_footage integer,
    home_type text,
    construction_year integer,
    occupancy_status text
        CHECK (occupancy_status IN ('owner_occupied', 'rented', 'vacant')),
    metadata jsonb DEFAULT '{}',
    is_active boolean DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS home_members (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role text DEFAULT 'member'
        CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    permissions jsonb DEFAULT '{"view": true, "control": false, "configure": false}',
    invited_by uuid REFERENCES users (id),
    invited_at timestamptz,
    accepted_at timestamptz,
    is_active boolean DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (home_id, user_id)
);

CREATE TABLE IF NOT EXISTS rooms (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    name text NOT NULL,
    room_type text,
    floor_level integer DEFAULT 1,
    square_footage numeric(10,2),
    metadata jsonb DEFAULT '{}',
    sort_order integer DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (home_id, name)
);

CREATE TABLE IF NOT EXISTS brands (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    slug text NOT NULL,
    logo_url text,
    website text,
    support_url text,
    api_integration_available boolean DEFAULT false,
    oauth_config jsonb,
    is_active boolean DEFAULT true,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (name),
    UNIQUE (slug)
);

CREATE TABLE IF NOT EXISTS device_models (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    brand_id uuid NOT NULL REFERENCES brands (id) ON DELETE CASCADE,
    model_number text NOT NULL,
    model_name text NOT NULL,
    device_type device_type NOT NULL,
    supported_protocols protocol_type[] DEFAULT '{}',
    capabilities jsonb DEFAULT '{}',
    specifications jsonb DEFAULT '{}',
    firmware_info jsonb DEFAULT '{}',
    energy_profile jsonb,
    known_issues jsonb DEFAULT '[]',
    failure_patterns jsonb DEFAULT '[]',
    image_url text,
    manual_url text,
    is_supported boolean DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (brand_id, model_number)
);

CREATE TABLE IF NOT EXISTS ecosystems (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    slug text NOT NULL,
    provider text NOT NULL,
    logo_url text,
    api_version text,
    oauth_config jsonb,
    webhook_config jsonb,
    capabilities jsonb DEFAULT '{}',
    rate_limits jsonb,
    is_active boolean DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (name),
    UNIQUE (slug)
);

CREATE TABLE IF NOT EXISTS devices (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    room_id uuid REFERENCES rooms (id) ON DELETE SET NULL,
    brand_id uuid REFERENCES brands (id) ON DELETE SET NULL,
    device_model_id uuid REFERENCES device_models (id) ON DELETE SET NULL,
    device_name text NOT NULL,
    device_type device_type NOT NULL,
    manufacturer_device_id text,
    ecosystem_device_id text,
    mac_address macaddr,
    ip_address inet,
    connectivity_status connectivity_status DEFAULT 'unknown',
    primary_protocol protocol_type,
    supported_protocols protocol_type[] DEFAULT '{}',
    signal_strength integer,
    network_ssid text,
    firmware_version text,
    firmware_update_available boolean DEFAULT false,
    latest_firmware_version text,
    last_firmware_update_at timestamptz,
    power_source text
        CHECK (power_source IN ('battery', 'wired', 'solar')),
    battery_level integer CHECK (battery_level BETWEEN 0 AND 100),
    battery_voltage numeric(5,2),
    is_charging boolean,
    health_score integer DEFAULT 100 CHECK (health_score BETWEEN 0 AND 100),
    is_online boolean DEFAULT false,
    last_seen_at timestamptz,
    last_event_at timestamptz,
    error_count integer DEFAULT 0,
    warning_count integer DEFAULT 0,
    settings jsonb DEFAULT '{}',
    capabilities jsonb DEFAULT '{}',
    installed_at timestamptz,
    installed_by uuid REFERENCES users (id),
    warranty_expires_at timestamptz,
    purchase_date date,
    purchase_price numeric(10,2),
    tags text[] DEFAULT '{}',
    custom_fields jsonb DEFAULT '{}',
    is_favorite boolean DEFAULT false,
    is_active boolean DEFAULT true,
    notes text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    integration_platform varchar(50),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS device_groups (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    name text NOT NULL,
    description text,
    group_type text
        CHECK (group_type IN ('room', 'category', 'custom')),
    icon text,
    color text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (home_id, name)
);

CREATE TABLE IF NOT EXISTS device_group_members (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    group_id uuid NOT NULL REFERENCES device_groups (id) ON DELETE CASCADE,
    device_id uuid NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (group_id, device_id)
);

CREATE TABLE IF NOT EXISTS ts.device_states (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    device_id uuid NOT NULL,
    state jsonb NOT NULL,
    changed_fields text[],
    changed_by uuid,
    change_source text
        CHECK (change_source IN ('manual', 'automation', 'self_healing', 'ecosystem', 'device_update')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
);
SELECT ts.make_hypertable('ts.device_states', 'created_at', ARRAY['device_id'], 'created_at DESC, id', '7 days', '2 years');

CREATE TABLE IF NOT EXISTS surfaces (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    name text NOT NULL,
    type text NOT NULL
        CHECK (type IN ('smart_display', 'web_app', 'mobile_app', 'voice_assistant')),
    provider text NOT NULL
        CHECK (provider IN ('google', 'amazon', 'apple', 'nexa')),
    external_id text,
    capabilities jsonb DEFAULT '[]',
    location text,
    status text NOT NULL DEFAULT 'unknown'
        CHECK (status IN ('online', 'offline', 'unknown')),
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS user_ecosystem_connections (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    ecosystem_id uuid NOT NULL REFERENCES ecosystems (id) ON DELETE CASCADE,
    access_token text,
    refresh_token text,
    token_expires_at timestamptz,
    scope text[],
    connection_status text DEFAULT 'connected'
        CHECK (connection_status IN ('connected', 'disconnected', 'error')),
    last_sync_at timestamptz,
    error_message text,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (user_id, home_id, ecosystem_id),
    CONSTRAINT user_ecosystem_connections_access_token_sealed CHECK (access_token ~ '^sealed:v1:[0-9a-f]{8}:[A-Za-z0-9_-]{38,}$'),
    CONSTRAINT user_ecosystem_connections_refresh_token_sealed CHECK (refresh_token ~ '^sealed:v1:[0-9a-f]{8}:[A-Za-z0-9_-]{38,}$')
);

CREATE TABLE IF NOT EXISTS user_integrations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    platform varchar(50) NOT NULL
        CHECK (platform IN ('google', 'alexa', 'apple')),
    access_token text NOT NULL,
    refresh_token text,
    token_expiry timestamptz,
    is_active boolean DEFAULT true,
    last_synced_at timestamptz,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (user_id, platform),
    CONSTRAINT user_integrations_access_token_sealed CHECK (access_token ~ '^sealed:v1:[0-9a-f]{8}:[A-Za-z0-9_-]{38,}$'),
    CONSTRAINT user_integrations_refresh_token_sealed CHECK (refresh_token ~ '^sealed:v1:[0-9a-f]{8}:[A-Za-z0-9_-]{38,}$')
);

CREATE TABLE IF NOT EXISTS user_sessions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_fingerprint text,
    ip_address inet,
    user_agent text,
    location jsonb,
    is_active boolean DEFAULT true,
    last_activity_at timestamptz DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (id)
);
