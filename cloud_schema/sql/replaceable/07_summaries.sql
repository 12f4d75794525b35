-- The days of energy_usage_summary: kept, because two years of rows cannot be summed anew at every refresh. A day is the
-- home's own, in homes.timezone, written as the instant at which it begins.

-- A zone that nobody knows must not stop the sums of all homes.
CREATE OR REPLACE FUNCTION ts.known_timezone(zone text) RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM now() AT TIME ZONE zone;
    RETURN coalesce(zone, 'UTC');
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN 'UTC';
END
$$;

-- What triggers need not report, because every renewal sums it again: longer than what they call late by as much as a
-- transaction that brings rows may take.
CREATE OR REPLACE FUNCTION ts.energy_always_renewed() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '6 hours'$$;

CREATE OR REPLACE FUNCTION ts.mark_energy_day() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The update that never happens locks the mark: a renewal that takes it away waits until this row can be seen.
    -- A home that is being deleted needs no days.
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO ts.energy_days_late (home_id, day)
        SELECT id, (NEW.time AT TIME ZONE 'UTC')::date FROM public.homes WHERE id = NEW.home_id
        ON CONFLICT (home_id, day) DO UPDATE SET day = excluded.day WHERE false;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO ts.energy_days_late (home_id, day)
        SELECT id, (OLD.time AT TIME ZONE 'UTC')::date FROM public.homes WHERE id = OLD.home_id
        ON CONFLICT (home_id, day) DO UPDATE SET day = excluded.day WHERE false;
    END IF;
    RETURN NULL;
END
$$;

-- On time costs nothing but the comparison. TimescaleDB refuses CREATE OR REPLACE TRIGGER on hypertables.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'ts.energy_usage'::regclass AND tgname = 'energy_inserted_late') THEN
        CREATE TRIGGER energy_inserted_late AFTER INSERT ON ts.energy_usage FOR EACH ROW
            WHEN (NEW.time < now() - interval '2 hours') EXECUTE FUNCTION ts.mark_energy_day();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'ts.energy_usage'::regclass AND tgname = 'energy_updated_late') THEN
        CREATE TRIGGER energy_updated_late AFTER UPDATE ON ts.energy_usage FOR EACH ROW
            WHEN (least(OLD.time, NEW.time) < now() - interval '2 hours') EXECUTE FUNCTION ts.mark_energy_day();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'ts.energy_usage'::regclass AND tgname = 'energy_deleted_late') THEN
        CREATE TRIGGER energy_deleted_late AFTER DELETE ON ts.energy_usage FOR EACH ROW
            -- Of a home that is being deleted (09_1_parents.sql says so) nobody will ask for days.
            WHEN (OLD.time < now() - interval '2 hours' AND OLD.home_id::text IS DISTINCT FROM current_setting('nexa.home_that_goes', true))
            EXECUTE FUNCTION ts.mark_energy_day();
    END IF;
END
$$;

-- Another zone moves every border between days.
CREATE OR REPLACE FUNCTION ts.forget_energy_days() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH gone AS (DELETE FROM ts.energy_days WHERE home_id = NEW.id RETURNING day)
    INSERT INTO ts.energy_days_late (home_id, day)
    SELECT DISTINCT NEW.id, (day AT TIME ZONE 'UTC')::date + later FROM gone CROSS JOIN (VALUES (0), (1)) v (later)
    ON CONFLICT (home_id, day) DO UPDATE SET day = excluded.day WHERE false;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER forget_energy_days AFTER UPDATE OF timezone ON public.homes FOR EACH ROW
    WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone) EXECUTE FUNCTION ts.forget_energy_days();

CREATE OR REPLACE FUNCTION ts.renew_energy_days() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamptz;
    late ts.energy_days_late[];
