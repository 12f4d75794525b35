-- How well a device is, 0..100: a hundred, less points for what is wrong now. FLOWS.md has the table of points; whoever
-- changes one changes the other, and a test compares them.
--
-- Each part is bounded, so that one bad thing does not hide the others, and cheap: events are read newest first by index
-- and no more of them than the part's bound can count. Within a severity an event never makes the sum smaller.

-- 1 now, 0 after a week.
CREATE OR REPLACE FUNCTION ts.decay(happened timestamptz, at timestamptz) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT least(1.0, greatest(0.0, 1.0 - extract(epoch FROM at - happened)::double precision / 604800.0))
$$;

-- {"score", "connectivity", "performance", "reliability", "security", "factors", "recommendations"}
CREATE OR REPLACE FUNCTION ts.measured_health(device public.devices, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    connectivity double precision := 0;
    errors double precision;
    issues double precision;
    battery double precision := 0;
    firmware double precision := 0;
    vulnerabilities double precision;
    anomalies double precision;
    predictions double precision;
    silent_for interval := at - device.last_seen_at;
BEGIN
    IF device.connectivity_status = 'offline' OR (device.is_online IS NOT TRUE AND device.last_seen_at IS NOT NULL) THEN
        connectivity := 25 + CASE WHEN silent_for > interval '7 days' THEN 10 WHEN silent_for > interval '1 day' THEN 5 ELSE 0 END;
    ELSIF device.connectivity_status = 'degraded' THEN
        connectivity := 12;
    ELSIF device.connectivity_status = 'weak' THEN
        connectivity := 8;
    END IF;

    SELECT least(35, coalesce(sum(level.points * ts.decay(e.time, at)), 0)) INTO errors
    FROM (VALUES ('warning'::alert_severity, 1, 40), ('error', 4, 20), ('critical', 10, 10)) level (severity, points, counted)
    CROSS JOIN LATERAL (
        SELECT l.time FROM ts.device_error_logs l
        WHERE l.device_id = device.id AND l.error_level = level.severity AND l.error_level > 'info' AND l.is_resolved IS NOT TRUE
          AND l.time > at - interval '7 days'
        ORDER BY l.time DESC LIMIT level.counted) e;

    SELECT least(25, coalesce(sum(CASE i.severity WHEN 'critical' THEN 15 WHEN 'error' THEN 8 WHEN 'warning' THEN 3 ELSE 0 END), 0)) INTO issues
    FROM diagnostic_issues i WHERE i.device_id = device.id AND i.status IN ('open', 'investigating');

    IF device.battery_level IS NOT NULL AND device.is_charging IS NOT TRUE AND coalesce(device.power_source, 'battery') <> 'wired' THEN
        battery := CASE WHEN device.battery_level <= 5 THEN 15 WHEN device.battery_level <= 10 THEN 10 WHEN device.battery_level <= 20 THEN 6 ELSE 0 END;
    END IF;
    IF device.firmware_update_available THEN
        firmware := 5;
    END IF;

    SELECT least(15, coalesce(sum(CASE v.severity WHEN 'critical' THEN 10 WHEN 'error' THEN 6 WHEN 'warning' THEN 2 ELSE 0 END), 0)) INTO vulnerabilities
    FROM security_vulnerabilities v WHERE v.device_id = device.id AND v.status IN ('open', 'acknowledged', 'in_progress');

    SELECT least(15, coalesce(sum(level.points * ts.decay(a.time, at)), 0)) INTO anomalies
    FROM (VALUES ('warning'::alert_severity, 2, 20), ('error', 4, 10), ('critical', 8, 5)) level (severity, points, counted)
    CROSS JOIN LATERAL (
        SELECT o.time FROM ts.anomaly_detections o
        WHERE o.device_id = device.id AND o.severity = level.severity AND coalesce(o.status, 'new') IN ('new', 'investigating')
          AND o.time > at - interval '7 days'
        ORDER BY o.time DESC LIMIT level.counted) a;

    SELECT coalesce(max(15 * p.failure_probability * CASE p.prediction_status WHEN 'monitoring' THEN 0.5 ELSE 1 END), 0) INTO predictions
    FROM failure_predictions p
    WHERE p.device_id = device.id AND p.prediction_status IN ('active', 'monitoring') AND (p.expires_at IS NULL OR p.expires_at > at);

    RETURN jsonb_build_object(
        'score', greatest(0, round(100 - connectivity - errors - issues - battery - firmware - vulnerabilities - anomalies - predictions))::integer,
        'connectivity', round(100 * (1 - connectivity / 35))::integer,
        'performance', round(100 * (1 - anomalies / 15))::integer,
        'reliability', round(100 * (1 - (errors + issues + battery + predictions) / 90))::integer,
        'security', round(100 * (1 - (firmware + vulnerabilities) / 20))::integer,
        'factors', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('factor', f.name, 'points', round(f.points::numeric, 1)) ORDER BY f.points DESC, f.name), '[]')
            FROM (VALUES ('connectivity', connectivity), ('errors', errors), ('issues', issues), ('battery', battery), ('firmware', firmware),
                         ('vulnerabilities', vulnerabilities), ('anomalies', anomalies), ('predictions', predictions)) f (name, points)
            WHERE f.points > 0),
        'recommendations', to_jsonb(array_remove(ARRAY[
            CASE WHEN connectivity > 0 THEN 'check_connection' END,
            CASE WHEN battery > 0 THEN 'replace_battery' END,
            CASE WHEN firmware > 0 THEN 'update_firmware' END,
            CASE WHEN vulnerabilities > 0 THEN 'close_vulnerabilities' END,
            CASE WHEN errors + issues > 0 THEN 'run_diagnosis' END,
            CASE WHEN predictions + anomalies > 0 THEN 'plan_maintenance' END], NULL)));
