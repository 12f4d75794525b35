-- A view says whose rows they are; what people may write through it is asked here, row by row, of people only: rows that
-- hubs and the operator write pass by for the price of comparing a name.

-- Measurements are for whoever may control the home, of its own devices, and only where no hub measures.
CREATE OR REPLACE FUNCTION ts.check_measurement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    measured jsonb := to_jsonb(NEW);
    home uuid;
BEGIN
    IF hub_sync.is_operator() THEN
        RETURN NEW;
    END IF;
    SELECT home_id INTO home FROM devices WHERE id = NEW.device_id;
    IF home IS NULL OR home NOT IN (SELECT hub_sync.my_homes_to('control')) OR coalesce(measured ->> 'home_id', home::text) <> home::text THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'There is no such device in a home that you may control.';
    END IF;
    IF hub_sync.has_hub(home) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'The hub of this home writes its measurements.';
    END IF;
    RETURN NEW;
END
$$;

-- An alert is answered in one's own name, by whoever may control the home. What a hub has opened is the hub's to change.
CREATE OR REPLACE FUNCTION ts.check_alert_answer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF hub_sync.is_operator() THEN
        RETURN NEW;
    END IF;
    IF OLD.home_id NOT IN (SELECT hub_sync.my_homes_to('control')) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'You may look at the alerts of this home, not answer them.';
    END IF;
    IF EXISTS (SELECT FROM hub_case_revisions r JOIN hub_hubs h ON h.id = r.hub_id AND h.retired_at IS NULL
               WHERE r.table_name = 'alerts' AND r.id = OLD.id AND r.time = OLD.time) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'The hub of this home keeps this alert.',
            HINT = 'Answer it with hub_command_v1, kind case.acknowledge or case.resolve.';
    END IF;
    IF EXISTS (SELECT FROM (VALUES (OLD.acknowledged_by, NEW.acknowledged_by), (OLD.resolved_by, NEW.resolved_by),
                                   (OLD.dismissed_by, NEW.dismissed_by), (OLD.action_taken_by, NEW.action_taken_by)) v (was, becomes)
               WHERE becomes IS DISTINCT FROM was AND becomes IS DISTINCT FROM auth.uid()) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'An alert can be answered in your own name only.';
    END IF;
    RETURN NEW;
END
$$;

-- People read what was sent to them; what became of the sending is the notifier's.
CREATE OR REPLACE FUNCTION ts.check_notification_answer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF hub_sync.is_operator() THEN
        RETURN NEW;
    END IF;
    IF OLD.user_id IS DISTINCT FROM auth.uid() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'This was sent to somebody else.';
    END IF;
    IF NEW.status IS DISTINCT FROM OLD.status AND (NEW.status <> 'read' OR OLD.status NOT IN ('sent', 'delivered')) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'What was sent can be marked as read, nothing else.';
    END IF;
    RETURN NEW;
END
$$;

-- Who changes the number has yet to show that it is theirs.
CREATE OR REPLACE FUNCTION hub_sync.unverify_phone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.phone_verified := false;
    RETURN NEW;
END
$$;

-- TimescaleDB refuses CREATE OR REPLACE TRIGGER on hypertables, so a trigger is made when its definition (kept as its
-- comment) is new. The hub functions run as the owner of the tables.
DO $$
DECLARE
    wanted record;
    fires text;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES
        ('ts.device_telemetry', 'BEFORE INSERT', 'ts.check_measurement()'),
        ('ts.energy_usage', 'BEFORE INSERT', 'ts.check_measurement()'),
        ('ts.device_error_logs', 'BEFORE INSERT', 'ts.check_measurement()'),
        ('ts.alerts', 'BEFORE UPDATE', 'ts.check_alert_answer()'),
        ('ts.user_notifications', 'BEFORE UPDATE', 'ts.check_notification_answer()'),
        ('public.users', 'BEFORE UPDATE OF phone', 'hub_sync.unverify_phone()')) v (base_table, event, calls)
    LOOP
        fires := format('%s ON %s FOR EACH ROW WHEN (current_user NOT IN (%L, ''service_role'')%s) EXECUTE FUNCTION %s', wanted.event,
            wanted.base_table, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = wanted.base_table::regclass),
            CASE wanted.base_table WHEN 'public.users' THEN ' AND NEW.phone IS DISTINCT FROM OLD.phone' ELSE '' END, wanted.calls);
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = wanted.base_table::regclass AND tgname = 'asks_people'
                       AND obj_description(oid, 'pg_trigger') = fires) THEN
            EXECUTE format('DROP TRIGGER IF EXISTS asks_people ON %s', wanted.base_table);
            EXECUTE 'CREATE TRIGGER asks_people ' || fires;
            EXECUTE format('COMMENT ON TRIGGER asks_people ON %s IS %L', wanted.base_table, fires);
        END IF;
    END LOOP;
END
$$;
