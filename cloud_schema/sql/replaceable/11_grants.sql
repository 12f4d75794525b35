-- Rights, from nothing upwards: whatever the platform or an earlier release has granted is taken back first. Which columns
-- people may read and write is declared in 08_rls_policies.sql; which functions anybody may call, here.

DO $$
DECLARE
    ours record;
    rights hub_sync.column_rights;
    kind hub_definition_kinds;
    readable text;
    insertable text;
    updatable text;
BEGIN
    FOR ours IN SELECT * FROM hub_sync.our_relations() LOOP
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated, hub', ours.relation);
        EXECUTE format('REVOKE ALL ON public.%I FROM service_role', ours.relation);
        EXECUTE format(CASE WHEN ours.kind IN ('r', 'p') THEN 'GRANT ALL ON public.%I TO service_role'
                            WHEN ours.is_checked THEN 'GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO service_role'
                            ELSE 'GRANT SELECT ON public.%I TO service_role' END, ours.relation);
        SELECT * INTO rights FROM hub_sync.column_rights WHERE table_name = ours.relation;
        CONTINUE WHEN NOT FOUND;
        SELECT * INTO kind FROM hub_definition_kinds WHERE target_table = ours.relation;
        SELECT string_agg(quote_ident(a.attname), ', ') FILTER (WHERE NOT a.attname = ANY (string_to_array(rights.hidden, ' '))),
               string_agg(quote_ident(a.attname), ', ') FILTER (WHERE a.attname = ANY (i.names) OR (i.names = '{*}' AND a.attname <> 'search_vector')),
               string_agg(quote_ident(a.attname), ', ') FILTER (
                   WHERE a.attname = ANY (u.names) OR (u.names = '{*}' AND a.attname NOT IN ('id', 'created_at', 'updated_at', 'search_vector')))
        INTO readable, insertable, updatable
        FROM pg_attribute a,
             hub_sync.named_columns(rights.inserts, kind) i (names), hub_sync.named_columns(rights.updates, kind) u (names)
        WHERE a.attrelid = format('public.%I', ours.relation)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
        EXECUTE CASE WHEN rights.hidden = '' THEN format('GRANT SELECT ON public.%I TO authenticated', ours.relation)
                     ELSE format('GRANT SELECT (%s) ON public.%I TO authenticated', readable, ours.relation) END;
        IF insertable IS NOT NULL THEN
            EXECUTE format('GRANT INSERT (%s) ON public.%I TO authenticated', insertable, ours.relation);
        END IF;
        IF updatable IS NOT NULL THEN
            EXECUTE format('GRANT UPDATE (%s) ON public.%I TO authenticated', updatable, ours.relation);
        END IF;
        IF rights.may_delete THEN
            EXECUTE format('GRANT DELETE ON public.%I TO authenticated', ours.relation);
        END IF;
    END LOOP;
END
$$;

-- Sequences only serve identity columns, whose inserts need no right to them.
DO $$
DECLARE
    ours regclass;
BEGIN
    FOR ours IN SELECT d.objid FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                JOIN pg_class t ON t.oid = d.refobjid AND t.relnamespace = 'public'::regnamespace
                JOIN hub_sync.our_relations() o ON o.relation = t.relname
                WHERE d.deptype IN ('a', 'i') LOOP
        EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM PUBLIC, anon, authenticated, hub', ours);
        EXECUTE format('GRANT ALL ON SEQUENCE %s TO service_role', ours);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role, hub;
DO $$
BEGIN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC, anon, authenticated, hub;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'anybody may make tables in schema public: revoke CREATE on it from PUBLIC as its owner';
END
$$;

-- What TimescaleDB keeps for itself and shows everybody: names and sizes. Who installs goes on seeing it, because the background jobs run
-- in that name. The schemas stay usable, or no client's session could start (00_platform.sql).
DO $$
DECLARE
    shown regclass;
BEGIN
    IF to_regnamespace('_timescaledb_catalog') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA _timescaledb_catalog, _timescaledb_config, _timescaledb_cache TO PUBLIC;
    END IF;
    FOR shown IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname LIKE '\_timescaledb\_%' AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0) LOOP
        EXECUTE format('GRANT SELECT ON %s TO %I', shown, current_user);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', shown);
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'TimescaleDB shows everybody the names and sizes of the hypertables: its tables belong to somebody else';
END
$$;

-- The operator works on the base tables where the views would cost; nobody else gets near them.
REVOKE ALL ON SCHEMA ts, hub_sync FROM PUBLIC, anon, authenticated, hub;
REVOKE ALL ON ALL TABLES IN SCHEMA ts, hub_sync FROM PUBLIC, anon, authenticated, hub;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA ts, hub_sync FROM PUBLIC, anon, authenticated, hub;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ts, hub_sync FROM PUBLIC, anon, authenticated, hub;
GRANT USAGE ON SCHEMA ts TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ts TO service_role;

