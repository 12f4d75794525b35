-- Relations of schema public that read from schema ts, directly or through one another.
WITH RECURSIVE reads AS (
    SELECT DISTINCT r.ev_class AS reader, d.refobjid AS source FROM pg_rewrite r
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
), above AS (
    SELECT reads.reader FROM reads JOIN pg_class c ON c.oid = reads.source WHERE c.relnamespace = 'ts'::regnamespace
    UNION SELECT reads.reader FROM above JOIN reads ON reads.source = above.reader
)
SELECT c.relname::text FROM pg_class c WHERE c.oid IN (SELECT reader FROM above) AND c.relnamespace = 'public'::regnamespace
