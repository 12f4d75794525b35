-- Telemetry and monitoring: what devices measure, and how well they are.

CREATE TABLE IF NOT EXISTS ts.device_telemetry (
    time timestamptz NOT NULL,
    device_id uuid NOT NULL,
    metric_type text NOT NULL,
    value double precision,
    unit text,
    quality_score integer CHECK (quality_score BETWEEN 0 AND 100),
    metadata jsonb DEFAULT '{}'
);
SELECT ts.make_hypertable('ts.device_telemetry', 'time', ARRAY['device_id', 'metric_type'], 'time DESC', '7 days', '365 days');

CREATE TABLE IF NOT EXISTS ts.energy_usage (
    time timestamptz NOT NULL,
    device_id uuid NOT NULL,
    home_id uuid NOT NULL,
    power_watts double precision,
    energy_kwh double precision,
    voltage double precision,
    current_amps double precision,
    power_factor double precision,
    cost_estimate numeric(10,4),
    is_peak_hour boolean DEFAULT false,
    metadata jsonb DEFAULT '{}'
);
SELECT ts.make_hypertable('ts.energy_usage', 'time', ARRAY['device_id', 'home_id'], 'time DESC', '7 days', '2 years');

CREATE TABLE IF NOT EXISTS ts.device_error_logs (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    time timestamptz NOT NULL DEFAULT now(),
    device_id uuid NOT NULL,
    home_id uuid NOT NULL,
    error_level alert_severity NOT NULL,
    error_code text,
    error_message text,
    error_category text
        CHECK (error_category IN ('network', 'firmware', 'sensor', 'power', 'communication')),
    stack_trace text,
    context jsonb DEFAULT '{}',
    ai_decoded_message text,
    ai_suggested_fix text,
    ai_confidence_score integer,
    is_resolved boolean DEFAULT false,
    resolved_at timestamptz,
    resolution_notes text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, time)
);
SELECT ts.make_hypertable('ts.device_error_logs', 'time', ARRAY['device_id', 'error_level'], 'time DESC, id', '30 days', '1 year');

CREATE TABLE IF NOT EXISTS ts.device_health_history (
    time timestamptz NOT NULL,
    device_id uuid NOT NULL,
    health_score integer NOT NULL CHECK (health_score BETWEEN 0 AND 100),
    connectivity_score integer,
    performance_score integer,
    reliability_score integer,
    security_score integer,
    energy_efficiency_score integer,
    previous_score integer,
    score_change integer,
    score_trend text
        CHECK (score_trend IN ('improving', 'declining', 'stable')),
    factors jsonb DEFAULT '[]',
    recommendations jsonb DEFAULT '[]'
);
SELECT ts.make_hypertable('ts.device_health_history', 'time', ARRAY['device_id'], 'time DESC', '30 days', '2 years');

CREATE TABLE IF NOT EXISTS diagnostic_runs (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    device_id uuid NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    triggered_by uuid REFERENCES users (id),
    trigger_source text DEFAULT 'manual'
        CHECK (trigger_source IN ('manual', 'scheduled', 'alert', 'self_healing')),
    overall_status text NOT NULL
        CHECK (overall_status IN ('healthy', 'warning', 'critical', 'failed')),
    health_score integer CHECK (health_score BETWEEN 0 AND 100),
    issues_found integer DEFAULT 0,
    connectivity_check jsonb,
    firmware_check jsonb,
    sensor_check jsonb,
    automation_check jsonb,
    security_check jsonb,
    energy_check jsonb,
    duration_ms integer,
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    findings jsonb DEFAULT '[]',
    recommendations jsonb DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS diagnostic_issues (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    diagnostic_run_id uuid NOT NULL REFERENCES diagnostic_runs (id) ON DELETE CASCADE,
    device_id uuid NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    issue_type text NOT NULL
        CHECK (issue_type IN ('connectivity', 'firmware', 'sensor', 'automation', 'security', 'energy')),
    severity alert_severity NOT NULL,
    title text NOT NULL,
    description text,
    affected_component text,
    error_code text,
    recommended_action text,
    can_auto_fix boolean DEFAULT false,
    fix_confidence_score integer CHECK (fix_confidence_score BETWEEN 0 AND 100),
    status text DEFAULT 'open'
        CHECK (status IN ('open', 'investigating', 'fixed', 'ignored')),
    resolved_at timestamptz,
    resolved_by uuid REFERENCES users (id),
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS firmware_updates (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    device_id uuid NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    from_version text,
    to_version text,
    update_status text NOT NULL
        CHECK (update_status IN ('pending', 'downloading', 'installing', 'completed', 'failed', 'rolled_back')),
    initiated_by uuid REFERENCES users (id),
    initiated_source text
        CHECK (initiated_source IN ('manual', 'auto', 'manufacturer')),
    download_progress integer DEFAULT 0 CHECK (download_progress BETWEEN 0 AND 100),
    install_progress integer DEFAULT 0 CHECK (install_progress BETWEEN 0 AND 100),
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    duration_seconds integer,
    success boolean,
    error_message text,
    rollback_reason text,
    release_notes text,
    changelog_url text,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS ts.network_metrics (
    time timestamptz NOT NULL,
    device_id uuid NOT NULL,
    home_id uuid NOT NULL,
    signal_strength_dbm integer,
    signal_quality_percent integer,
    ssid text,
    bssid macaddr,
    channel integer,
    frequency_mhz integer,
    latency_ms integer,
    packet_loss_percent numeric(5,2),
    bandwidth_mbps numeric(10,2),
    is_connected boolean DEFAULT true,
    disconnect_count integer DEFAULT 0,
    metadata jsonb DEFAULT '{}'
);
SELECT ts.make_hypertable('ts.network_metrics', 'time', ARRAY['device_id'], 'time DESC', '14 days', '90 days');

-- By hour and by day. Kept longer than the raw rows: a year's comparison outlives its readings at a hundredth of their size.
SELECT ts.make_aggregate('device_telemetry_hourly', 'device_telemetry', '1 hour', 'hour', ARRAY['device_id', 'metric_type'],
    ARRAY['avg(value) AS avg_value', 'min(value) AS min_value', 'max(value) AS max_value', 'stddev(value) AS stddev_value',
          'count(*) AS sample_count'],
    '3 hours', '1 hour', '1 hour', '2 years');
SELECT ts.make_aggregate('device_telemetry_daily', 'device_telemetry', '1 day', 'day', ARRAY['device_id', 'metric_type'],
    ARRAY['avg(value) AS avg_value', 'min(value) AS min_value', 'max(value) AS max_value',
          'percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS median_value', 'count(*) AS sample_count'],
    '3 days', '1 day', '1 day', '7 years');
SELECT ts.make_aggregate('energy_usage_hourly', 'energy_usage', '1 hour', 'hour', ARRAY['device_id', 'home_id'],
    ARRAY['avg(power_watts) AS avg_power_watts', 'max(power_watts) AS peak_power_watts', 'sum(energy_kwh) AS total_energy_kwh',
          'sum(cost_estimate) AS total_cost', 'count(*) AS sample_count'],
    '3 hours', '1 hour', '1 hour', '7 years');

-- A hub keeps measurements for 30 days while the cloud is away. What is older still, once a month; and at once, for the rows that are
-- here already when aggregates are made.
SELECT ts.schedule_catch_up('6 hours', '1 day', '{"window": "31 days"}');
SELECT ts.schedule_catch_up('28 days', '0', '{"window": null}');
