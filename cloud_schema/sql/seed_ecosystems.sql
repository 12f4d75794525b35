-- Ecosystems a home may be joined to, besides those hubs count on (seed.sql). Ids are UUIDv5 of the slug: uuid5(uuid5(NAMESPACE_URL, 'https://nexa.example/ecosystems'), slug).
-- May run again: a row that is there is left as it is, whatever an operator made of it.

INSERT INTO ecosystems (id, name, slug, provider, capabilities) VALUES
    ('e834dced-fef9-5f71-8a18-261eefd13aa7', 'Google Home', 'google_home', 'google', '{"voice": true, "scenes": true}'),
    ('db9bed33-8bf7-5da7-a15c-eb08be0354d3', 'Amazon Alexa', 'amazon_alexa', 'amazon', '{"voice": true, "scenes": true, "groups": true}'),
    ('565b68e1-697d-5aa3-b231-8b5eee5ca79d', 'Apple Home', 'apple_home', 'apple', '{"voice": true, "scenes": true, "local": true}'),
    ('934ef796-d0ac-5966-a618-298e057afc55', 'Samsung SmartThings', 'smartthings', 'samsung', '{"scenes": true, "automations": true}'),
    ('b72e991c-b822-5839-a69a-667795ef669e', 'Home Assistant', 'home_assistant', 'homeassistant', '{"scenes": true, "automations": true, "local": true}'),
    ('d69484cf-6c76-5cb0-91ae-28c8ee02ddd4', 'openHAB', 'openhab', 'openhab', '{"local": true}'),
    ('820158f3-ab82-5da2-9130-e010ce8e06e3', 'Homey', 'homey', 'athom', '{"scenes": true, "automations": true}'),
    ('d036819b-e83e-5e9e-97e7-3fe29aa2759b', 'Hubitat', 'hubitat', 'hubitat', '{"scenes": true, "automations": true, "local": true}'),
    ('76314440-ee01-5a50-b4b6-2af34c81541a', 'IFTTT', 'ifttt', 'ifttt', '{"automations": true}'),
    ('9bcdd7ab-d477-51a1-b320-46a3d3f0dc5e', 'Philips Hue', 'philips_hue', 'signify', '{"scenes": true, "groups": true, "local": true}'),
    ('5f473ab7-6211-53dd-bc7a-825e4385972e', 'IKEA Home smart', 'ikea_home_smart', 'ikea', '{"scenes": true, "groups": true, "local": true}'),
    ('0a51c091-475f-59c0-b403-3ef2cfd9a4e0', 'Tuya Smart', 'tuya', 'tuya', '{"scenes": true, "automations": true}'),
    ('c9794697-ec81-53b1-bb2f-135f8b3ba8d4', 'Shelly Cloud', 'shelly_cloud', 'shelly', '{"scenes": true}'),
    ('5eb3f6e8-a4f7-525b-ae67-6a36e419f7f6', 'TP-Link Kasa and Tapo', 'tplink_kasa', 'tplink', '{"scenes": true}'),
    ('8080d1f7-1e1f-55b7-a553-3dba7dd79676', 'eWeLink', 'ewelink', 'coolkit', '{"scenes": true}'),
    ('8ab26801-d990-559b-a601-e5d5d6589126', 'Aqara Home', 'aqara_home', 'aqara', '{"scenes": true, "automations": true}'),
    ('20654535-6953-50d5-8220-2677f22caab3', 'Xiaomi Home', 'xiaomi_home', 'xiaomi', '{"scenes": true, "automations": true}'),
    ('4b187b6e-e6a7-5e7f-8d31-0c6e647d609c', 'Ring', 'ring', 'amazon', '{}'),
    ('347aaadb-7547-5d4b-8cb0-5f47fe104568', 'Google Nest', 'google_nest', 'google', '{}'),
    ('4b39e77f-d519-55c2-895c-915edbf7476a', 'Ecobee', 'ecobee', 'ecobee', '{}'),
    ('6c74854b-4d03-5b10-bb71-b205193f8a2e', 'Tado', 'tado', 'tado', '{}'),
    ('348b1352-8b4e-5eba-ae65-200168004c57', 'deCONZ', 'deconz', 'dresden_elektronik', '{"scenes": true, "groups": true, "local": true}'),
    ('aea9278f-0290-58ec-9b3f-161a4ad7263c', 'Z-Wave JS', 'zwave_js', 'zwave_js', '{"local": true}')
ON CONFLICT DO NOTHING;