END
$$;

-- For whoever may see the device. No such device, or a deleted one, has no health.
CREATE OR REPLACE FUNCTION calculate_device_health_score(device_uuid uuid) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    device devices;
BEGIN
    SELECT * INTO device FROM devices WHERE id = device_uuid AND deleted_at IS NULL
        AND (hub_sync.is_operator() OR home_id IN (SELECT my_homes()));
    RETURN CASE WHEN device.id IS NOT NULL THEN (ts.measured_health(device, now()) ->> 'score')::integer END;
END
$$;

-- One row a device and minute: what comes sooner is put into the row that is there.
CREATE OR REPLACE FUNCTION ts.note_health(device uuid, health jsonb, was integer, at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    newest record;
    score integer := (health ->> 'score')::integer;
BEGIN
    SELECT h.time, h.previous_score INTO newest FROM ts.device_health_history h
    WHERE h.device_id = device AND h.time > at - interval '1 minute' ORDER BY h.time DESC LIMIT 1;
    IF newest.time IS NULL THEN
        INSERT INTO ts.device_health_history (
            time, device_id, health_score, connectivity_score, performance_score, reliability_score, security_score,
            previous_score, score_change, score_trend, factors, recommendations)
        VALUES (at, device, score, (health ->> 'connectivity')::integer, (health ->> 'performance')::integer,
                (health ->> 'reliability')::integer, (health ->> 'security')::integer, was, score - was,
                ts.score_trend(was, score), health -> 'factors', health -> 'recommendations');
    ELSE
        UPDATE ts.device_health_history SET
            health_score = score, connectivity_score = (health ->> 'connectivity')::integer,
            performance_score = (health ->> 'performance')::integer, reliability_score = (health ->> 'reliability')::integer,
            security_score = (health ->> 'security')::integer, score_change = score - previous_score,
            score_trend = ts.score_trend(previous_score, score), factors = health -> 'factors', recommendations = health -> 'recommendations'
        WHERE device_id = device AND time = newest.time;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION ts.score_trend(was integer, becomes integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN becomes > was THEN 'improving' WHEN becomes < was THEN 'declining' ELSE 'stable' END
$$;

-- A hub that measures for itself says so with its present (`present.hub.measures_health`, kept in hub_hubs.public); then the score is its fact.
CREATE OR REPLACE FUNCTION ts.does_hub_measure_health(home uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM public.hub_hubs h
                   WHERE h.home_id = home AND h.retired_at IS NULL AND h.public -> 'measures_health' = 'true')
$$;

-- The device's row is held first, so that of two events at a time the later one counts both.
CREATE OR REPLACE FUNCTION ts.refresh_device_health(device uuid) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    was devices;
    health jsonb;
BEGIN
    SELECT * INTO was FROM devices WHERE id = device AND deleted_at IS NULL FOR NO KEY UPDATE;
    -- While a home is being deleted, nothing is noted that would outlive it.
    IF NOT FOUND OR NOT EXISTS (SELECT FROM homes WHERE id = was.home_id) OR ts.does_hub_measure_health(was.home_id) THEN
        RETURN;
    END IF;
    health := ts.measured_health(was, now());
    IF (health ->> 'score')::integer IS DISTINCT FROM was.health_score THEN
        UPDATE devices SET health_score = (health ->> 'score')::integer WHERE id = device;
        PERFORM ts.note_health(device, health, was.health_score, now());
    END IF;
END
$$;

-- Of everything that a score is made of: arguments are the column that names the device, and the one with the severity.
CREATE OR REPLACE FUNCTION update_device_health_score() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    document jsonb;
BEGIN
    IF hub_sync.is_hub_writing() THEN
        RETURN NULL;
    END IF;
    document := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    -- What costs no points need not be measured: infos, and what comes a week late.
    IF document ->> TG_ARGV[0] IS NULL
       OR (TG_OP = 'INSERT' AND (document ->> TG_ARGV[1] = 'info' OR (document ->> 'time')::timestamptz <= now() - interval '7 days')) THEN
        RETURN NULL;
    END IF;
    PERFORM ts.refresh_device_health((document ->> TG_ARGV[0])::uuid);
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER update_health_on_error AFTER INSERT ON ts.device_error_logs
    FOR EACH ROW EXECUTE FUNCTION update_device_health_score('device_id', 'error_level');
CREATE OR REPLACE TRIGGER update_health_on_error_change AFTER UPDATE OF error_level, is_resolved ON ts.device_error_logs
    FOR EACH ROW EXECUTE FUNCTION update_device_health_score('device_id');
CREATE OR REPLACE TRIGGER update_health_on_anomaly AFTER INSERT ON ts.anomaly_detections
    FOR EACH ROW EXECUTE FUNCTION update_device_health_score('device_id', 'severity');
CREATE OR REPLACE TRIGGER update_health_on_anomaly_change AFTER UPDATE OF severity, status ON ts.anomaly_detections
    FOR EACH ROW EXECUTE FUNCTION update_device_health_score('device_id');
CREATE OR REPLACE TRIGGER update_health_on_issue AFTER INSERT OR DELETE OR UPDATE OF severity, status ON diagnostic_issues
    FOR EACH ROW EXECUTE FUNCTION update_device_health_score('device_id', 'severity');
CREATE OR REPLACE TRIGGER update_health_on_vulnerability AFTER INSERT OR DELETE OR UPDATE OF severity, status, device_id ON security_vulnerabilities
    FOR EACH ROW EXECUTE FUNCTION update_device_health_score('device_id', 'severity');
CREATE OR REPLACE TRIGGER update_health_on_prediction AFTER INSERT OR DELETE OR UPDATE OF failure_probability, prediction_status, expires_at ON failure_predictions
    FOR EACH ROW EXECUTE FUNCTION update_device_health_score('device_id');
CREATE OR REPLACE TRIGGER update_health_on_change AFTER UPDATE OF is_online, connectivity_status, battery_level, is_charging, power_source,
        firmware_update_available, deleted_at ON devices
    FOR EACH ROW EXECUTE FUNCTION update_device_health_score('id');

-- What a day's telemetry says: hours with readings, against the same day a week ago. Shown, not counted in the score.
CREATE OR REPLACE FUNCTION ts.with_telemetry(health jsonb, device uuid, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    hours_today integer;
    hours_then integer;
BEGIN
    SELECT count(DISTINCT t.hour) INTO hours_today FROM ts.device_telemetry_hourly t
    WHERE t.device_id = device AND t.hour > at - interval '24 hours' AND t.hour <= at;
    SELECT count(DISTINCT t.hour) INTO hours_then FROM ts.device_telemetry_hourly t
    WHERE t.device_id = device AND t.hour > at - interval '8 days' AND t.hour <= at - interval '7 days';
    IF hours_then = 0 THEN
        RETURN health;
    END IF;
    RETURN health || jsonb_build_object(
        'performance', least((health ->> 'performance')::integer, round(100.0 * hours_today / hours_then)::integer),
        'factors', (health -> 'factors') || jsonb_build_object('factor', 'telemetry', 'points', 0, 'hours', hours_today, 'hours_a_week_ago', hours_then));
END
$$;

-- The day's history, for maintenance: points decay, so a score changes though nothing happens; and what a hub has told is
-- measured here, as nothing is while it tells. A hub that measures for itself tells its own history. Answers how many rows
-- were written.
CREATE OR REPLACE FUNCTION record_device_health(home uuid DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    device devices;
    health jsonb;
    written integer := 0;
    today timestamptz := date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
BEGIN
    -- What was foreseen for a time that is over is foreseen no more; its alert goes with it.
    UPDATE failure_predictions p SET prediction_status = 'resolved', prediction_metadata = coalesce(p.prediction_metadata, '{}') || '{"closed": "expired"}'
    WHERE p.prediction_status IN ('active', 'monitoring') AND p.expires_at <= now() AND p.home_id = coalesce(home, p.home_id);
    -- A device that is held just now is being measured by whoever holds it; so this never waits, and is in nobody's circle.
    FOR device IN
        SELECT d.* FROM devices d
        WHERE d.deleted_at IS NULL AND d.home_id = coalesce(home, d.home_id) AND NOT ts.does_hub_measure_health(d.home_id)
        ORDER BY d.id FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        health := ts.measured_health(device, now());
        IF (health ->> 'score')::integer IS DISTINCT FROM device.health_score THEN
            UPDATE devices SET health_score = (health ->> 'score')::integer WHERE id = device.id;
        ELSIF EXISTS (SELECT FROM ts.device_health_history h WHERE h.device_id = device.id AND h.time >= today) THEN
            CONTINUE;
        END IF;
        PERFORM ts.note_health(device.id, ts.with_telemetry(health, device.id, now()), device.health_score, now());
        written := written + 1;
    END LOOP;
    RETURN written;
END
$$;
