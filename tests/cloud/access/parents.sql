-- Tables and hypertables' views, and what must be there before a row of theirs can be.
SELECT c.relname::text, ARRAY(
    SELECT DISTINCT f.confrelid::regclass::text FROM pg_constraint f
    WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid AND f.confrelid <> 'auth.users'::regclass
    UNION
    SELECT link.parent FROM pg_attribute a
    JOIN (VALUES ('home_id', 'homes'), ('device_id', 'devices'), ('automation_id', 'automations'), ('scene_id', 'scenes'),
                 ('action_id', 'self_healing_actions'), ('ml_model_id', 'ml_models'), ('partner_id', 'oem_partners'),
                 ('hub_id', 'hub_hubs')) link (name, parent) ON link.name = a.attname
    WHERE a.attrelid = c.oid AND link.parent <> c.relname)
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace
  AND (c.relkind IN ('r', 'p') OR (c.relkind = 'v' AND c.reloptions::text LIKE '%check_option%'))
