-- What messages say, for each kind of alert and channel, and for several messages joined in one (digest). Messages in the app
-- show title and message as they are, so they have no template. Ids are UUIDv5 of the name under
-- uuid5(NAMESPACE_URL, 'https://nexa.example/notification_templates'). May run again; what an operator changed is kept.
-- Of Jinja only text, variables, conditions, one loop and a few filters are understood (cloud_schema/notifier/rendering.py).

INSERT INTO notification_templates (
    id, template_name, notification_type, channel, subject_template, body_template, html_body_template, language, variables
) VALUES
    ('51dc5e20-5b57-5f7c-916a-9dc82022ba47', 'device_offline.push.en', 'device_offline', 'push', '{{ device | default(''A device'', true) }} is offline',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('886ed2f5-6138-5263-b4e7-1f2240084fdf', 'device_offline.email.en', 'device_offline', 'email', '{{ home }}: {{ device | default(''A device'', true) }} is offline',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

Please check that it has power and is within reach.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>Please check that it has power and is within reach.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('8ee3d717-cd2f-571c-b4bc-3d418fc8bdea', 'device_offline.sms.en', 'device_offline', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('f94028c5-4ad2-578f-8da8-661994f94133', 'battery_low.push.en', 'battery_low', 'push', '{{ device | default(''A device'', true) }} needs a new battery soon',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('444f0f00-f828-5c50-aad8-5e29890088d5', 'battery_low.email.en', 'battery_low', 'email', '{{ home }}: {{ device | default(''A device'', true) }} needs a new battery soon',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

Please change or charge its battery when you pass by.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>Please change or charge its battery when you pass by.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('7fcf415c-02ce-5aa7-9d3d-d71e7be94581', 'battery_low.sms.en', 'battery_low', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('43d47d90-8df8-5301-99b8-e08b312eb5ab', 'firmware_update.push.en', 'firmware_update', 'push', 'There is an update for {{ device | default(''a device'', true) }}',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('e339b7f8-e47e-5715-9b30-baead2884289', 'firmware_update.email.en', 'firmware_update', 'email', '{{ home }}: There is an update for {{ device | default(''a device'', true) }}',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

You can install it from the app when it suits you.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>You can install it from the app when it suits you.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('390e4bb1-860e-5bad-bf48-69316e8c6086', 'firmware_update.sms.en', 'firmware_update', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('4fa55527-03a4-55d3-9408-92a5123e2ddf', 'security_vulnerability.push.en', 'security_vulnerability', 'push', '{{ device | default(''Your home'', true) }} has a weak spot',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('c8a575c8-4bd5-5218-9c93-eab470bd2ac2', 'security_vulnerability.email.en', 'security_vulnerability', 'email', '{{ home }}: {{ device | default(''Your home'', true) }} has a weak spot',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

Please look in the app at what we suggest.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>Please look in the app at what we suggest.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('24744ec2-9052-5b76-b359-481bcee7b4bf', 'security_vulnerability.sms.en', 'security_vulnerability', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('a0309125-194c-5524-b3d9-e07b13f49441', 'unauthorized_access.push.en', 'unauthorized_access', 'push', 'Somebody may have got into {{ device | default(''your home'', true) }}',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('b568add7-0019-5a0b-8560-0a10d026b93f', 'unauthorized_access.email.en', 'unauthorized_access', 'email', '{{ home }}: Somebody may have got into {{ device | default(''your home'', true) }}',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

If this was not you, please change the password and look at who may use your home.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>If this was not you, please change the password and look at who may use your home.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('3aa5911b-4ebb-512c-973e-7a4c21796342', 'unauthorized_access.sms.en', 'unauthorized_access', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('ace5ea70-cd89-5d1e-8dcb-2b00e234073d', 'predictive_failure.push.en', 'predictive_failure', 'push', '{{ device | default(''A device'', true) }} may fail soon',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('2dc272d7-6a1c-5602-a059-f43a78129bfe', 'predictive_failure.email.en', 'predictive_failure', 'email', '{{ home }}: {{ device | default(''A device'', true) }} may fail soon',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

There is still time to look at it.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>There is still time to look at it.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('713b0072-f29f-5e83-a1a3-4b1d5e8b281c', 'predictive_failure.sms.en', 'predictive_failure', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('496036f4-1f12-5e51-9612-1d2835539c4a', 'automation_failure.push.en', 'automation_failure', 'push', 'An automation did not finish',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('4defcf8d-2698-57b5-a592-7e5c605174db', 'automation_failure.email.en', 'automation_failure', 'email', '{{ home }}: An automation did not finish',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

The app shows at which step it stopped, and why.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>The app shows at which step it stopped, and why.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('f843bd2d-0bb3-5041-9292-885caffadcfd', 'automation_failure.sms.en', 'automation_failure', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('60a505f2-edd2-5759-874f-2b488986b6fd', 'energy_anomaly.push.en', 'energy_anomaly', 'push', 'Your home uses energy in an unusual way',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('3b39d3de-60b5-5e31-b2a9-1a19fea0c241', 'energy_anomaly.email.en', 'energy_anomaly', 'email', '{{ home }}: Your home uses energy in an unusual way',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

Please see whether something was left on.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>Please see whether something was left on.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('8a82331f-90eb-5d6c-bc77-4d0f1f2c027e', 'energy_anomaly.sms.en', 'energy_anomaly', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('601aad7b-da28-5a43-8987-d436099de797', 'connectivity_issue.push.en', 'connectivity_issue', 'push', '{{ device | default(''A device'', true) }} has a poor connection',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('870984ad-4a53-576d-a68b-71df15bfdc39', 'connectivity_issue.email.en', 'connectivity_issue', 'email', '{{ home }}: {{ device | default(''A device'', true) }} has a poor connection',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

It may help to move it, or the router, a little.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>It may help to move it, or the router, a little.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('7d6f943c-e754-5954-ac7b-3f2635127711', 'connectivity_issue.sms.en', 'connectivity_issue', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('234a974e-d07c-5b3b-84df-83ca7c667b1e', 'self_healing_completed.push.en', 'self_healing_completed', 'push', '{{ device | default(''A device'', true) }} is well again',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('e5ea4ea1-fc48-504c-8065-c2fe083300a1', 'self_healing_completed.email.en', 'self_healing_completed', 'email', '{{ home }}: {{ device | default(''A device'', true) }} is well again',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

There is nothing left for you to do.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>There is nothing left for you to do.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('2b43c96a-1e27-5527-965a-262b18b33eaf', 'self_healing_completed.sms.en', 'self_healing_completed', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('e6133878-f81f-5f95-bfef-7f8eeb0c7a64', 'self_healing_failed.push.en', 'self_healing_failed', 'push', '{{ device | default(''A device'', true) }} needs your help',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('3702de77-8c88-5453-ae2b-e6b8c9d470f4', 'self_healing_failed.email.en', 'self_healing_failed', 'email', '{{ home }}: {{ device | default(''A device'', true) }} needs your help',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

We tried to repair it and could not.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>We tried to repair it and could not.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('9e49f503-fc9b-535b-ac43-48d8317760d8', 'self_healing_failed.sms.en', 'self_healing_failed', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('eed53404-8d99-5250-b80a-9349cfb8e3ba', 'safety_alarm.push.en', 'safety_alarm', 'push', 'ALARM: {{ title }}',
     '{{ home }}: {{ message }}{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('9b151f10-59e1-5fe4-b8ca-74f48d1765d2', 'safety_alarm.email.en', 'safety_alarm', 'email', '{{ home }}: ALARM: {{ title }}',
     'Hello {{ name }},

{{ message }}{% if is_over %} It is over by now.{% endif %}

If you are in doubt, leave the building and call for help.
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong>{% if is_over %} It is over by now.{% endif %}</p>
<p>If you are in doubt, leave the building and call for help.</p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('9fcffcab-0d25-547c-8f8f-e64b788a6510', 'safety_alarm.sms.en', 'safety_alarm', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }} If you are in doubt, leave the building and call for help.{% if is_over %} It is over by now.{% endif %}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('3d6ca9c5-30cc-5247-81ac-1ac09b4ec1b0', 'notice.push.en', 'notice', 'push', '{{ title }}',
     '{{ home }}: {{ message }}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('42e26e32-4e86-5cbb-a8e9-5f04efde4009', 'notice.email.en', 'notice', 'email', '{{ home }}: {{ title }}',
     'Hello {{ name }},

{{ message }}
{% for suggestion in suggestions %}
- {{ suggestion }}
{% endfor %}

Home: {{ home }}
{% if device %}
Device: {{ device }}{% if room %} ({{ room }}){% endif %}

{% endif %}
Time: {{ local_time }} ({{ timezone }})

Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p><strong>{{ message }}</strong></p>
{% if suggestions %}
<ul>
{% for suggestion in suggestions %}
<li>{{ suggestion }}</li>
{% endfor %}
</ul>
{% endif %}
<p>Home: {{ home }}{% if device %}<br>Device: {{ device }}{% if room %} ({{ room }}){% endif %}{% endif %}<br>Time: {{ local_time }} ({{ timezone }})</p>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('7f0e1be4-cdcf-52ef-bd79-261f4d14069b', 'notice.sms.en', 'notice', 'sms', NULL,
     'NEXA, {{ home }}: {{ message }}',
     NULL, 'en', '["name", "home", "device", "room", "title", "message", "severity", "local_time", "timezone", "suggestions", "is_over"]'),
    ('63b53b25-5b76-53ee-991c-8e9742f976f6', 'digest.push.en', 'digest', 'push', '{{ count }} messages from your home',
     '{% for item in items %}
{{ item.local_time }} {{ item.home }}: {{ item.title }}{% if item.is_over %} (over by now){% endif %}

{% endfor %}',
     NULL, 'en', '["name", "count", "items"]'),
    ('9ba507ed-371b-5f2d-adb6-b61bc3f9ae48', 'digest.email.en', 'digest', 'email', '{{ count }} messages from your home',
     'Hello {{ name }},

this is what happened:

{% for item in items %}
- {{ item.local_time }} {{ item.home }}: {{ item.title }}{% if item.is_over %} (over by now){% endif %}
  {{ item.message }}

{% endfor %}
Which messages you get, and when, is up to you: see Notifications in the app.',
     '<p>Hello {{ name }},</p>
<p>this is what happened:</p>
<ul>
{% for item in items %}
<li><strong>{{ item.title }}</strong> ({{ item.home }}, {{ item.local_time }}){% if item.is_over %} over by now{% endif %}<br>{{ item.message }}</li>
{% endfor %}
</ul>
<p><small>Which messages you get, and when, is up to you: see Notifications in the app.</small></p>', 'en', '["name", "count", "items"]'),
    ('3daeb12d-d0b8-5b6e-b4af-bf50056897ee', 'digest.sms.en', 'digest', 'sms', NULL,
     'NEXA: {{ count }} messages. {% for item in items %}
{{ item.title }}. {% endfor %}',
     NULL, 'en', '["name", "count", "items"]')
ON CONFLICT DO NOTHING;
