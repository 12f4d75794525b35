-- What the server says about itself: named queries that cloud_schema/catalogue.py reads. Nothing here is installed.
-- What belongs to an extension is left out.

-- name: set_search_path
SET LOCAL search_path TO public, pg_temp;

-- name: relations
SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, c.relrowsecurity AS has_rls,
       coalesce(c.reloptions::text[], '{}') AS options, obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'ts', 'hub_sync') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2;

-- name: columns
SELECT n.nspname AS schema, c.relname AS relation, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       NOT a.attnotnull AS is_nullable, pg_get_expr(d.adbin, d.adrelid) AS default, col_description(c.oid, a.attnum) AS comment
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname IN ('public', 'ts', 'hub_sync') AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2, a.attnum;

-- name: enums
SELECT t.typname AS name, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS values
FROM pg_enum e
JOIN pg_type t ON t.oid = e.enumtypid
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = 'public'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
GROUP BY 1 ORDER BY 1;

-- name: constraints
SELECT n.nspname AS schema, c.relname AS relation, k.conname AS name, k.contype::text AS kind,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS columns,
       pg_get_constraintdef(k.oid) AS definition, nullif(k.confrelid, 0)::regclass::text AS target,
       CASE k.confdeltype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
            WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' END AS on_delete, k.convalidated AS is_validated
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'ts') AND k.contype IN ('p', 'u', 'f', 'c', 'x')
ORDER BY 1, 2, 3;

-- name: indexes
SELECT n.nspname AS schema, c.relname AS relation, i.relname AS name, m.amname AS method, x.indisunique AS is_unique,
       ARRAY(SELECT pg_get_indexdef(x.indexrelid, place, true)
                    || CASE WHEN m.amname = 'btree' AND x.indoption[place - 1] & 1 = 1 THEN ' desc' ELSE '' END
             FROM generate_series(1, x.indnkeyatts::integer) place ORDER BY place) AS columns,
       pg_get_expr(x.indpred, x.indrelid) AS predicate, x.indisvalid AS is_valid,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')) AS is_of_constraint
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am m ON m.oid = i.relam
WHERE n.nspname IN ('public', 'ts')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2, 3;

-- name: functions
SELECT n.nspname AS schema, p.proname AS name, pg_get_function_arguments(p.oid) AS arguments,
       coalesce(pg_get_function_result(p.oid), '') AS returns, p.prosecdef AS is_definer, p.prokind::text AS kind,
       coalesce((SELECT bool_or(setting LIKE 'search_path=%') FROM unnest(p.proconfig) setting), false) AS has_search_path,
       CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
       ARRAY(SELECT r.rolname::text FROM pg_roles r
             WHERE r.rolname IN ('anon', 'authenticated', 'hub', 'service_role')
               AND has_function_privilege(r.oid, p.oid, 'EXECUTE') ORDER BY 1) AS callers,
       obj_description(p.oid, 'pg_proc') AS comment
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('public', 'ts', 'hub_sync')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1, 2, 3;

-- name: triggers
SELECT n.nspname AS schema, c.relname AS relation, t.tgname AS name,
       CASE WHEN t.tgtype & 2 = 2 THEN 'before' WHEN t.tgtype & 64 = 64 THEN 'instead of' ELSE 'after' END AS timing,
       array_remove(ARRAY[CASE WHEN t.tgtype & 4 = 4 THEN 'insert' END, CASE WHEN t.tgtype & 16 = 16 THEN 'update' END,
                          CASE WHEN t.tgtype & 8 = 8 THEN 'delete' END, CASE WHEN t.tgtype & 32 = 32 THEN 'truncate' END], NULL) AS events,
       CASE WHEN t.tgtype & 1 = 1 THEN 'row' ELSE 'statement' END AS level, p.proname AS function,
       t.tgqual IS NOT NULL AS is_conditional, t.tgenabled <> 'D' AS is_enabled
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace f ON f.oid = p.pronamespace
WHERE n.nspname IN ('public', 'ts') AND NOT t.tgisinternal AND f.nspname IN ('public', 'ts', 'hub_sync')
ORDER BY 1, 2, 3;

-- name: policies
SELECT n.nspname AS schema, c.relname AS relation, p.polname AS name,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
       ARRAY(SELECT CASE member WHEN 0 THEN 'public' ELSE pg_get_userbyid(member)::text END FROM unnest(p.polroles) member ORDER BY 1) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check,
       p.polpermissive AS is_permissive
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'ts')
ORDER BY 1, 2, 3;

-- name: client_reach
-- What a client holds that it must not: use of an inner schema, a right on a relation there; and of whoever is not logged in, or
-- is a hub, a right on any relation.
SELECT r.rolname AS role, n.nspname AS schema, NULL AS relation, 'USAGE' AS privilege
FROM pg_namespace n CROSS JOIN pg_roles r
WHERE n.nspname = 'ts' AND r.rolname IN ('anon', 'authenticated', 'hub')
  AND has_schema_privilege(r.oid, n.oid, 'USAGE')
UNION ALL
SELECT coalesce(r.rolname, 'PUBLIC'), n.nspname, c.relname, a.privilege_type
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN aclexplode(c.relacl) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE coalesce(r.rolname, 'PUBLIC') IN ('PUBLIC', 'anon', 'authenticated', 'hub') AND n.nspname IN ('ts', 'hub_sync')
   OR coalesce(r.rolname, 'PUBLIC') IN ('PUBLIC', 'anon', 'hub') AND n.nspname = 'public'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 2, 3, 1, 4;

