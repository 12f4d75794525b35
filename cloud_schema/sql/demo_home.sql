-- A home to look at: seven people, eight rooms, twenty devices and thirty days in it. Named statements for `nexa-cloud seed --demo-home`,
-- run in this order in one transaction; nothing here is installed. Ids are the MD5 of a name, so that they are always the same.

-- name: people
WITH person (slug, full_name, role) AS (VALUES
    ('owner', 'Olga Owner', 'homeowner'), ('admin', 'Adam Admin', 'homeowner'), ('member', 'Mia Member', 'homeowner'),
    ('viewer', 'Vera Viewer', 'renter'), ('guest', 'Gus Guest', 'homeowner'), ('installer', 'Ina Installer', 'installer'),
    ('former', 'Fred Former', 'homeowner')
), known AS (
    INSERT INTO auth.users (id, email) SELECT md5('demo/user/' || slug)::uuid, 'demo-' || slug || '@example.com' FROM person
    RETURNING id, email
)
INSERT INTO users (id, email, full_name, role, timezone, language, email_verified)
SELECT known.id, known.email, person.full_name, person.role::user_role, 'Europe/Stockholm', 'en', true
FROM person JOIN known ON known.id = md5('demo/user/' || person.slug)::uuid;

-- name: quiet
-- Nobody is written to: the addresses lead nowhere.
INSERT INTO user_notification_preferences (user_id, home_id, push_enabled, email_enabled, sms_enabled, quiet_hours_enabled)
SELECT id, NULL, false, false, false, true FROM users WHERE email LIKE 'demo-%@example.com' AND id = md5('demo/user/' || substring(email FROM 'demo-(\w+)@'))::uuid;

-- name: home
INSERT INTO homes (id, owner_id, name, address_line1, city, postal_code, country, coordinates, timezone, square_footage, home_type, construction_year, occupancy_status, metadata)
VALUES (md5('demo/home')::uuid, md5('demo/user/owner')::uuid, 'Demonstration home', 'Strandvägen 1', 'Stockholm', '114 51', 'SE', point(59.33, 18.09),
        'Europe/Stockholm', 1500, 'apartment', 1998, 'owner_occupied', '{"is_demo": true}');

-- name: members
INSERT INTO home_members (id, home_id, user_id, role, permissions, invited_by, accepted_at, is_active)
SELECT md5('demo/member/' || slug)::uuid, md5('demo/home')::uuid, md5('demo/user/' || slug)::uuid, role,
       jsonb_build_object('view', true, 'control', control, 'configure', configure), md5('demo/user/owner')::uuid, now() - interval '40 days', active
FROM (VALUES
    ('admin', 'admin', true, true, true), ('member', 'member', true, false, true), ('viewer', 'member', false, false, true),
    ('guest', 'guest', false, false, true), ('installer', 'member', true, true, true), ('former', 'member', true, true, false)
) m (slug, role, control, configure, active);

-- name: sessions
INSERT INTO user_sessions (id, user_id, device_fingerprint, ip_address, user_agent, expires_at)
SELECT md5('demo/session/' || slug)::uuid, md5('demo/user/' || slug)::uuid, 'demo', '192.0.2.10', 'Demonstration/1.0', now() + interval '14 days'
FROM (VALUES ('owner'), ('member')) s (slug);

-- name: rooms
INSERT INTO rooms (id, home_id, name, room_type, floor_level, sort_order)
SELECT md5('demo/room/' || slug)::uuid, md5('demo/home')::uuid, name, slug, 1, place
FROM (VALUES ('hall', 'Hall', 1), ('kitchen', 'Kitchen', 2), ('living_room', 'Living room', 3), ('bedroom', 'Bedroom', 4), ('bathroom', 'Bathroom', 5),
             ('office', 'Office', 6), ('utility', 'Utility room', 7), ('balcony', 'Balcony', 8)) r (slug, name, place);

