-- Business logic that every writer shares. All of it is replaceable: this file may run any number of times.

CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

DO $$
DECLARE
    touched regclass;
BEGIN
    FOR touched IN
        SELECT c.oid FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at' AND NOT a.attisdropped
        WHERE n.nspname IN ('public', 'ts') AND c.relkind = 'r' AND c.relname NOT LIKE 'hub\_%'
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()',
                       'update_' || (SELECT relname FROM pg_class WHERE oid = touched) || '_updated_at', touched);
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION brands_search_vector_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector := to_tsvector('simple', concat_ws(' ', NEW.name, NEW.slug));
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION device_models_search_vector_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector := to_tsvector('simple', concat_ws(' ', NEW.model_name, NEW.model_number));
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION devices_search_vector_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector := to_tsvector('simple', concat_ws(' ', NEW.device_name, NEW.notes, array_to_string(NEW.tags, ' ')));
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER brands_search_vector_trigger BEFORE INSERT OR UPDATE ON brands
    FOR EACH ROW EXECUTE FUNCTION brands_search_vector_update();
CREATE OR REPLACE TRIGGER device_models_search_vector_trigger BEFORE INSERT OR UPDATE ON device_models
    FOR EACH ROW EXECUTE FUNCTION device_models_search_vector_update();
-- Only when a searched column is written: what a hub reports many times a day must not pay for it.
CREATE OR REPLACE TRIGGER devices_search_vector_trigger BEFORE INSERT OR UPDATE OF device_name, notes, tags ON devices
    FOR EACH ROW EXECUTE FUNCTION devices_search_vector_update();

-- Stands in for ON DELETE CASCADE on the hypertables: arguments are pairs of base table and column. Literal ids, because
-- a generic plan over many compressed chunks decompresses too much.
CREATE OR REPLACE FUNCTION ts.delete_rows_of_parent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    position integer := 0;
BEGIN
    WHILE position < TG_NARGS LOOP
        EXECUTE format('DELETE FROM ts.%I WHERE %I = %L::uuid', TG_ARGV[position], TG_ARGV[position + 1], OLD.id);
        position := position + 2;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER delete_rows_of_user AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent(
    'user_notifications', 'user_id', 'api_usage', 'user_id');
CREATE OR REPLACE TRIGGER delete_rows_of_partner AFTER DELETE ON oem_partners FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent(
    'api_usage', 'partner_id');
CREATE OR REPLACE TRIGGER delete_rows_of_home AFTER DELETE ON homes FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent(
    'energy_usage', 'home_id', 'device_error_logs', 'home_id', 'network_metrics', 'home_id', 'anomaly_detections', 'home_id',
    'automation_executions', 'home_id', 'automation_health_checks', 'home_id', 'scene_activations', 'home_id',
    'self_healing_executions', 'home_id', 'security_incidents', 'home_id', 'alerts', 'home_id', 'user_notifications', 'home_id');
CREATE OR REPLACE TRIGGER delete_rows_of_device AFTER DELETE ON devices FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent(
    'device_states', 'device_id', 'device_telemetry', 'device_id', 'energy_usage', 'device_id', 'device_error_logs', 'device_id',
    'network_metrics', 'device_id', 'device_health_history', 'device_id', 'anomaly_detections', 'device_id',
    'ml_predictions_log', 'device_id', 'self_healing_executions', 'device_id', 'alerts', 'source_device_id');
CREATE OR REPLACE TRIGGER delete_rows_of_automation AFTER DELETE ON automations FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent(
    'automation_executions', 'automation_id', 'automation_health_checks', 'automation_id');
CREATE OR REPLACE TRIGGER delete_rows_of_scene AFTER DELETE ON scenes FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent(
    'scene_activations', 'scene_id');
