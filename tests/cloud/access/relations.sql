-- Everything that has rows or numbers, wherever clients might look for it.
SELECT n.nspname::text, c.relname::text, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname IN ('public', 'ts', 'hub_sync') OR n.nspname LIKE '\_timescaledb\_%') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND NOT (n.nspname = 'public' AND EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'))
ORDER BY n.nspname, c.relname