-- name: devices
INSERT INTO devices (
    id, home_id, room_id, brand_id, device_model_id, device_name, device_type, manufacturer_device_id, connectivity_status, primary_protocol,
    signal_strength, power_source, battery_level, is_online, last_seen_at, health_score, firmware_version, capabilities, integration_platform,
    installed_at, installed_by, purchase_price, tags, is_favorite, notes)
SELECT md5('demo/device/' || d.slug)::uuid, md5('demo/home')::uuid, md5('demo/room/' || d.room)::uuid, b.id, m.id, d.name, d.kind::device_type, 'demo/' || d.slug,
       (CASE WHEN d.slug = 'balcony_sensor' THEN 'offline' WHEN d.slug = 'office_plug' THEN 'weak' ELSE 'online' END)::connectivity_status,
       d.protocol::protocol_type, -40 - (get_byte(decode(md5(d.slug), 'hex'), 0) % 40), d.power,
       CASE d.power WHEN 'battery' THEN CASE d.slug WHEN 'hall_door' THEN 12 ELSE 60 + get_byte(decode(md5(d.slug), 'hex'), 1) % 40 END END,
       d.slug <> 'balcony_sensor', now() - CASE d.slug WHEN 'balcony_sensor' THEN interval '5 hours' ELSE interval '1 minute' END,
       CASE d.slug WHEN 'balcony_sensor' THEN 45 WHEN 'office_plug' THEN 72 WHEN 'hall_door' THEN 80 ELSE 97 END, '1.4.2',
       jsonb_build_object('entities', jsonb_build_object(split_part(d.kind, '_', 1) || '.' || d.slug, jsonb_build_object('name', d.name, 'domain', split_part(d.kind, '_', 1)))),
       'zigbee2mqtt', now() - interval '40 days', md5('demo/user/installer')::uuid, 29.90, ARRAY['demo', d.room], d.slug IN ('living_lamp', 'heating'), d.notes
FROM (VALUES
    ('router', 'hall', 'Router', 'router', 'avm', '7590', 'ethernet', 'wired', NULL),
    ('bridge', 'hall', 'Zigbee bridge', 'bridge', 'ikea', 'E2123', 'ethernet', 'wired', NULL),
    ('hall_light', 'hall', 'Hall light', 'light', 'ikea', 'LED1836G9', 'zigbee', 'wired', NULL),
    ('hall_door', 'hall', 'Front door', 'sensor_contact', 'aqara', 'MCCGQ11LM', 'zigbee', 'battery', 'Battery CR1632'),
    ('hall_motion', 'hall', 'Hall motion', 'sensor_motion', 'philips_hue', '9290012607', 'zigbee', 'battery', NULL),
    ('front_lock', 'hall', 'Front door lock', 'lock', 'nuki', 'SL3P', 'wifi', 'battery', NULL),
    ('kitchen_light', 'kitchen', 'Kitchen ceiling light', 'light', 'philips_hue', '9290022166', 'zigbee', 'wired', NULL),
    ('kitchen_climate', 'kitchen', 'Kitchen climate', 'sensor_temperature', 'aqara', 'WSDCGQ11LM', 'zigbee', 'battery', NULL),
    ('kitchen_smoke', 'kitchen', 'Smoke detector', 'sensor_smoke', 'heiman', 'HS1SA-E', 'zigbee', 'battery', 'Tested in spring'),
    ('fridge', 'kitchen', 'Fridge plug', 'plug', 'shelly', 'SHPLG-S', 'wifi', 'wired', 'Never switch off'),
    ('living_lamp', 'living_room', 'Floor lamp', 'light', 'philips_hue', '9290022166', 'zigbee', 'wired', NULL),
    ('living_climate', 'living_room', 'Living room climate', 'sensor_temperature', 'sonoff', 'SNZB-02P', 'zigbee', 'battery', NULL),
    ('television', 'living_room', 'Television plug', 'plug', 'tp_link', 'P110', 'wifi', 'wired', NULL),
    ('heating', 'living_room', 'Heating', 'thermostat', 'tado', 'RU02', 'proprietary', 'battery', NULL),
    ('bedroom_lamp', 'bedroom', 'Bedside lamp', 'light', 'ikea', 'LED1624G9', 'zigbee', 'wired', NULL),
    ('bedroom_climate', 'bedroom', 'Bedroom climate', 'sensor_temperature', 'tuya', 'TS0201', 'zigbee', 'battery', NULL),
    ('bathroom_leak', 'bathroom', 'Water under the sink', 'sensor_leak', 'ikea', 'E2202', 'zigbee', 'battery', NULL),
    ('office_plug', 'office', 'Office desk plug', 'plug', 'shelly', 'SNPL-00112EU', 'wifi', 'wired', 'Far from the router'),
    ('washer', 'utility', 'Washing machine plug', 'plug', 'develco', 'SPLZB-131', 'zigbee', 'wired', NULL),
    ('balcony_sensor', 'balcony', 'Balcony climate', 'sensor_temperature', 'aqara', 'WSDCGQ11LM', 'zigbee', 'battery', 'Loses contact in rain')
) d (slug, room, name, kind, brand, model, protocol, power, notes)
LEFT JOIN brands b ON b.slug = d.brand
LEFT JOIN device_models m ON m.brand_id = b.id AND m.model_number = d.model;

