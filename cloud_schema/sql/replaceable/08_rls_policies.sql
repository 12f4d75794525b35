-- Who may see and change which rows and columns: declared here once, made into policies below and into column rights in
-- 11_grants.sql. What is not declared is closed to everybody but the operator. ACCESS.md says the same for people.

CREATE TABLE IF NOT EXISTS hub_sync.access_rules (
    table_name text NOT NULL,
    policy_name text NOT NULL,
    command text NOT NULL CHECK (command IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'ALL')),
    audience text NOT NULL,
    -- The column that names the home, partner or user; `column>table` where the row hangs on another table's row.
    through text NOT NULL DEFAULT 'home_id',
    -- What else must hold for a row that is written.
    also text,
    is_restrictive boolean NOT NULL DEFAULT false,
    PRIMARY KEY (table_name, policy_name)
);
CREATE TABLE IF NOT EXISTS hub_sync.column_rights (
    table_name text PRIMARY KEY,
    hidden text NOT NULL,
    inserts text NOT NULL,
    updates text NOT NULL,
    may_delete boolean NOT NULL
);
DELETE FROM hub_sync.access_rules;
DELETE FROM hub_sync.column_rights;

-- audience: a purpose of hub_sync.my_homes_to (view, visit, live_in, service, control, configure, manage, own), or self,
-- partner, admin, everyone, active (rows of a catalogue that are in use), reported (those that hubs of one's homes told of).
INSERT INTO hub_sync.access_rules (table_name, policy_name, command, audience, through, also) VALUES
    ('users', 'users_select_own', 'SELECT', 'self', 'id', NULL),
    ('users', 'users_update_own', 'UPDATE', 'self', 'id', 'hub_sync.user_still_has(id, role, is_active)'),
    ('users', 'users_admin_all', 'ALL', 'admin', 'id', NULL),
    ('user_sessions', 'user_sessions_select', 'SELECT', 'self', 'user_id', NULL),
    ('user_sessions', 'user_sessions_delete', 'DELETE', 'self', 'user_id', NULL),
    ('user_sessions', 'user_sessions_admin', 'SELECT', 'admin', 'user_id', NULL),
    ('user_ecosystem_connections', 'user_ecosystem_connections_select', 'SELECT', 'self', 'user_id', NULL),
    ('user_ecosystem_connections', 'user_ecosystem_connections_delete', 'DELETE', 'self', 'user_id', NULL),
    ('user_ecosystem_connections', 'user_ecosystem_connections_admin', 'SELECT', 'admin', 'user_id', NULL),
    ('user_integrations', 'Users can view own integrations', 'SELECT', 'self', 'user_id', NULL),
    ('user_integrations', 'Users can insert own integrations', 'INSERT', 'self', 'user_id', NULL),
    ('user_integrations', 'Users can update own integrations', 'UPDATE', 'self', 'user_id', NULL),
    ('user_integrations', 'Users can delete own integrations', 'DELETE', 'self', 'user_id', NULL),
    ('user_integrations', 'user_integrations_admin', 'SELECT', 'admin', 'user_id', NULL),
    ('user_notification_preferences', 'user_notification_preferences_select', 'SELECT', 'self', 'user_id', NULL),
    ('user_notification_preferences', 'user_notification_preferences_manage', 'ALL', 'self', 'user_id',
     'home_id IS NULL OR home_id = ANY (ARRAY(SELECT hub_sync.my_homes_to(''visit'')))'),
    ('user_notification_preferences', 'user_notification_preferences_admin', 'SELECT', 'admin', 'user_id', NULL),

    -- Whoever has just made a home must find it before any function can have seen it.
    ('homes', 'homes_select_own', 'SELECT', 'self', 'owner_id', NULL),
    ('homes', 'homes_select', 'SELECT', 'visit', 'id', NULL),
    ('homes', 'homes_insert', 'INSERT', 'self', 'owner_id', NULL),
    ('homes', 'homes_update', 'UPDATE', 'manage', 'id',
     'owner_id = hub_sync.owner_of_home(id) OR id = ANY (ARRAY(SELECT hub_sync.my_homes_to(''own'')))'),
    ('homes', 'homes_delete', 'DELETE', 'own', 'id', NULL),
    ('home_members', 'home_members_select', 'SELECT', 'live_in', 'home_id', NULL),
    ('home_members', 'home_members_select_own', 'SELECT', 'member_self', 'user_id', NULL),
    ('home_members', 'home_members_insert', 'INSERT', 'manage', 'home_id', NULL),
    ('home_members', 'home_members_update', 'UPDATE', 'manage', 'home_id', NULL),
    ('home_members', 'home_members_delete', 'DELETE', 'manage', 'home_id', NULL),
    ('home_members', 'home_members_leave', 'DELETE', 'self', 'user_id', NULL),
    ('rooms', 'rooms_select', 'SELECT', 'view', 'home_id', NULL),
    ('rooms', 'rooms_manage', 'ALL', 'configure', 'home_id', NULL),
    ('devices', 'devices_select', 'SELECT', 'view', 'home_id', NULL),
    ('devices', 'devices_manage', 'ALL', 'configure', 'home_id', 'hub_sync.is_part_of_home(''rooms'', room_id, home_id)'),
    ('device_groups', 'device_groups_select', 'SELECT', 'view', 'home_id', NULL),
    ('device_groups', 'device_groups_manage', 'ALL', 'configure', 'home_id', NULL),
    ('device_group_members', 'device_group_members_select', 'SELECT', 'view', 'group_id>device_groups', NULL),
    ('device_group_members', 'device_group_members_manage', 'ALL', 'configure', 'group_id>device_groups',
     'hub_sync.is_part_of_home(''devices'', device_id, hub_sync.home_of_group(group_id))'),
    ('surfaces', 'Users can view surfaces in their homes', 'SELECT', 'view', 'home_id', NULL),
    ('surfaces', 'Home owners can manage surfaces', 'ALL', 'manage', 'home_id', NULL),

    ('diagnostic_runs', 'diagnostic_runs_select', 'SELECT', 'view', 'home_id', NULL),
    ('diagnostic_runs', 'diagnostic_runs_manage', 'ALL', 'configure', 'home_id', 'hub_sync.is_part_of_home(''devices'', device_id, home_id)'),
    ('diagnostic_issues', 'diagnostic_issues_select', 'SELECT', 'view', 'device_id>devices', NULL),
    ('firmware_updates', 'firmware_updates_select', 'SELECT', 'view', 'device_id>devices', NULL),
    ('failure_predictions', 'failure_predictions_select', 'SELECT', 'view', 'home_id', NULL),
    ('ai_insights', 'ai_insights_select', 'SELECT', 'view', 'home_id', NULL),
    ('ai_insights', 'ai_insights_update', 'UPDATE', 'control', 'home_id', NULL),
    ('device_benchmarks', 'device_benchmarks_select', 'SELECT', 'view', 'device_id>devices', NULL),
    -- What a household usually does when is nothing for its guests.
    ('device_usage_patterns', 'device_usage_patterns_select', 'SELECT', 'live_in', 'home_id', NULL),

    ('automations', 'automations_select', 'SELECT', 'view', 'home_id', NULL),
    ('automations', 'automations_manage', 'ALL', 'configure', 'home_id', NULL),
    ('scenes', 'scenes_select', 'SELECT', 'view', 'home_id', NULL),
    ('scenes', 'scenes_manage', 'ALL', 'configure', 'home_id', 'hub_sync.is_part_of_home(''rooms'', room_id, home_id)'),
    ('ecosystem_sync_status', 'ecosystem_sync_status_select', 'SELECT', 'view', 'home_id', NULL),
    ('ecosystem_sync_status', 'ecosystem_sync_status_update', 'UPDATE', 'configure', 'home_id', NULL),

    ('security_scans', 'security_scans_select', 'SELECT', 'live_in', 'home_id', NULL),
    ('security_scans', 'security_scans_manage', 'ALL', 'configure', 'home_id', 'status IN (''pending'', ''cancelled'')'),
    ('security_vulnerabilities', 'security_vulnerabilities_select', 'SELECT', 'live_in', 'home_id', NULL),
    ('network_access_rules', 'network_access_rules_select', 'SELECT', 'live_in', 'home_id', NULL),
    ('network_access_rules', 'network_access_rules_manage', 'ALL', 'configure', 'home_id',
     'hub_sync.is_part_of_home(''devices'', destination_device_id, home_id)'),
    ('alert_rules', 'alert_rules_select', 'SELECT', 'view', 'home_id', NULL),
    ('alert_rules', 'alert_rules_manage', 'ALL', 'configure', 'home_id', NULL),

    ('user_subscriptions', 'user_subscriptions_select', 'SELECT', 'self', 'user_id', NULL),
    ('user_subscriptions', 'user_subscriptions_update', 'UPDATE', 'self', 'user_id', NULL),
    ('user_subscriptions', 'user_subscriptions_admin', 'SELECT', 'admin', 'user_id', NULL),
    ('invoices', 'invoices_select', 'SELECT', 'self', 'user_id', NULL),
    ('invoices', 'invoices_admin', 'SELECT', 'admin', 'user_id', NULL),
    ('invoice_line_items', 'invoice_line_items_select', 'SELECT', 'self', 'invoice_id>invoices', NULL),
    ('invoice_line_items', 'invoice_line_items_admin', 'SELECT', 'admin', 'invoice_id', NULL),
    ('payment_transactions', 'payment_transactions_select', 'SELECT', 'self', 'user_id', NULL),
    ('payment_transactions', 'payment_transactions_admin', 'SELECT', 'admin', 'user_id', NULL),
    ('coupon_redemptions', 'coupon_redemptions_select', 'SELECT', 'self', 'user_id', NULL),
    ('coupon_redemptions', 'coupon_redemptions_admin', 'SELECT', 'admin', 'user_id', NULL),
    ('oem_partners', 'oem_partners_select_own', 'SELECT', 'partner', 'id', NULL),
    ('oem_partners', 'oem_partners_manage', 'ALL', 'admin', 'id', NULL),
    ('oem_api_keys', 'oem_api_keys_select', 'SELECT', 'partner', 'partner_id', NULL),
    ('oem_api_keys', 'oem_api_keys_update', 'UPDATE', 'admin', 'partner_id', NULL),
    ('b2b_revenue', 'b2b_revenue_select', 'SELECT', 'partner', 'partner_id', NULL),

    ('brands', 'brands_select', 'SELECT', 'active', 'is_active', NULL),
    ('brands', 'brands_select_reported', 'SELECT', 'reported', 'id', NULL),
    ('brands', 'brands_manage', 'ALL', 'admin', 'id', NULL),
    ('device_models', 'device_models_select', 'SELECT', 'active', 'is_supported', NULL),
    ('device_models', 'device_models_select_reported', 'SELECT', 'reported', 'id', NULL),
    ('device_models', 'device_models_manage', 'ALL', 'admin', 'id', NULL),
    ('ecosystems', 'ecosystems_select', 'SELECT', 'active', 'is_active', NULL),
    ('ecosystems', 'ecosystems_manage', 'ALL', 'admin', 'id', NULL),
    ('ml_models', 'ml_models_select', 'SELECT', 'active', 'is_active', NULL),
    ('ml_models', 'ml_models_manage', 'ALL', 'admin', 'id', NULL),
    ('self_healing_actions', 'self_healing_actions_select', 'SELECT', 'everyone', 'id', NULL),
    ('self_healing_actions', 'self_healing_actions_manage', 'ALL', 'admin', 'id', NULL),
    ('notification_templates', 'notification_templates_select', 'SELECT', 'active', 'is_active', NULL),
    ('notification_templates', 'notification_templates_manage', 'ALL', 'admin', 'id', NULL),
    ('subscription_plans', 'subscription_plans_select', 'SELECT', 'active', 'is_active', NULL),
    ('subscription_plans', 'subscription_plans_manage', 'ALL', 'admin', 'id', NULL),
    ('coupons', 'coupons_select', 'SELECT', 'active', 'is_active', NULL),
    ('coupons', 'coupons_manage', 'ALL', 'admin', 'id', NULL),

    ('hub_hubs', 'hub_hubs_select', 'SELECT', 'view', 'home_id', NULL),
    ('hub_marks', 'hub_marks_select', 'SELECT', 'service', 'hub_id>hub_hubs', NULL),
    ('hub_lines', 'hub_lines_select', 'SELECT', 'service', 'hub_id>hub_hubs', NULL),
    ('hub_gaps', 'hub_gaps_select', 'SELECT', 'service', 'home_id', NULL),
    ('hub_undated', 'hub_undated_select', 'SELECT', 'service', 'home_id', NULL),
    ('hub_dead_letters', 'hub_dead_letters_select', 'SELECT', 'service', 'home_id', NULL),
    ('hub_commands', 'hub_commands_select', 'SELECT', 'service', 'home_id', NULL),
    ('hub_claims', 'hub_claims_select', 'SELECT', 'live_in', 'home_id', NULL),
    ('hub_device_aliases', 'hub_device_aliases_select', 'SELECT', 'live_in', 'home_id', NULL);

-- These take away from what the others give.
INSERT INTO hub_sync.access_rules (table_name, policy_name, command, audience, through, also, is_restrictive) VALUES
    -- Deleting a device deletes its history; setting deleted_at takes configure only.
    ('devices', 'devices_delete_only_managers', 'DELETE', 'manage', 'home_id', NULL, true),
    -- Of a home with a hub, the hub writes what its devices were found to be.
    ('diagnostic_runs', 'diagnostic_runs_insert_without_hub', 'INSERT', 'everyone', 'home_id', 'NOT hub_sync.has_hub(home_id)', true),
    ('diagnostic_runs', 'diagnostic_runs_update_without_hub', 'UPDATE', 'everyone', 'home_id', 'NOT hub_sync.has_hub(home_id)', true),
    -- Only owners touch owners, nobody but the owner changes their own membership, and whoever is added was added by who says so.
    ('home_members', 'home_members_insert_below', 'INSERT', 'member_below', 'home_id', 'invited_by IS NULL OR invited_by = (SELECT hub_sync.me())', true),
    ('home_members', 'home_members_update_below', 'UPDATE', 'member_below', 'home_id', NULL, true),
    ('home_members', 'home_members_delete_below', 'DELETE', 'member_below_or_self', 'home_id', NULL, true),
    ('automations', 'automations_insert_as_oneself', 'INSERT', 'everyone', 'home_id', 'created_by IS NULL OR created_by = (SELECT hub_sync.me())', true),
    ('scenes', 'scenes_insert_as_oneself', 'INSERT', 'everyone', 'home_id', 'created_by IS NULL OR created_by = (SELECT hub_sync.me())', true),
    ('alert_rules', 'alert_rules_insert_as_oneself', 'INSERT', 'everyone', 'home_id', 'created_by IS NULL OR created_by = (SELECT hub_sync.me())', true),
    ('network_access_rules', 'network_access_rules_insert_as_oneself', 'INSERT', 'everyone', 'home_id', 'created_by IS NULL OR created_by = (SELECT hub_sync.me())', true),
    ('diagnostic_runs', 'diagnostic_runs_insert_as_oneself', 'INSERT', 'everyone', 'home_id', 'triggered_by IS NULL OR triggered_by = (SELECT hub_sync.me())', true),
    ('security_scans', 'security_scans_insert_as_oneself', 'INSERT', 'everyone', 'home_id', 'triggered_by IS NULL OR triggered_by = (SELECT hub_sync.me())', true);

-- hidden: what nobody who is logged in may read, because it is secret or holds secrets. inserts, updates: columns, @people for
-- what people own of a definition (hub_definition_kinds), @cloud, @hub for its other owners' columns, * for all that
-- are not the database's own.
INSERT INTO hub_sync.column_rights (table_name, hidden, inserts, updates, may_delete) VALUES
    ('users', '', '', 'full_name phone avatar_url preferences timezone language role is_active', false),
    ('user_sessions', '', '', '', true),
    ('user_ecosystem_connections', 'access_token refresh_token', '', '', true),
    ('user_integrations', 'access_token refresh_token', '', 'is_active metadata', true),
    ('user_notification_preferences', '',
     'id user_id home_id push_enabled email_enabled sms_enabled device_alerts_enabled security_alerts_enabled energy_alerts_enabled automation_alerts_enabled predictive_alerts_enabled system_alerts_enabled marketing_enabled digest_enabled digest_frequency digest_time quiet_hours_enabled quiet_hours_start quiet_hours_end critical_override_quiet_hours min_push_severity min_email_severity min_sms_severity',
     'push_enabled email_enabled sms_enabled device_alerts_enabled security_alerts_enabled energy_alerts_enabled automation_alerts_enabled predictive_alerts_enabled system_alerts_enabled marketing_enabled digest_enabled digest_frequency digest_time quiet_hours_enabled quiet_hours_start quiet_hours_end critical_override_quiet_hours min_push_severity min_email_severity min_sms_severity',
     true),
    ('homes', '',
     'id owner_id address_line1 address_line2 city state postal_code square_footage home_type construction_year occupancy_status coordinates is_active @people',
     'owner_id address_line1 address_line2 city state postal_code square_footage home_type construction_year occupancy_status coordinates is_active @people', true),
    ('home_members', '', 'id home_id user_id role permissions invited_by invited_at accepted_at is_active', 'role permissions is_active', true),
    ('rooms', '', 'id home_id @people', '@people', true),
    ('devices', '', 'id home_id @people @hub @cloud', '@people @cloud deleted_at', true),
    ('device_groups', '', 'id home_id name description group_type icon color', 'name description group_type icon color', true),
    ('device_group_members', '', 'id group_id device_id', '', true),
    ('surfaces', '', 'id home_id name type provider external_id capabilities location metadata', 'name capabilities location metadata', true),
    ('diagnostic_runs', '',
     'id home_id device_id triggered_by trigger_source overall_status health_score issues_found connectivity_check firmware_check sensor_check automation_check security_check energy_check duration_ms started_at completed_at findings recommendations',
     'overall_status health_score issues_found connectivity_check firmware_check sensor_check automation_check security_check energy_check duration_ms completed_at findings recommendations', false),
    ('diagnostic_issues', '', '', '', false),
    ('firmware_updates', '', '', '', false),
    ('failure_predictions', '', '', '', false),
    ('ai_insights', '', '', 'status user_feedback user_rating viewed_at viewed_by actioned_at actioned_by', false),
    ('device_benchmarks', '', '', '', false),
    ('device_usage_patterns', '', '', '', false),
    ('automations', '', 'id home_id created_by @people', '@people deleted_at', true),
    ('scenes', '', 'id home_id created_by @people', '@people', true),
    ('ecosystem_sync_status', '', '', 'conflict_resolution', false),
    ('security_scans', '',
     'id home_id triggered_by scan_type scan_scope target_devices status started_at unauthorized_access_check weak_password_check open_ports_check firmware_check network_intrusion_check device_exposure_check metadata',
     'status', false),
    ('security_vulnerabilities', '', '', '', false),
    ('network_access_rules', '',
     'id home_id created_by rule_name rule_type priority source_ip source_ip_range source_country source_mac destination_device_id destination_port protocol time_restrictions is_enabled description',
     'rule_name rule_type priority source_ip source_ip_range source_country source_mac destination_device_id destination_port protocol time_restrictions is_enabled description', true),
    ('alert_rules', '',
     'id home_id created_by rule_name rule_type description conditions threshold_config target_type target_id severity priority notification_channels cooldown_minutes max_alerts_per_day quiet_hours_start quiet_hours_end is_enabled metadata',
     'rule_name rule_type description conditions threshold_config target_type target_id severity priority notification_channels cooldown_minutes max_alerts_per_day quiet_hours_start quiet_hours_end is_enabled metadata', true),
    ('user_subscriptions', '', '', 'billing_email billing_name billing_address', false),
    ('invoices', '', '', '', false),
    ('invoice_line_items', '', '', '', false),
    ('payment_transactions', '', '', '', false),
    ('coupon_redemptions', '', '', '', false),
    ('oem_partners', 'oauth_config', '*', '*', true),
    ('oem_api_keys', 'api_key_hash', '', 'key_name permissions scopes rate_limit_per_hour is_active expires_at', false),
    ('b2b_revenue', '', '', '', false),
    ('brands', 'oauth_config', '*', '*', true),
    ('device_models', '', '*', '*', true),
    ('ecosystems', 'oauth_config webhook_config', '*', '*', true),
    ('ml_models', '', '*', '*', true),
    ('self_healing_actions', '', '*', '*', true),
    ('notification_templates', '', '*', '*', true),
    ('subscription_plans', '', '*', '*', true),
    ('coupons', '', '*', '*', true),
    -- The hypertables' views, whose rows 08_views.sql and 11_0_people_write.sql decide about.
    ('device_states', '', '', '', false),
    ('device_telemetry', '', 'time device_id metric_type value unit quality_score metadata', '', false),
    ('energy_usage', '', 'time device_id home_id power_watts energy_kwh voltage current_amps power_factor cost_estimate is_peak_hour metadata', '', false),
    ('device_error_logs', '', 'id time device_id home_id error_level error_code error_message error_category stack_trace context', '', false),
    ('device_health_history', '', '', '', false),
    ('network_metrics', '', '', '', false),
    ('anomaly_detections', '', '', '', false),
    ('ml_predictions_log', '', '', '', false),
    ('automation_executions', '', '', '', false),
    ('automation_health_checks', '', '', '', false),
    ('scene_activations', '', '', '', false),
    ('self_healing_executions', '', '', '', false),
    ('alerts', '', '', 'status acknowledged_at acknowledged_by resolved_at resolved_by dismissed_at dismissed_by action_taken action_taken_at action_taken_by', false),
    ('security_incidents', '', '', '', false),
    ('user_notifications', 'push_token webhook_url webhook_response', '', 'status read_at clicked clicked_at', false),
    ('api_usage', '', '', '', false),
    ('audit_logs', '', '', '', false),
    ('device_telemetry_hourly', '', '', '', false),
    ('device_telemetry_daily', '', '', '', false),
    ('energy_usage_hourly', '', '', '', false),
    ('home_dashboard_summary', '', '', '', false),
    ('device_health_summary', '', '', '', false),
    ('energy_usage_summary', '', '', '', false),
    ('hub_support_homes', '', '', '', false),
    ('hub_hubs', 'secret_sha256', '', '', false),
    ('hub_marks', '', '', '', false),
    ('hub_lines', '', '', '', false),
    ('hub_gaps', '', '', '', false),
    ('hub_undated', '', '', '', false),
    ('hub_stream_positions', '', '', '', false),
    ('hub_sync_overview', '', '', '', false),
    ('hub_dead_letters', 'body', '', '', false),
    ('hub_commands', '', '', '', false),
    ('hub_claims', 'code_sha256', '', '', false),
    ('hub_device_aliases', '', '', '', false);

-- A rule's condition. Lists of homes stand in ARRAY(SELECT ...): asked once a query, and an index can be searched with them.
CREATE OR REPLACE FUNCTION hub_sync.rule_condition(rule hub_sync.access_rules) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    key text := split_part(rule.through, '>', 1);
    parent text := nullif(split_part(rule.through, '>', 2), '');
    subject text := CASE WHEN parent IS NOT NULL THEN CASE rule.audience WHEN 'self' THEN 'parent.user_id' ELSE 'parent.home_id' END
                         ELSE quote_ident(key) END;
    condition text := CASE
        WHEN rule.audience = 'everyone' THEN 'true'
        WHEN rule.audience = 'active' THEN subject
        WHEN rule.audience = 'self' THEN subject || ' = (SELECT hub_sync.me())'
        WHEN rule.audience = 'member_self' THEN 'is_active AND user_id = (SELECT hub_sync.me())'
        WHEN rule.audience = 'admin' THEN '(SELECT hub_sync.is_admin())'
        WHEN rule.audience = 'reported' THEN format('%s = ANY (ARRAY(SELECT hub_sync.my_catalogue(%L)))', subject, rule.table_name)
        WHEN rule.audience = 'partner' THEN subject || ' = ANY (ARRAY(SELECT hub_sync.my_partners()))'
        WHEN rule.audience = 'view' THEN subject || ' = ANY (ARRAY(SELECT public.my_homes()))'
        WHEN rule.audience IN ('visit', 'live_in', 'service', 'control', 'configure', 'manage', 'own')
            THEN format('%s = ANY (ARRAY(SELECT hub_sync.my_homes_to(%L)))', subject, rule.audience)
    END;
BEGIN
    IF rule.audience IN ('member_below', 'member_below_or_self') THEN
        condition := format('home_id = ANY (ARRAY(SELECT hub_sync.my_homes_to(''own'')))'
            ' OR (user_id <> (SELECT hub_sync.me()) AND role IS DISTINCT FROM ''owner'' AND user_id <> hub_sync.owner_of_home(home_id))%s',
            CASE rule.audience WHEN 'member_below_or_self' THEN ' OR user_id = (SELECT hub_sync.me())' ELSE '' END);
    ELSIF condition IS NULL THEN
        RAISE EXCEPTION '%.%: nobody knows the audience %', rule.table_name, rule.policy_name, rule.audience;
    END IF;
    IF parent IS NOT NULL THEN
        condition := format('EXISTS (SELECT FROM public.%I parent WHERE parent.id = %I.%I AND %s)', parent, rule.table_name, key, condition);
    END IF;
    RETURN condition;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.named_columns(declared text, kind public.hub_definition_kinds) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(names.name), '{}')
    FROM unnest(string_to_array(declared, ' ')) word,
         unnest(CASE word WHEN '@people' THEN kind.people_columns WHEN '@hub' THEN kind.hub_columns WHEN '@cloud' THEN kind.cloud_columns
                          ELSE ARRAY[word] END) names (name)
