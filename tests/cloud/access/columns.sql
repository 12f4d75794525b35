-- Every column of every table and view of schema public: is it needed in a new row, and whose id does it hold?
SELECT c.relname, a.attname, format_type(a.atttypid, NULL),
       coalesce(base.attnotnull AND NOT base.atthasdef AND base.attidentity = '', false),
       (SELECT f.confrelid::regclass::text FROM pg_constraint f
        WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum] LIMIT 1),
       (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = a.atttypid)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attribute base ON base.attrelid = coalesce(to_regclass(format('ts.%I', c.relname)), c.oid) AND base.attname = a.attname
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
ORDER BY c.relname, a.attnum
