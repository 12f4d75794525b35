-- Named queries of `nexa-cloud maintain`. Nothing here is installed. Names in braces are filled in as identifiers; a per cent
-- sign is written twice.

-- name: take_turn
SELECT pg_try_advisory_lock(%(number)s);

-- name: be_patient
-- Whoever serves people goes first: maintenance gives up a table rather than let others queue behind it.
SELECT set_config('lock_timeout', %(lock_timeout)s, false), set_config('statement_timeout', '0', false),
       set_config('idle_in_transaction_session_timeout', '60s', false), set_config('search_path', 'public, pg_temp', false);

-- name: engine
SELECT ts.timescale_schema() IS NOT NULL AS has_hypertables, ts.has_community_features() AS has_community,
       ts.timescale_schema() AS schema;

-- name: has_workers
-- A scheduler that can be seen; or, where other logins' processes cannot be, a job that ran by itself in the last two days.
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type LIKE '%%TimescaleDB%%Scheduler%%'
                  OR application_name LIKE '%%TimescaleDB%%Scheduler%%')
    OR EXISTS (SELECT FROM timescaledb_information.job_stats WHERE last_successful_finish > now() - interval '2 days'
                  AND next_start > now() - interval '2 days');

-- name: last_runs
SELECT task, last_started, last_finished, last_result FROM public.hub_maintenance;

-- name: note_start
INSERT INTO public.hub_maintenance (task, last_started) VALUES (%(task)s, now())
ON CONFLICT (task) DO UPDATE SET last_started = excluded.last_started, last_finished = NULL, last_result = '{"status": "running"}';

-- name: note_finish
UPDATE public.hub_maintenance SET last_finished = now(), last_result = %(result)s WHERE task = %(task)s;

-- name: jobs
SELECT job_id, coalesce(hypertable_name, '') AS relation FROM timescaledb_information.jobs
WHERE proc_name = %(policy)s AND scheduled ORDER BY 1;

-- name: run_job
CALL {schema}.run_job(%(job)s);

-- name: kept
SELECT table_name AS name, time_column, now() - retain_for AS cutoff FROM ts.hypertables WHERE retain_for IS NOT NULL ORDER BY 1;

-- name: blocks
SELECT pg_relation_size(format('ts.%%I', %(table)s::text)::regclass) / current_setting('block_size')::bigint AS blocks;

-- name: delete_slice
-- By blocks, not by time: no index on time alone is needed, one pass is enough, and every slice is as small as the others.
DELETE FROM {table} WHERE ctid >= format('(%%s,0)', %(first)s::bigint)::tid AND ctid < format('(%%s,0)', %(beyond)s::bigint)::tid AND {time} < %(cutoff)s;

-- name: drop_chunks
SELECT count(*) AS dropped FROM {schema}.drop_chunks({table}::regclass, older_than => %(cutoff)s::timestamptz);

-- name: has_function
SELECT to_regproc(%(name)s) IS NOT NULL AS is_there;

-- name: has_relation
SELECT to_regclass(%(name)s) IS NOT NULL AS is_there;

-- name: use_is_known
SELECT since, since > now() - interval '28 days' AS is_too_short
FROM (SELECT greatest(min(v.begun_at), (SELECT d.stats_reset FROM pg_stat_database d WHERE d.datname = current_database())) AS since
      FROM public.hub_schema_versions v) s;

-- name: refresh_materialized_views
SELECT public.refresh_materialized_views();

-- name: homes
SELECT id FROM public.homes ORDER BY id;

-- name: record_device_health
SELECT public.record_device_health(%(home)s) AS written;

-- name: billing_renew
SELECT to_jsonb(answer) FROM public.billing_renew(now()) answer;

-- name: billing_roll_up_usage
SELECT to_jsonb(answer) FROM public.billing_roll_up_usage(now()) answer;

-- name: expire_commands
UPDATE public.hub_commands SET status = 'expired', finished_at = now()
WHERE id IN (SELECT id FROM public.hub_commands WHERE status IN ('pending', 'delivered') AND expires_at < now()
             ORDER BY expires_at LIMIT %(rows_max)s FOR UPDATE SKIP LOCKED);

-- name: forget_commands
DELETE FROM public.hub_commands
WHERE id IN (SELECT id FROM public.hub_commands WHERE status IN ('done', 'failed', 'expired')
             AND expires_at < now() - hub_sync.finished_commands_kept() LIMIT %(rows_max)s);

-- name: forget_claims
DELETE FROM public.hub_claims
WHERE code_sha256 IN (SELECT code_sha256 FROM public.hub_claims WHERE expires_at < now() - interval '30 days' LIMIT %(rows_max)s);

-- name: forget_dead_letters
DELETE FROM public.hub_dead_letters
WHERE id IN (SELECT id FROM public.hub_dead_letters WHERE received_at < now() - interval '90 days' LIMIT %(rows_max)s);

-- name: forget_gaps
DELETE FROM public.hub_gaps
WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.hub_gaps WHERE received_at < now() - interval '2 years' LIMIT %(rows_max)s));

-- name: forget_sessions
DELETE FROM public.user_sessions
WHERE id IN (SELECT id FROM public.user_sessions
             WHERE coalesce(expires_at, last_activity_at, created_at) < now() - interval '90 days' LIMIT %(rows_max)s);

-- name: own_tables
SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'ts') AND c.relkind IN ('r', 'm') AND pg_has_role(c.relowner, 'MEMBER')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY pg_relation_size(c.oid) DESC, 1, 2;

-- name: vacuum
VACUUM (ANALYZE, SKIP_LOCKED) {table};

-- name: analyze
ANALYZE (SKIP_LOCKED) {table};

-- name: slow_queries
SELECT left(regexp_replace(query, '\s+', ' ', 'g'), 200) AS query, calls, round(mean_exec_time::numeric, 1)::float AS mean_ms
FROM public.slow_queries WHERE query NOT ILIKE '%%password%%' ORDER BY mean_exec_time DESC LIMIT 10;

-- name: unused_indexes
SELECT format('%%s.%%s', schemaname, indexname) AS index, index_size AS size FROM public.unused_indexes LIMIT 20;

-- name: table_bloat
SELECT format('%%s.%%s', schemaname, tablename) AS table, dead_tuple_percent::float AS dead_percent, total_size AS size
FROM public.table_bloat WHERE dead_tuple_percent > 20 AND n_dead_tup > 1000 LIMIT 10;