-- name: groups
INSERT INTO device_groups (id, home_id, name, description, group_type)
VALUES (md5('demo/group/lights')::uuid, md5('demo/home')::uuid, 'All lights', 'Every lamp of the home', 'category');

-- name: group_members
INSERT INTO device_group_members (group_id, device_id)
SELECT md5('demo/group/lights')::uuid, id FROM devices WHERE home_id = md5('demo/home')::uuid AND device_type = 'light';

-- name: scenes
INSERT INTO scenes (id, home_id, room_id, created_by, name, description, scene_type, category, device_states, is_favorite, activation_count, last_activated_at)
SELECT md5('demo/scene/' || slug)::uuid, md5('demo/home')::uuid, CASE slug WHEN 'movie' THEN md5('demo/room/living_room')::uuid END, md5('demo/user/owner')::uuid,
       name, description, 'custom', slug,
       jsonb_build_array(jsonb_build_object('device_id', md5('demo/device/living_lamp'), 'desired_state', jsonb_build_object('light.living_lamp',
           jsonb_build_object('state', state, 'attributes', CASE state WHEN 'on' THEN jsonb_build_object('brightness', brightness) ELSE '{}' END)))),
       slug = 'evening', 12, now() - interval '20 hours'
FROM (VALUES ('morning', 'Morning', 'Bright and cool', 'on', 254), ('evening', 'Evening', 'Warm and dim', 'on', 120), ('movie', 'Movie', 'Almost dark', 'on', 20),
             ('away', 'Away', 'All off', 'off', 0)) s (slug, name, description, state, brightness);

-- name: automations
INSERT INTO automations (id, home_id, created_by, name, description, automation_type, triggers, conditions, actions, is_enabled, timezone, tags)
SELECT md5('demo/automation/' || slug)::uuid, md5('demo/home')::uuid, md5('demo/user/owner')::uuid, name, description, kind, triggers::jsonb, '[]', actions::jsonb, enabled,
       'Europe/Stockholm', ARRAY['demo']