$$;

-- Tables of the central schema; another application's tables beside them are none of our business.
CREATE OR REPLACE FUNCTION hub_sync.our_relations() RETURNS TABLE (relation name, kind "char", is_checked boolean) LANGUAGE sql STABLE AS $$
    SELECT c.relname, c.relkind, coalesce(c.reloptions::text LIKE '%check_option%', false) FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
      AND (c.relname LIKE 'hub\_%' OR EXISTS (SELECT FROM hub_sync.column_rights r WHERE r.table_name = c.relname)
           OR c.relname IN ('slow_queries', 'unused_indexes', 'table_bloat'))
$$;

-- What was made of the rules, as written here and as the catalogue prints it: a policy that is as it should be is left alone,
-- because changing it locks the table against everybody.
CREATE TABLE IF NOT EXISTS hub_sync.policies_made (
    table_name name NOT NULL,
    policy_name name NOT NULL,
    written text NOT NULL,
    printed text NOT NULL,
    PRIMARY KEY (table_name, policy_name)
);

CREATE OR REPLACE FUNCTION hub_sync.policies_there() RETURNS TABLE (table_name name, policy_name name, printed text) LANGUAGE sql STABLE AS $$
    SELECT p.tablename, p.policyname, concat_ws(' | ', p.permissive, p.roles::text, p.cmd, p.qual, p.with_check)
    FROM pg_policies p JOIN hub_sync.our_relations() o ON o.relation = p.tablename WHERE p.schemaname = 'public'
