-- Every function that is ours, with a call of it. What the arguments are does not matter to the right to call; as
-- sub-selects they keep the planner from answering in a strict function's place, which asks for no right.
SELECT n.nspname::text, p.proname::text,
       format('%s %I.%I(%s)', CASE p.prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, n.nspname, p.proname,
              (SELECT string_agg(format(CASE p.prokind WHEN 'p' THEN 'NULL::%s' ELSE '(SELECT NULL::%s)' END, format_type(t.type, NULL)), ', ' ORDER BY t.position)
               FROM unnest(p.proargtypes) WITH ORDINALITY t (type, position)))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('public', 'ts', 'hub_sync') AND p.prokind IN ('f', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1, 2