FROM (VALUES
    ('hall', 'Hall light on motion', 'Two minutes of light', 'trigger_based', '[{"trigger": "state", "entity_id": "sensor.hall_motion", "to": "on"}]',
     '[{"action": "light.turn_on", "target": {"entity_id": "light.hall_light"}}, {"delay": 120}, {"action": "light.turn_off", "target": {"entity_id": "light.hall_light"}}]', true),
    ('sunset', 'Evening scene at sunset', 'When it gets dark', 'trigger_based', '[{"trigger": "sun", "event": "sunset"}]', '[{"scene": "scene.evening"}]', true),
    ('night', 'Lock the door at night', 'At 23:00', 'scheduled', '[{"trigger": "time", "at": "23:00:00"}]', '[{"action": "lock.lock", "target": {"entity_id": "lock.front_lock"}}]', true),
    ('leak', 'Tell about water', 'Leak under the sink', 'trigger_based', '[{"trigger": "state", "entity_id": "sensor.bathroom_leak", "to": "on"}]',
     '[{"action": "notify.notify", "data": {"message": "Water under the sink"}}]', true),
    ('holiday', 'Pretend somebody is at home', 'Only while away', 'ai_suggested', '[{"trigger": "time_pattern", "hours": "/1"}]',
     '[{"action": "light.toggle", "target": {"entity_id": "light.living_lamp"}}]', false)
) a (slug, name, description, kind, triggers, actions, enabled);

-- name: alert_rules
INSERT INTO alert_rules (id, home_id, created_by, rule_name, rule_type, description, conditions, threshold_config, target_type, target_id, severity, cooldown_minutes)
VALUES (md5('demo/rule/cold')::uuid, md5('demo/home')::uuid, md5('demo/user/owner')::uuid, 'Too cold in the bedroom', 'threshold', 'Below 15 degrees',
        '[{"metric": "temperature", "below": 15}]', '{"below": 15, "unit": "°C"}', 'device', md5('demo/device/bedroom_climate')::uuid, 'warning', 60);

-- name: surfaces
INSERT INTO surfaces (id, home_id, name, type, provider, capabilities, location, status)
VALUES (md5('demo/surface')::uuid, md5('demo/home')::uuid, 'Kitchen display', 'smart_display', 'google', '["touch", "voice"]', 'Kitchen', 'online');

-- name: ecosystems
INSERT INTO user_ecosystem_connections (id, user_id, home_id, ecosystem_id, connection_status, last_sync_at)
SELECT md5('demo/connection')::uuid, md5('demo/user/owner')::uuid, md5('demo/home')::uuid, id, 'disconnected', now() - interval '3 days' FROM ecosystems WHERE slug = 'google_home';

-- name: sync_status
INSERT INTO ecosystem_sync_status (home_id, ecosystem_id, entity_type, entity_id, sync_status, last_synced_at, sync_direction, conflict_resolution)
SELECT md5('demo/home')::uuid, e.id, 'scene', s.id, CASE s.name WHEN 'Movie' THEN 'unsupported' ELSE 'synced' END, now() - interval '1 day', 'nexa_to_ecosystem', 'nexa_wins'
FROM ecosystems e, scenes s WHERE e.slug = 'google_home' AND s.home_id = md5('demo/home')::uuid;

-- name: telemetry
INSERT INTO ts.device_telemetry (time, device_id, metric_type, value, unit, quality_score)
SELECT at, md5('demo/device/' || s.slug)::uuid, k.metric, round((k.middle + s.shift + k.swing * sin((extract(epoch FROM at) / 86400 - 0.3) * 2 * pi())
       + k.noise * (get_byte(decode(md5(s.slug || k.metric || at), 'hex'), 0) / 127.5 - 1))::numeric, 2)::float, k.unit, 100
FROM (VALUES ('kitchen_climate', 1.5), ('living_climate', 0.5), ('bedroom_climate', -2), ('balcony_sensor', -9)) s (slug, shift)
CROSS JOIN (VALUES ('temperature', 21.0, 1.5, 0.2, '°C'), ('humidity', 45.0, 6.0, 1.0, '%')) k (metric, middle, swing, noise, unit)
CROSS JOIN generate_series(date_trunc('hour', now()) - interval '30 days', now(), interval '10 minutes') at
WHERE s.slug <> 'balcony_sensor' OR at < now() - interval '5 hours';

