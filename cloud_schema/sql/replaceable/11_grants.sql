-- Rights, from nothing upwards. Hubs reach functions only; the operator's role reaches tables; what people may read and
-- write comes with the policies of 08_rls_policies.sql. Row-level security is on from the start, so that a grant made
-- by mistake (or by the platform's defaults) shows nothing.

DO $$
DECLARE
    ours text;
BEGIN
    FOREACH ours IN ARRAY ARRAY[
        'users', 'homes', 'home_members', 'rooms', 'brands', 'device_models', 'ecosystems', 'devices', 'device_groups',
        'device_group_members', 'automations', 'scenes', 'self_healing_actions', 'ecosystem_sync_status',
        'hub_hubs', 'hub_claims', 'hub_streams', 'hub_marks', 'hub_gaps', 'hub_dead_letters', 'hub_commands',
        'hub_device_aliases', 'hub_case_revisions', 'hub_definition_kinds', 'hub_definition_versions',
        'hub_definition_history', 'hub_limits'
    ] LOOP
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', ours);
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated, hub', ours);
        EXECUTE format('GRANT ALL ON public.%I TO service_role', ours);
    END LOOP;
    FOREACH ours IN ARRAY ARRAY[
        'device_states', 'device_telemetry', 'energy_usage', 'device_error_logs', 'device_health_history', 'automation_executions',
        'automation_health_checks', 'scene_activations', 'self_healing_executions', 'alerts'
    ] LOOP
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated, hub', ours);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO service_role', ours);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role, hub;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hub_sync, ts FROM PUBLIC;
REVOKE ALL ON FUNCTION public.my_homes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.my_homes() TO authenticated, service_role;

REVOKE ALL ON FUNCTION
    public.hub_claim_v1(jsonb), public.hub_token_v1(jsonb), public.hub_ingest_v1(jsonb), public.hub_changes_v1(jsonb),
    public.hub_reconcile_v1(jsonb), public.hub_command_v1(jsonb), public.hub_issue_claim_code_v1(jsonb)
    FROM PUBLIC, anon, authenticated, hub;
GRANT EXECUTE ON FUNCTION public.hub_claim_v1(jsonb), public.hub_token_v1(jsonb) TO anon, authenticated, service_role, hub;
GRANT EXECUTE ON FUNCTION public.hub_ingest_v1(jsonb), public.hub_changes_v1(jsonb), public.hub_reconcile_v1(jsonb) TO hub;
GRANT EXECUTE ON FUNCTION public.hub_command_v1(jsonb), public.hub_issue_claim_code_v1(jsonb) TO authenticated, service_role;
