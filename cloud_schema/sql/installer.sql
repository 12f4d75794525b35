-- What the installer asks and notes: named statements that cloud_schema/statements.py reads. Nothing here is installed.

-- name: settings
SELECT set_config('search_path', concat_ws(', ', 'public', (
           SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
           WHERE e.extname = 'timescaledb' AND n.nspname NOT IN ('public', 'pg_catalog'))), true),
       set_config('check_function_bodies', 'off', true),
       set_config('client_min_messages', 'warning', true),
       set_config('statement_timeout', '0', true),
       set_config('idle_in_transaction_session_timeout', '0', true),
       set_config('lock_timeout', %(lock_timeout)s, true);

-- name: server
SELECT current_database() AS database, current_user AS login, pg_is_in_recovery() AS is_standby,
       current_setting('transaction_read_only') = 'on' AS is_read_only,
       to_regclass('public.hub_schema_versions') IS NOT NULL AS has_versions,
       to_regclass('public.users') IS NOT NULL AS has_users,
       -- Asked of the catalogue, because a name in a schema one may not use is an error.
       EXISTS (SELECT FROM pg_class c WHERE c.relname = 'users' AND c.relnamespace = (
           SELECT oid FROM pg_namespace WHERE nspname = 'auth')) AS has_auth_users,
       EXISTS (SELECT FROM pg_proc p WHERE p.proname = 'uid' AND p.pronargs = 0 AND p.pronamespace = (
           SELECT oid FROM pg_namespace WHERE nspname = 'auth')) AS has_auth_uid,
       (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS may_create_roles,
       has_database_privilege(current_database(), 'CREATE') AS may_create_schemas,
       has_schema_privilege('public', 'CREATE') AS may_create_in_public,
       ARRAY(SELECT wanted FROM unnest(ARRAY['anon', 'authenticated', 'service_role', 'hub']) wanted
             WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted)) AS roles_missing,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'service_role' AND pg_has_role(current_user, oid, 'MEMBER')) AS is_operator;

-- name: schemas
SELECT n.nspname AS name, has_schema_privilege(n.oid, 'CREATE') AS may_create, has_schema_privilege(n.oid, 'USAGE') AS may_use,
       pg_get_userbyid(n.nspowner) AS owner
FROM pg_namespace n WHERE n.nspname IN ('ts', 'hub_sync', 'auth');

-- name: auth_rights
SELECT has_table_privilege('auth.users', 'REFERENCES') OR has_column_privilege('auth.users', 'id', 'REFERENCES') AS may_reference_users,
       EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'id'
                 AND atttypid = 'uuid'::regtype AND NOT attisdropped) AS has_id;

-- name: uid_right
SELECT has_function_privilege('auth.uid()', 'EXECUTE');

-- name: relations
SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, pg_get_userbyid(c.relowner) AS owner,
       pg_has_role(current_user, c.relowner, 'USAGE') AS is_ours_to_change,
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'ts') AND c.relname = ANY (%(names)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
  -- A row type that stands alone (kind c) takes the name as well.
ORDER BY 1, 2;

-- name: enums
SELECT t.typname AS name, t.typtype::text AS kind,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid) AS values
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = 'public' AND t.typname = ANY (%(names)s)
ORDER BY 1;

-- name: is_first_release
SELECT to_regclass('public.hub_hubs') IS NOT NULL OR (
    to_regclass('ts.device_telemetry') IS NOT NULL AND to_regclass('public.homes') IS NOT NULL);

-- name: versions
SELECT version, name, begun_at, applied_at, applied_by_program, pre_sha256, post_sha256
FROM hub_schema_versions ORDER BY version;

-- name: note_found
INSERT INTO hub_schema_versions (version, name, applied_at, applied_by_program, notes)
VALUES (1, 'first_release', now(), %(program)s, 'found without a table of versions')
ON CONFLICT DO NOTHING;

-- name: note_begun
INSERT INTO hub_schema_versions (version, name, notes, applied_by_program, agent_version_min, gateway_version_min)
VALUES (%(version)s, %(name)s, %(notes)s, %(program)s, %(agent_version_min)s, %(gateway_version_min)s)
ON CONFLICT DO NOTHING;

-- name: note_new
UPDATE hub_schema_versions SET pre_sha256 = %(pre_sha256)s, post_sha256 = %(post_sha256)s WHERE version = %(version)s;

-- name: pre_done
SELECT pre_sha256 IS NOT NULL FROM hub_schema_versions WHERE version = %(version)s FOR UPDATE;

-- name: note_pre
UPDATE hub_schema_versions SET pre_sha256 = %(sha256)s WHERE version = %(version)s;

-- name: post_done
SELECT post_sha256 IS NOT NULL FROM hub_schema_versions WHERE version = %(version)s FOR UPDATE;

-- name: note_post
UPDATE hub_schema_versions SET post_sha256 = %(sha256)s WHERE version = %(version)s;

-- name: note_applied
UPDATE hub_schema_versions SET applied_at = now(), applied_by_program = %(program)s
WHERE version = %(version)s AND applied_at IS NULL;

-- name: raise_agent_version_min
UPDATE hub_limits SET agent_version_min = %(agent_version_min)s
WHERE agent_version_min IS NULL
   OR hub_sync.version_parts(agent_version_min) < hub_sync.version_parts(%(agent_version_min)s);

-- name: note_renewed
UPDATE hub_schema_versions SET renewed_at = now(), renewed_by_program = %(program)s
WHERE version = (SELECT max(version) FROM hub_schema_versions);

-- name: try_lock
SELECT pg_try_advisory_lock(%(number)s);

-- name: patience
SELECT set_config('lock_timeout', %(timeout)s, false);

-- name: lock
SELECT pg_advisory_lock(%(number)s);

-- name: lock_in_transaction
SELECT pg_advisory_xact_lock(%(number)s);

-- name: unlock
SELECT pg_advisory_unlock(%(number)s);

-- name: close_gate
-- Every call of a hub takes its row here first. With the gate closed those under way have ended and the next wait before
-- they hold anything: so hubs and installer never wait for each other in a circle.
DO $$
BEGIN
    IF to_regclass('public.hub_hubs') IS NOT NULL THEN
        LOCK TABLE public.hub_hubs IN ACCESS EXCLUSIVE MODE;
    END IF;
END
$$;

-- name: holders
SELECT DISTINCT a.pid, coalesce(a.usename, 'somebody') AS login, coalesce(nullif(a.application_name, ''), 'a program') AS program,
       date_trunc('second', a.xact_start) AS since
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.granted AND a.pid <> pg_backend_pid() AND a.datname = current_database()
  AND l.relation IN (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname IN ('public', 'ts', 'auth') AND c.relkind IN ('r', 'p', 'v', 'm'))
ORDER BY since LIMIT 3;
