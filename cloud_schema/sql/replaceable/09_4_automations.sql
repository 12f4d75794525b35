-- Executions count up in their automation, for homes without a hub: a hub counts its own and sends the sums.

-- By the last ten finished runs, newest first; a partial one counts half. What was cancelled says nothing.
CREATE OR REPLACE FUNCTION ts.automation_health(automation uuid, OUT status text, OUT score integer, OUT runs integer, OUT failed numeric)
LANGUAGE sql STABLE AS $$
    SELECT CASE
            WHEN count(*) >= 5 AND bool_and(failure = 1) FILTER (WHERE place <= 5) THEN 'broken'
            WHEN count(*) >= 3 AND sum(failure) / count(*) >= 0.5 THEN 'failing'
            WHEN sum(failure) / count(*) >= 0.2 THEN 'degraded'
            ELSE 'healthy'
        END,
        coalesce(round(100 - 100 * sum(failure) / nullif(count(*), 0)), 100)::integer, count(*)::integer, coalesce(sum(failure), 0)
    FROM (
        SELECT CASE e.status WHEN 'success' THEN 0 WHEN 'partial' THEN 0.5 ELSE 1 END AS failure,
               row_number() OVER (ORDER BY e.time DESC, e.id) AS place
        FROM ts.automation_executions e
        WHERE e.automation_id = automation AND e.status <> 'cancelled'
        ORDER BY e.time DESC, e.id LIMIT 10
    ) newest
$$;

CREATE OR REPLACE FUNCTION update_automation_health() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    was automations;
    health record;
    outcome text := CASE NEW.status WHEN 'timeout' THEN 'failed' WHEN 'cancelled' THEN NULL ELSE NEW.status END;
    is_newest boolean;
BEGIN
    IF hub_sync.is_hub_writing() THEN
        RETURN NULL;
    END IF;
    -- Held first, so that runs which end at the same time count one after the other and see each other.
    SELECT a.* INTO was FROM automations a WHERE a.id = NEW.automation_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    health := ts.automation_health(was.id);
    is_newest := was.last_executed_at IS NULL OR NEW.started_at >= was.last_executed_at;
    UPDATE automations a SET
        total_executions = coalesce(a.total_executions, 0) + 1,
        success_count = coalesce(a.success_count, 0) + CASE WHEN outcome = 'success' THEN 1 ELSE 0 END,
        failure_count = coalesce(a.failure_count, 0) + CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END,
        last_executed_at = greatest(a.last_executed_at, NEW.started_at),
        last_execution_status = CASE WHEN is_newest AND outcome IS NOT NULL THEN outcome ELSE a.last_execution_status END,
        last_execution_duration_ms = CASE WHEN is_newest THEN NEW.duration_ms ELSE a.last_execution_duration_ms END,
        health_status = health.status,
        last_health_check_at = now()
    WHERE a.id = was.id;
    IF health.status IS DISTINCT FROM was.health_status THEN
        PERFORM ts.note_automation_health(was, health.status, health.score, health.runs, health.failed);
    END IF;
    RETURN NULL;
END
$$;

-- A change is a row of automation_health_checks; what is broken or failing is an alert until it works again.
CREATE OR REPLACE FUNCTION ts.note_automation_health(automation public.automations, status text, score integer, runs integer, failed numeric)
RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO ts.automation_health_checks (automation_id, home_id, health_status, health_score, issues_found)
    VALUES (automation.id, automation.home_id, status, score,
            CASE WHEN failed > 0 THEN jsonb_build_array(jsonb_build_object('issue', 'runs_failed', 'failed', failed, 'runs', runs)) ELSE '[]' END);
    IF status IN ('failing', 'broken') THEN
        PERFORM ts.raise_alert(automation.home_id, 'automation_failure', CASE status WHEN 'broken' THEN 'error' ELSE 'warning' END::alert_severity,
            format('Automation "%s" keeps failing', left(automation.name, 200)),
            format('%s of its last %s runs failed.', trim_scale(failed), runs), NULL, 'automation', automation.id,
            jsonb_build_object('automation_name', automation.name, 'health_status', status));
    ELSE
        PERFORM ts.clear_alert(automation.home_id, 'automation_failure', NULL, automation.id);
    END IF;
END
$$;

CREATE OR REPLACE TRIGGER update_automation_health_trigger AFTER INSERT ON ts.automation_executions
    FOR EACH ROW EXECUTE FUNCTION update_automation_health();