-- name: energy
INSERT INTO ts.energy_usage (time, device_id, home_id, power_watts, energy_kwh, voltage, cost_estimate, is_peak_hour)
SELECT at, md5('demo/device/' || p.slug)::uuid, md5('demo/home')::uuid, watts, watts / 6000, 230, (watts / 6000 * 0.30)::numeric(10, 4),
       extract(hour FROM at AT TIME ZONE 'Europe/Stockholm') BETWEEN 17 AND 20
FROM (VALUES ('fridge', 35.0, 90.0, 0, 24), ('television', 1.0, 110.0, 18, 23), ('office_plug', 4.0, 75.0, 8, 17), ('washer', 0.5, 1400.0, 10, 12)) p (slug, idle, busy, from_hour, to_hour)
CROSS JOIN generate_series(date_trunc('hour', now()) - interval '30 days', now(), interval '10 minutes') at
CROSS JOIN LATERAL (SELECT round((CASE WHEN extract(hour FROM at AT TIME ZONE 'Europe/Stockholm') >= p.from_hour
    AND extract(hour FROM at AT TIME ZONE 'Europe/Stockholm') < p.to_hour
    AND get_byte(decode(md5(p.slug || date_trunc('hour', at)), 'hex'), 0) < 128 THEN p.busy ELSE p.idle END)::numeric, 1)::float AS watts) w;

-- name: states
INSERT INTO ts.device_states (id, device_id, state, changed_fields, change_source, created_at)
SELECT md5('demo/state/' || l.slug || at)::uuid, md5('demo/device/' || l.slug)::uuid,
       jsonb_build_object('light.' || l.slug, jsonb_build_object('state', CASE WHEN extract(hour FROM at) IN (7, 17) THEN 'on' ELSE 'off' END, 'attributes', '{}'::jsonb)),
       ARRAY['light.' || l.slug || '.state'], CASE WHEN extract(hour FROM at) = 17 THEN 'automation' ELSE 'manual' END, at
FROM (VALUES ('hall_light'), ('kitchen_light'), ('living_lamp'), ('bedroom_lamp')) l (slug)
CROSS JOIN generate_series(date_trunc('day', now()) - interval '30 days', now(), interval '1 hour') at
WHERE extract(hour FROM at) IN (7, 9, 17, 22);

-- name: network
INSERT INTO ts.network_metrics (time, device_id, home_id, signal_strength_dbm, signal_quality_percent, ssid, channel, latency_ms, packet_loss_percent)
SELECT at, md5('demo/device/' || n.slug)::uuid, md5('demo/home')::uuid, n.dbm, n.quality, 'Demonstration', 6, n.latency, n.loss
FROM (VALUES ('fridge', -58, 78, 9, 0.1), ('television', -49, 90, 5, 0.0), ('office_plug', -79, 35, 60, 4.5)) n (slug, dbm, quality, latency, loss)
CROSS JOIN generate_series(date_trunc('hour', now()) - interval '30 days', now(), interval '1 hour') at;

-- name: health
INSERT INTO ts.device_health_history (time, device_id, health_score, connectivity_score, reliability_score, previous_score, score_change, score_trend)
SELECT at, d.id, d.health_score, d.health_score, d.health_score, d.health_score, 0, 'stable'
FROM devices d CROSS JOIN generate_series(date_trunc('day', now()) - interval '30 days', now(), interval '1 day') at
WHERE d.home_id = md5('demo/home')::uuid;

-- name: executions
INSERT INTO ts.automation_executions (id, time, automation_id, home_id, triggered_by, status, started_at, completed_at, duration_ms, actions_total, actions_succeeded, actions_failed, error_message)
SELECT md5('demo/execution/' || a.slug || at)::uuid, at, md5('demo/automation/' || a.slug)::uuid, md5('demo/home')::uuid, a.source, outcome, at, at + interval '1 second', 850, 1,
       (outcome = 'success')::integer, (outcome <> 'success')::integer, CASE outcome WHEN 'failed' THEN 'The lamp did not answer' END
