-- What is foreseen or found becomes an alert: one a cause, kept up to date while it lasts, resolved when it is over.
-- Whoever tells the cause holds its row, so two never raise the same alert at once.

-- The open alert of a cause is updated, or there is a new one. One that a person has acknowledged or dismissed stays so while
-- its cause lasts, unless that gets worse.
CREATE OR REPLACE FUNCTION ts.raise_alert(
    home uuid, kind alert_type, how_bad alert_severity, headline text, words text, device uuid, caused_by text, cause uuid, details jsonb,
    suggestions jsonb DEFAULT '[]', until timestamptz DEFAULT NULL
) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    held record;
BEGIN
    SELECT a.id, a.time, a.severity INTO held FROM ts.open_alerts(home, kind, device, cause) a LIMIT 1;
    IF NOT FOUND THEN
        INSERT INTO ts.alerts (home_id, alert_type, severity, priority, title, message, source_device_id, source_type, source_id, context,
                               actionable, suggested_actions, expires_at)
        VALUES (home, kind, how_bad, CASE how_bad WHEN 'critical' THEN 'urgent' WHEN 'error' THEN 'high' WHEN 'warning' THEN 'normal' ELSE 'low' END,
                headline, words, device, caused_by, cause, details, suggestions <> '[]', suggestions, until);
        RETURN;
    END IF;
    UPDATE ts.alerts a SET
        severity = how_bad, title = headline, message = words, context = details, actionable = suggestions <> '[]',
        suggested_actions = suggestions, expires_at = until,
        status = CASE WHEN how_bad > held.severity THEN 'active' ELSE a.status END
    WHERE a.id = held.id AND a.time = held.time
      AND (a.severity, a.title, a.message, a.context, a.suggested_actions, a.expires_at)
          IS DISTINCT FROM (how_bad, headline, words, details, suggestions, until);
END
$$;

CREATE OR REPLACE FUNCTION ts.clear_alert(home uuid, kind alert_type, device uuid, cause uuid) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    held record;
BEGIN
    FOR held IN SELECT a.id, a.time FROM ts.open_alerts(home, kind, device, cause) a LOOP
        UPDATE ts.alerts a SET status = 'resolved', resolved_at = now(), resolved_by = auth.uid() WHERE a.id = held.id AND a.time = held.time;
    END LOOP;
END
$$;

-- Open is what its cause has not ended yet. By device where there is one: a device has few alerts, a home has many.
CREATE OR REPLACE FUNCTION ts.open_alerts(home uuid, kind alert_type, device uuid, cause uuid) RETURNS TABLE (id uuid, "time" timestamptz, severity alert_severity)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    IF device IS NOT NULL THEN
        RETURN QUERY SELECT a.id, a.time, a.severity FROM ts.alerts a
            WHERE a.source_device_id = device AND a.home_id = home AND a.alert_type = kind AND a.source_id = cause
              AND a.status IN ('active', 'acknowledged', 'dismissed')
            ORDER BY a.time DESC;
    ELSE
        RETURN QUERY SELECT a.id, a.time, a.severity FROM ts.alerts a
            WHERE a.home_id = home AND a.alert_type = kind AND a.source_id = cause AND a.status IN ('active', 'acknowledged', 'dismissed')
            ORDER BY a.time DESC;
    END IF;
END
$$;

-- The remedies that fit a device, the harmless and proven first.
CREATE OR REPLACE FUNCTION ts.fitting_actions(device uuid, failure_category text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(fit)), '[]') FROM (
        SELECT s.id AS action_id, s.name, s.action_type, s.risk_level, s.requires_user_approval
        FROM self_healing_actions s, devices d
        WHERE d.id = device AND s.is_active
          AND (coalesce(s.applicable_device_types, '{}') = '{}' OR d.device_type = ANY (s.applicable_device_types))
          AND (coalesce(s.applicable_protocols, '{}') = '{}' OR d.primary_protocol = ANY (s.applicable_protocols))
          AND (coalesce(s.applicable_brands, '{}') = '{}' OR d.brand_id = ANY (s.applicable_brands))
          AND (s.category IS NULL OR failure_category IS NULL
               OR s.category = ANY (CASE failure_category WHEN 'network' THEN '{connectivity,firmware}'::text[] ELSE '{firmware,performance}' END))
        ORDER BY array_position('{low,medium,high}', s.risk_level), s.average_success_rate DESC NULLS LAST, s.name
        LIMIT 3
    ) fit
$$;

