-- Tokens of other platforms are stored sealed only (cloud_schema/vault.py). The tables' CHECKs say the same; this comes first,
-- because a violated CHECK writes the row, and with it the token, into the server's log.

CREATE OR REPLACE FUNCTION hub_sync.refuse_plain_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sealed constant text := '^sealed:v1:[0-9a-f]{8}:[A-Za-z0-9_-]{38,}$';
    plain text := concat_ws(' and ', CASE WHEN NEW.access_token !~ sealed THEN 'access_token' END, CASE WHEN NEW.refresh_token !~ sealed THEN 'refresh_token' END);
BEGIN
    IF plain <> '' THEN
        RAISE EXCEPTION USING ERRCODE = '23514', DETAIL = 'token_not_sealed',
            MESSAGE = format('%s of %s must be sealed before it is stored.', plain, TG_TABLE_NAME),
            HINT = 'Seal it with cloud_schema.vault: Vault.seal(token, table, column, row id).';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER a_refuse_plain_tokens_trigger BEFORE INSERT OR UPDATE OF access_token, refresh_token ON user_ecosystem_connections
    FOR EACH ROW EXECUTE FUNCTION hub_sync.refuse_plain_tokens();
CREATE OR REPLACE TRIGGER a_refuse_plain_tokens_trigger BEFORE INSERT OR UPDATE OF access_token, refresh_token ON user_integrations
    FOR EACH ROW EXECUTE FUNCTION hub_sync.refuse_plain_tokens();