FROM (VALUES ('hall', 'device_event', '{6,7,12,17,18,22}'::integer[]), ('sunset', 'schedule', '{16}'), ('night', 'schedule', '{22}')) a (slug, source, hours)
CROSS JOIN generate_series(date_trunc('day', now()) - interval '30 days', now(), interval '1 hour') at
CROSS JOIN LATERAL (SELECT CASE WHEN a.slug = 'hall' AND get_byte(decode(md5('x' || at), 'hex'), 0) < 8 THEN 'failed' ELSE 'success' END AS outcome) o
WHERE extract(hour FROM at) = ANY (a.hours);

-- name: automation_health
INSERT INTO ts.automation_health_checks (id, time, automation_id, home_id, health_status, health_score, trigger_valid, conditions_valid, actions_valid, devices_accessible)
SELECT md5('demo/check/' || a.id || at)::uuid, at, a.id, a.home_id, 'healthy', 95, true, true, true, true
FROM automations a CROSS JOIN generate_series(date_trunc('day', now()) - interval '28 days', now(), interval '7 days') at WHERE a.home_id = md5('demo/home')::uuid;

-- name: activations
INSERT INTO ts.scene_activations (id, time, scene_id, home_id, activated_by, activation_source, status, devices_targeted, devices_succeeded, devices_failed, execution_duration_ms)
SELECT md5('demo/activation/' || at)::uuid, at, md5('demo/scene/evening')::uuid, md5('demo/home')::uuid, md5('demo/user/owner')::uuid, 'manual', 'success', 1, 1, 0, 210
FROM generate_series(date_trunc('day', now()) - interval '30 days' + interval '19 hours', now(), interval '1 day') at;

-- name: errors
INSERT INTO ts.device_error_logs (id, time, device_id, home_id, error_level, error_code, error_message, error_category)
SELECT md5('demo/error/' || at)::uuid, at, md5('demo/device/office_plug')::uuid, md5('demo/home')::uuid, 'warning', 'TIMEOUT', 'No answer within 10 seconds', 'network'
FROM generate_series(now() - interval '29 days', now() - interval '3 hours', interval '2 days 5 hours') at;

-- name: healings
INSERT INTO ts.self_healing_executions (id, time, device_id, home_id, action_id, triggered_by, issue_detected, issue_severity, status, started_at, completed_at, duration_ms, success, issue_resolved, verified_at, verification_method)
SELECT md5('demo/healing/' || at)::uuid, at, md5('demo/device/office_plug')::uuid, md5('demo/home')::uuid, a.id, 'diagnostic', 'command_unconfirmed', 'warning',
       'completed', at, at + interval '8 seconds', 8000, true, true, at + interval '10 seconds', 'report'
FROM self_healing_actions a CROSS JOIN generate_series(now() - interval '29 days', now() - interval '3 hours', interval '4 days 10 hours') at WHERE a.name = 'ask_state';

-- name: alerts
INSERT INTO ts.alerts (id, time, home_id, alert_type, severity, title, message, source_device_id, source_type, status, resolved_at)
SELECT md5('demo/alert/' || slug)::uuid, now() - age, md5('demo/home')::uuid, kind::alert_type, severity::alert_severity, title, message,
       md5('demo/device/' || device)::uuid, 'device', status, CASE status WHEN 'resolved' THEN now() - age + interval '2 hours' END
FROM (VALUES
    ('offline', interval '4 hours 30 minutes', 'device_offline', 'warning', 'Balcony climate is offline', 'Last seen five hours ago', 'balcony_sensor', 'active'),
    ('battery', interval '2 days', 'battery_low', 'warning', 'Front door: battery at 12 %', 'Change the CR1632', 'hall_door', 'active'),
    ('weak', interval '9 days', 'connectivity_issue', 'info', 'Office desk plug: weak signal', 'Move the router or add a repeater', 'office_plug', 'acknowledged'),
    ('energy', interval '12 days', 'energy_anomaly', 'info', 'Fridge uses more than usual', 'Is the door closed?', 'fridge', 'resolved'),
    ('smoke', interval '20 days', 'safety_alarm', 'critical', 'Smoke in the kitchen', 'Smoke detector: alarm', 'kitchen_smoke', 'resolved')
) a (slug, age, kind, severity, title, message, device, status);