-- A prediction that names no preventive actions gets those that fit.
CREATE OR REPLACE FUNCTION ts.link_preventive_actions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF coalesce(NEW.preventive_actions, '[]') IN ('[]', 'null') AND NEW.prediction_status = 'active' AND NOT hub_sync.is_hub_writing() THEN
        NEW.preventive_actions := ts.fitting_actions(NEW.device_id, NEW.failure_category);
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION ts.alert_on_prediction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    device_name text;
BEGIN
    IF hub_sync.is_hub_writing() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        PERFORM ts.clear_alert(OLD.home_id, 'predictive_failure', OLD.device_id, OLD.id);
        RETURN NULL;
    END IF;
    IF coalesce(NEW.prediction_status, 'active') NOT IN ('active', 'monitoring') OR NEW.expires_at <= now() THEN
        PERFORM ts.clear_alert(NEW.home_id, 'predictive_failure', NEW.device_id, NEW.id);
    -- Raised once it is likely or grave; one that is open follows it down as well.
    ELSIF (NEW.prediction_status = 'active' AND (NEW.failure_probability >= 0.6 OR NEW.risk_score >= 70 OR NEW.severity >= 'error'))
          OR EXISTS (SELECT FROM ts.open_alerts(NEW.home_id, 'predictive_failure', NEW.device_id, NEW.id)) THEN
        SELECT d.device_name INTO device_name FROM devices d WHERE d.id = NEW.device_id;
        PERFORM ts.raise_alert(NEW.home_id, 'predictive_failure', NEW.severity,
            format('%s may fail', left(device_name, 200)),
            format('%s is expected with a probability of %s %%%s.', replace(NEW.failure_type, '_', ' '), round(100 * NEW.failure_probability),
                   CASE WHEN NEW.predicted_failure_date IS NULL THEN '' ELSE ', around ' || to_char(NEW.predicted_failure_date AT TIME ZONE 'UTC', 'YYYY-MM-DD') END),
            NEW.device_id, 'prediction', NEW.id,
            jsonb_build_object('failure_type', NEW.failure_type, 'failure_probability', NEW.failure_probability, 'risk_score', NEW.risk_score,
                               'recommended_maintenance', NEW.recommended_maintenance),
            CASE WHEN jsonb_typeof(NEW.preventive_actions) = 'array' THEN NEW.preventive_actions ELSE '[]' END, NEW.expires_at);
    END IF;
    RETURN NULL;
END
$$;

-- What a model said, and later whether it was right: the audit of predictions, by the prediction's own id and time.
CREATE OR REPLACE FUNCTION ts.log_prediction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.ml_model_id IS NULL OR hub_sync.is_hub_writing() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO ts.ml_predictions_log (id, time, ml_model_id, device_id, home_id, prediction_type, input_features, output_prediction,
                                           confidence_score, model_version)
        VALUES (NEW.id, NEW.created_at, NEW.ml_model_id, NEW.device_id, NEW.home_id, 'failure',
                jsonb_build_object('primary_indicators', NEW.primary_indicators, 'anomalies_detected', NEW.anomalies_detected,
                                   'historical_patterns', NEW.historical_patterns),
                jsonb_build_object('failure_type', NEW.failure_type, 'failure_probability', NEW.failure_probability, 'risk_score', NEW.risk_score,
                                   'severity', NEW.severity, 'predicted_failure_date', NEW.predicted_failure_date),
                NEW.confidence_level, NEW.model_version)
        ON CONFLICT (id, time) DO NOTHING;
    END IF;
    IF NEW.prediction_status IN ('resolved', 'false_positive', 'occurred') THEN
        UPDATE ts.ml_predictions_log l SET
            actual_outcome = jsonb_build_object('prediction_status', NEW.prediction_status, 'was_prevented', NEW.was_prevented,
                                                'actual_failure_date', NEW.actual_failure_date),
            outcome_recorded_at = now(),
            -- Whether a failure that was prevented would have come, nobody knows.
            prediction_correct = CASE NEW.prediction_status WHEN 'occurred' THEN true WHEN 'false_positive' THEN false END
        WHERE l.id = NEW.id AND l.time = NEW.created_at;
    END IF;
    RETURN NULL;
END
$$;

