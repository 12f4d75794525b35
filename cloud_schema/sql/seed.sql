-- Catalogue rows that a hub counts on. Ids are UUIDv5 of the name, so that hub and cloud know them without asking:
-- uuid5(uuid5(NAMESPACE_URL, 'https://nexa.example/<table>'), name). May run again; what an operator changed is kept.

INSERT INTO ecosystems (id, name, slug, provider, capabilities) VALUES
    ('d745e31a-e1ce-566b-83c3-a61b0eae1aed', 'Zigbee2MQTT', 'zigbee2mqtt', 'zigbee2mqtt', '{"scenes": true, "groups": true}'),
    ('7ae66606-0c9f-5fa8-9e1c-66cd5bcffc4f', 'Home Assistant MQTT discovery', 'homeassistant_mqtt', 'homeassistant', '{}')
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
