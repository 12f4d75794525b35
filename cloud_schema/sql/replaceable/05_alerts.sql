-- Alerts that the cloud raises itself: for devices that no hub looks after. A hub tells of its own devices' alerts.
--
-- One open alert for a device and a kind. No lock of our own is needed for that: the UPDATE that fires the trigger
-- holds the device's row, so whoever changes the same device waits, and then sees the alert that was raised.

CREATE OR REPLACE FUNCTION hub_sync.battery_low_percent() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 20';
CREATE OR REPLACE FUNCTION hub_sync.battery_nearly_empty_percent() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 10';
-- Above the mark at which it is raised, so that a level which swings around that mark makes one alert.
CREATE OR REPLACE FUNCTION hub_sync.battery_charged_percent() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 25';

CREATE OR REPLACE FUNCTION hub_sync.offline_severity(kind public.device_type) RETURNS public.alert_severity LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN kind::text IN ('hub', 'router', 'bridge', 'lock', 'sensor_smoke', 'sensor_leak')
        THEN 'error' ELSE 'warning' END::public.alert_severity
$$;

-- Opens an alert, or makes the open one more severe. An alert that a hub opened is left to the hub.
CREATE OR REPLACE FUNCTION hub_sync.raise_device_alert(
    device public.devices, kind public.alert_type, level public.alert_severity, in_title text, in_message text, in_context jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known record;
BEGIN
    SELECT a.id, a.time, a.severity, a.metadata ->> 'raised_by' AS raised_by INTO known
    FROM ts.alerts a
    WHERE a.home_id = device.home_id AND a.alert_type = kind AND a.source_device_id = device.id AND a.status IN ('active', 'acknowledged')
    ORDER BY a.time DESC LIMIT 1;
    IF NOT FOUND THEN
        INSERT INTO ts.alerts (home_id, alert_type, severity, priority, title, message, source_device_id, source_type, source_id,
                               context, metadata)
        VALUES (device.home_id, kind, level, CASE WHEN level >= 'error' THEN 'high' ELSE 'normal' END, in_title, in_message,
                device.id, 'device', device.id, in_context, '{"raised_by": "cloud"}');
    ELSIF known.raised_by = 'cloud' AND level > known.severity THEN
        -- Literals, so that only the one chunk is looked at.
        EXECUTE format('UPDATE ts.alerts SET severity = %L, title = %L, message = %L, context = %L WHERE id = %L AND time = %L',
                       level, in_title, in_message, in_context, known.id, known.time);
    END IF;
END
$$;

-- What the cloud opened it closes, also when a hub has taken over the home meanwhile.
CREATE OR REPLACE FUNCTION hub_sync.resolve_device_alerts(device public.devices, kind public.alert_type) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known record;
BEGIN
    FOR known IN
        SELECT a.id, a.time FROM ts.alerts a
        WHERE a.home_id = device.home_id AND a.alert_type = kind AND a.source_device_id = device.id
          AND a.status IN ('active', 'acknowledged') AND a.metadata ->> 'raised_by' = 'cloud'
    LOOP
        EXECUTE format('UPDATE ts.alerts SET status = ''resolved'', resolved_at = now() WHERE id = %L AND time = %L', known.id, known.time);
    END LOOP;
END
$$;

-- A report about a device is worth more than the alert about it: what goes wrong here costs the alert and a warning.
CREATE OR REPLACE FUNCTION public.generate_device_offline_alert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.is_online OR NEW.deleted_at IS NOT NULL OR NOT NEW.is_active THEN
        PERFORM hub_sync.resolve_device_alerts(NEW, 'device_offline');
    ELSIF OLD.is_online AND NOT NEW.is_online AND NOT hub_sync.is_hub_writing() THEN
        PERFORM hub_sync.raise_device_alert(NEW, 'device_offline', hub_sync.offline_severity(NEW.device_type),
            left(format('%s is offline', NEW.device_name), 200),
            format('%s no longer answers.', NEW.device_name),
            jsonb_build_object('last_seen_at', NEW.last_seen_at));
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    IF left(SQLSTATE, 2) = '40' THEN
        RAISE;
    END IF;
    RAISE WARNING 'no alert about device %: %', NEW.id, SQLERRM;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION public.generate_low_battery_alert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.battery_level > hub_sync.battery_charged_percent() OR NEW.deleted_at IS NOT NULL OR NOT NEW.is_active THEN
        PERFORM hub_sync.resolve_device_alerts(NEW, 'battery_low');
    ELSIF NEW.battery_level <= hub_sync.battery_low_percent() AND NOT coalesce(NEW.is_charging, false)
          AND NOT hub_sync.is_hub_writing() THEN
        PERFORM hub_sync.raise_device_alert(NEW, 'battery_low',
            CASE WHEN NEW.battery_level <= hub_sync.battery_nearly_empty_percent() THEN 'error' ELSE 'warning' END::alert_severity,
            left(format('Battery of %s is low', NEW.device_name), 200),
            format('The battery of %s is at %s %%.', NEW.device_name, NEW.battery_level),
            jsonb_build_object('battery_level', NEW.battery_level));
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    IF left(SQLSTATE, 2) = '40' THEN
        RAISE;
    END IF;
    RAISE WARNING 'no alert about the battery of device %: %', NEW.id, SQLERRM;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER device_offline_alert_trigger AFTER UPDATE ON public.devices FOR EACH ROW
    WHEN (OLD.is_online IS DISTINCT FROM NEW.is_online OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at
          OR OLD.is_active IS DISTINCT FROM NEW.is_active)
    EXECUTE FUNCTION public.generate_device_offline_alert();
CREATE OR REPLACE TRIGGER low_battery_alert_trigger AFTER UPDATE ON public.devices FOR EACH ROW
    WHEN (OLD.battery_level IS DISTINCT FROM NEW.battery_level OR OLD.is_charging IS DISTINCT FROM NEW.is_charging
          OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at OR OLD.is_active IS DISTINCT FROM NEW.is_active)
    EXECUTE FUNCTION public.generate_low_battery_alert();

-- Why a rule does not let an alert of this time pass; null if it does. `besides` is the alert itself, when it is stored already.
CREATE OR REPLACE FUNCTION hub_sync.rule_refusal(rule public.alert_rules, at timestamptz, besides uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    zone text := hub_sync.usable_zone((SELECT h.timezone FROM public.homes h WHERE h.id = rule.home_id));
    midnight timestamptz := date_trunc('day', at AT TIME ZONE zone) AT TIME ZONE zone;
BEGIN
    IF rule.is_enabled IS FALSE THEN
        RETURN 'the rule is switched off';
    END IF;
    IF rule.severity IS DISTINCT FROM 'critical' AND hub_sync.is_quiet(at, zone, rule.quiet_hours_start, rule.quiet_hours_end) THEN
        RETURN 'quiet hours of the rule';
    END IF;
    IF at < rule.last_triggered_at + make_interval(mins => coalesce(rule.cooldown_minutes, 0))
       AND at > rule.last_triggered_at - make_interval(mins => coalesce(rule.cooldown_minutes, 0)) THEN
        RETURN 'cooldown of the rule';
    END IF;
    IF rule.max_alerts_per_day <= (
        SELECT count(*) FROM ts.alerts a
        WHERE a.home_id = rule.home_id AND a.alert_rule_id = rule.id AND a.time >= midnight AND a.time < midnight + interval '1 day'
          AND a.id IS DISTINCT FROM besides) THEN
        RETURN 'daily limit of the rule';
    END IF;
    RETURN NULL;
END
$$;

-- May this rule make an alert at this time? For whoever evaluates rules of homes without a hub. An unknown rule may not.
CREATE OR REPLACE FUNCTION public.alert_rule_admits(rule_id uuid, at timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    rule alert_rules;
BEGIN
    SELECT * INTO rule FROM alert_rules WHERE id = rule_id;
    RETURN FOUND AND hub_sync.rule_refusal(rule, at, NULL) IS NULL;
END
$$;
REVOKE ALL ON FUNCTION public.alert_rule_admits(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.alert_rule_admits(uuid, timestamptz) TO service_role;