-- name: models
INSERT INTO ml_models (id, name, model_type, version, algorithm, framework, description, is_production)
VALUES (md5('demo/model')::uuid, 'demo_failure_model', 'predictive_failure', '1.0.0', 'random_forest', 'scikit-learn', 'Belongs to the demonstration home', false)
ON CONFLICT DO NOTHING;

-- name: anomalies
INSERT INTO ts.anomaly_detections (id, time, device_id, home_id, ml_model_id, anomaly_type, anomaly_score, severity, expected_value, actual_value, deviation_percent, metric_name, metric_unit, description)
SELECT md5('demo/anomaly/' || at)::uuid, at, md5('demo/device/fridge')::uuid, md5('demo/home')::uuid, md5('demo/model')::uuid, 'power_spike', 0.87, 'warning', 90, 148, 64.4, 'power', 'W', 'Runs longer than usual'
FROM generate_series(now() - interval '12 days', now() - interval '1 day', interval '5 days 12 hours') at;

-- name: predictions
INSERT INTO failure_predictions (id, device_id, home_id, ml_model_id, failure_type, failure_category, failure_probability, risk_score, confidence_level, severity, predicted_failure_date, recommended_maintenance, prediction_status)
VALUES (md5('demo/prediction')::uuid, md5('demo/device/fridge')::uuid, md5('demo/home')::uuid, md5('demo/model')::uuid, 'compressor_wear', 'appliance', 0.42, 42, 0.7, 'info',
        now() + interval '120 days', 'Clean the condenser', 'active');

-- name: predictions_log
INSERT INTO ts.ml_predictions_log (id, time, ml_model_id, device_id, home_id, prediction_type, input_features, output_prediction, confidence_score, inference_time_ms)
SELECT md5('demo/inference/' || at)::uuid, at, md5('demo/model')::uuid, md5('demo/device/fridge')::uuid, md5('demo/home')::uuid, 'failure', '{"mean_watts": 62}', '{"probability": 0.42}', 0.7, 12
FROM generate_series(now() - interval '28 days', now(), interval '7 days') at;

-- name: insights
INSERT INTO ai_insights (id, home_id, device_id, insight_type, insight_category, title, description, potential_energy_savings_kwh, confidence_score)
VALUES (md5('demo/insight')::uuid, md5('demo/home')::uuid, md5('demo/device/television')::uuid, 'energy_saving', 'efficiency', 'Switch the television off at night',
        'It stays on standby for 19 hours a day.', 12.5, 0.8);

-- name: patterns
INSERT INTO device_usage_patterns (id, device_id, home_id, pattern_type, pattern_name, day_of_week, time_of_day_start, time_of_day_end, confidence_score, sample_size)
VALUES (md5('demo/pattern')::uuid, md5('demo/device/living_lamp')::uuid, md5('demo/home')::uuid, 'daily_schedule', 'Evenings', '{0,1,2,3,4,5,6}', '17:00', '22:00', 0.9, 30);

-- name: benchmarks
INSERT INTO device_benchmarks (id, device_id, period_start, period_end, reliability_percentile, uptime_percent, peer_group_size)
VALUES (md5('demo/benchmark')::uuid, md5('demo/device/office_plug')::uuid, now() - interval '30 days', now(), 22, 96.4, 140);

