-- Search columns, all indexes of the tables of 01 to 06, and the summaries.
-- An index costs every insert, and every update that touches one of its columns, so each has a reason: a query that is
-- written down in tests/cloud/indexes.toml, or a foreign key whose parent would otherwise scan this table to be deleted.
-- No index on what hubs report many times a day (is_online, last_seen_at, health_score ...): without one, such an update
-- stays within its page. contract/indexes_left_out.json names the contract's other indexes, each with its reason.

ALTER TABLE brands ADD COLUMN IF NOT EXISTS search_vector tsvector;
ALTER TABLE device_models ADD COLUMN IF NOT EXISTS search_vector tsvector;
ALTER TABLE devices ADD COLUMN IF NOT EXISTS search_vector tsvector;

-- Core
CREATE INDEX IF NOT EXISTS idx_homes_owner_id ON homes (owner_id);
CREATE INDEX IF NOT EXISTS idx_home_members_user_id ON home_members (user_id);
CREATE INDEX IF NOT EXISTS idx_home_members_invited_by ON home_members (invited_by) WHERE invited_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_brands_search ON brands USING gin (search_vector);
CREATE INDEX IF NOT EXISTS idx_device_models_search ON device_models USING gin (search_vector);
CREATE INDEX IF NOT EXISTS idx_device_models_capabilities_gin ON device_models USING gin (capabilities jsonb_path_ops);
CREATE INDEX IF NOT EXISTS idx_devices_home_id ON devices (home_id);
CREATE INDEX IF NOT EXISTS idx_devices_room_id ON devices (room_id);
CREATE INDEX IF NOT EXISTS idx_devices_brand_id ON devices (brand_id);
CREATE INDEX IF NOT EXISTS idx_devices_device_model_id ON devices (device_model_id);
CREATE INDEX IF NOT EXISTS idx_devices_installed_by ON devices (installed_by) WHERE installed_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_devices_deleted_at ON devices (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_devices_search ON devices USING gin (search_vector);
CREATE INDEX IF NOT EXISTS idx_devices_capabilities_gin ON devices USING gin (capabilities jsonb_path_ops);
CREATE INDEX IF NOT EXISTS idx_devices_settings_gin ON devices USING gin (settings jsonb_path_ops);
CREATE INDEX IF NOT EXISTS idx_device_group_members_device ON device_group_members (device_id);
CREATE INDEX IF NOT EXISTS idx_device_states_device_id ON ts.device_states (device_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_surfaces_home_id ON surfaces (home_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_surfaces_provider_external_id ON surfaces (provider, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_user_ecosystem_home_id ON user_ecosystem_connections (home_id);
CREATE INDEX IF NOT EXISTS idx_user_ecosystem_ecosystem ON user_ecosystem_connections (ecosystem_id);
CREATE INDEX IF NOT EXISTS idx_user_sessions_user ON user_sessions (user_id);

-- Telemetry and diagnostics
-- Without TimescaleDB hours and days are counted when somebody asks, from this index alone: a week of a device is 40 pages of
-- it, and 4,000 of the table, where each reading lies among those of all other homes. For that the new pages must be known to
-- be visible to all, so they are vacuumed soon.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE INDEX IF NOT EXISTS idx_device_telemetry_device_metric ON ts.device_telemetry (device_id, metric_type, time DESC);
    ELSE
        CREATE INDEX IF NOT EXISTS idx_device_telemetry_device_metric ON ts.device_telemetry (device_id, metric_type, time DESC) INCLUDE (value);
        ALTER TABLE ts.device_telemetry SET (autovacuum_vacuum_insert_scale_factor = 0.01);
    END IF;
END
$$;
CREATE INDEX IF NOT EXISTS idx_energy_usage_device ON ts.energy_usage (device_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_energy_usage_home ON ts.energy_usage (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_error_logs_device ON ts.device_error_logs (device_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_error_logs_home ON ts.device_error_logs (home_id, time DESC);
-- For the health score: infos are the bulk of the log and cost nothing, neither points nor this index.
CREATE INDEX IF NOT EXISTS idx_error_logs_health ON ts.device_error_logs (device_id, error_level, time DESC)
    WHERE error_level > 'info' AND is_resolved IS NOT TRUE;
CREATE INDEX IF NOT EXISTS idx_health_history_device ON ts.device_health_history (device_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_network_metrics_device ON ts.network_metrics (device_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_network_metrics_home ON ts.network_metrics (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_diagnostic_runs_device ON diagnostic_runs (device_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_diagnostic_runs_home ON diagnostic_runs (home_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_diagnostic_runs_triggered_by ON diagnostic_runs (triggered_by) WHERE triggered_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_diagnostic_issues_run ON diagnostic_issues (diagnostic_run_id);
CREATE INDEX IF NOT EXISTS idx_diagnostic_issues_device ON diagnostic_issues (device_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_diagnostic_issues_open_device ON diagnostic_issues (device_id, severity, created_at DESC)
    WHERE status IN ('open', 'investigating');
CREATE INDEX IF NOT EXISTS idx_diagnostic_issues_resolved_by ON diagnostic_issues (resolved_by) WHERE resolved_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_firmware_updates_device ON firmware_updates (device_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_firmware_updates_initiated_by ON firmware_updates (initiated_by) WHERE initiated_by IS NOT NULL;

-- Learning
CREATE INDEX IF NOT EXISTS idx_anomaly_detections_device ON ts.anomaly_detections (device_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_anomaly_detections_home ON ts.anomaly_detections (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_ml_predictions_model ON ts.ml_predictions_log (ml_model_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_ml_predictions_device ON ts.ml_predictions_log (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_ml_predictions_home ON ts.ml_predictions_log (home_id) WHERE home_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_ml_models_created_by ON ml_models (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_failure_predictions_device ON failure_predictions (device_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_failure_predictions_home ON failure_predictions (home_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_predictions_active_high_risk ON failure_predictions (home_id, risk_score DESC, predicted_failure_date)
    WHERE prediction_status = 'active';
CREATE INDEX IF NOT EXISTS idx_failure_predictions_indicators_gin ON failure_predictions USING gin (primary_indicators jsonb_path_ops);
CREATE INDEX IF NOT EXISTS idx_failure_predictions_model ON failure_predictions (ml_model_id) WHERE ml_model_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_failure_predictions_acknowledged_by ON failure_predictions (acknowledged_by) WHERE acknowledged_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_usage_patterns_device ON device_usage_patterns (device_id);
CREATE INDEX IF NOT EXISTS idx_usage_patterns_home ON device_usage_patterns (home_id);
CREATE INDEX IF NOT EXISTS idx_device_benchmarks_device ON device_benchmarks (device_id, period_start DESC);
CREATE INDEX IF NOT EXISTS idx_device_benchmarks_model ON device_benchmarks (device_model_id);
CREATE INDEX IF NOT EXISTS idx_ai_insights_home ON ai_insights (home_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_ai_insights_device ON ai_insights (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_ai_insights_model ON ai_insights (ml_model_id) WHERE ml_model_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_ai_insights_viewed_by ON ai_insights (viewed_by) WHERE viewed_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_ai_insights_actioned_by ON ai_insights (actioned_by) WHERE actioned_by IS NOT NULL;

-- Automations, scenes, self-healing
CREATE INDEX IF NOT EXISTS idx_automations_home ON automations (home_id);
CREATE INDEX IF NOT EXISTS idx_automations_created_by ON automations (created_by);
CREATE INDEX IF NOT EXISTS idx_automations_triggers_gin ON automations USING gin (triggers jsonb_path_ops);
CREATE INDEX IF NOT EXISTS idx_automations_actions_gin ON automations USING gin (actions jsonb_path_ops);
CREATE INDEX IF NOT EXISTS idx_automation_executions_automation ON ts.automation_executions (automation_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_automation_executions_home ON ts.automation_executions (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_automation_health_automation ON ts.automation_health_checks (automation_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_automation_health_home ON ts.automation_health_checks (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_scenes_home ON scenes (home_id);
CREATE INDEX IF NOT EXISTS idx_scenes_room ON scenes (room_id) WHERE room_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_scenes_created_by ON scenes (created_by);
CREATE INDEX IF NOT EXISTS idx_scene_activations_scene ON ts.scene_activations (scene_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_scene_activations_home ON ts.scene_activations (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_self_healing_executions_device ON ts.self_healing_executions (device_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_self_healing_executions_home ON ts.self_healing_executions (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_ecosystem_sync_ecosystem ON ecosystem_sync_status (ecosystem_id);

-- Security, alerts, notifications
CREATE INDEX IF NOT EXISTS idx_security_scans_home ON security_scans (home_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_security_scans_triggered_by ON security_scans (triggered_by) WHERE triggered_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_vulnerabilities_home ON security_vulnerabilities (home_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_vulnerabilities_scan ON security_vulnerabilities (security_scan_id);
CREATE INDEX IF NOT EXISTS idx_vulnerabilities_device ON security_vulnerabilities (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_vulnerabilities_resolved_by ON security_vulnerabilities (resolved_by) WHERE resolved_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_vulnerabilities_unresolved ON security_vulnerabilities (home_id, severity, cvss_score DESC)
    WHERE resolved_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_security_incidents_home ON ts.security_incidents (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_security_incidents_device ON ts.security_incidents (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_network_rules_home ON network_access_rules (home_id);
CREATE INDEX IF NOT EXISTS idx_network_rules_device ON network_access_rules (destination_device_id);
CREATE INDEX IF NOT EXISTS idx_network_rules_created_by ON network_access_rules (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_alert_rules_home ON alert_rules (home_id);
CREATE INDEX IF NOT EXISTS idx_alert_rules_created_by ON alert_rules (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_alerts_home ON ts.alerts (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_alerts_active_severity ON ts.alerts (home_id, severity, time DESC) WHERE status = 'active';
CREATE INDEX IF NOT EXISTS idx_alerts_device ON ts.alerts (source_device_id) WHERE source_device_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_alerts_rule ON ts.alerts (alert_rule_id);
CREATE INDEX IF NOT EXISTS idx_user_notifications_user ON ts.user_notifications (user_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_user_notifications_home ON ts.user_notifications (home_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_user_notifications_unread ON ts.user_notifications (user_id, read_at) WHERE read_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_user_notifications_alert ON ts.user_notifications (related_alert_id) WHERE related_alert_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_user_notifications_device ON ts.user_notifications (related_device_id) WHERE related_device_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_notification_prefs_home ON user_notification_preferences (home_id);

-- Subscriptions and revenue
CREATE INDEX IF NOT EXISTS idx_user_subscriptions_user ON user_subscriptions (user_id);
CREATE INDEX IF NOT EXISTS idx_user_subscriptions_home ON user_subscriptions (home_id);
CREATE INDEX IF NOT EXISTS idx_user_subscriptions_plan ON user_subscriptions (plan_id);
CREATE INDEX IF NOT EXISTS idx_user_subscriptions_previous_plan ON user_subscriptions (previous_plan_id) WHERE previous_plan_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_user_subscriptions_scheduled_plan ON user_subscriptions (scheduled_plan_change_id)
    WHERE scheduled_plan_change_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_user_subscriptions_provider ON user_subscriptions (payment_provider, payment_provider_subscription_id);
CREATE INDEX IF NOT EXISTS idx_invoices_user ON invoices (user_id, invoice_date DESC);
CREATE INDEX IF NOT EXISTS idx_invoices_subscription ON invoices (subscription_id);
CREATE INDEX IF NOT EXISTS idx_invoices_overdue ON invoices (status, due_date) WHERE status IN ('pending', 'overdue');
CREATE INDEX IF NOT EXISTS idx_invoices_provider ON invoices (payment_provider, payment_provider_invoice_id);
CREATE INDEX IF NOT EXISTS idx_invoice_line_items_invoice ON invoice_line_items (invoice_id);
CREATE INDEX IF NOT EXISTS idx_invoice_line_items_plan ON invoice_line_items (plan_id) WHERE plan_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_payment_transactions_user ON payment_transactions (user_id, transaction_date DESC);
CREATE INDEX IF NOT EXISTS idx_payment_transactions_invoice ON payment_transactions (invoice_id);
CREATE INDEX IF NOT EXISTS idx_payment_transactions_subscription ON payment_transactions (subscription_id);
CREATE INDEX IF NOT EXISTS idx_coupon_redemptions_coupon ON coupon_redemptions (coupon_id);
CREATE INDEX IF NOT EXISTS idx_coupon_redemptions_user ON coupon_redemptions (user_id);
CREATE INDEX IF NOT EXISTS idx_coupon_redemptions_subscription ON coupon_redemptions (subscription_id);
CREATE INDEX IF NOT EXISTS idx_oem_api_keys_partner ON oem_api_keys (partner_id);
CREATE INDEX IF NOT EXISTS idx_b2b_revenue_partner ON b2b_revenue (partner_id, period_start DESC);
CREATE INDEX IF NOT EXISTS idx_api_usage_user ON ts.api_usage (user_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_api_usage_partner ON ts.api_usage (partner_id, time DESC);

-- Audit
CREATE INDEX IF NOT EXISTS idx_audit_logs_user ON ts.audit_logs (user_id, time DESC);
CREATE INDEX IF NOT EXISTS idx_audit_logs_table ON ts.audit_logs (table_name, time DESC);
CREATE INDEX IF NOT EXISTS idx_audit_logs_record ON ts.audit_logs (record_id) WHERE record_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_audit_logs_hub ON ts.audit_logs ((metadata ->> 'home_id'), time) WHERE metadata ->> 'told_by' = 'hub';

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
        FROM public.diagnostic_runs
        -- Whatever has been started since was written since: that is what the index knows.
        WHERE device_id = d.id AND started_at >= now() - interval '30 days' AND created_at >= now() - interval '30 days'
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
