-- Who changed what, from where, and how it was before: one row in audit_logs for each change that a person, a partner or a
-- hub made to a table that people use. Nothing else writes there, and nothing here deletes: rows leave with their age.

-- Every table has its line, and a test asks for one when there is a new table. `audited`: a row that goes along with its
-- deleted parent is told by the parent's; `always`: its own row even then. Changes of `unseen` columns are no edits: what
-- machines count, observe or renew. Of the definitions that hubs sync, the observed columns are left unseen besides.
CREATE OR REPLACE FUNCTION ts.audit_choices() RETURNS TABLE (table_name text, choice text, unseen text[], reason text) LANGUAGE sql IMMUTABLE AS $$
    VALUES
        ('users', 'always', '{last_login_at}'::text[], NULL::text),
        ('user_sessions', 'audited', '{last_activity_at}', NULL),
        ('homes', 'always', '{}', NULL),
        ('home_members', 'audited', '{}', NULL),
        ('rooms', 'audited', '{}', NULL),
        ('brands', 'audited', '{}', NULL),
        ('device_models', 'audited', '{}', NULL),
        ('ecosystems', 'audited', '{}', NULL),
        ('devices', 'audited', '{}', NULL),
        ('device_groups', 'audited', '{}', NULL),
        ('device_group_members', 'audited', '{}', NULL),
        ('surfaces', 'audited', '{status}', NULL),
        -- Their access tokens are renewed by machines every hour.
        ('user_ecosystem_connections', 'audited', '{access_token,token_expires_at,last_sync_at}', NULL),
        ('user_integrations', 'audited', '{access_token,token_expiry,last_synced_at}', NULL),
        ('diagnostic_runs', 'left out', '{}', 'results of machines, never edited'),
        ('diagnostic_issues', 'audited', '{}', NULL),
        ('firmware_updates', 'audited', '{download_progress,install_progress}', NULL),
        ('device_benchmarks', 'left out', '{}', 'computed'),
        ('device_usage_patterns', 'left out', '{}', 'learned by machines'),
        ('ml_models', 'audited', '{}', NULL),
        ('ai_insights', 'audited', '{}', NULL),
        ('failure_predictions', 'audited', '{}', NULL),
        ('automations', 'audited', '{}', NULL),
        ('scenes', 'audited', '{is_synced,sync_status}', NULL),
        ('self_healing_actions', 'audited', '{average_success_rate,total_executions,total_successes}', NULL),
        ('ecosystem_sync_status', 'left out', '{}', 'bookkeeping of syncs; what is synced is audited itself'),
        ('alert_rules', 'audited', '{alert_count,last_triggered_at}', NULL),
        ('network_access_rules', 'audited', '{hit_count,last_hit_at}', NULL),
        ('notification_templates', 'audited', '{}', NULL),
        ('user_notification_preferences', 'audited', '{}', NULL),
        ('security_scans', 'audited', '{}', NULL),
        ('security_vulnerabilities', 'audited', '{}', NULL),
        ('subscription_plans', 'audited', '{}', NULL),
        ('user_subscriptions', 'always', '{devices_used,api_calls_this_period}', NULL),
        ('coupons', 'audited', '{redemptions_count}', NULL),
        ('coupon_redemptions', 'always', '{}', NULL),
        ('invoices', 'always', '{}', NULL),
        ('invoice_line_items', 'always', '{}', NULL),
        ('payment_transactions', 'always', '{}', NULL),
        ('oem_partners', 'audited', '{}', NULL),
        ('oem_api_keys', 'always', '{last_used_at,usage_count}', NULL),
        ('b2b_revenue', 'always', '{}', NULL)
$$;