BEGIN
    SELECT renewed_at - ts.energy_always_renewed() INTO since FROM ts.energy_days_renewed FOR UPDATE;
    -- A statement of its own: the sums must be of a snapshot that is younger than the marks.
    WITH taken AS (DELETE FROM ts.energy_days_late RETURNING energy_days_late AS mark)
    SELECT array_agg(mark) INTO late FROM taken;

    WITH zones AS MATERIALIZED (
        SELECT id AS home_id, ts.known_timezone(timezone) AS zone FROM public.homes
    ), local_days AS (
        SELECT z.home_id, z.zone, d.local_day::date
        FROM zones z
        CROSS JOIN LATERAL (
            SELECT min(e.time) AS first_at, max(e.time) AS last_at FROM ts.energy_usage e WHERE e.home_id = z.home_id AND e.time >= since
        ) seen
        CROSS JOIN LATERAL generate_series(
            date_trunc('day', seen.first_at AT TIME ZONE z.zone), seen.last_at AT TIME ZONE z.zone, interval '1 day') d (local_day)
        UNION
        SELECT z.home_id, z.zone, (m.at AT TIME ZONE z.zone)::date
        FROM zones z
        JOIN unnest(late) l ON l.home_id = z.home_id
        CROSS JOIN LATERAL (VALUES (l.day::timestamp AT TIME ZONE 'UTC'),
                                   ((l.day + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond')) m (at)
        UNION
        SELECT z.home_id, z.zone, (k.day AT TIME ZONE z.zone)::date
        FROM zones z JOIN ts.energy_days k ON k.home_id = z.home_id WHERE k.day >= since - interval '1 day'
    ), days AS (
        SELECT home_id, local_day::timestamp AT TIME ZONE zone AS day, (local_day + 1)::timestamp AT TIME ZONE zone AS next_day FROM local_days
    )
    MERGE INTO ts.energy_days k
    USING (
        SELECT d.home_id, d.day, s.*
        FROM days d
        CROSS JOIN LATERAL (
            -- By device first: counting distinct ones would sort all rows.
            SELECT
                sum(v.kwh) AS total_energy_kwh,
                sum(v.watts) / nullif(sum(v.times_watts), 0) AS avg_power_watts,
                max(v.watts_max) AS peak_power_watts,
                sum(v.cost) AS total_cost,
                sum(v.kwh_peak) AS peak_hour_energy_kwh,
                sum(v.kwh_off_peak) AS off_peak_energy_kwh,
                count(*) AS devices_reporting,
                coalesce(sum(v.times), 0)::bigint AS sample_count
            FROM (
                SELECT sum(e.energy_kwh) AS kwh, sum(e.power_watts) AS watts, count(e.power_watts) AS times_watts,
                       max(e.power_watts) AS watts_max, sum(e.cost_estimate) AS cost,
                       sum(e.energy_kwh) FILTER (WHERE e.is_peak_hour) AS kwh_peak,
                       sum(e.energy_kwh) FILTER (WHERE e.is_peak_hour IS NOT TRUE) AS kwh_off_peak, count(*) AS times
                FROM ts.energy_usage e WHERE e.home_id = d.home_id AND e.time >= d.day AND e.time < d.next_day
                GROUP BY e.device_id
            ) v
        ) s
    ) n ON k.home_id = n.home_id AND k.day = n.day
    WHEN MATCHED AND n.sample_count = 0 THEN DELETE
    WHEN MATCHED AND (k.total_energy_kwh, k.avg_power_watts, k.peak_power_watts, k.total_cost, k.peak_hour_energy_kwh,
                      k.off_peak_energy_kwh, k.devices_reporting, k.sample_count)
        IS DISTINCT FROM (n.total_energy_kwh, n.avg_power_watts, n.peak_power_watts, n.total_cost, n.peak_hour_energy_kwh,
                          n.off_peak_energy_kwh, n.devices_reporting, n.sample_count)
        THEN UPDATE SET
            total_energy_kwh = n.total_energy_kwh, avg_power_watts = n.avg_power_watts, peak_power_watts = n.peak_power_watts,
            total_cost = n.total_cost, peak_hour_energy_kwh = n.peak_hour_energy_kwh, off_peak_energy_kwh = n.off_peak_energy_kwh,
            devices_reporting = n.devices_reporting, sample_count = n.sample_count
    WHEN NOT MATCHED AND n.sample_count > 0 THEN
        INSERT (home_id, day, total_energy_kwh, avg_power_watts, peak_power_watts, total_cost, peak_hour_energy_kwh,
                off_peak_energy_kwh, devices_reporting, sample_count)
        VALUES (n.home_id, n.day, n.total_energy_kwh, n.avg_power_watts, n.peak_power_watts, n.total_cost, n.peak_hour_energy_kwh,
                n.off_peak_energy_kwh, n.devices_reporting, n.sample_count);

    DELETE FROM ts.energy_days WHERE day < now() - (SELECT retain_for FROM ts.hypertables WHERE table_name = 'energy_usage');
    UPDATE ts.energy_days_renewed SET renewed_at = now();
END
$$;

-- All summaries, each for itself: one that fails is told as a warning and does not stop the others. Readers are not kept
-- waiting, except at the very first time.
CREATE OR REPLACE FUNCTION public.refresh_materialized_views() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    summary text;
    is_filled boolean;
BEGIN
    BEGIN
        PERFORM ts.renew_energy_days();
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'the days of energy_usage_summary are not renewed: %', SQLERRM;
    END;
    FOREACH summary IN ARRAY ARRAY['home_dashboard_summary', 'device_health_summary', 'energy_usage_summary'] LOOP
        BEGIN
            SELECT relispopulated INTO STRICT is_filled FROM pg_class WHERE oid = format('ts.%I', summary)::regclass;
            EXECUTE format('REFRESH MATERIALIZED VIEW %s ts.%I', CASE WHEN is_filled THEN 'CONCURRENTLY' ELSE '' END, summary);
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '% is not refreshed: %', summary, SQLERRM;
        END;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION public.refresh_materialized_views() FROM PUBLIC, anon, authenticated, hub;
GRANT EXECUTE ON FUNCTION public.refresh_materialized_views() TO service_role;