-- name: diagnostics
INSERT INTO diagnostic_runs (id, device_id, home_id, triggered_by, trigger_source, overall_status, health_score, issues_found, duration_ms, started_at, completed_at)
VALUES (md5('demo/run')::uuid, md5('demo/device/office_plug')::uuid, md5('demo/home')::uuid, md5('demo/user/owner')::uuid, 'manual', 'warning', 72, 1, 4200, now() - interval '2 days', now() - interval '2 days');

-- name: diagnostic_issues
INSERT INTO diagnostic_issues (id, diagnostic_run_id, device_id, issue_type, severity, title, recommended_action)
VALUES (md5('demo/issue')::uuid, md5('demo/run')::uuid, md5('demo/device/office_plug')::uuid, 'connectivity', 'warning', 'Weak signal', 'Add a repeater between hall and office');

-- name: firmware
INSERT INTO firmware_updates (id, device_id, from_version, to_version, update_status, initiated_source, download_progress, install_progress, started_at, completed_at, success)
VALUES (md5('demo/firmware')::uuid, md5('demo/device/fridge')::uuid, '1.4.1', '1.4.2', 'completed', 'auto', 100, 100, now() - interval '15 days', now() - interval '15 days', true);

-- name: scans
INSERT INTO security_scans (id, home_id, triggered_by, scan_type, scan_scope, status, started_at, completed_at, duration_seconds, devices_scanned, vulnerabilities_found, low_issues, overall_risk_score, security_grade)
VALUES (md5('demo/scan')::uuid, md5('demo/home')::uuid, md5('demo/user/owner')::uuid, 'full', 'all_devices', 'completed', now() - interval '6 days', now() - interval '6 days', 95, 20, 1, 1, 18, 'B');

-- name: vulnerabilities
INSERT INTO security_vulnerabilities (id, security_scan_id, home_id, device_id, vulnerability_type, severity, cvss_score, title, description, attack_vector, remediation_steps)
VALUES (md5('demo/vulnerability')::uuid, md5('demo/scan')::uuid, md5('demo/home')::uuid, md5('demo/device/office_plug')::uuid, 'weak_encryption', 'info', 3.1, 'Local page without a password',
        'Anyone in the network may switch the plug.', 'adjacent', 'Set a password in the plug''s own settings.');

-- name: incidents
INSERT INTO ts.security_incidents (id, time, home_id, device_id, incident_type, severity, title, description, attack_source_ip, detection_method, detection_source, status, detected_at, resolved_at)
VALUES (md5('demo/incident')::uuid, now() - interval '18 days', md5('demo/home')::uuid, md5('demo/device/router')::uuid, 'suspicious_activity', 'warning', 'Many refused logins', '40 within a minute',
        '198.51.100.23', 'signature', 'router', 'resolved', now() - interval '18 days', now() - interval '17 days');

-- name: network_rules
INSERT INTO network_access_rules (id, home_id, rule_name, rule_type, priority, source_ip_range, created_by, description)
VALUES (md5('demo/network_rule')::uuid, md5('demo/home')::uuid, 'Nothing from outside', 'deny', 10, '0.0.0.0/0', md5('demo/user/owner')::uuid, 'Devices are reached through the hub only');

-- name: notifications
INSERT INTO ts.user_notifications (id, time, user_id, home_id, notification_type, channel, subject, body, related_alert_id, status, sent_at, read_at)
SELECT md5('demo/notification/' || a.id)::uuid, a.time, md5('demo/user/owner')::uuid, a.home_id, a.alert_type::text, 'in_app', a.title, a.message, a.id, 'read', a.time, a.time + interval '1 hour'
FROM ts.alerts a WHERE a.home_id = md5('demo/home')::uuid AND a.time < now() - interval '1 day';

-- name: api_use
INSERT INTO ts.api_usage (time, user_id, endpoint, method, status_code, response_time_ms)
SELECT at, md5('demo/user/owner')::uuid, '/rest/v1/home_dashboard_summary', 'GET', 200, 12 FROM generate_series(now() - interval '30 days', now(), interval '6 hours') at;
