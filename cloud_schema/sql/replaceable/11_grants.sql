-- Rights, from nothing upwards. Hubs reach functions only; the operator's role reaches tables; what people may read and
-- write comes with the policies of 08_rls_policies.sql. Row-level security is on from the start, so that a grant made
-- by mistake (or by the platform's defaults) shows nothing.

DO $$
DECLARE
    ours record;
BEGIN
    FOR ours IN
        SELECT c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated, hub', ours.relname);
        IF ours.relkind = 'r' THEN
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', ours.relname);
            EXECUTE format('GRANT ALL ON public.%I TO service_role', ours.relname);
        ELSE
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO service_role', ours.relname);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role, hub;
GRANT SELECT ON public.home_dashboard_summary, public.device_health_summary, public.energy_usage_summary TO authenticated;

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
