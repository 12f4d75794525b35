-- What the operator of the benchmark has stored: homes with devices, a month of telemetry as it arrives, the rest in measure.
-- Each part is a statement of cloud_fill.py; {…} are its numbers.

-- name: homes
INSERT INTO auth.users (id, email) SELECT gen_random_uuid(), 'bench' || n || '@example.com' FROM generate_series(1, %(homes)s) n;
INSERT INTO public.users (id, email) SELECT id, email FROM auth.users WHERE email LIKE 'bench%%';
INSERT INTO public.homes (owner_id, name, timezone)
    SELECT id, 'Home of ' || email, (ARRAY['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC'])[1 + (random() * 3)::integer]
    FROM public.users WHERE email LIKE 'bench%%';
INSERT INTO public.rooms (home_id, name) SELECT id, room FROM public.homes, unnest(ARRAY['Kitchen', 'Bath', 'Hall', 'Office']) room;
INSERT INTO public.brands (name, slug) SELECT initcap(translate(n::text, '0123456789', 'aeioulmnrst')) || ' Home', 'bench-' || n FROM generate_series(100, 400) n;
INSERT INTO public.device_models (brand_id, model_name, model_number, device_type)
    SELECT id, (ARRAY['Ambiance', 'Motion', 'Plug', 'Climate', 'Contact'])[1 + n %% 5] || ' ' || n, upper(left(md5(name || n), 6)), 'light'
    FROM public.brands, generate_series(1, 20) n;
INSERT INTO public.devices (home_id, room_id, device_name, device_type, brand_id, device_model_id, is_online, health_score, last_seen_at, battery_level, capabilities, tags)
    SELECT h.id, r.id, r.name || ' ' || (ARRAY['climate', 'plug', 'lamp', 'motion', 'contact'])[1 + n %% 5] || ' ' || n,
        (ARRAY['sensor_temperature', 'plug', 'light', 'sensor_motion', 'sensor_contact'])[1 + n %% 5]::device_type,
        m.brand_id, m.id, random() < 0.95, 60 + (random() * 40)::integer, now() - random() * interval '1 hour', (random() * 100)::integer,
        jsonb_build_object('entities', jsonb_build_object('sensor.d' || n, jsonb_build_object('name', 'Sensor', 'domain', 'sensor'))), ARRAY['floor ' || n %% 3]
    FROM public.homes h
    CROSS JOIN generate_series(0, %(devices)s - 1) n
    JOIN public.rooms r ON r.home_id = h.id AND r.name = (ARRAY['Kitchen', 'Bath', 'Hall', 'Office'])[1 + n %% 4]
    JOIN (SELECT id, brand_id, row_number() OVER () AS number FROM public.device_models) m ON m.number = 1 + n;
INSERT INTO public.automations (home_id, name, automation_type, triggers, actions)
    SELECT id, 'Automation ' || n, 'trigger_based', '[{"trigger": "sun", "event": "sunset"}]', '[{"action": "light.turn_on", "target": {"entity_id": ["light.a"]}}]'
    FROM public.homes, generate_series(1, 25) n;
INSERT INTO public.scenes (home_id, name) SELECT id, 'Scene ' || n FROM public.homes, generate_series(1, 10) n;
INSERT INTO ts.alerts (home_id, time, source_device_id, alert_type, severity, title, message, status)
    SELECT d.home_id, now() - n * interval '17 hours', d.id, 'device_offline', 'warning', 't', 'm', CASE WHEN n = 1 THEN 'active' ELSE 'resolved' END
    FROM public.devices d, generate_series(1, 20) n WHERE random() < 0.2;
INSERT INTO ts.device_error_logs (device_id, home_id, time, error_level, error_message)
    SELECT id, home_id, now() - n * interval '7 hours', 'error', 'no answer' FROM public.devices, generate_series(1, 100) n WHERE random() < 0.3;
INSERT INTO public.diagnostic_runs (device_id, home_id, overall_status, started_at, created_at)
    SELECT id, home_id, 'healthy', now() - n * interval '10 days', now() - n * interval '10 days' FROM public.devices, generate_series(0, 8) n;
INSERT INTO public.diagnostic_issues (diagnostic_run_id, device_id, issue_type, severity, title, status)
    SELECT id, device_id, 'connectivity', 'critical', 'lost', 'open' FROM public.diagnostic_runs WHERE random() < 0.02;
INSERT INTO public.failure_predictions (device_id, home_id, failure_type, failure_probability, risk_score, severity, prediction_status)
    SELECT id, home_id, 'battery', random(), (random() * 100)::integer, 'warning', CASE WHEN n = 1 THEN 'active' ELSE 'resolved' END
    FROM public.devices, generate_series(1, 5) n WHERE random() < 0.3;
INSERT INTO ts.anomaly_detections (device_id, home_id, time, anomaly_type, anomaly_score, severity)
    SELECT id, home_id, now() - n * interval '11 hours', 'spike', random() * 10, 'warning' FROM public.devices, generate_series(1, 50) n WHERE random() < 0.3;
INSERT INTO ts.self_healing_executions (device_id, home_id, action_id, time, triggered_by, issue_detected, status, success, started_at)
    SELECT d.id, d.home_id, a.id, now() - n * interval '3 days', 'alert', 'offline', 'completed', random() < 0.7, now() - n * interval '3 days'
    FROM public.devices d CROSS JOIN generate_series(1, 10) n CROSS JOIN (SELECT id FROM public.self_healing_actions ORDER BY name LIMIT 1) a WHERE random() < 0.1;
CREATE TABLE bench_series AS
    SELECT d.home_id, d.id AS device_id, v.metric_type, v.unit, v.middle, v.swing
    FROM public.devices d
    JOIN (VALUES ('sensor_temperature'::device_type, 'temperature', 'celsius', 21.0, 3.0), ('sensor_temperature', 'humidity', 'percent', 50.0, 12.0)) v (device_type, metric_type, unit, middle, swing)
        ON v.device_type = d.device_type
    ORDER BY d.home_id, d.id, v.metric_type;

-- name: telemetry
-- One day, a reading every five minutes of every series, in the order in which hubs send them.
INSERT INTO ts.device_telemetry (time, device_id, metric_type, value, unit, quality_score)
    SELECT at, s.device_id, s.metric_type,
        round((s.middle + s.swing * sin(extract(epoch FROM at) / 13751) + (random() - 0.5) * 0.4)::numeric, 1), s.unit, 100
    FROM generate_series(%(day)s::timestamptz, %(day)s::timestamptz + interval '1 day' - interval '1 second', interval '5 minutes') at
    CROSS JOIN LATERAL (SELECT * FROM bench_series OFFSET 0) s;

-- name: energy
INSERT INTO ts.energy_usage (time, device_id, home_id, power_watts, energy_kwh, cost_estimate, is_peak_hour)
    SELECT at, d.id, d.home_id, w.watts, w.watts / 12000, round((w.watts / 40000)::numeric, 4), extract(hour FROM at) BETWEEN 17 AND 20
    FROM generate_series(%(day)s::timestamptz, %(day)s::timestamptz + interval '1 day' - interval '1 second', interval '5 minutes') at
    CROSS JOIN LATERAL (SELECT id, home_id, (random() * 200)::numeric(6, 1) AS watts FROM public.devices WHERE device_type = 'plug' OFFSET 0) d
    CROSS JOIN LATERAL (SELECT d.watts::double precision AS watts) w;
