-- What stands in for foreign keys on the hypertables: rows go, or forget, when what they belong to is deleted.
-- Which do is the contract's "references" of their columns; a test reads both. Audit rows refer to nobody: they stay.

CREATE OR REPLACE FUNCTION ts.references_to(parent text) RETURNS TABLE (base_table text, column_name text, on_delete text)
LANGUAGE sql IMMUTABLE AS $$
    SELECT r.base_table, r.column_name, r.on_delete FROM (VALUES
        ('homes', 'alerts', 'home_id', 'cascade'),
        ('homes', 'anomaly_detections', 'home_id', 'cascade'),
        ('homes', 'automation_executions', 'home_id', 'cascade'),
        ('homes', 'automation_health_checks', 'home_id', 'cascade'),
        ('homes', 'device_error_logs', 'home_id', 'cascade'),
        ('homes', 'energy_usage', 'home_id', 'cascade'),
        ('homes', 'ml_predictions_log', 'home_id', 'cascade'),
        ('homes', 'network_metrics', 'home_id', 'cascade'),
        ('homes', 'scene_activations', 'home_id', 'cascade'),
        ('homes', 'security_incidents', 'home_id', 'cascade'),
        ('homes', 'self_healing_executions', 'home_id', 'cascade'),
        ('homes', 'user_notifications', 'home_id', 'cascade'),
        ('devices', 'alerts', 'source_device_id', 'cascade'),
        ('devices', 'anomaly_detections', 'device_id', 'cascade'),
        ('devices', 'device_error_logs', 'device_id', 'cascade'),
        ('devices', 'device_health_history', 'device_id', 'cascade'),
        ('devices', 'device_states', 'device_id', 'cascade'),
        ('devices', 'device_telemetry', 'device_id', 'cascade'),
        ('devices', 'energy_usage', 'device_id', 'cascade'),
        ('devices', 'ml_predictions_log', 'device_id', 'cascade'),
        ('devices', 'network_metrics', 'device_id', 'cascade'),
        ('devices', 'security_incidents', 'device_id', 'set null'),
        ('devices', 'self_healing_executions', 'device_id', 'cascade'),
        ('devices', 'user_notifications', 'related_device_id', 'set null'),
        ('automations', 'automation_executions', 'automation_id', 'cascade'),
        ('automations', 'automation_health_checks', 'automation_id', 'cascade'),
        ('scenes', 'scene_activations', 'scene_id', 'cascade'),
        ('alert_rules', 'alerts', 'alert_rule_id', 'set null'),
        ('users', 'api_usage', 'user_id', 'cascade'),
        ('users', 'user_notifications', 'user_id', 'cascade'),
        ('oem_partners', 'api_usage', 'partner_id', 'cascade')
    ) r (parent_table, base_table, column_name, on_delete)
    WHERE r.parent_table = parent
$$;

-- Literal ids, because a generic plan over many compressed chunks decompresses too much.
CREATE OR REPLACE FUNCTION ts.forget_parents(parent text, ids uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one record;
    is_one_of_them text := format(CASE WHEN cardinality(ids) = 1 THEN '= %L::uuid' ELSE '= ANY (%L::uuid[])' END,
                                  CASE WHEN cardinality(ids) = 1 THEN ids[1]::text ELSE ids::text END);
BEGIN
    -- A meter's year is more than TimescaleDB decompresses in one transaction unless told to.
    IF current_setting('timescaledb.max_tuples_decompressed_per_dml_transaction', true) IS NOT NULL THEN
        PERFORM set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true);
    END IF;
    FOR one IN SELECT * FROM ts.references_to(parent) LOOP
        EXECUTE format(CASE one.on_delete WHEN 'cascade' THEN 'DELETE FROM ts.%1$I WHERE %2$I %3$s'
                                          ELSE 'UPDATE ts.%1$I SET %2$I = NULL WHERE %2$I %3$s' END,
                       one.base_table, one.column_name, is_one_of_them);
    END LOOP;
    IF parent = 'devices' THEN
        -- Continuous aggregates outlive the rows they were made of, and no refresh looks back so far.
        FOR one IN SELECT ts.materialized_rows_of(a.view_name) AS lying_in FROM ts.aggregates a LOOP
            CONTINUE WHEN one.lying_in IS NULL;
            EXECUTE format('DELETE FROM %s WHERE device_id %s', one.lying_in, is_one_of_them);
        END LOOP;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION ts.delete_rows_of_parent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- With a whole home its devices' rows went at once, and its automations' go with the home's own.
    IF TG_TABLE_NAME IN ('devices', 'automations', 'scenes', 'alert_rules')
       AND NOT EXISTS (SELECT FROM homes WHERE id = (to_jsonb(OLD) ->> 'home_id')::uuid) THEN
        RETURN NULL;
    END IF;
    PERFORM ts.forget_parents(TG_TABLE_NAME, ARRAY[OLD.id]);
    RETURN NULL;
END
$$;

-- Before the home goes, while its devices are known: once for all of them, instead of ten statements a device.
CREATE OR REPLACE FUNCTION ts.delete_rows_of_homes_devices() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ids uuid[] := ARRAY(SELECT id FROM devices WHERE home_id = OLD.id);
BEGIN
    PERFORM set_config('nexa.home_that_goes', OLD.id::text, true);
    IF cardinality(ids) > 0 THEN
        PERFORM ts.forget_parents('devices', ids);
    END IF;
    RETURN OLD;
END
$$;

CREATE OR REPLACE TRIGGER delete_rows_of_homes_devices BEFORE DELETE ON homes FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_homes_devices();
CREATE OR REPLACE TRIGGER delete_rows_of_home AFTER DELETE ON homes FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent();
CREATE OR REPLACE TRIGGER delete_rows_of_device AFTER DELETE ON devices FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent();
CREATE OR REPLACE TRIGGER delete_rows_of_automation AFTER DELETE ON automations FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent();
CREATE OR REPLACE TRIGGER delete_rows_of_scene AFTER DELETE ON scenes FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent();
CREATE OR REPLACE TRIGGER delete_rows_of_alert_rule AFTER DELETE ON alert_rules FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent();
CREATE OR REPLACE TRIGGER delete_rows_of_user AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent();
CREATE OR REPLACE TRIGGER delete_rows_of_partner AFTER DELETE ON oem_partners FOR EACH ROW EXECUTE FUNCTION ts.delete_rows_of_parent();
