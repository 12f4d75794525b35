-- What an operator looks at once a month. For service_role only, as every view that 11_grants.sql is not told of.

-- A function, because the view it reads belongs to an extension that may come and go, and whose library may not be loaded.
CREATE OR REPLACE FUNCTION ts.slow_statements() RETURNS TABLE (
    query text, calls bigint, total_exec_time double precision, mean_exec_time double precision, max_exec_time double precision,
    stddev_exec_time double precision, rows bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    extension_schema name;
BEGIN
    SELECT n.nspname INTO extension_schema
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements';
    IF FOUND THEN
        RETURN QUERY EXECUTE format(
            'SELECT query, calls, total_exec_time, mean_exec_time, max_exec_time, stddev_exec_time, rows FROM %I.pg_stat_statements '
            'WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND mean_exec_time > 100 '
            'ORDER BY mean_exec_time DESC LIMIT 100', extension_schema);
    END IF;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RAISE NOTICE 'pg_stat_statements is installed but not loaded: add it to shared_preload_libraries';
END
$$;

REVOKE ALL ON FUNCTION ts.slow_statements() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ts.slow_statements() TO service_role;

-- Statements of 100 ms and more on average, the slowest first. Empty without pg_stat_statements.
CREATE OR REPLACE VIEW public.slow_queries AS
    SELECT query, calls, total_exec_time, mean_exec_time, max_exec_time, stddev_exec_time, rows FROM ts.slow_statements();

-- Never read since the statistics began. Left out is what nobody should drop for that: keys, what a foreign key's parent
-- needs to be deleted, and hypertables, whose chunks have the indexes that are read.
CREATE OR REPLACE VIEW public.unused_indexes AS
    SELECT s.schemaname, s.relname AS tablename, s.indexrelname AS indexname, s.idx_scan, s.idx_tup_read, s.idx_tup_fetch,
           pg_size_pretty(pg_relation_size(s.indexrelid)) AS index_size
    FROM pg_stat_user_indexes s
    JOIN pg_index i ON i.indexrelid = s.indexrelid
    WHERE s.idx_scan = 0 AND s.schemaname IN ('public', 'ts') AND NOT i.indisunique
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = i.indrelid AND k.contype = 'f' AND k.conkey[1] = i.indkey[0])
      AND NOT EXISTS (SELECT FROM pg_inherits c WHERE c.inhparent = i.indrelid)
    ORDER BY pg_relation_size(s.indexrelid) DESC;

-- The chunks of a hypertable count as its own.
CREATE OR REPLACE VIEW public.table_bloat AS
    SELECT
        n.nspname AS schemaname,
        c.relname AS tablename,
        pg_size_pretty(sum(pg_total_relation_size(s.relid))) AS total_size,
        pg_size_pretty(sum(pg_table_size(s.relid))) AS table_size,
        pg_size_pretty(sum(pg_indexes_size(s.relid))) AS indexes_size,
        sum(s.n_live_tup)::bigint AS n_live_tup,
        sum(s.n_dead_tup)::bigint AS n_dead_tup,
        round(100.0 * sum(s.n_dead_tup) / nullif(sum(s.n_live_tup) + sum(s.n_dead_tup), 0), 2) AS dead_tuple_percent
    FROM pg_stat_user_tables s
    LEFT JOIN pg_inherits i ON i.inhrelid = s.relid
    JOIN pg_class c ON c.oid = coalesce(i.inhparent, s.relid)
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'ts')
    GROUP BY n.nspname, c.relname
    ORDER BY sum(s.n_dead_tup) DESC, n.nspname, c.relname;
