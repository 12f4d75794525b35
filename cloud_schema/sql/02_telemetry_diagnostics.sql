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
CREATE INDEX IF NOT EXISTS idx_device_telemetry_device_metric ON ts.device_telemetry (device_id, metric_type, time DESC);
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
CREATE INDEX IF NOT EXISTS idx_energy_usage_device ON ts.energy_usage (device_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_energy_usage_home ON ts.energy_usage (home_id, time DESC);
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
CREATE INDEX IF NOT EXISTS idx_error_logs_device ON ts.device_error_logs (device_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_error_logs_home ON ts.device_error_logs (home_id, time DESC);
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
CREATE INDEX IF NOT EXISTS idx_health_history_device ON ts.device_health_history (device_id, time DESC);
SELECT ts.make_hypertable('ts.device_health_history', 'time', ARRAY['device_id'], 'time DESC', '30 days', NULL);
