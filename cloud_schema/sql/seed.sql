-- Catalogue rows that a hub counts on: an ecosystem for each of its dialects, its remedies, and the models of its forecasts. Ids are UUIDv5 of the name, so that hub and cloud know them without asking:
-- uuid5(uuid5(NAMESPACE_URL, 'https://nexa.example/<table>'), name). May run again; what an operator changed is kept.

INSERT INTO ecosystems (id, name, slug, provider, capabilities) VALUES
    ('d745e31a-e1ce-566b-83c3-a61b0eae1aed', 'Zigbee2MQTT', 'zigbee2mqtt', 'zigbee2mqtt', '{"scenes": true, "groups": true}'),
    ('7ae66606-0c9f-5fa8-9e1c-66cd5bcffc4f', 'Home Assistant MQTT discovery', 'homeassistant_mqtt', 'homeassistant', '{}'),
    ('5f866f22-2501-5c11-b4f3-53bfbe148a83', 'Matter', 'matter', 'csa', '{"local": true}'),
    ('aa7f4fa2-f0f0-5ece-886a-71d652ff9254', 'Sonos', 'sonos', 'sonos', '{"groups": true, "local": true}'),
    ('3f725e8c-76dd-58e4-8cdf-aba8f767d77c', 'ESPHome', 'esphome', 'esphome', '{"local": true}'),
    ('c06df8ae-b1b6-52bf-92d5-ad38411205f6', 'Tasmota', 'tasmota', 'tasmota', '{"local": true}'),
    ('730049e7-d145-5781-905c-5aff288f5a88', 'Homie', 'homie', 'homie', '{"local": true}'),
    ('bab698a0-9f25-5af6-9134-1b02b5cb771c', 'Shelly', 'shelly', 'shelly', '{"local": true}'),
    ('af52fa9e-77e7-5e95-a9e1-d831d6a18e31', 'Philips Hue bridge', 'hue', 'signify', '{"scenes": true, "groups": true, "local": true}'),
    ('1a9c9b41-8937-53f9-b205-1cfc2bd41da2', 'WLED', 'wled', 'wled', '{"local": true}'),
    ('bfe25f54-fb85-5963-a4f2-09dd8b8fbdd2', 'HomeKit accessories', 'homekit', 'apple', '{"local": true}'),
    ('d1b72149-e4d5-53a0-a0a6-78aed9e2b9a8', 'Z-Wave', 'zwave', 'zwave_js', '{"local": true}'),
    ('0ed7bae1-5bfc-5510-966b-5948107aa63f', 'LIFX', 'lifx', 'lifx', '{"local": true}'),
    ('2033c7c1-91a0-56d7-b754-d283d1f12cb4', 'Google Cast', 'cast', 'google', '{"local": true}')
ON CONFLICT DO NOTHING;

INSERT INTO self_healing_actions (
    id, name, action_type, category, description, requires_user_approval, max_retry_attempts, cooldown_period_minutes, risk_level, action_config
) VALUES
    ('8935bed9-a7b2-55ff-98bc-eb95fdede414', 'ask_state', 'repair', 'connectivity',
     'Ask the device for its state: it may only have been quiet.', false, 3, 5, 'low', '{"step": 1}'),
    ('4664507b-ca5e-513d-9e92-d3c0dd248a13', 'resend_command', 'repair', 'connectivity',
     'Send the command again that the device has not confirmed.', false, 2, 1, 'low', '{"step": 2}'),
    ('06d76ff9-31ed-5e84-8a5d-9248c8ce22c7', 'reconfigure_through_bridge', 'reconfigure', 'connectivity',
     'Let the bridge set the device up anew, which renews its bindings and reporting.', false, 1, 60, 'low', '{"step": 3}'),
    ('96674b93-c484-55bc-a1c6-469c9003bdb8', 'tell_person', 'repair', 'connectivity',
     'Tell a person what is wrong and what to look at.', false, 1, 720, 'low', '{"step": 4}')
ON CONFLICT DO NOTHING;

-- The models of forecasts. A hub takes other parameters from here, each within its bounds; where one is out of them it keeps to its own.
INSERT INTO ml_models (id, name, model_type, version, algorithm, hyperparameters, is_production, description) VALUES
    ('827f7004-2e7c-57a1-8d09-dce605aff0cd', 'battery_empty', 'predictive_failure', '1.0.0', 'theil_sen', '{"horizon_days": 56, "min_days": 14, "min_drop": 6, "confidence_min": 0.7, "empty_at": 5, "replaced_rise": 20, "tell_days": 28}', true,
     'When a battery will be empty: the median slope between its daily medians since it was put in.'),
    ('88e1f114-7451-574d-bf16-f0417ecdcf55', 'link_decline', 'predictive_failure', '1.0.0', 'poisson_rate_and_theil_sen', '{"horizon_days": 28, "min_days": 21, "dropouts_min": 7, "dropouts_times": 4, "signal_drop": 15, "weak_percent": 10, "weak_dbm": -90, "confidence_min": 0.8}', true,
     'Whether a device is about to lose its connection: dropouts of a week against the weeks before, and the slope of its signal.'),
    ('c549cd43-b550-5574-acfc-4a4653b5ca15', 'energy_hour_of_week', 'anomaly_detection', '1.0.0', 'median_and_mad', '{"weeks_min": 4, "band": 4, "hours": 6, "floor_wh": 20, "irregular_max": 0.03}', true,
     'Whether a device that is regular uses much more or less than in the same hour of past weeks, for hours on end.'),
    ('143adb46-9995-5781-b8b4-65b3dd27e643', 'usage_windows', 'usage_pattern', '1.0.0', 'share_of_days_per_half_hour', '{"share": 0.7, "days_min": 8}', true,
     'When a device or a room is normally used: half hours in which that was so on most of the days of six weeks.')
ON CONFLICT DO NOTHING;
