-- The state log of devices that no hub looks after: one row a change. A hub sends its own, so for it this stands back.

CREATE OR REPLACE FUNCTION log_device_state_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF (OLD.is_online, OLD.connectivity_status, OLD.firmware_version, OLD.is_charging, OLD.settings)
       IS NOT DISTINCT FROM (NEW.is_online, NEW.connectivity_status, NEW.firmware_version, NEW.is_charging, NEW.settings)
       OR hub_sync.is_hub_writing() THEN
        RETURN NULL;
    END IF;
    changed := array_remove(ARRAY[
        CASE WHEN OLD.is_online IS DISTINCT FROM NEW.is_online THEN 'is_online' END,
        CASE WHEN OLD.connectivity_status IS DISTINCT FROM NEW.connectivity_status THEN 'connectivity_status' END,
        CASE WHEN OLD.firmware_version IS DISTINCT FROM NEW.firmware_version THEN 'firmware_version' END,
        CASE WHEN OLD.is_charging IS DISTINCT FROM NEW.is_charging THEN 'is_charging' END], NULL)
        || ts.changed_settings(OLD.settings, NEW.settings);
    INSERT INTO ts.device_states (device_id, state, changed_fields, changed_by, change_source)
    VALUES (NEW.id, jsonb_build_object(
                'is_online', NEW.is_online, 'connectivity_status', NEW.connectivity_status, 'firmware_version', NEW.firmware_version,
                'is_charging', NEW.is_charging, 'battery_level', NEW.battery_level, 'signal_strength', NEW.signal_strength,
                'settings', coalesce(NEW.settings, '{}')),
            changed, auth.uid(), 'device_update');
    RETURN NULL;
END
$$;

-- {"settings.brightness", ...}; settings that are no object count as one.
CREATE OR REPLACE FUNCTION ts.changed_settings(was jsonb, becomes jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN was IS NOT DISTINCT FROM becomes THEN '{}'
        WHEN jsonb_typeof(coalesce(was, '{}')) <> 'object' OR jsonb_typeof(coalesce(becomes, '{}')) <> 'object' THEN '{settings}'
        ELSE ARRAY(
            SELECT 'settings.' || key FROM jsonb_object_keys(coalesce(was, '{}') || coalesce(becomes, '{}')) key
            WHERE was -> key IS DISTINCT FROM becomes -> key ORDER BY key)
    END
$$;

CREATE OR REPLACE TRIGGER device_state_change_trigger AFTER UPDATE ON devices
    FOR EACH ROW EXECUTE FUNCTION log_device_state_change();
