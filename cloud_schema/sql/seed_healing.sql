-- The ladder of remedies beyond those today's hubs know (seed.sql has these): for hubs to come, and for people. Ids are UUIDv5 of the name: uuid5(uuid5(NAMESPACE_URL, 'https://nexa.example/self_healing_actions'), name).
-- May run again: a row that is there is left as it is, whatever an operator made of it.
-- Hubs choose among the remedies they know by name; rows they do not know are never sent to them.

INSERT INTO self_healing_actions (
    id, name, action_type, category, requires_user_approval, max_retry_attempts, cooldown_period_minutes, risk_level, action_config,
    applicable_device_types, applicable_protocols, description
) VALUES
    ('0c5ca96a-d66c-57a3-94de-a7156f3b0493', 'reconnect_device', 'repair', 'connectivity', false, 2, 10, 'low', '{"step": 5}',
     NULL, NULL, 'Ask the bridge or the router to take the device in again.'),
    ('ea94ace5-49eb-5532-9fff-5a364992927f', 'wake_battery_device', 'repair', 'connectivity', false, 3, 30, 'low', '{"step": 6}',
     NULL, '{zigbee,zwave,thread}', 'Queue a question for the next time a sleeping device wakes up.'),
    ('513b9beb-a997-507e-b1a0-1e585ba1cd3f', 'renew_route', 'optimize', 'connectivity', false, 1, 360, 'low', '{"step": 7}',
     NULL, '{zigbee,zwave,thread}', 'Let the mesh find a new way to the device.'),
    ('9113adf0-3dfa-5487-b7b8-92cf37ff18aa', 'reboot_device', 'reboot', 'connectivity', false, 2, 60, 'medium', '{"step": 8}',
     NULL, '{wifi,ethernet,matter,thread}', 'Restart the device by its own command.'),
    ('e25d333d-b558-521b-9c7c-b059fe67a787', 'power_cycle_via_plug', 'reboot', 'connectivity', true, 1, 240, 'medium', '{"step": 9}',
     NULL, NULL, 'Switch the plug that feeds the device off and on again.'),
    ('6db1a043-fbb4-52db-b740-e72b057dd0fe', 'reinterview_device', 'reconfigure', 'connectivity', false, 1, 1440, 'medium', '{"step": 10}',
     NULL, '{zigbee,zwave,matter}', 'Ask the device anew what it is and can do.'),
    ('cff24f8c-4006-5e09-9577-1b9429c9f048', 'restart_bridge', 'reboot', 'connectivity', true, 1, 720, 'medium', '{"step": 11}',
     '{bridge}', NULL, 'Restart the bridge that many failing devices share.'),
    ('94d59610-45f0-500a-9fe5-d538606efd22', 'restart_broker', 'reboot', 'connectivity', true, 1, 720, 'medium', '{"step": 12}',
     '{hub}', NULL, 'Restart the message broker on the hub.'),
    ('6282de1f-1733-596b-91a9-308d8a881b59', 'restart_router', 'reboot', 'connectivity', true, 1, 1440, 'high', '{"step": 13}',
     '{router}', NULL, 'Restart the router, when the whole network fails.'),
    ('740891e6-3a1b-50a4-8821-297008a82245', 'change_channel', 'reconfigure', 'connectivity', true, 1, 10080, 'high', '{"step": 14}',
     '{bridge}', '{zigbee,thread,wifi}', 'Move the radio network to a quieter channel.'),
    ('84dc560e-9d64-5612-ab0e-5e23a0fa8542', 'sync_clock', 'repair', 'performance', false, 3, 60, 'low', '{"step": 15}',
     NULL, NULL, 'Set the devices clock, so that its schedules and certificates hold.'),
    ('48818421-8e86-5189-b491-52b47221af55', 'reduce_reporting', 'optimize', 'performance', false, 1, 1440, 'low', '{"step": 16}',
     NULL, '{zigbee,zwave}', 'Let a device that floods the network report less often.'),
    ('af0d85dc-4f6c-59d0-b344-a4432b63f93a', 'restore_settings', 'reconfigure', 'automation', true, 1, 1440, 'medium', '{"step": 17}',
     NULL, NULL, 'Write the settings back that the device has lost.'),
    ('fae99aee-d583-5ca0-ac21-f0d7d652b2ad', 'repair_automation', 'repair', 'automation', true, 1, 1440, 'medium', '{"step": 18}',
     NULL, NULL, 'Point an automation to the device that has taken the place of a missing one.'),
    ('d7d61a02-94f4-507c-9ce8-4b395127f635', 'retry_firmware_update', 'repair', 'firmware', true, 2, 1440, 'medium', '{"step": 19}',
     NULL, NULL, 'Begin an update that broke off once more.'),
    ('cba6c8a3-74eb-59ac-bcff-0dab7afa17b2', 'roll_back_firmware', 'reset', 'firmware', true, 1, 10080, 'high', '{"step": 20}',
     NULL, NULL, 'Go back to the firmware before, after an update made it worse.'),
    ('9a12f094-4a41-5d8b-ac95-be6905b9f489', 'factory_reset', 'reset', 'connectivity', true, 1, 43200, 'high', '{"step": 21}',
     NULL, NULL, 'Reset the device and pair it anew. The last thing to try.')
ON CONFLICT DO NOTHING;
