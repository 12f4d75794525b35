-- Business logic that every writer shares: 09 of the documented order, all of it replaceable.

-- Triggers on hypertables are copied to each chunk, so there CREATE OR REPLACE TRIGGER is none: one is made when it is
-- missing or its definition has changed, and left alone otherwise. The trigger's comment remembers the definition.
CREATE OR REPLACE FUNCTION ts.declare_trigger(base_table text, trigger_name text, fires text, calls text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    definition text := format('%s FOR EACH ROW EXECUTE FUNCTION %s', fires, calls);
    known text;
BEGIN
    SELECT coalesce(obj_description(t.oid, 'pg_trigger'), '') INTO known
    FROM pg_trigger t WHERE t.tgrelid = base_table::regclass AND t.tgname = trigger_name;
    IF known = definition THEN
        RETURN;
    END IF;
    EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', trigger_name, base_table);
    EXECUTE format('CREATE TRIGGER %I %s', trigger_name, replace(definition, ' FOR EACH ROW', format(' ON %s FOR EACH ROW', base_table)));
    EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', trigger_name, base_table, definition);
END
$$;

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
        PERFORM ts.declare_trigger(touched::text, 'update_' || (SELECT relname FROM pg_class WHERE oid = touched) || '_updated_at',
                                   'BEFORE UPDATE', 'public.update_updated_at_column()');
    END LOOP;
END
$$;