-- What policies and views ask in the name of whoever reads. Without the schema's USAGE nobody can call them by name.
GRANT EXECUTE ON FUNCTION
    hub_sync.claims(), hub_sync.is_hub_writing(), hub_sync.is_operator(), hub_sync.me(), hub_sync.is_admin(), hub_sync.has_hub(uuid), hub_sync.my_homes_to(text), hub_sync.my_people(),
    hub_sync.my_catalogue(text),
    hub_sync.my_partners(), hub_sync.owner_of_home(uuid), hub_sync.is_part_of_home(text, uuid, uuid), hub_sync.home_of_group(uuid),
    hub_sync.user_still_has(uuid, user_role, boolean), ts.buckets_of(text, text, uuid, interval)
    TO authenticated, service_role;

-- The functions of schema public: each has its line here. What triggers call is closed without one, and functions of
-- another application beside ours are left alone.
DO $$
DECLARE
    ours record;
BEGIN
    FOR ours IN
        WITH declared (name, roles) AS (VALUES
            ('hub_claim_v1', 'anon, authenticated, service_role, hub'),
            ('hub_token_v1', 'anon, authenticated, service_role, hub'),
            ('hub_ingest_v1', 'service_role, hub'),
            ('hub_columns_v1', 'service_role'),
            ('hub_changes_v1', 'service_role, hub'),
            ('hub_reconcile_v1', 'service_role, hub'),
            ('hub_command_v1', 'authenticated, service_role'),
            ('hub_replay_dead_letters_v1', 'service_role'),
            ('hub_decide_conflict_v1', 'authenticated, service_role'),
            ('hub_issue_claim_code_v1', 'authenticated, service_role'),
            ('my_homes', 'authenticated, service_role'),
            ('user_accessible_homes', 'authenticated, service_role'),
            ('user_can_access_home', 'authenticated, service_role'),
            ('user_is_admin', 'authenticated, service_role'),
            ('user_is_home_owner', 'authenticated, service_role'),
            ('calculate_device_health_score', 'authenticated, service_role'),
            ('search_devices', 'authenticated, service_role'),
            ('search_catalogue', 'authenticated, service_role'),
            ('search_query', 'authenticated, service_role'),
            ('search_words', 'authenticated, service_role'),
            ('search_words_max', 'authenticated, service_role'),
            ('billing_cancel', 'authenticated, service_role'),
            ('billing_keep', 'authenticated, service_role'),
            ('plan_allows', 'authenticated, service_role'),
            ('plan_limits', 'authenticated, service_role'),
            ('api_calls_left', 'authenticated, service_role'),
            ('record_api_usage', 'service_role'),
            ('oem_issue_key', 'service_role'),
            ('oem_verify_key', 'service_role'),
            ('oem_revoke_key', 'service_role'),
            ('oem_rotate_key', 'service_role'),
            ('b2b_close_period', 'service_role'),
            ('billing_roll_up_usage', 'service_role'),
            ('billing_subscribe', 'service_role'),
            ('billing_change_plan', 'service_role'),
            ('billing_pause', 'service_role'),
            ('billing_resume', 'service_role'),
            ('billing_renew', 'service_role'),
            ('billing_void_invoice', 'service_role'),
            ('billing_record_payment', 'service_role'),
            ('claim_notifications', 'service_role'),
            ('record_notification', 'service_role'),
            ('alert_rule_admits', 'service_role'),
            ('record_device_health', 'service_role'),
            ('refresh_materialized_views', 'service_role'),
            ('try_create_hypertable', 'service_role'),
            ('try_add_compression_policy', 'service_role'),
            ('try_add_retention_policy', 'service_role'),
            ('try_add_continuous_aggregate_policy', 'service_role'))
        SELECT p.oid::regprocedure AS signature, coalesce(d.roles, 'service_role') AS roles
        FROM pg_proc p LEFT JOIN declared d ON d.name = p.proname
        WHERE p.pronamespace = 'public'::regnamespace AND pg_has_role(p.proowner, 'USAGE')
          AND (d.name IS NOT NULL OR EXISTS (
              SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
              WHERE t.tgfoid = p.oid AND (c.relnamespace = 'ts'::regnamespace OR c.relname IN (SELECT relation FROM hub_sync.our_relations()))))
    LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC, anon, authenticated, hub', ours.signature);
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', ours.signature, ours.roles);
    END LOOP;
END
$$;

-- What this login makes later starts closed as well; on Supabase it would start open to everybody.
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM anon, authenticated, hub;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM anon, authenticated, hub;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON FUNCTIONS FROM anon, authenticated, hub;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO service_role;
