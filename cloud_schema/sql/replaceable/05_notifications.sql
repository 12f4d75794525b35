-- From an alert to the messages about it: who is told, on which channel, when. FLOWS.md tells it in words.
-- A message waits as a row of ts.user_notifications with status 'pending'; the notifier sends it (05_notifier.sql).

CREATE UNIQUE INDEX IF NOT EXISTS user_notification_preferences_one_global
    ON public.user_notification_preferences (user_id) WHERE home_id IS NULL;

-- Named bounds.
CREATE OR REPLACE FUNCTION hub_sync.alert_fresh_for() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '24 hours'$$;
CREATE OR REPLACE FUNCTION hub_sync.alert_told_for() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '7 days'$$;
CREATE OR REPLACE FUNCTION hub_sync.burst_window() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '10 minutes'$$;
CREATE OR REPLACE FUNCTION hub_sync.burst_messages_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 10';  -- a person, channel and window
CREATE OR REPLACE FUNCTION hub_sync.repeat_window(is_safety boolean) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN is_safety THEN interval '2 minutes' ELSE interval '30 minutes' END
$$;

-- The first of these names that is a time zone.
CREATE OR REPLACE FUNCTION hub_sync.usable_zone(VARIADIC names text[]) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY names LOOP
        CONTINUE WHEN coalesce(name, '') = '';
        BEGIN
            PERFORM now() AT TIME ZONE name;
            RETURN name;
        EXCEPTION WHEN data_exception THEN
            NULL;  -- people's words
        END;
    END LOOP;
    RETURN 'UTC';
END
$$;

-- Quiet hours go by the clock on the wall: from the start on, up to and without the end. Equal ends mean none.
CREATE OR REPLACE FUNCTION hub_sync.is_quiet(at timestamptz, zone text, starts time, ends time) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(CASE
        WHEN starts < ends THEN (at AT TIME ZONE zone)::time >= starts AND (at AT TIME ZONE zone)::time < ends
        WHEN starts > ends THEN (at AT TIME ZONE zone)::time >= starts OR (at AT TIME ZONE zone)::time < ends
    END, false)
$$;

-- The first moment from `at` on that is not quiet. Where the clock is put forward over the end, that is the moment it is
-- put forward; where it is put back into quiet hours, they are quiet once more.
CREATE OR REPLACE FUNCTION hub_sync.quiet_until(at timestamptz, zone text, starts time, ends time) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    wall time := (at AT TIME ZONE zone)::time;
    offset_before interval := (at AT TIME ZONE zone) - (at AT TIME ZONE 'UTC');
    offset_after interval;
    reached timestamptz;
    before timestamptz := at;
    changed timestamptz;
    middle timestamptz;
BEGIN
    IF NOT hub_sync.is_quiet(at, zone, starts, ends) THEN
        RETURN at;
    END IF;
    reached := at + (ends - wall) + CASE WHEN ends <= wall THEN interval '24 hours' ELSE interval '0' END;
    offset_after := (reached AT TIME ZONE zone) - (reached AT TIME ZONE 'UTC');
    IF offset_after = offset_before THEN
        RETURN reached;
    END IF;
    changed := reached;
    WHILE changed - before > interval '1 second' LOOP
        middle := before + (changed - before) / 2;
        IF (middle AT TIME ZONE zone) - (middle AT TIME ZONE 'UTC') = offset_before THEN
            before := middle;
        ELSE
            changed := middle;
        END IF;
    END LOOP;
    changed := date_trunc('minute', changed);
    IF changed >= at AND NOT hub_sync.is_quiet(changed, zone, starts, ends) THEN
        RETURN changed;
    END IF;
    reached := reached + offset_before - offset_after;
    -- Before the change means: all that is not quiet was jumped over, and comes back the day after.
    RETURN CASE WHEN reached >= changed THEN reached ELSE hub_sync.quiet_until(changed, zone, starts, ends) END;
END
$$;