$$;

-- The declared policies, and one that lets the operator's role work where it may not bypass them.
CREATE OR REPLACE FUNCTION hub_sync.policies_wanted() RETURNS TABLE (table_name name, policy_name name, written text) LANGUAGE sql STABLE AS $$
    SELECT r.table_name, r.policy_name,
           format('AS %s FOR %s TO %s', CASE WHEN r.is_restrictive THEN 'RESTRICTIVE' ELSE 'PERMISSIVE' END, r.command,
                  CASE WHEN r.is_restrictive OR r.audience IN ('active', 'everyone', 'reported') THEN 'authenticated' ELSE 'PUBLIC' END)
           || CASE WHEN r.command <> 'INSERT' THEN format(' USING (%s)', c.condition) ELSE '' END
           || CASE WHEN r.command IN ('INSERT', 'UPDATE', 'ALL') THEN format(' WITH CHECK (%s)', concat_ws(' AND ', '(' || c.condition || ')', '(' || r.also || ')'))
                   ELSE '' END
    FROM hub_sync.access_rules r CROSS JOIN LATERAL hub_sync.rule_condition(r) c (condition)
    UNION ALL
    SELECT relation, 'operator', 'TO service_role USING (true) WITH CHECK (true)' FROM hub_sync.our_relations() WHERE kind IN ('r', 'p')
