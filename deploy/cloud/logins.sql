-- The logins of the operator's parts, each with the least it needs; run by the schema's owner after `nexa-cloud apply`, any number of times.
-- \i reads their passwords, as `deploy/cloud/make-secrets` has written them: ALTER ROLE gateway PASSWORD '…';
DO $$
DECLARE
  login text;
BEGIN
  FOREACH login IN ARRAY ARRAY['gateway', 'notifier', 'writer'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
      -- The gateway takes the role of whoever calls, and has no rights before; the notifier works with its own.
      EXECUTE format('CREATE ROLE %I LOGIN %s', login, CASE login WHEN 'notifier' THEN 'INHERIT' ELSE 'NOINHERIT' END);
    END IF;
  END LOOP;
END $$;
GRANT anon, authenticated, service_role, hub TO gateway, writer;
GRANT service_role TO notifier;
\i /passwords.sql
