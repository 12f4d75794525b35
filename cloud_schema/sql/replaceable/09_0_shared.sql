-- Business logic that every writer shares: 09 of the documented order, all of it replaceable.

CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

DO $$
DECLARE
    touched regclass;
BEGIN
    FOR touched IN
        SELECT c.oid FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at' AND NOT a.attisdropped
        WHERE n.nspname IN ('public', 'ts') AND c.relkind = 'r' AND c.relname NOT LIKE 'hub\_%'
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column()',
                       'update_' || (SELECT relname FROM pg_class WHERE oid = touched) || '_updated_at', touched);
    END LOOP;
END
$$;