-- Each diagnosis finds the same fault again: the alert belongs to the device and the fault, whichever row told it.
CREATE OR REPLACE FUNCTION ts.issue_cause(device uuid, issue_type text, error_code text, title text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(concat_ws('/', 'issue', device, issue_type, coalesce(error_code, title)))::uuid
$$;

CREATE OR REPLACE FUNCTION ts.alert_type_of_issue(issue_type text) RETURNS alert_type LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE issue_type
        WHEN 'connectivity' THEN 'connectivity_issue'
        WHEN 'firmware' THEN 'firmware_update'
        WHEN 'automation' THEN 'automation_failure'
        WHEN 'security' THEN 'security_vulnerability'
        WHEN 'energy' THEN 'energy_anomaly'
        ELSE 'predictive_failure'  -- a sensor that reports wrongly is on its way out
    END::alert_type
$$;

CREATE OR REPLACE FUNCTION ts.alert_on_issue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    issue diagnostic_issues := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    device devices;
    cause uuid := ts.issue_cause(issue.device_id, issue.issue_type, issue.error_code, issue.title);
    worst record;
BEGIN
    IF hub_sync.is_hub_writing() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND cause <> ts.issue_cause(OLD.device_id, OLD.issue_type, OLD.error_code, OLD.title) THEN
        PERFORM ts.clear_alert(d.home_id, ts.alert_type_of_issue(OLD.issue_type), d.id,
                               ts.issue_cause(OLD.device_id, OLD.issue_type, OLD.error_code, OLD.title))
        FROM devices d WHERE d.id = OLD.device_id;
    END IF;
    SELECT d.* INTO device FROM devices d WHERE d.id = issue.device_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT i.* INTO worst FROM diagnostic_issues i
    WHERE i.device_id = device.id AND i.severity >= 'error' AND i.status IN ('open', 'investigating')
      AND ts.issue_cause(i.device_id, i.issue_type, i.error_code, i.title) = cause
    ORDER BY i.severity DESC, i.created_at DESC LIMIT 1;
    IF NOT FOUND THEN
        PERFORM ts.clear_alert(device.home_id, ts.alert_type_of_issue(issue.issue_type), device.id, cause);
    ELSE
        PERFORM ts.raise_alert(device.home_id, ts.alert_type_of_issue(issue.issue_type), worst.severity,
            format('%s: %s', left(device.device_name, 200), left(worst.title, 300)), coalesce(worst.description, worst.title), device.id, 'device', cause,
            jsonb_build_object('diagnostic_issue_id', worst.id, 'diagnostic_run_id', worst.diagnostic_run_id, 'issue_type', worst.issue_type,
                               'error_code', worst.error_code, 'recommended_action', worst.recommended_action),
            CASE WHEN worst.can_auto_fix THEN ts.fitting_actions(device.id, CASE worst.issue_type WHEN 'connectivity' THEN 'network' ELSE worst.issue_type END) ELSE '[]' END);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION ts.alert_on_vulnerability() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF hub_sync.is_hub_writing() THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR NEW.device_id IS DISTINCT FROM OLD.device_id) THEN
        PERFORM ts.clear_alert(OLD.home_id, 'security_vulnerability', OLD.device_id, OLD.id);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    IF NEW.severity >= 'critical' AND NEW.status IN ('open', 'acknowledged', 'in_progress') THEN
        PERFORM ts.raise_alert(NEW.home_id, 'security_vulnerability', NEW.severity, left(NEW.title, 300), NEW.description, NEW.device_id, 'security', NEW.id,
            jsonb_build_object('cve_id', NEW.cve_id, 'cvss_score', NEW.cvss_score, 'patch_available', NEW.patch_available,
                               'remediation_steps', NEW.remediation_steps));
    ELSE
        PERFORM ts.clear_alert(NEW.home_id, 'security_vulnerability', NEW.device_id, NEW.id);
    END IF;
    RETURN NULL;
END
$$;

-- An update that waits is shown on its device; one that went through is what the device runs.
CREATE OR REPLACE FUNCTION ts.show_firmware_on_device() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF hub_sync.is_hub_writing() THEN
        RETURN NULL;
    END IF;
    IF NEW.update_status = 'completed' THEN
        UPDATE devices d SET
            firmware_version = coalesce(NEW.to_version, d.firmware_version),
            last_firmware_update_at = greatest(d.last_firmware_update_at, coalesce(NEW.completed_at, now())),
            firmware_update_available = d.firmware_update_available AND d.latest_firmware_version IS DISTINCT FROM NEW.to_version
        WHERE d.id = NEW.device_id;
    ELSIF NEW.update_status = 'pending' THEN
        UPDATE devices d SET firmware_update_available = true, latest_firmware_version = coalesce(NEW.to_version, d.latest_firmware_version)
        WHERE d.id = NEW.device_id AND NEW.to_version IS DISTINCT FROM d.firmware_version;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER link_preventive_actions BEFORE INSERT OR UPDATE OF prediction_status ON failure_predictions
    FOR EACH ROW EXECUTE FUNCTION ts.link_preventive_actions();
CREATE OR REPLACE TRIGGER log_prediction AFTER INSERT OR UPDATE OF prediction_status ON failure_predictions
    FOR EACH ROW EXECUTE FUNCTION ts.log_prediction();
CREATE OR REPLACE TRIGGER alert_on_prediction AFTER INSERT OR DELETE OR UPDATE ON failure_predictions
    FOR EACH ROW EXECUTE FUNCTION ts.alert_on_prediction();
CREATE OR REPLACE TRIGGER alert_on_issue AFTER INSERT OR DELETE OR UPDATE ON diagnostic_issues
    FOR EACH ROW EXECUTE FUNCTION ts.alert_on_issue();
CREATE OR REPLACE TRIGGER alert_on_vulnerability AFTER INSERT OR DELETE OR UPDATE ON security_vulnerabilities
    FOR EACH ROW EXECUTE FUNCTION ts.alert_on_vulnerability();
CREATE OR REPLACE TRIGGER show_firmware_on_device AFTER INSERT OR UPDATE OF update_status ON firmware_updates
    FOR EACH ROW EXECUTE FUNCTION ts.show_firmware_on_device();