-- The next time for a digest after `at`; weekly ones go out on Mondays.
CREATE OR REPLACE FUNCTION hub_sync.next_digest(at timestamptz, zone text, clock time, frequency text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    step integer := CASE WHEN frequency = 'weekly' THEN 7 ELSE 1 END;
    day date := (at AT TIME ZONE zone)::date;
BEGIN
    IF step = 7 THEN
        day := day + (8 - extract(isodow FROM day)::integer) % 7;
    END IF;
    WHILE (day + clock) AT TIME ZONE zone <= at LOOP
        day := day + step;
    END LOOP;
    RETURN (day + clock) AT TIME ZONE zone;
END
$$;

-- What the person wants for this home: the row of the home, else the one for all homes, else the defaults; no column is null.
CREATE OR REPLACE FUNCTION hub_sync.notification_preferences(person uuid, home uuid) RETURNS public.user_notification_preferences
LANGUAGE plpgsql STABLE AS $$
DECLARE
    wanted public.user_notification_preferences;
BEGIN
    SELECT * INTO wanted FROM public.user_notification_preferences p
    WHERE p.user_id = person AND (p.home_id = home OR p.home_id IS NULL)
    ORDER BY p.home_id NULLS LAST LIMIT 1;
    wanted.push_enabled := coalesce(wanted.push_enabled, true);
    wanted.email_enabled := coalesce(wanted.email_enabled, true);
    wanted.sms_enabled := coalesce(wanted.sms_enabled, false);
    wanted.device_alerts_enabled := coalesce(wanted.device_alerts_enabled, true);
    wanted.security_alerts_enabled := coalesce(wanted.security_alerts_enabled, true);
    wanted.energy_alerts_enabled := coalesce(wanted.energy_alerts_enabled, true);
    wanted.automation_alerts_enabled := coalesce(wanted.automation_alerts_enabled, true);
    wanted.predictive_alerts_enabled := coalesce(wanted.predictive_alerts_enabled, true);
    wanted.system_alerts_enabled := coalesce(wanted.system_alerts_enabled, true);
    wanted.digest_enabled := coalesce(wanted.digest_enabled, false);
    wanted.digest_frequency := coalesce(wanted.digest_frequency, 'daily');
    wanted.digest_time := coalesce(wanted.digest_time, '09:00');
    wanted.quiet_hours_enabled := coalesce(wanted.quiet_hours_enabled, false);
    wanted.quiet_hours_start := coalesce(wanted.quiet_hours_start, '22:00');
    wanted.quiet_hours_end := coalesce(wanted.quiet_hours_end, '07:00');
    wanted.critical_override_quiet_hours := coalesce(wanted.critical_override_quiet_hours, true);
    wanted.min_push_severity := coalesce(wanted.min_push_severity, 'warning');
    wanted.min_email_severity := coalesce(wanted.min_email_severity, 'info');
    wanted.min_sms_severity := coalesce(wanted.min_sms_severity, 'critical');
    RETURN wanted;
END
$$;

-- Whose clock: the person's, unless it was never set (the default is UTC); then the home's.
CREATE OR REPLACE FUNCTION hub_sync.zone_of(persons text, homes text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT hub_sync.usable_zone(nullif(persons, 'UTC'), homes)
$$;

-- The first moment from `at` on at which the person may be disturbed.
CREATE OR REPLACE FUNCTION hub_sync.held_until(
    wanted public.user_notification_preferences, zone text, kind text, level public.alert_severity, at timestamptz
) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT wanted.quiet_hours_enabled OR kind = 'safety_alarm' THEN at
        WHEN level = 'critical' AND wanted.critical_override_quiet_hours THEN at
        ELSE hub_sync.quiet_until(at, zone, wanted.quiet_hours_start, wanted.quiet_hours_end)
    END
$$;

-- Which switch of the preferences an alert obeys.
CREATE OR REPLACE FUNCTION hub_sync.alert_category(kind public.alert_type) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE kind::text
        WHEN 'device_offline' THEN 'device' WHEN 'battery_low' THEN 'device' WHEN 'firmware_update' THEN 'device'
        WHEN 'connectivity_issue' THEN 'device'
        WHEN 'security_vulnerability' THEN 'security' WHEN 'unauthorized_access' THEN 'security'
        WHEN 'energy_anomaly' THEN 'energy'
        WHEN 'automation_failure' THEN 'automation'
        WHEN 'predictive_failure' THEN 'predictive'
        ELSE 'system' END
$$;

CREATE OR REPLACE FUNCTION hub_sync.category_wanted(wanted public.user_notification_preferences, category text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE category
        WHEN 'device' THEN wanted.device_alerts_enabled WHEN 'security' THEN wanted.security_alerts_enabled
        WHEN 'energy' THEN wanted.energy_alerts_enabled WHEN 'automation' THEN wanted.automation_alerts_enabled
        WHEN 'predictive' THEN wanted.predictive_alerts_enabled ELSE wanted.system_alerts_enabled END
$$;

-- May be told about the home: its owner, and active members who may view it.
CREATE OR REPLACE FUNCTION hub_sync.may_be_told(home uuid, person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM public.homes h WHERE h.id = home AND h.owner_id = person)
        OR EXISTS (SELECT FROM public.home_members m WHERE m.home_id = home AND m.user_id = person AND m.is_active
                   AND (m.role IN ('owner', 'admin') OR lower(m.permissions ->> 'view') IN ('true', 't', 'yes', 'on', '1')))
$$;

-- The addresses a person has given for a channel: users.preferences -> {"notify": {"urls": {"push": [...], "webhook": [...]}}}.
CREATE OR REPLACE FUNCTION hub_sync.addresses_of(person public.users, channel text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE channel
        WHEN 'email' THEN array_remove(ARRAY[nullif(person.email, '')], NULL)
        WHEN 'sms' THEN array_remove(ARRAY[nullif(person.phone, '')], NULL)
        ELSE ARRAY(
            SELECT left(u.value #>> '{}', 2000)
            FROM jsonb_array_elements(CASE jsonb_typeof(person.preferences #> ARRAY['notify', 'urls', channel])
                WHEN 'array' THEN person.preferences #> ARRAY['notify', 'urls', channel] ELSE '[]' END) WITH ORDINALITY u (value, position)
            WHERE jsonb_typeof(u.value) = 'string' AND u.value #>> '{}' <> ''
            ORDER BY u.position LIMIT 5)
    END
$$;

CREATE OR REPLACE FUNCTION hub_sync.severity_rank(level text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_position(ARRAY['info', 'warning', 'error', 'critical'], level), 0)
$$;

-- Why this person is not told on this channel; null if they are. in_app is always told, except of a repetition.
CREATE OR REPLACE FUNCTION hub_sync.silence(
    channel text, alert ts.alerts, rule public.alert_rules, person public.users, wanted public.user_notification_preferences
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN cardinality(hub_sync.addresses_of(person, channel)) = 0 THEN 'no address'
        WHEN channel = 'sms' AND NOT wanted.sms_enabled THEN 'channel switched off'
        WHEN alert.alert_type::text = 'safety_alarm' THEN NULL
        WHEN rule.id IS NOT NULL AND NOT channel = ANY (coalesce(rule.notification_channels, '{push}')) THEN 'not a channel of the rule'
        WHEN NOT hub_sync.category_wanted(wanted, hub_sync.alert_category(alert.alert_type)) THEN 'category switched off'
        WHEN channel = 'push' AND NOT wanted.push_enabled OR channel = 'email' AND NOT wanted.email_enabled THEN 'channel switched off'
        WHEN alert.severity < CASE channel WHEN 'email' THEN wanted.min_email_severity WHEN 'sms' THEN wanted.min_sms_severity
                              ELSE wanted.min_push_severity END THEN 'below the least severity'
    END
$$;

CREATE OR REPLACE FUNCTION hub_sync.due_number(at timestamptz) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT to_jsonb(extract(epoch FROM at))
$$;

CREATE OR REPLACE FUNCTION hub_sync.instant(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- What the person was told lately, a channel: how often, and whether about this very thing and at least as severely.
CREATE OR REPLACE FUNCTION hub_sync.told_lately(person uuid, alert ts.alerts) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(r.channel, jsonb_build_object('messages', r.messages, 'is_repeated', r.is_repeated)), '{}')
    FROM (
        SELECT n.channel,
            count(*) FILTER (WHERE n.time > now() - hub_sync.burst_window() AND NOT n.metadata @> '{"digest": true}') AS messages,
            bool_or(n.time > now() - hub_sync.repeat_window(alert.alert_type::text = 'safety_alarm')
                AND n.home_id = alert.home_id
                AND n.notification_type = alert.alert_type::text
                AND n.related_device_id IS NOT DISTINCT FROM alert.source_device_id
                AND (alert.source_device_id IS NOT NULL
                     OR n.related_entity_id IS NOT DISTINCT FROM alert.source_id
                        AND (alert.source_id IS NOT NULL OR n.subject = left(alert.title, 200)))
                AND hub_sync.severity_rank(n.metadata ->> 'severity') >= hub_sync.severity_rank(alert.severity::text)) AS is_repeated
        FROM ts.user_notifications n
        WHERE n.user_id = person AND n.time > now() - interval '30 minutes'
        GROUP BY n.channel) r
$$;

CREATE OR REPLACE FUNCTION hub_sync.write_notification(
    alert ts.alerts, person uuid, in_channel text, in_status text, in_webhook_url text, in_metadata jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO ts.user_notifications (
        user_id, home_id, notification_type, channel, subject, body, related_alert_id, related_device_id, related_entity_type,
        related_entity_id, status, sent_at, delivered_at, webhook_url, priority, metadata)
    VALUES (
        person, alert.home_id, alert.alert_type::text, in_channel, left(alert.title, 200), left(alert.message, 4000), alert.id,
        alert.source_device_id, alert.source_type, alert.source_id, in_status,
        CASE WHEN in_status = 'delivered' THEN now() END, CASE WHEN in_status = 'delivered' THEN now() END, in_webhook_url,
        CASE WHEN alert.alert_type::text = 'safety_alarm' THEN 'urgent'
             ELSE CASE alert.severity WHEN 'info' THEN 'low' WHEN 'warning' THEN 'normal' WHEN 'error' THEN 'high' ELSE 'urgent' END END,
        in_metadata || jsonb_build_object('severity', alert.severity, 'alert_time', hub_sync.instant(alert.time)))
$$;

-- `silenced` says why nothing leaves the app, if so.
CREATE OR REPLACE FUNCTION hub_sync.notify_person(
    alert ts.alerts, home public.homes, person public.users, rule public.alert_rules, variables jsonb, silenced text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    is_safety boolean := alert.alert_type::text = 'safety_alarm';
    wanted public.user_notification_preferences := hub_sync.notification_preferences(person.id, home.id);
    zone text := hub_sync.zone_of(person.timezone, home.timezone);
    lately jsonb := hub_sync.told_lately(person.id, alert);
    in_channel text;
    reason text;
    skipped jsonb := '{}';
    due timestamptz;
    is_joined boolean;
    metadata jsonb;
BEGIN
    variables := variables || jsonb_build_object(
        'name', coalesce(nullif(person.full_name, ''), split_part(person.email, '@', 1)), 'timezone', zone,
        'local_time', to_char(alert.time AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI'));
    FOREACH in_channel IN ARRAY ARRAY['push', 'email', 'sms', 'webhook'] LOOP
        reason := coalesce(silenced, hub_sync.silence(in_channel, alert, rule, person, wanted),
            CASE WHEN lately #> ARRAY[in_channel, 'is_repeated'] = 'true' THEN 'told a short while ago' END);
        IF reason IS NOT NULL THEN
            skipped := skipped || jsonb_build_object(in_channel, reason);
            CONTINUE;
        END IF;
        due := now();
        is_joined := false;
        IF NOT is_safety AND alert.severity < 'critical' THEN
            IF in_channel = 'email' AND wanted.digest_enabled THEN
                due := hub_sync.next_digest(now(), zone, wanted.digest_time, wanted.digest_frequency);
                is_joined := true;
            ELSIF (lately #>> ARRAY[in_channel, 'messages'])::integer >= hub_sync.burst_messages_max() THEN
                due := date_bin(hub_sync.burst_window(), now(), '2001-01-01Z') + hub_sync.burst_window();
                is_joined := true;
            END IF;
        END IF;
        IF due < hub_sync.held_until(wanted, zone, alert.alert_type::text, alert.severity, due) THEN
            due := hub_sync.held_until(wanted, zone, alert.alert_type::text, alert.severity, due);
            is_joined := true;
        END IF;
        metadata := jsonb_build_object('variables', variables, 'due', hub_sync.due_number(due));
        IF is_joined THEN
            metadata := metadata || jsonb_build_object('not_before', hub_sync.instant(due), 'digest', true);
        END IF;
        PERFORM hub_sync.write_notification(alert, person.id, in_channel, 'pending', NULL, metadata);
    END LOOP;
    IF lately #> '{in_app,is_repeated}' IS DISTINCT FROM 'true' THEN
        PERFORM hub_sync.write_notification(alert, person.id, 'in_app', 'delivered', NULL,
            jsonb_build_object('variables', variables, 'skipped', skipped));
    END IF;
END
$$;

-- The address a rule names itself. It belongs to the home, so its owner answers for it.
CREATE OR REPLACE FUNCTION hub_sync.notify_webhook_of_rule(alert ts.alerts, home public.homes, rule public.alert_rules, variables jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF 'webhook' = ANY (rule.notification_channels) AND jsonb_typeof(rule.metadata -> 'webhook_url') = 'string'
       AND rule.metadata ->> 'webhook_url' <> '' THEN
        PERFORM hub_sync.write_notification(alert, home.owner_id, 'webhook', 'pending', left(rule.metadata ->> 'webhook_url', 2000),
            jsonb_build_object('variables', variables, 'due', hub_sync.due_number(now())));
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.alert_variables(alert ts.alerts, home public.homes) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'home', home.name, 'device', coalesce(d.device_name, ''), 'room', coalesce(r.name, ''), 'title', left(alert.title, 200),
        'message', left(alert.message, 4000), 'severity', alert.severity, 'alert_type', alert.alert_type,
        'time', hub_sync.instant(alert.time),
        'suggestions', coalesce((
            SELECT jsonb_agg(left(s.value #>> '{}', 300))
            FROM jsonb_path_query(alert.suggested_actions, '$[0 to 9]') s (value) WHERE jsonb_typeof(s.value) = 'string'), '[]'))
    FROM (SELECT 1) one
    LEFT JOIN public.devices d ON d.id = alert.source_device_id AND d.home_id = alert.home_id
    LEFT JOIN public.rooms r ON r.id = d.room_id
$$;

-- A preference that cannot be read loses its own message and nobody else's. What two transactions did to each other is
-- tried again by whoever called.
CREATE OR REPLACE FUNCTION hub_sync.notify_about(alert ts.alerts, is_first boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    is_open boolean := coalesce(alert.status, 'active') = 'active' AND coalesce(alert.expires_at > now(), true);
    is_old boolean := alert.time < now() - hub_sync.alert_fresh_for();
    is_safety boolean := alert.alert_type::text = 'safety_alarm';
    home public.homes;
    rule public.alert_rules;
    person public.users;
    variables jsonb;
    silenced text;
BEGIN
    SELECT * INTO home FROM public.homes WHERE id = alert.home_id;
    IF NOT FOUND OR NOT is_open AND alert.time < now() - hub_sync.alert_told_for() THEN
        RETURN;
    END IF;
    silenced := CASE WHEN NOT is_open THEN 'already over' WHEN is_old AND NOT is_safety THEN 'old news' END;
    IF alert.alert_rule_id IS NOT NULL AND NOT is_safety THEN
        SELECT * INTO rule FROM public.alert_rules WHERE id = alert.alert_rule_id AND home_id = alert.home_id FOR NO KEY UPDATE;
        IF FOUND AND is_first THEN
            -- A hub has held its own alerts against the rule, and told people in the home.
            IF NOT hub_sync.is_hub_writing() THEN
                silenced := coalesce(silenced, hub_sync.rule_refusal(rule, alert.time, alert.id));
            END IF;
            UPDATE public.alert_rules r SET alert_count = coalesce(r.alert_count, 0) + 1,
                last_triggered_at = CASE WHEN silenced IS NULL THEN greatest(r.last_triggered_at, alert.time) ELSE r.last_triggered_at END
            WHERE r.id = rule.id;
        END IF;
    END IF;
    variables := hub_sync.alert_variables(alert, home);
    FOR person IN
        SELECT u.* FROM public.users u
        WHERE u.is_active IS NOT FALSE AND hub_sync.may_be_told(home.id, u.id)
          AND u.id IN (SELECT home.owner_id UNION SELECT m.user_id FROM public.home_members m WHERE m.home_id = home.id)
        ORDER BY u.id
    LOOP
        BEGIN
            PERFORM hub_sync.notify_person(alert, home, person, rule, variables, silenced);
        EXCEPTION WHEN OTHERS THEN
            IF left(SQLSTATE, 2) = '40' THEN
                RAISE;
            END IF;
            RAISE WARNING 'user % is not told of alert %: %', person.id, alert.id, SQLERRM;
        END;
    END LOOP;
    IF rule.id IS NOT NULL AND silenced IS NULL THEN
        PERFORM hub_sync.notify_webhook_of_rule(alert, home, rule, variables);
    END IF;
END
$$;

-- Nothing about telling people may lose the alert itself.
CREATE OR REPLACE FUNCTION public.generate_notification_from_alert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- By name, because a chunk's row is of the chunk's type.
    PERFORM hub_sync.notify_about(jsonb_populate_record(NULL::ts.alerts, to_jsonb(NEW)), TG_OP = 'INSERT');
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    IF left(SQLSTATE, 2) = '40' THEN
        RAISE;
    END IF;
    RAISE WARNING 'nobody is told of alert %: %', NEW.id, SQLERRM;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER generate_notification_trigger AFTER INSERT ON ts.alerts
    FOR EACH ROW EXECUTE FUNCTION public.generate_notification_from_alert();
-- A later revision of a case says nothing new, unless it has become worse.
CREATE OR REPLACE TRIGGER hub_alert_became_worse AFTER UPDATE OF severity ON ts.alerts
    FOR EACH ROW WHEN (NEW.severity > OLD.severity) EXECUTE FUNCTION public.generate_notification_from_alert();
REVOKE ALL ON FUNCTION public.generate_notification_from_alert(), public.generate_device_offline_alert(), public.generate_low_battery_alert()
    FROM PUBLIC;
