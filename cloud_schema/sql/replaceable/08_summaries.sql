-- What people see of the summaries: the rows of their homes. The operator sees all.

CREATE OR REPLACE VIEW public.home_dashboard_summary WITH (security_barrier) AS
    SELECT home_id, home_name, owner_id, total_devices, online_devices, offline_devices, weak_signal_devices, low_battery_devices,
           avg_health_score, min_health_score, total_automations, enabled_automations, broken_automations, total_scenes,
           active_alerts_24h, critical_alerts, last_device_activity
    FROM ts.home_dashboard_summary
    WHERE home_id IN (SELECT public.my_homes());

CREATE OR REPLACE VIEW public.device_health_summary WITH (security_barrier) AS
    SELECT device_id, home_id, device_name, device_type, health_score, is_online, connectivity_status, last_seen_at,
           errors_last_7_days, errors_last_24h, diagnostics_last_30_days, critical_issues, highest_failure_risk, active_predictions,
           healing_attempts_30d, successful_healings_30d, anomalies_last_7_days, last_updated
    FROM ts.device_health_summary
    WHERE home_id IN (SELECT public.my_homes());

CREATE OR REPLACE VIEW public.energy_usage_summary WITH (security_barrier) AS
    SELECT home_id, day, total_energy_kwh, avg_power_watts, peak_power_watts, total_cost, peak_hour_energy_kwh, off_peak_energy_kwh,
           devices_reporting, sample_count
    FROM ts.energy_usage_summary
    WHERE home_id IN (SELECT public.my_homes());

-- A materialized view that was never filled cannot be read at all.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_class WHERE relnamespace = 'ts'::regnamespace AND relkind = 'm' AND NOT relispopulated) THEN
        PERFORM public.refresh_materialized_views();
    END IF;
END
$$;
