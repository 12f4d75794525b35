-- Search as one types: every word is the beginning of a word. Without dictionaries, because names of devices are names in
-- any language; accents do not count, so that `kuche` finds the `Küche`.

-- What is searched, as plain words. Punctuation parts words: the text parser would take `light/kitchen` for one word, a path.
CREATE OR REPLACE FUNCTION public.search_words(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT regexp_replace(replace(lower(regexp_replace(normalize(written, NFKD), '[\u0300-\u036f]', '', 'g')), 'ß', 'ss'),
                          '[\s!-/:-@\[-`{-~]+', ' ', 'g')
$$;

CREATE OR REPLACE FUNCTION public.search_words_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 10';

-- The words of what somebody typed, joined by & (all of them) or | (any); NULL, which nothing matches, when there are none.
-- Nothing that is an operator gets so far.
CREATE OR REPLACE FUNCTION public.search_query(typed text, joined_by text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN count(*) > 0 THEN to_tsquery('simple', string_agg(quote_literal(w.word) || ':*', joined_by)) END
    FROM (
        SELECT word FROM regexp_split_to_table(public.search_words(left(typed, 200)), ' ') word
        WHERE word <> '' LIMIT public.search_words_max()
    ) w
$$;

CREATE OR REPLACE FUNCTION brands_search_vector_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector := to_tsvector('simple', public.search_words(concat_ws(' ', NEW.name, NEW.slug)));
    RETURN NEW;
END
$$;

-- A model is found by its brand's words as well.
CREATE OR REPLACE FUNCTION device_models_search_vector_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector := setweight(to_tsvector('simple', public.search_words(concat_ws(' ', NEW.model_name, NEW.model_number))), 'A')
        || coalesce((SELECT setweight(b.search_vector, 'B') FROM public.brands b WHERE b.id = NEW.brand_id), '');
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION ts.rename_models_brand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.device_models SET model_name = model_name WHERE brand_id = NEW.id;
    RETURN NULL;
END
$$;

-- A hit in the name counts more than one in the tags, and that more than one in the notes.
CREATE OR REPLACE FUNCTION devices_search_vector_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search_vector := setweight(to_tsvector('simple', public.search_words(coalesce(NEW.device_name, ''))), 'A')
        || setweight(to_tsvector('simple', public.search_words(coalesce(array_to_string(NEW.tags, ' '), ''))), 'B')
        || setweight(to_tsvector('simple', public.search_words(left(coalesce(NEW.notes, ''), 10000))), 'C');
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER brands_search_vector_trigger BEFORE INSERT OR UPDATE ON brands
    FOR EACH ROW EXECUTE FUNCTION brands_search_vector_update();
CREATE OR REPLACE TRIGGER device_models_search_vector_trigger BEFORE INSERT OR UPDATE ON device_models
    FOR EACH ROW EXECUTE FUNCTION device_models_search_vector_update();
CREATE OR REPLACE TRIGGER rename_models_brand AFTER UPDATE ON brands FOR EACH ROW
    WHEN (OLD.search_vector IS DISTINCT FROM NEW.search_vector) EXECUTE FUNCTION ts.rename_models_brand();
-- Only when a searched column is written: what a hub reports many times a day must not pay for it.
CREATE OR REPLACE TRIGGER devices_search_vector_trigger BEFORE INSERT OR UPDATE OF device_name, notes, tags ON devices
    FOR EACH ROW EXECUTE FUNCTION devices_search_vector_update();

-- Rows that were there before the columns were.
UPDATE brands SET name = name WHERE search_vector IS NULL;
UPDATE device_models SET model_name = model_name WHERE search_vector IS NULL;
UPDATE devices SET device_name = device_name WHERE search_vector IS NULL;

-- The devices that whoever asks may see, by their own words and those of brand and model.
CREATE OR REPLACE FUNCTION public.search_devices(q text)
RETURNS TABLE (device_id uuid, home_id uuid, room_id uuid, device_name text, device_type device_type, brand text, model text, rank real)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    all_words tsquery := search_query(q, ' & ');
    any_word tsquery := search_query(q, ' | ');
    possible uuid[];
BEGIN
    -- A person's devices are few, and come by home. Among all homes the search indexes say which could be meant.
    IF NOT row_security_active('devices') THEN
        possible := ARRAY(
            SELECT id FROM devices
            WHERE search_vector @@ any_word
                OR device_model_id = ANY (ARRAY(SELECT id FROM device_models WHERE search_vector @@ any_word))
                OR (brand_id = ANY (ARRAY(SELECT id FROM brands WHERE search_vector @@ any_word)) AND device_model_id IS NULL));
    END IF;
    RETURN QUERY
        SELECT d.id, d.home_id, d.room_id, d.device_name, d.device_type, b.name, m.model_name, ts_rank(w.words, all_words)
        FROM devices d
        LEFT JOIN brands b ON b.id = d.brand_id
        LEFT JOIN device_models m ON m.id = d.device_model_id
        CROSS JOIN LATERAL (SELECT d.search_vector || coalesce(m.search_vector, b.search_vector, '') AS words) w
        WHERE d.deleted_at IS NULL AND (possible IS NULL OR d.id = ANY (possible)) AND w.words @@ all_words
        ORDER BY ts_rank(w.words, all_words) DESC, d.device_name, d.id
        LIMIT 50;
END
$$;

-- Brands, and models by their own words and their brand's.
CREATE OR REPLACE FUNCTION public.search_catalogue(q text)
RETURNS TABLE (kind text, id uuid, name text, model_number text, brand_id uuid, brand text, rank real)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH typed AS MATERIALIZED (SELECT search_query(q, ' & ') AS all_words),
    found AS (
        (SELECT 'brand' AS kind, b.id, b.name, NULL::text AS model_number, b.id AS brand_id, ts_rank(b.search_vector, all_words) AS rank
         FROM typed, brands b WHERE b.search_vector @@ (SELECT all_words FROM typed)
         ORDER BY rank DESC, b.name LIMIT 50)
        UNION ALL
        (SELECT 'model', m.id, m.model_name, m.model_number, m.brand_id, ts_rank(m.search_vector, all_words) AS rank
         FROM typed, device_models m WHERE m.search_vector @@ (SELECT all_words FROM typed)
         ORDER BY rank DESC, m.model_name, m.id LIMIT 50)
    )
    SELECT f.kind, f.id, f.name, f.model_number, f.brand_id, b.name, f.rank
    FROM found f LEFT JOIN brands b ON b.id = f.brand_id
    ORDER BY f.rank DESC, f.kind, f.name, f.id
    LIMIT 50
$$;

REVOKE ALL ON FUNCTION public.search_devices(text), public.search_catalogue(text) FROM PUBLIC, anon, hub;
GRANT EXECUTE ON FUNCTION public.search_devices(text), public.search_catalogue(text), public.search_words(text),
    public.search_query(text, text), public.search_words_max() TO authenticated, service_role;
