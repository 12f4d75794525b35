-- The catalogue grows by what hubs find. Its rows are for everybody to see, and devices say of themselves what their owners
-- made them say: so a row that comes from a hub stays hidden from other homes until hubs of several owners told the same.

-- What a hub says a device is called by its maker, tidied. Too long is no name; it is not cut into another one.
CREATE OR REPLACE FUNCTION hub_sync.catalogue_name(told text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN length(tidy) BETWEEN 1 AND hub_sync.catalogue_name_max() THEN tidy END
    FROM (SELECT btrim(regexp_replace(left(told, 1000), '[[:space:][:cntrl:]]+', ' ', 'g')) AS tidy) t
$$;

-- Addresses of any kind, numbers of one device, and what has neither letter nor digit.
CREATE OR REPLACE FUNCTION hub_sync.may_be_catalogued(name text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT name ~ '[[:alnum:]]'
        AND name !~* '://|@|www\.|[<>{}]|\m[0-9]{1,3}(\.[0-9]{1,3}){3}\M|\m([0-9a-f]{2}[:-]){5}[0-9a-f]{2}\M|0x[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}'
$$;

-- Case, blanks and signs do not count. Of other alphabets a hash stands for what a slug cannot hold.
CREATE OR REPLACE FUNCTION hub_sync.catalogue_key(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT btrim(concat_ws('_', nullif(btrim(regexp_replace(lower(name), '[^a-z0-9]+', '_', 'g'), '_'), ''),
                           CASE WHEN octet_length(name) <> length(name) THEN left(md5(lower(name)), 8) END), '_')
$$;

-- The slug of a maker's name: without what says the form of a company, and of known names the catalogue's.
CREATE OR REPLACE FUNCTION hub_sync.brand_key(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(known.slug, k.key)
    FROM (SELECT hub_sync.catalogue_key(regexp_replace(
              name, '(,?\s+(inc|incorporated|ltd|limited|llc|gmbh|co|corp|corporation|bv|b\.v|ab|ag|oy|plc)\.?,?)+$', '', 'i')) AS key) k
    LEFT JOIN (VALUES
        ('signify_netherlands', 'philips_hue'), ('ikea_of_sweden', 'ikea'), ('allterco_robotics', 'shelly'), ('shelly_europe', 'shelly'),
        ('eve_systems', 'eve'), ('lutron_electronics', 'lutron'), ('itead', 'sonoff'), ('nest_labs', 'google_nest'),
        ('ubiquiti_networks', 'ubiquiti'), ('amazon_com', 'amazon'), ('samsung_electronics', 'samsung'), ('lg_electronics', 'lg'),
        ('raspberry_pi_foundation', 'raspberry_pi'), ('raspberry_pi_trading', 'raspberry_pi')
    ) known (told, slug) ON known.told = k.key
$$;

-- Hubs of the first release put the names among what people own.
CREATE OR REPLACE FUNCTION hub_sync.told_make(fields jsonb, OUT brand text, OUT model text) LANGUAGE sql IMMUTABLE AS $$
    SELECT hub_sync.catalogue_name(CASE jsonb_typeof(t.brand) WHEN 'string' THEN t.brand #>> '{}' END),
           hub_sync.catalogue_name(CASE jsonb_typeof(t.model) WHEN 'string' THEN t.model #>> '{}' END)
    FROM (SELECT coalesce(nullif(fields -> 'brand', 'null'), fields -> 'custom_fields' -> 'brand') AS brand,
                 coalesce(nullif(fields -> 'model', 'null'), fields -> 'custom_fields' -> 'model') AS model) t
$$;

CREATE OR REPLACE FUNCTION hub_sync.find_brand(told text) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
    found_id uuid;
BEGIN
    SELECT id INTO found_id FROM public.brands WHERE slug = (SELECT hub_sync.brand_key(told));
    IF found_id IS NULL THEN
        SELECT id INTO found_id FROM public.brands WHERE lower(name) = lower(told) OR slug = lower(told) ORDER BY id LIMIT 1;
    END IF;
    RETURN found_id;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.find_model(of_brand uuid, told text) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT id FROM public.device_models WHERE brand_id = of_brand AND lower(told) IN (lower(model_number), lower(model_name))
    ORDER BY lower(told) = lower(model_number) DESC, id LIMIT 1
$$;

-- The catalogue's brand and model for the names a hub has read from the device. What it does not know is set to nothing.
CREATE OR REPLACE FUNCTION hub_sync.with_catalogue_ids(fields jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    told record;
    brand uuid;
BEGIN
    told := hub_sync.told_make(fields);
    IF told.brand IS NULL THEN
        RETURN fields - 'brand_id' - 'device_model_id';
    END IF;
    brand := hub_sync.find_brand(told.brand);
    RETURN fields || jsonb_build_object('brand_id', brand, 'device_model_id', hub_sync.find_model(brand, told.model));
END
$$;

-- What a device can do, in the words of the vocabulary: names only, never a device's own.
CREATE OR REPLACE FUNCTION hub_sync.told_abilities(capabilities jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(name ORDER BY name), '[]') FROM (
        SELECT DISTINCT c.name
        FROM jsonb_each(CASE jsonb_typeof(capabilities -> 'entities') WHEN 'object' THEN capabilities -> 'entities' ELSE '{}' END) e
        CROSS JOIN LATERAL jsonb_object_keys(CASE jsonb_typeof(e.value -> 'capabilities') WHEN 'object' THEN e.value -> 'capabilities' ELSE '{}' END) c (name)
        WHERE c.name ~ '^[a-z][a-z0-9_]{0,39}$' ORDER BY c.name LIMIT 60) n
$$;

CREATE OR REPLACE FUNCTION hub_sync.has_room_in_catalogue(home uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT count(*) < hub_sync.catalogue_reports_max() FROM public.hub_catalogue_reports WHERE home_id = home
$$;

-- Notes that this home has one too. The row's lock makes of two hubs at once one after the other, so that both count.
-- Whether the row is for all from now on.
CREATE OR REPLACE FUNCTION hub_sync.note_report(home uuid, in_table text, in_row uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.hub_catalogue_reports WHERE home_id = home AND table_name = in_table AND row_id = in_row)
       OR NOT hub_sync.has_room_in_catalogue(home) THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT FROM public.%I WHERE id = $1 FOR NO KEY UPDATE', in_table) USING in_row;
    INSERT INTO public.hub_catalogue_reports (home_id, table_name, row_id) VALUES (home, in_table, in_row) ON CONFLICT DO NOTHING;
    RETURN (SELECT count(DISTINCT h.owner_id) >= hub_sync.catalogue_owners_min()
            FROM public.hub_catalogue_reports r JOIN public.homes h ON h.id = r.home_id WHERE r.row_id = in_row);
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.take_brand(home uuid, told text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    brand public.brands;
BEGIN
    SELECT * INTO brand FROM public.brands WHERE id = (SELECT hub_sync.find_brand(told));
    IF brand.id IS NULL THEN
        IF NOT hub_sync.may_be_catalogued(told) OR hub_sync.brand_key(told) = '' OR NOT hub_sync.has_room_in_catalogue(home) THEN
            RETURN;
        END IF;
        INSERT INTO public.brands (name, slug, is_active, metadata)
        VALUES (told, hub_sync.brand_key(told), false, '{"source": "hubs", "is_confirmed": false}') ON CONFLICT DO NOTHING;
        SELECT * INTO brand FROM public.brands WHERE id = (SELECT hub_sync.find_brand(told));
    END IF;
    IF brand.metadata @> '{"source": "hubs", "is_confirmed": false}' AND hub_sync.note_report(home, 'brands', brand.id) THEN
        UPDATE public.brands SET is_active = true, metadata = metadata || '{"is_confirmed": true}' WHERE id = brand.id;
    END IF;
END
$$;

-- What all who told of a model have in common is what it can do: what one device says of itself stays out of what all see.
CREATE OR REPLACE FUNCTION hub_sync.take_model(home uuid, of_brand uuid, told text, fields jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    model public.device_models;
    abilities jsonb := hub_sync.told_abilities(fields -> 'capabilities');
    is_known boolean;
BEGIN
    SELECT * INTO model FROM public.device_models WHERE id = (SELECT hub_sync.find_model(of_brand, told));
    IF model.id IS NULL THEN
        IF NOT hub_sync.may_be_catalogued(told) OR NOT hub_sync.has_room_in_catalogue(home) THEN
            RETURN;
        END IF;
        INSERT INTO public.device_models (brand_id, model_number, model_name, device_type, supported_protocols, capabilities, specifications, is_supported)
        SELECT of_brand, told, told, r.device_type, coalesce(r.supported_protocols, '{}'), jsonb_build_object('capabilities', abilities),
               '{"source": "hubs", "is_confirmed": false}', false
        FROM jsonb_populate_record(NULL::public.devices, hub_sync.pick(fields, '{device_type,supported_protocols}')) r
        ON CONFLICT DO NOTHING;
        SELECT * INTO model FROM public.device_models WHERE id = (SELECT hub_sync.find_model(of_brand, told));
    END IF;
    IF NOT model.specifications @> '{"source": "hubs", "is_confirmed": false}' THEN
        RETURN;
    END IF;
    is_known := EXISTS (SELECT FROM public.hub_catalogue_reports r WHERE r.home_id = home AND r.table_name = 'device_models' AND r.row_id = model.id);
    IF hub_sync.note_report(home, 'device_models', model.id) THEN
        UPDATE public.device_models SET is_supported = true, specifications = specifications || '{"is_confirmed": true}' WHERE id = model.id;
    END IF;
    IF NOT is_known THEN
        UPDATE public.device_models m SET capabilities = m.capabilities || jsonb_build_object('capabilities', c.common)
        FROM (SELECT coalesce(jsonb_agg(a.value ORDER BY a.value), '[]') AS common
              FROM public.device_models d, jsonb_array_elements(d.capabilities -> 'capabilities') a (value) WHERE d.id = model.id AND abilities @> a.value) c
        WHERE m.id = model.id AND m.capabilities -> 'capabilities' IS DISTINCT FROM c.common;
    END IF;
END
$$;

-- Brands and models of an envelope's devices, always in the same order: two hubs that bring the same never wait for each
-- other. What cannot be stored costs the catalogue a row and nobody a device.
CREATE OR REPLACE FUNCTION hub_sync.take_catalogue(hub public.hub_hubs, items jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT DISTINCT ON (hub_sync.brand_key(m.brand)) m.brand
        FROM jsonb_array_elements(items) i, LATERAL hub_sync.told_make(i.value -> 'fields') m
        WHERE i.value ->> 'entity_type' = 'device' AND m.brand IS NOT NULL
        ORDER BY hub_sync.brand_key(m.brand), m.brand
    LOOP
        PERFORM hub_sync.take_brand(hub.home_id, one.brand);
    END LOOP;
    FOR one IN
        SELECT DISTINCT ON (b.id, lower(m.model)) b.id AS brand, m.model, i.value -> 'fields' AS fields
        FROM jsonb_array_elements(items) i, LATERAL hub_sync.told_make(i.value -> 'fields') m, LATERAL hub_sync.find_brand(m.brand) b (id)
        WHERE i.value ->> 'entity_type' = 'device' AND m.model IS NOT NULL AND b.id IS NOT NULL
        ORDER BY b.id, lower(m.model), m.model
    LOOP
        BEGIN
            PERFORM hub_sync.take_model(hub.home_id, one.brand, one.model, one.fields);
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            NULL;  -- the device itself says what is wrong with it
        END;
    END LOOP;
END
$$;
