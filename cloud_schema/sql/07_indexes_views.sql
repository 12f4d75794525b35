-- Search columns and the indexes that many queries share.

ALTER TABLE brands ADD COLUMN IF NOT EXISTS search_vector tsvector;
ALTER TABLE device_models ADD COLUMN IF NOT EXISTS search_vector tsvector;
ALTER TABLE devices ADD COLUMN IF NOT EXISTS search_vector tsvector;

CREATE INDEX IF NOT EXISTS idx_brands_search ON brands USING gin (search_vector);
CREATE INDEX IF NOT EXISTS idx_device_models_search ON device_models USING gin (search_vector);
CREATE INDEX IF NOT EXISTS idx_devices_search ON devices USING gin (search_vector);
CREATE INDEX IF NOT EXISTS idx_devices_deleted_at ON devices (deleted_at) WHERE deleted_at IS NOT NULL;

-- Summaries. The materialized views lie in ts, because a materialized view has no row-level security; people see the rows
-- of their homes through replaceable/08_summaries.sql. Each source is found by index and summed for one home or device
-- before it is joined: sources joined first multiply their rows with each other.
-- Helpers of the hub (input_booleans, timers ...) are devices rows as well, but no devices that a person would count.

CREATE MATERIALIZED VIEW IF NOT EXISTS ts.home_dashboard_summary AS
    SELECT
        h.id AS home_id,
        h.name AS home_name,
        h.owner_id,
        d.total_devices,
        d.online_devices,
        d.offline_devices,
        d.weak_signal_devices,
        d.low_battery_devices,
        d.avg_health_score,
        d.min_health_score,
        a.total_automations,
        a.enabled_automations,
        a.broken_automations,
        s.total_scenes,
        l.active_alerts_24h,
        l.critical_alerts,
        d.last_device_activity
    FROM public.homes h
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS total_devices,
            count(*) FILTER (WHERE is_online) AS online_devices,
            count(*) FILTER (WHERE is_online IS NOT TRUE) AS offline_devices,
            count(*) FILTER (WHERE connectivity_status IN ('weak', 'degraded')) AS weak_signal_devices,
            count(*) FILTER (WHERE battery_level <= 20) AS low_battery_devices,
            round(avg(health_score), 2) AS avg_health_score,
            min(health_score) AS min_health_score,
            max(greatest(last_seen_at, last_event_at)) AS last_device_activity
        FROM public.devices
        WHERE home_id = h.id AND deleted_at IS NULL AND coalesce(manufacturer_device_id, '') NOT LIKE 'helper/%'
    ) d
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS total_automations,
            count(*) FILTER (WHERE is_enabled) AS enabled_automations,
            count(*) FILTER (WHERE health_status = 'broken') AS broken_automations
        FROM public.automations WHERE home_id = h.id AND deleted_at IS NULL
    ) a
    CROSS JOIN LATERAL (SELECT count(*) AS total_scenes FROM public.scenes WHERE home_id = h.id) s
    CROSS JOIN LATERAL (
        SELECT
            count(*) FILTER (WHERE time >= now() - interval '24 hours') AS active_alerts_24h,
            count(*) FILTER (WHERE severity = 'critical') AS critical_alerts
        FROM ts.alerts WHERE home_id = h.id AND status = 'active'
    ) l
    WITH NO DATA;
CREATE UNIQUE INDEX IF NOT EXISTS idx_home_dashboard_home_id ON ts.home_dashboard_summary (home_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS ts.device_health_summary AS
    SELECT
        d.id AS device_id,
        d.home_id,
        d.device_name,
        d.device_type,
        d.health_score,
        d.is_online,
        d.connectivity_status,
        d.last_seen_at,
        e.errors_last_7_days,
        e.errors_last_24h,
        r.diagnostics_last_30_days,
        i.critical_issues,
        p.highest_failure_risk,
        p.active_predictions,
        x.healing_attempts_30d,
        x.successful_healings_30d,
        n.anomalies_last_7_days,
        now() AS last_updated
    FROM public.devices d
    CROSS JOIN LATERAL (
        SELECT count(*) AS errors_last_7_days, count(*) FILTER (WHERE time >= now() - interval '24 hours') AS errors_last_24h
        FROM ts.device_error_logs WHERE device_id = d.id AND time >= now() - interval '7 days'
    ) e
    CROSS JOIN LATERAL (
        SELECT count(*) AS diagnostics_last_30_days
        FROM public.diagnostic_runs WHERE device_id = d.id AND started_at >= now() - interval '30 days'
    ) r
    CROSS JOIN LATERAL (
        SELECT count(*) AS critical_issues
        FROM public.diagnostic_issues WHERE device_id = d.id AND severity = 'critical' AND status IN ('open', 'investigating')
    ) i
    CROSS JOIN LATERAL (
        SELECT max(risk_score) AS highest_failure_risk, count(*) AS active_predictions
        FROM public.failure_predictions WHERE device_id = d.id AND prediction_status = 'active'
    ) p
    CROSS JOIN LATERAL (
        SELECT count(*) AS healing_attempts_30d, count(*) FILTER (WHERE success) AS successful_healings_30d
        FROM ts.self_healing_executions WHERE device_id = d.id AND time >= now() - interval '30 days'
    ) x
    CROSS JOIN LATERAL (
        SELECT count(*) AS anomalies_last_7_days
        FROM ts.anomaly_detections
        WHERE device_id = d.id AND time >= now() - interval '7 days' AND status IS DISTINCT FROM 'false_positive'
    ) n
    WHERE d.deleted_at IS NULL AND coalesce(d.manufacturer_device_id, '') NOT LIKE 'helper/%'
    WITH NO DATA;
CREATE UNIQUE INDEX IF NOT EXISTS idx_device_health_device_id ON ts.device_health_summary (device_id);
CREATE INDEX IF NOT EXISTS idx_device_health_home ON ts.device_health_summary (home_id);

-- Two years of energy cannot be summed anew at every refresh. The days are kept here; replaceable/07_energy_days.sql
-- renews the latest ones, and those that late rows went into.
CREATE TABLE IF NOT EXISTS ts.energy_days (
    home_id uuid NOT NULL REFERENCES public.homes (id) ON DELETE CASCADE,
    day timestamptz NOT NULL,
    total_energy_kwh double precision,
    avg_power_watts double precision,
    peak_power_watts double precision,
    total_cost numeric,
    peak_hour_energy_kwh double precision,
    off_peak_energy_kwh double precision,
    devices_reporting bigint,
    sample_count bigint,
    PRIMARY KEY (home_id, day)
);
-- Days (UTC) into which rows of a home came late, or from which they went.
CREATE TABLE IF NOT EXISTS ts.energy_days_late (
    home_id uuid NOT NULL REFERENCES public.homes (id) ON DELETE CASCADE,
    day date NOT NULL,
    PRIMARY KEY (home_id, day)
);
CREATE TABLE IF NOT EXISTS ts.energy_days_renewed (
    is_the_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_row),
    renewed_at timestamptz NOT NULL
);
INSERT INTO ts.energy_days_renewed (renewed_at) VALUES ('-infinity') ON CONFLICT DO NOTHING;

CREATE MATERIALIZED VIEW IF NOT EXISTS ts.energy_usage_summary AS
    SELECT home_id, day, total_energy_kwh, avg_power_watts, peak_power_watts, total_cost, peak_hour_energy_kwh,
           off_peak_energy_kwh, devices_reporting, sample_count
    FROM ts.energy_days
    WITH NO DATA;
CREATE UNIQUE INDEX IF NOT EXISTS idx_energy_summary_home_day ON ts.energy_usage_summary (home_id, day DESC);