-- By its name; of columns and of keys in documents alike.
CREATE OR REPLACE FUNCTION ts.is_secret_name(name text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT name ~* '(passw|passphrase|secret|credential|token|private_?key|network_?key|api_?key|(^|_)pin(_?code)?$|(^|_)psk$|_hash$|sha256)|^(oauth_config|webhook_config|webhook_urls?|urls?|access_code|door_code|user_code)$'
       AND name !~* '(_prefix|_at|_id|_expiry|_count|_type)$'
$$;

-- The document with its secrets struck out, however deep they lie, and without the password in an address.
CREATE OR REPLACE FUNCTION ts.masked(document jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    shape text := jsonb_typeof(document);
BEGIN
    IF shape = 'object' THEN
        RETURN (SELECT coalesce(jsonb_object_agg(key, CASE
            WHEN jsonb_typeof(value) IN ('null', 'boolean') THEN value
            WHEN ts.is_secret_name(key) THEN '"***"'
            WHEN jsonb_typeof(value) = 'number' THEN value
            ELSE ts.masked(value) END), '{}') FROM jsonb_each(document));
    ELSIF shape = 'array' THEN
        RETURN (SELECT coalesce(jsonb_agg(ts.masked(value) ORDER BY place), '[]') FROM jsonb_array_elements(document) WITH ORDINALITY e (value, place));
    ELSIF shape = 'string' THEN
        RETURN to_jsonb(regexp_replace(document #>> '{}', '://[^/@[:space:]]+@', '://***@', 'g'));
    END IF;
    RETURN document;
END
$$;

-- Most documents have nothing to hide; to see that is cheaper than to go through them.
CREATE OR REPLACE FUNCTION ts.masked_where_needed(document jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF document::text ~* 'passw|passphrase|secret|credential|token|key|pin|psk|hash|sha256|_config|url|_code|://' THEN
        RETURN ts.masked(document);
    END IF;
    RETURN document;
END
$$;

-- From where: the address that whoever fronts the database gives first in x-forwarded-for, else the connection's own. What
-- a caller wrote there is no reason to lose the change: it is left out when it is no address.
CREATE OR REPLACE FUNCTION ts.asked_from(OUT address inet, OUT agent text) LANGUAGE plpgsql STABLE AS $$
DECLARE
    told text := nullif(current_setting('request.headers', true), '');
    headers jsonb;
BEGIN
    IF told IS NOT NULL THEN
        BEGIN
            headers := told::jsonb;
            agent := left(headers ->> 'user-agent', 500);
            address := btrim(split_part(headers ->> 'x-forwarded-for', ',', 1))::inet;
        EXCEPTION WHEN data_exception THEN
            NULL;
        END;
    END IF;
    address := coalesce(address, inet_client_addr());
END
$$;

-- Of the references in `document` (column -> table in `parents`) those whose row is no more.
CREATE OR REPLACE FUNCTION ts.lost_parents(document jsonb, parents jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    one record;
    is_there boolean;
    lost jsonb := '{}';
BEGIN
    FOR one IN SELECT p.key AS column_name, p.value AS parent_table, document ->> p.key AS id FROM jsonb_each_text(parents) p LOOP
        IF one.id IS NOT NULL THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE id = $1::uuid)', one.parent_table) INTO is_there USING one.id;
            IF NOT is_there THEN
                lost := lost || jsonb_build_object(one.column_name, one.id);
            END IF;
        END IF;
    END LOOP;
    RETURN lost;
END
$$;

CREATE OR REPLACE FUNCTION audit_trigger() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    was jsonb;
    becomes jsonb;
    document jsonb;
    changed text[];
    is_told_by_parent boolean := TG_ARGV[1] <> 'always';
    claims jsonb := hub_sync.claims();
    origin record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        document := to_jsonb(OLD);
        IF is_told_by_parent AND ts.lost_parents(document, TG_ARGV[2]::jsonb) <> '{}' THEN
            RETURN NULL;
        END IF;
        was := jsonb_strip_nulls(document - 'search_vector');
    ELSIF TG_OP = 'INSERT' THEN
        document := to_jsonb(NEW);
        becomes := jsonb_strip_nulls(document - 'search_vector');
    ELSE
        document := to_jsonb(NEW);
        SELECT array_agg(o.key ORDER BY o.key), jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, document -> o.key)
        INTO changed, was, becomes
        FROM jsonb_each(to_jsonb(OLD)) o WHERE document -> o.key IS DISTINCT FROM o.value AND o.key <> ALL (TG_ARGV[0]::text[]);
        IF changed IS NULL THEN
            RETURN NULL;
        END IF;
        IF is_told_by_parent AND jsonb_strip_nulls(becomes) = '{}' AND was <@ ts.lost_parents(was, TG_ARGV[2]::jsonb) THEN
            RETURN NULL;
        END IF;
    END IF;
    origin := ts.asked_from();
    INSERT INTO ts.audit_logs (user_id, action, table_name, record_id, old_values, new_values, changed_fields, ip_address, user_agent, metadata)
    VALUES (auth.uid(), TG_OP, TG_TABLE_NAME, (document ->> 'id')::uuid, ts.masked_where_needed(was), ts.masked_where_needed(becomes), changed,
            origin.address, origin.agent,
            jsonb_strip_nulls(jsonb_build_object(
                'role', coalesce(claims ->> 'role', nullif(current_setting('role'), 'none'), session_user),
                'hub_id', CASE WHEN claims ->> 'role' = 'hub' THEN claims ->> 'hub_id' END,
                'home_id', CASE WHEN TG_TABLE_NAME = 'homes' THEN document ->> 'id' ELSE document ->> 'home_id' END)));
    RETURN NULL;
END
$$;

-- Only for the columns that count: what is observed is written many times a day and must not even ask.
DO $$
DECLARE
    chosen record;
    unseen text[];
    seen text;
    parents jsonb;
BEGIN
    FOR chosen IN SELECT * FROM ts.audit_choices() LOOP
        IF chosen.choice = 'left out' THEN
            EXECUTE format('DROP TRIGGER IF EXISTS %I ON public.%I', 'audit_' || chosen.table_name || '_trigger', chosen.table_name);
            CONTINUE;
        END IF;
        SELECT chosen.unseen || '{updated_at,search_vector}'::text[] || coalesce((
            SELECT k.observed_columns FROM public.hub_definition_kinds k WHERE k.target_table = chosen.table_name), '{}') INTO unseen;
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO seen FROM pg_attribute a
        WHERE a.attrelid = format('public.%I', chosen.table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (unseen);
        SELECT coalesce(jsonb_object_agg(a.attname, p.relname), '{}') INTO parents
        FROM pg_constraint r JOIN pg_class p ON p.oid = r.confrelid JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = r.conkey[1]
        WHERE r.conrelid = format('public.%I', chosen.table_name)::regclass AND r.contype = 'f' AND r.confdeltype IN ('c', 'n')
          AND p.relnamespace = 'public'::regnamespace;
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER INSERT OR DELETE OR UPDATE OF %s ON public.%I '
                       'FOR EACH ROW EXECUTE FUNCTION public.audit_trigger(%L, %L, %L)',
                       'audit_' || chosen.table_name || '_trigger', seen, chosen.table_name, unseen, chosen.choice, parents);
    END LOOP;
END
$$;
