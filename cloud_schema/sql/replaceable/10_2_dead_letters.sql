-- What a hub sent and nobody could store: set aside with a reason, one letter for each number however often it comes, and
-- tried again when somebody has put right what was in the way.

-- Is it worth trying the same again later? Then it is nobody's dead letter.
CREATE OR REPLACE FUNCTION hub_sync.is_passing(state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT left(state, 2) IN ('08', '25', '40', '53', '55', '57', '58')
$$;

-- Why the database did not take a row, for people. What it says itself stands behind it where that helps.
CREATE OR REPLACE FUNCTION hub_sync.in_words(state text, said text, column_name text, constraint_name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        -- TimescaleDB names the column only in its sentence.
        WHEN state = '23502' THEN format('%s is missing', coalesce(nullif(column_name, ''), substring(said FROM '"([^"]+)"'), 'a value'))
        WHEN state = '23514' THEN format('a value is not among those allowed (%s)', constraint_name)
        WHEN state = '23503' THEN format('it points at something that does not exist (%s)', constraint_name)
        WHEN state = '23505' THEN 'another row has this id already'
        WHEN state IN ('22003', '22008') THEN format('a value is out of range (%s)', said)
        WHEN state IN ('22P02', '22007', '22P05', '2203F') THEN format('a value cannot be read (%s)', said)
        WHEN state IN ('22023', '22000') THEN said
        ELSE format('it cannot be stored (%s)', said)
    END
$$;

-- A row that is known to be bad is not set aside twice: by its number; a case and what is observed by their ids; all else by the reason.
CREATE OR REPLACE FUNCTION hub_sync.bury(hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, in_seq bigint, why text, in_body jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    -- By the number alone, so that the index finds it: thousands may be bad at once.
    UPDATE public.hub_dead_letters SET reason = left(why, 500), body = hub_sync.bounded(in_body), received_at = now(), times = times + 1
    WHERE hub_id = hub.id AND stream = left(in_stream, 100) AND seq = in_seq AND mirror_id = in_mirror AND epoch = in_epoch;
    IF in_seq IS NULL THEN
        UPDATE public.hub_dead_letters SET reason = left(why, 500), body = hub_sync.bounded(in_body), received_at = now(), times = times + 1
        WHERE hub_id = hub.id AND stream = left(in_stream, 100) AND seq IS NULL AND mirror_id = in_mirror AND epoch = in_epoch
          AND (body ->> 'id') IS NOT DISTINCT FROM in_body ->> 'id' AND (in_body ->> 'id' IS NOT NULL OR reason = left(why, 500));
    END IF;
    IF NOT FOUND THEN
        INSERT INTO public.hub_dead_letters (hub_id, home_id, mirror_id, epoch, stream, seq, reason, body)
        VALUES (hub.id, hub.home_id, in_mirror, in_epoch, left(in_stream, 100), in_seq, left(why, 500), hub_sync.bounded(in_body));
    END IF;
    RETURN jsonb_build_array(jsonb_build_object('stream', in_stream, 'seq', in_seq, 'reason', left(why, 500)));
END
$$;

-- What was set aside and is stored by now.
CREATE OR REPLACE FUNCTION hub_sync.unbury(hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, seqs bigint[], refused jsonb)
RETURNS void LANGUAGE sql AS $$
    DELETE FROM public.hub_dead_letters
    WHERE hub_id = hub.id AND stream = in_stream AND seq = ANY (seqs) AND mirror_id = in_mirror AND epoch = in_epoch
      AND NOT EXISTS (SELECT FROM jsonb_array_elements(refused) r WHERE r ->> 'seq' = seq::text)
$$;

CREATE OR REPLACE FUNCTION hub_sync.trim_dead_letters(hub public.hub_hubs) RETURNS void LANGUAGE sql AS $$
    DELETE FROM public.hub_dead_letters WHERE hub_id = hub.id AND id <= (
        SELECT id FROM public.hub_dead_letters WHERE hub_id = hub.id ORDER BY id DESC OFFSET hub_sync.dead_letters_max() LIMIT 1)
$$;

-- One letter, by the way it came. Answers why it is still one; null when it is stored and gone.
CREATE OR REPLACE FUNCTION hub_sync.replay_letter(hub public.hub_hubs, letter public.hub_dead_letters) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    declared public.hub_streams;
    refused jsonb;
    state text;
    said text;
    of_column text;
    of_constraint text;
BEGIN
    SELECT * INTO declared FROM public.hub_streams WHERE stream = letter.stream;
    IF letter.body IS NULL AND letter.seq IS NOT NULL THEN
        RETURN 'it was too large to be kept';
    ELSIF declared.stream IS NULL OR (letter.seq IS NULL AND NOT declared.is_case) THEN
        RETURN 'it cannot be sent again from here';
    ELSIF NOT declared.is_case THEN
        refused := hub_sync.store_records(
            declared, hub, letter.mirror_id, letter.epoch, jsonb_build_array(letter.body), false, ARRAY[letter.seq], NULL, 0, letter.seq,
            true, NOT hub_sync.is_undated(letter.hub_id, letter.mirror_id, letter.epoch, letter.stream, letter.seq));
        IF refused <> '[]' THEN
            RETURN refused -> 0 ->> 'reason';
        END IF;
    ELSE
        BEGIN
            PERFORM hub_sync.take_case(hub, letter.body);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT, of_column = COLUMN_NAME, of_constraint = CONSTRAINT_NAME;
            IF hub_sync.is_passing(state) THEN
                RAISE;
            END IF;
            RETURN (hub_sync.bury(hub, letter.mirror_id, letter.epoch, letter.stream, NULL,
                                  hub_sync.in_words(state, said, of_column, of_constraint), letter.body) -> 0) ->> 'reason';
        END;
    END IF;
    DELETE FROM public.hub_dead_letters WHERE id = letter.id;
    RETURN NULL;
END
$$;

-- For operators: dead letters once more, after whatever was in the way has been put right. What goes in is a letter no longer.
CREATE OR REPLACE FUNCTION public.hub_replay_dead_letters_v1(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    claims_before text := current_setting('request.jwt.claims', true);
    letter hub_dead_letters;
    hub hub_hubs;
    why text;
    letters jsonb := '[]';
    stored integer := 0;
    n_max integer := least(coalesce((request ->> 'limit')::integer, hub_sync.replays_max()), hub_sync.replays_max());
BEGIN
    IF NOT hub_sync.is_operator() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'Only operators replay dead letters.';
    END IF;
    PERFORM hub_sync.require_shape(request, 'ids', 'array');
    BEGIN
        FOR letter IN
            SELECT l.* FROM hub_dead_letters l
            WHERE (request ->> 'hub_id' IS NULL OR l.hub_id::text = lower(request ->> 'hub_id'))
              AND (request ->> 'home_id' IS NULL OR l.home_id::text = lower(request ->> 'home_id'))
              AND (request ->> 'stream' IS NULL OR l.stream = request ->> 'stream')
              AND (request -> 'ids' IS NULL OR to_jsonb(l.id) <@ (request -> 'ids'))
              AND l.id > coalesce((request ->> 'after')::bigint, 0)
            ORDER BY l.id LIMIT n_max
        LOOP
            SELECT * INTO hub FROM hub_hubs WHERE id = letter.hub_id FOR NO KEY UPDATE;
            -- As if the hub had sent it now: what stands back for hubs stands back here.
            PERFORM set_config('request.jwt.claims', jsonb_build_object('role', 'hub', 'hub_id', hub.id, 'home_id', hub.home_id)::text, true);
            why := hub_sync.replay_letter(hub, letter);
            stored := stored + CASE WHEN why IS NULL THEN 1 ELSE 0 END;
            letters := letters || jsonb_build_array(jsonb_build_object(
                'id', letter.id, 'hub_id', letter.hub_id, 'home_id', letter.home_id, 'stream', letter.stream, 'seq', letter.seq,
                'is_stored', why IS NULL, 'reason', why));
        END LOOP;
        IF coalesce((request ->> 'dry_run')::boolean, false) THEN
            RAISE EXCEPTION USING ERRCODE = 'NX001';
        END IF;
    EXCEPTION WHEN SQLSTATE 'NX001' THEN
        NULL;  -- only looked: all of it is taken back
    END;
    PERFORM set_config('request.jwt.claims', coalesce(claims_before, ''), true);
    RETURN jsonb_build_object('tried', jsonb_array_length(letters), 'stored', stored, 'letters', letters,
                              'more', jsonb_array_length(letters) = n_max);
END
$$;
