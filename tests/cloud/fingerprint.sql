-- Everything the installer decides about a database, one row a fact, named by what it is about and not by ids or positions.
-- What belongs to an extension, or to TimescaleDB's own schemas, is left out.

WITH ours AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('public', 'ts', 'hub_sync', 'auth')
), relations AS (
    SELECT c.*, format('%s.%s', n.nspname, c.relname) AS full_name
    FROM pg_class c JOIN ours n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), functions AS (
    SELECT p.*, format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS full_name
    FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
)
SELECT 'relation' AS kind, full_name AS name,
       concat_ws(' ', relkind, CASE WHEN relrowsecurity THEN 'rls' END, CASE WHEN relforcerowsecurity THEN 'forced' END,
                 relpersistence, reloptions::text, obj_description(oid, 'pg_class')) AS definition
FROM relations
UNION ALL
SELECT 'column', format('%s.%s', r.full_name, a.attname),
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
                 'default ' || pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity, ''), nullif(a.attgenerated, ''),
                 col_description(a.attrelid, a.attnum))
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind <> 'S'
UNION ALL
SELECT 'constraint', format('%s: %s', r.full_name, k.conname), concat_ws(' ', pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated THEN 'not valid' END)
FROM relations r JOIN pg_constraint k ON k.conrelid = r.oid
UNION ALL
SELECT 'index', format('%s: %s', r.full_name, i.relname), concat_ws(' ', pg_get_indexdef(x.indexrelid), CASE WHEN NOT x.indisvalid THEN 'invalid' END)
FROM relations r JOIN pg_index x ON x.indrelid = r.oid JOIN pg_class i ON i.oid = x.indexrelid
UNION ALL
SELECT 'statistics', format('%s: %s', r.full_name, s.stxname), pg_get_statisticsobjdef(s.oid)
FROM relations r JOIN pg_statistic_ext s ON s.stxrelid = r.oid
UNION ALL
SELECT 'trigger', format('%s: %s', r.full_name, t.tgname), concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy', format('%s: %s', r.full_name, p.polname),
       concat_ws(' ', p.polcmd, p.polpermissive,
                 ARRAY(SELECT CASE WHEN role = 0 THEN 'public' ELSE pg_get_userbyid(role) END FROM unnest(p.polroles) role ORDER BY 1)::text,
                 'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
FROM relations r JOIN pg_policy p ON p.polrelid = r.oid
UNION ALL
SELECT 'view', full_name, pg_get_viewdef(oid) FROM relations WHERE relkind IN ('v', 'm')
UNION ALL
SELECT 'function', full_name, concat_ws(' ', pg_get_functiondef(oid), obj_description(oid, 'pg_proc')) FROM functions WHERE prokind IN ('f', 'p')
UNION ALL
SELECT 'enum', format('%s.%s', n.nspname, t.typname), ARRAY(SELECT enumlabel FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder)::text
FROM pg_type t JOIN ours n ON n.oid = t.typnamespace WHERE t.typtype = 'e'
UNION ALL
SELECT 'grant', format('%s to %s', r.full_name, coalesce(nullif(pg_get_userbyid(x.grantee), 'unknown (OID=0)'), 'PUBLIC')),
       string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ' ' ORDER BY x.privilege_type)
FROM relations r CROSS JOIN aclexplode(coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, r.relowner))) x
WHERE x.grantee <> r.relowner
GROUP BY r.full_name, x.grantee
UNION ALL
SELECT 'grant', format('%s.%s to %s', r.full_name, a.attname, coalesce(nullif(pg_get_userbyid(x.grantee), 'unknown (OID=0)'), 'PUBLIC')),
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type)
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped CROSS JOIN aclexplode(a.attacl) x
GROUP BY r.full_name, a.attname, x.grantee
UNION ALL
SELECT 'grant', format('%s to %s', f.full_name, coalesce(nullif(pg_get_userbyid(x.grantee), 'unknown (OID=0)'), 'PUBLIC')), string_agg(x.privilege_type, ' ')
FROM functions f CROSS JOIN aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) x
WHERE x.grantee <> f.proowner
GROUP BY f.full_name, x.grantee
UNION ALL
SELECT 'grant', format('schema %s to %s', n.nspname, coalesce(nullif(pg_get_userbyid(x.grantee), 'unknown (OID=0)'), 'PUBLIC')),
       string_agg(x.privilege_type, ' ' ORDER BY x.privilege_type)
FROM pg_namespace n CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
WHERE n.nspname IN ('public', 'ts', 'hub_sync', 'auth') AND x.grantee <> n.nspowner
GROUP BY n.nspname, x.grantee
UNION ALL
SELECT 'default privileges', format('%s of %s for %s', coalesce(n.nspname, 'everywhere'), a.defaclobjtype, a.defaclrole::regrole), a.defaclacl::text
FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace
