-- Tries statements as somebody, each undone, and answers with the rows each would have touched or the error it met.
CREATE OR REPLACE FUNCTION pg_temp.attempts(role_name text, claims text, statements text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    answers text[] := '{}';
    statement text;
    touched integer;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        BEGIN
            PERFORM set_config('request.jwt.claims', claims, true);
            PERFORM set_config('role', role_name, true);
            EXECUTE statement;
            GET DIAGNOSTICS touched = ROW_COUNT;
            RAISE EXCEPTION USING ERRCODE = 'XUNDO', MESSAGE = touched::text;
        EXCEPTION WHEN OTHERS THEN
            answers := answers || CASE SQLSTATE WHEN 'XUNDO' THEN SQLERRM ELSE SQLSTATE || ' ' || SQLERRM END;
        END;
    END LOOP;
    RETURN answers;
END
$$;