-- name: view_rights
-- What people may do through the views of the hypertables, on all columns or on some.
SELECT c.relname AS relation, v.command
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) v (command)
WHERE n.nspname = 'public' AND c.relkind = 'v'
  AND CASE v.command WHEN 'DELETE' THEN has_table_privilege('authenticated', c.oid, 'DELETE')
           ELSE has_any_column_privilege('authenticated', c.oid, v.command) END
ORDER BY 1, 2;

-- name: declared_hypertables
SELECT table_name, time_column::text, segment_by::text[], order_by::text, compress_after::interval::text, retain_for::interval::text
FROM ts.hypertables ORDER BY 1;

-- name: declared_policies
SELECT table_name AS relation, policy_name AS name, command, is_restrictive FROM hub_sync.access_rules
WHERE policy_name IS NOT NULL AND policy_name <> '' ORDER BY 1, 2;

-- name: rights_off
-- Where what a person may do with a column is not what hub_sync.column_rights says. DELETE goes by the table.
WITH columns AS (
    SELECT o.relation, a.attname AS name, c.oid, a.attnum, r.may_delete,
           coalesce(NOT a.attname = ANY (string_to_array(r.hidden, ' ')), false) AS is_readable,
           coalesce(a.attname = ANY (i.names) OR (i.names = '{*}' AND a.attname <> 'search_vector'), false) AS is_insertable,
           coalesce(a.attname = ANY (u.names)
                    OR (u.names = '{*}' AND a.attname NOT IN ('id', 'created_at', 'updated_at', 'search_vector')), false) AS is_updatable
    FROM hub_sync.our_relations() o
    JOIN pg_class c ON c.relname = o.relation AND c.relnamespace = 'public'::regnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN hub_sync.column_rights r ON r.table_name = o.relation
    LEFT JOIN hub_definition_kinds k ON k.target_table = o.relation
    LEFT JOIN LATERAL hub_sync.named_columns(r.inserts, k) i (names) ON true
    LEFT JOIN LATERAL hub_sync.named_columns(r.updates, k) u (names) ON true
), rights AS (
    SELECT relation || '.' || name AS place, v.command, v.is_wanted, has_column_privilege('authenticated', oid, attnum, v.command) AS is_there
    FROM columns CROSS JOIN LATERAL (VALUES ('SELECT', is_readable), ('INSERT', is_insertable), ('UPDATE', is_updatable)) v (command, is_wanted)
    UNION
    SELECT relation, 'DELETE', coalesce(may_delete, false), has_table_privilege('authenticated', oid, 'DELETE') FROM columns
)
SELECT place, command, is_there FROM rights WHERE is_wanted <> is_there ORDER BY 1, 2;

-- name: altered_policies
-- Those that no longer read as they did when they were made.
SELECT m.table_name::text AS relation, m.policy_name::text AS name, m.printed AS expected, t.printed AS found
FROM hub_sync.policies_made m JOIN hub_sync.policies_there() t USING (table_name, policy_name)
WHERE t.printed IS DISTINCT FROM m.printed ORDER BY 1, 2;

-- name: engine_hypertables
SELECT h.hypertable_name::text AS name, h.compression_enabled AS is_compressed
FROM timescaledb_information.hypertables h WHERE h.hypertable_schema = 'ts' ORDER BY 1;

-- name: engine_compression
SELECT s.hypertable_name::text AS name,
       array_agg(s.attname::text ORDER BY s.segmentby_column_index) FILTER (WHERE s.segmentby_column_index IS NOT NULL) AS segment_by,
       string_agg(s.attname::text || CASE WHEN s.orderby_asc THEN '' ELSE ' DESC' END, ', ' ORDER BY s.orderby_column_index)
           FILTER (WHERE s.orderby_column_index IS NOT NULL) AS order_by
FROM timescaledb_information.compression_settings s WHERE s.hypertable_schema = 'ts' GROUP BY 1 ORDER BY 1;

-- name: engine_policies
SELECT coalesce(j.hypertable_name::text, '') AS name, j.proc_name::text AS policy, j.scheduled AS is_scheduled, j.schedule_interval::text AS every,
       (j.config ->> 'compress_after')::interval::text AS compress_after, (j.config ->> 'drop_after')::interval::text AS retain_for,
       (j.config ->> 'start_offset')::interval::text AS start_offset, (j.config ->> 'end_offset')::interval::text AS end_offset
FROM timescaledb_information.jobs j
WHERE j.proc_name IN ('policy_compression', 'policy_retention', 'policy_refresh_continuous_aggregate')
   OR (j.proc_schema, j.proc_name) = ('ts', 'catch_up_aggregates')
ORDER BY 1, 2;

-- name: engine_aggregates
SELECT a.view_name::text AS name, a.materialization_hypertable_name::text AS materialized_as, a.materialized_only AS is_materialized_only
FROM timescaledb_information.continuous_aggregates a WHERE a.view_schema = 'ts' ORDER BY 1;

-- name: engine
SELECT current_setting('server_version') AS version, (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescale,
       current_setting('timescaledb.license', true) AS licence, current_database() AS database,
       EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS has_statements;

-- name: definition_kinds
SELECT target_table, people_columns, hub_columns, observed_columns, cloud_columns FROM public.hub_definition_kinds ORDER BY rank;