$$;

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT t.* FROM hub_sync.policies_there() t
               WHERE NOT EXISTS (
                   SELECT FROM hub_sync.policies_made m JOIN hub_sync.policies_wanted() w USING (table_name, policy_name, written)
                   WHERE (m.table_name, m.policy_name, m.printed) = (t.table_name, t.policy_name, t.printed)) LOOP
        EXECUTE format('DROP POLICY %I ON public.%I', one.policy_name, one.table_name);
    END LOOP;
    FOR one IN SELECT w.* FROM hub_sync.policies_wanted() w LEFT JOIN hub_sync.policies_there() t USING (table_name, policy_name)
               WHERE t.table_name IS NULL ORDER BY 1, 2 LOOP
        EXECUTE format('CREATE POLICY %I ON public.%I ', one.policy_name, one.table_name) || one.written;
    END LOOP;
    DELETE FROM hub_sync.policies_made;
    INSERT INTO hub_sync.policies_made SELECT w.table_name, w.policy_name, w.written, t.printed
    FROM hub_sync.policies_wanted() w JOIN hub_sync.policies_there() t USING (table_name, policy_name);
    FOR one IN SELECT o.relation FROM hub_sync.our_relations() o JOIN pg_class c ON c.relname = o.relation AND c.relnamespace = 'public'::regnamespace
               WHERE o.kind IN ('r', 'p') AND NOT c.relrowsecurity LOOP
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', one.relation);
    END LOOP;
END
$$;
