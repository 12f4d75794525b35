-- What clients see of the hypertables: the documented names, and only the rows of their homes. The base tables lie in a
-- schema that clients cannot use, because a policy on a hypertable can be walked around through its chunks.

CREATE OR REPLACE VIEW public.device_states WITH (security_barrier) AS
    SELECT * FROM ts.device_states t
    WHERE t.device_id IN (SELECT d.id FROM public.devices d WHERE d.home_id IN (SELECT public.my_homes()))
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.device_telemetry WITH (security_barrier) AS
    SELECT * FROM ts.device_telemetry t
    WHERE t.device_id IN (SELECT d.id FROM public.devices d WHERE d.home_id IN (SELECT public.my_homes()))
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.device_health_history WITH (security_barrier) AS
    SELECT * FROM ts.device_health_history t
    WHERE t.device_id IN (SELECT d.id FROM public.devices d WHERE d.home_id IN (SELECT public.my_homes()))
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.energy_usage WITH (security_barrier) AS
    SELECT * FROM ts.energy_usage t
    WHERE t.home_id IN (SELECT public.my_homes())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.device_error_logs WITH (security_barrier) AS
    SELECT * FROM ts.device_error_logs t
    WHERE t.home_id IN (SELECT public.my_homes())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.automation_executions WITH (security_barrier) AS
    SELECT * FROM ts.automation_executions t
    WHERE t.home_id IN (SELECT public.my_homes())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.automation_health_checks WITH (security_barrier) AS
    SELECT * FROM ts.automation_health_checks t
    WHERE t.home_id IN (SELECT public.my_homes())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.scene_activations WITH (security_barrier) AS
    SELECT * FROM ts.scene_activations t
    WHERE t.home_id IN (SELECT public.my_homes())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.self_healing_executions WITH (security_barrier) AS
    SELECT * FROM ts.self_healing_executions t
    WHERE t.home_id IN (SELECT public.my_homes())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.alerts WITH (security_barrier) AS
    SELECT * FROM ts.alerts t
    WHERE t.home_id IN (SELECT public.my_homes())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.anomaly_detections WITH (security_barrier) AS
    SELECT * FROM ts.anomaly_detections t
    WHERE t.home_id IN (SELECT public.my_homes())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.api_usage WITH (security_barrier) AS
    SELECT * FROM ts.api_usage t
    WHERE t.user_id = (SELECT hub_sync.me()) OR t.partner_id IN (SELECT hub_sync.my_partners()) OR (SELECT hub_sync.is_admin())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.audit_logs WITH (security_barrier) AS
    SELECT * FROM ts.audit_logs t
    WHERE t.user_id = (SELECT hub_sync.me()) OR (SELECT hub_sync.is_admin())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.ml_predictions_log WITH (security_barrier) AS
    SELECT * FROM ts.ml_predictions_log t
    WHERE t.device_id IN (SELECT d.id FROM public.devices d WHERE d.home_id IN (SELECT public.my_homes()))
        OR (SELECT hub_sync.is_admin())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.network_metrics WITH (security_barrier) AS
    SELECT * FROM ts.network_metrics t
    WHERE t.home_id IN (SELECT public.my_homes())
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.security_incidents WITH (security_barrier) AS
    SELECT * FROM ts.security_incidents t
    WHERE t.home_id IN (SELECT hub_sync.my_homes_to('live_in'))
    WITH CASCADED CHECK OPTION;

CREATE OR REPLACE VIEW public.user_notifications WITH (security_barrier) AS
    SELECT * FROM ts.user_notifications t
    WHERE t.user_id IN (SELECT hub_sync.my_people())
    WITH CASCADED CHECK OPTION;

-- What support needs to know of a home: not where it is, nor whose.
CREATE OR REPLACE VIEW public.hub_support_homes WITH (security_barrier) AS
    SELECT h.id, h.name, h.timezone, h.country, h.is_active, h.created_at, hub_sync.has_hub(h.id) AS has_hub
    FROM public.homes h
    WHERE h.id IN (SELECT hub_sync.my_homes_to('service'));
