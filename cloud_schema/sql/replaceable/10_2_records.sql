-- Records: numbered rows of declared streams, each stored once.
--
-- The mark of a stream is the highest number with nothing missing below. In one transaction rows at or below it are
-- skipped, the next ones inserted and the mark moved, so a repeat finds nothing to do. The whole batch goes in with one
-- INSERT .. SELECT; only when a row in it is bad is the batch halved until the bad one stands alone as a dead letter.

-- Where the rows of a stream lie: in the schema of the hypertables, or among the plain tables.
CREATE OR REPLACE FUNCTION hub_sync.place_of(target_table text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format(CASE WHEN to_regclass(format('ts.%I', target_table)) IS NULL THEN 'public.%I' ELSE 'ts.%I' END, target_table)
$$;

-- Whom a row of this home may name.
CREATE OR REPLACE FUNCTION hub_sync.residents(home uuid) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT owner_id FROM public.homes WHERE id = home UNION SELECT user_id FROM public.home_members WHERE home_id = home
$$;

-- What an audit row of a hub may tell of: its home, and what it decides about there. A row that is no more (or not known yet) is nobody else's.
CREATE OR REPLACE FUNCTION hub_sync.is_of_home(home uuid, table_name text, record_id uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    owner uuid;
BEGIN
    IF table_name = 'homes' THEN
        RETURN record_id = home;
    ELSIF NOT EXISTS (SELECT FROM public.hub_definition_kinds k WHERE k.target_table = is_of_home.table_name AND k.comes_from_hub)
      AND NOT EXISTS (SELECT FROM public.hub_streams s WHERE s.target_table = is_of_home.table_name AND s.is_case) THEN
        RETURN false;
    ELSIF record_id IS NULL OR to_regclass(hub_sync.place_of(table_name)) IS NULL OR NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = hub_sync.place_of(table_name)::regclass AND attname = 'home_id') THEN
        RETURN true;
    END IF;
    EXECUTE format('SELECT home_id FROM %s WHERE id = $1 LIMIT 1', hub_sync.place_of(table_name)) INTO owner USING record_id;
    RETURN coalesce(owner = home, true);
END
$$;

-- The common first half of the statements below: rows with their numbers and typed columns, as a CTE named `arrived`.
-- Parameters: $1 body (array of rows, or object of columns), $2 numbers or null, $3 first number, $4 home, $5 seed of ids.
CREATE OR REPLACE FUNCTION hub_sync.arrived_sql(declared public.hub_streams, present_columns text[], as_columns boolean)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    source text;
    expressions text;
BEGIN
    SELECT string_agg(format('%s AS %I', CASE
            WHEN c.name = 'home_id' THEN '$4'
            -- As the audit's own trigger writes it: from which hub, and without secrets.
            WHEN declared.target_table = 'audit_logs' AND c.name = 'metadata' THEN format(
                'coalesce(CASE jsonb_typeof(%1$s) WHEN ''object'' THEN %1$s END, ''{}'') || jsonb_build_object(''told_by'', ''hub'', ''role'', ''hub'', ''home_id'', $4, ''hub_id'', split_part($5, ''/'', 1))',
                CASE WHEN c.name = ANY (present_columns) THEN c.raw ELSE 'NULL::jsonb' END)
            WHEN c.name = 'id' AND NOT c.name = ANY (present_columns) THEN 'md5($5 || n.seq)::uuid'
            WHEN c.name = 'id' THEN format('coalesce(%s, md5($5 || n.seq)::uuid)', c.raw)
            WHEN NOT c.name = ANY (present_columns) THEN coalesce(c.standard, format('NULL::%s', c.type))
            WHEN declared.target_table = 'audit_logs' AND c.type = 'jsonb' THEN format('ts.masked_where_needed(%s)', c.raw)
            WHEN c.name = ANY (declared.resident_columns) THEN format('CASE WHEN %1$s IN (SELECT hub_sync.residents($4)) THEN %1$s END', c.raw)
            WHEN c.standard IS NOT NULL THEN format('coalesce(%s, %s)', c.raw, c.standard)
            ELSE c.raw END, c.name), ', ' ORDER BY c.position)
    INTO expressions
    FROM (
        SELECT a.attname::text AS name, w.position, format_type(a.atttypid, a.atttypmod) AS type,
            -- A record without its time is refused, never dated by us.
            CASE WHEN a.attname <> declared.time_column THEN pg_get_expr(d.adbin, d.adrelid) END AS standard,
            CASE
                WHEN NOT as_columns THEN format('r.%I', a.attname)
                WHEN a.atttypid = 'jsonb'::regtype THEN format('nullif(r.%I, ''null'')', a.attname)
                WHEN t.typcategory = 'A' THEN format(
                    'CASE WHEN jsonb_typeof(r.%1$I) = ''array'' THEN ARRAY(SELECT jsonb_array_elements_text(r.%1$I))::%2$s END',
                    a.attname, format_type(a.atttypid, a.atttypmod))
                ELSE format('r.%I::%s', a.attname, format_type(a.atttypid, a.atttypmod))
            END AS raw
        FROM unnest(declared.columns) WITH ORDINALITY w (name, position)
        JOIN pg_attribute a ON a.attrelid = hub_sync.place_of(declared.target_table)::regclass AND a.attname = w.name AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    ) c;
    IF as_columns THEN
        SELECT format('ROWS FROM (%s) WITH ORDINALITY r (%s, ordinality)',
            string_agg(format(CASE WHEN t.typcategory = 'A' OR t.oid = 'jsonb'::regtype
                THEN 'jsonb_array_elements($1 -> %L)' ELSE 'jsonb_array_elements_text($1 -> %L)' END, a.attname), ', ' ORDER BY a.attnum),
            string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum))
        INTO source
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = hub_sync.place_of(declared.target_table)::regclass AND a.attname::text = ANY (present_columns) AND a.attname = ANY (declared.columns);
    ELSE
        source := format('jsonb_populate_recordset(NULL::%s, $1) WITH ORDINALITY r', hub_sync.place_of(declared.target_table));
    END IF;
    RETURN format('WITH arrived AS (SELECT n.seq, %s FROM %s '
                  'CROSS JOIN LATERAL (SELECT CASE WHEN $2::bigint[] IS NULL THEN $3::bigint + r.ordinality - 1 ELSE ($2::bigint[])[r.ordinality] END) n (seq)) ',
                  expressions, source);
END
$$;

-- What must hold of a row `a`, one boolean expression a reason; none of them is ever null.
CREATE OR REPLACE FUNCTION hub_sync.row_checks(declared public.hub_streams, is_clock_trusted boolean) RETURNS TABLE (reason text, expression text)
LANGUAGE sql STABLE AS $$
    SELECT p.key || ' is not known in this home',
        format('(a.%1$I IS NULL OR %2$s)', p.key, format(
            CASE WHEN t.typcategory = 'A' THEN 'a.%1$I <@ ARRAY(SELECT id FROM public.%2$I%3$s)' ELSE 'a.%1$I IN (SELECT id FROM public.%2$I%3$s)' END,
            p.key, p.value,
            CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = format('public.%I', p.value)::regclass AND attname = 'home_id')
                 THEN ' WHERE home_id = $4' ELSE '' END))
    FROM jsonb_each_text(declared.parents) p
    JOIN pg_attribute c ON c.attrelid = hub_sync.place_of(declared.target_table)::regclass AND c.attname = p.key
    JOIN pg_type t ON t.oid = c.atttypid
    UNION ALL
    SELECT 'it points at another home', declared.row_check WHERE declared.row_check IS NOT NULL
    UNION ALL
    SELECT format('it is dated more than %s ahead', ahead.most),
        format('(a.%1$I IS NULL OR a.%1$I <= now() + %2$L::interval)', declared.time_column, ahead.most)
    FROM (SELECT CASE WHEN is_clock_trusted THEN hub_sync.ahead_max() ELSE hub_sync.ahead_untrusted_max() END) ahead (most)
    UNION ALL
    SELECT format('it is dated before %s', hub_sync.earliest()),
        format('(a.%1$I IS NULL OR a.%1$I >= %2$L::date)', declared.time_column, hub_sync.earliest())
    UNION ALL
    SELECT format('%s is no number that can be reckoned with', c.attname), format('(a.%1$I IS NULL OR a.%1$I NOT IN (''NaN'', ''Infinity'', ''-Infinity''))', c.attname)
    FROM pg_attribute c
    WHERE c.attrelid = hub_sync.place_of(declared.target_table)::regclass AND c.attname = ANY (declared.columns)
      AND c.atttypid IN ('double precision'::regtype, 'numeric'::regtype)
    ORDER BY 1
$$;

-- What the table itself asks of a row `a`, in the same form and in hub_sync.in_words' words: what is bad many times over is found
-- by one query, where the table would refuse one row after the other.
CREATE OR REPLACE FUNCTION hub_sync.table_checks(declared public.hub_streams) RETURNS TABLE (reason text, expression text) LANGUAGE sql STABLE AS $$
    SELECT hub_sync.in_words('23502', '', c.attname, ''), format('(a.%I IS NOT NULL)', c.attname)
    FROM pg_attribute c
    WHERE c.attrelid = hub_sync.place_of(declared.target_table)::regclass AND c.attnotnull AND c.attname = ANY (declared.columns)
    UNION ALL
    SELECT hub_sync.in_words('23514', '', '', r.conname), format('((%s) IS NOT FALSE)', pg_get_expr(r.conbin, r.conrelid))
    FROM pg_constraint r
    WHERE r.conrelid = hub_sync.place_of(declared.target_table)::regclass AND r.contype = 'c'
    ORDER BY 1
$$;

-- The statements of one batch: what inserts what lies above $6 and up to $7, and what finds the rows of it that point at
-- nothing of this home. `is_suspect`: something in it is bad, so the table's own conditions are asked first.
CREATE OR REPLACE FUNCTION hub_sync.record_statements(
    declared public.hub_streams, present_columns text[], as_columns boolean, is_repair boolean, is_clock_trusted boolean, is_suspect boolean,
    OUT inserts text, OUT finds_strays text
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    arrived text := hub_sync.arrived_sql(declared, present_columns, as_columns);
    checks text;
    reasons text;
    missing text := '';
BEGIN
    SELECT string_agg(c.expression, ' AND '), string_agg(format('WHEN NOT %s THEN %L', c.expression, c.reason), ' ')
    INTO checks, reasons
    FROM (SELECT * FROM hub_sync.table_checks(declared) WHERE is_suspect UNION ALL SELECT * FROM hub_sync.row_checks(declared, is_clock_trusted)) c;
    IF is_repair THEN
        -- Two measurements may share device, metric and time: the same record has the same fingerprint too.
        SELECT format(' AND NOT EXISTS (SELECT FROM %s k WHERE %s%s)', hub_sync.place_of(declared.target_table),
                      string_agg(format('k.%1$I = a.%1$I', key), ' AND '),
                      coalesce(format(' AND %s = %s', hub_sync.print_sql(declared, 'k'), hub_sync.print_sql(declared, 'a')), ''))
        INTO missing FROM unnest(declared.key_columns) key;
    END IF;
    inserts := arrived || format('INSERT INTO %s (%s) SELECT %s FROM arrived a WHERE a.seq > $6 AND a.seq <= $7 AND %s%s%s',
        hub_sync.place_of(declared.target_table),
        (SELECT string_agg(quote_ident(c), ', ') FROM unnest(declared.columns) c),
        (SELECT string_agg('a.' || quote_ident(c), ', ') FROM unnest(declared.columns) c),
        coalesce(checks, 'true'), missing,
        CASE WHEN 'id' = ANY (declared.key_columns) THEN ' ON CONFLICT DO NOTHING' ELSE '' END);
    finds_strays := arrived || format(
        'SELECT a.seq, CASE %s END AS reason, to_jsonb(a) - ''seq'' AS body FROM arrived a '
        'WHERE a.seq > $6 AND a.seq <= $7 AND NOT (%s) ORDER BY a.seq', reasons, checks);
END
$$;

-- Inserts the batch; buries what points at nothing of this home; answers what was refused.
CREATE OR REPLACE FUNCTION hub_sync.insert_records(
    declared public.hub_streams, inserts text, finds_strays text, hub public.hub_hubs, in_mirror text, in_epoch integer,
    body jsonb, seqs bigint[], first_seq bigint, after bigint, upto bigint
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    seed text := concat_ws('/', hub.id, in_mirror, in_epoch, declared.stream, '');
    expected bigint := 0;
    stored bigint;
    letter record;
    refused jsonb[] := '{}';
BEGIN
    EXECUTE inserts USING body, seqs, first_seq, hub.home_id, seed, after, upto;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF seqs IS NOT NULL THEN
        SELECT count(*) INTO expected FROM unnest(seqs) s WHERE s > after AND s <= upto;
    ELSE
        expected := greatest(upto - greatest(after, first_seq - 1), 0);
    END IF;
    IF stored < expected AND finds_strays IS NOT NULL THEN
        FOR letter IN EXECUTE finds_strays USING body, seqs, first_seq, hub.home_id, seed, after, upto LOOP
            refused := refused || (hub_sync.bury(hub, in_mirror, in_epoch, declared.stream, letter.seq, letter.reason, letter.body) -> 0);
        END LOOP;
    END IF;
    RETURN to_jsonb(refused);
END
$$;

-- Rows lo..hi of a batch in which something is bad: halved until the bad row stands alone.
CREATE OR REPLACE FUNCTION hub_sync.insert_around_bad(
    declared public.hub_streams, inserts text, finds_strays text, hub public.hub_hubs, in_mirror text, in_epoch integer,
    body_rows jsonb[], seqs bigint[], lo integer, hi integer
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    middle integer := (lo + hi) / 2;
    why text;
    state text;
    of_column text;
    of_constraint text;
BEGIN
    IF lo > hi THEN
        RETURN '[]';
    END IF;
    BEGIN
        RETURN hub_sync.insert_records(declared, inserts, finds_strays, hub, in_mirror, in_epoch, to_jsonb(body_rows[lo:hi]),
                                       seqs[lo:hi], NULL, seqs[lo] - 1, seqs[hi]);
    EXCEPTION WHEN OTHERS THEN
        IF hub_sync.is_passing(SQLSTATE) THEN
            RAISE;
        END IF;
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, why = MESSAGE_TEXT, of_column = COLUMN_NAME, of_constraint = CONSTRAINT_NAME;
    END;
    IF lo = hi THEN
        RETURN hub_sync.bury(hub, in_mirror, in_epoch, declared.stream, seqs[lo], hub_sync.in_words(state, why, of_column, of_constraint),
                             body_rows[lo]);
    END IF;
    RETURN hub_sync.insert_around_bad(declared, inserts, finds_strays, hub, in_mirror, in_epoch, body_rows, seqs, lo, middle)
        || hub_sync.insert_around_bad(declared, inserts, finds_strays, hub, in_mirror, in_epoch, body_rows, seqs, middle + 1, hi);
END
$$;

-- Why this is no row of the table; null when it can be read as one.
CREATE OR REPLACE FUNCTION hub_sync.unreadable(place text, one jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE format('SELECT FROM jsonb_populate_record(NULL::%s, $1) r', place) USING one;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    IF hub_sync.is_passing(SQLSTATE) THEN
        RAISE;
    END IF;
    RETURN hub_sync.in_words(SQLSTATE, SQLERRM, '', '');
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.store_records(
    declared public.hub_streams, hub public.hub_hubs, in_mirror text, in_epoch integer,
    body jsonb, as_columns boolean, seqs bigint[], first_seq bigint, after bigint, upto bigint, is_repair boolean, is_clock_trusted boolean
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    statements record;
    body_rows jsonb[];
    numbers bigint[];
    refused jsonb := '[]';
BEGIN
    SELECT * INTO statements FROM hub_sync.record_statements(
        declared, CASE WHEN as_columns THEN ARRAY(SELECT jsonb_object_keys(body)) ELSE declared.columns END, as_columns, is_repair, is_clock_trusted, false);
    BEGIN
        RETURN hub_sync.insert_records(declared, statements.inserts, statements.finds_strays, hub, in_mirror, in_epoch,
                                       body, seqs, first_seq, after, upto);
    EXCEPTION WHEN OTHERS THEN
        IF hub_sync.is_passing(SQLSTATE) THEN
            RAISE;
        END IF;
    END;
    -- Thousands may be bad, and each costs its own: so first what cannot be read, then what the table asks for, then by halves.
    WITH given AS (
        SELECT CASE WHEN seqs IS NULL THEN first_seq + e.position - 1 ELSE seqs[e.position] END AS seq, e.one
        FROM (
            SELECT c.position, jsonb_object_agg(k.key, c.value) AS one
            FROM jsonb_each(CASE WHEN as_columns THEN body ELSE '{}' END) k CROSS JOIN LATERAL jsonb_array_elements(k.value) WITH ORDINALITY c (value, position)
            GROUP BY c.position
            UNION ALL
            SELECT r.position, r.value
            FROM jsonb_array_elements(CASE WHEN as_columns THEN '[]' ELSE body END) WITH ORDINALITY r (value, position)
        ) e
    ), looked_at AS MATERIALIZED (
        SELECT g.seq, g.one, hub_sync.unreadable(hub_sync.place_of(declared.target_table), g.one) AS reason
        FROM given g WHERE g.seq > after AND g.seq <= upto
    )
    SELECT array_agg(l.one ORDER BY l.seq) FILTER (WHERE l.reason IS NULL), array_agg(l.seq ORDER BY l.seq) FILTER (WHERE l.reason IS NULL),
           coalesce(jsonb_agg(hub_sync.bury(hub, in_mirror, in_epoch, declared.stream, l.seq, l.reason, l.one) -> 0) FILTER (WHERE l.reason IS NOT NULL), '[]')
    INTO body_rows, numbers, refused FROM looked_at l;
    SELECT * INTO statements FROM hub_sync.record_statements(declared, declared.columns, false, is_repair, is_clock_trusted, true);
    refused := refused || hub_sync.insert_around_bad(declared, statements.inserts, statements.finds_strays, hub, in_mirror, in_epoch,
                                                     body_rows, numbers, 1, coalesce(cardinality(numbers), 0));
    RETURN (SELECT coalesce(jsonb_agg(r.value ORDER BY (r.value ->> 'seq')::bigint), '[]') FROM jsonb_array_elements(refused) r);
END
$$;

-- How many rows there are; -1 if the columns differ in length or are no arrays.
CREATE OR REPLACE FUNCTION hub_sync.rows_in(body jsonb, as_columns boolean) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    shortest integer;
    longest integer;
BEGIN
    IF NOT as_columns THEN
        RETURN CASE WHEN jsonb_typeof(body) = 'array' THEN jsonb_array_length(body) ELSE -1 END;
    END IF;
    IF jsonb_typeof(body) <> 'object' THEN
        RETURN -1;
    END IF;
    SELECT min(n), max(n) INTO shortest, longest
    FROM (SELECT CASE WHEN jsonb_typeof(value) = 'array' THEN jsonb_array_length(value) ELSE -1 END AS n FROM jsonb_each(body)) c;
    RETURN CASE WHEN shortest = longest THEN shortest WHEN shortest IS NULL THEN 0 ELSE -1 END;
END
$$;

-- How far the mark may go: over numbers that have arrived and over gaps, as long as nothing is missing in between.
CREATE OR REPLACE FUNCTION hub_sync.reach(hub_id uuid, in_mirror text, in_epoch integer, in_stream text, mark bigint, seqs bigint[], first_seq bigint, n integer)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    reached bigint := mark;
    stretch record;
BEGIN
    FOR stretch IN
        SELECT min(s.seq) AS lo, max(s.seq) AS hi
        FROM (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS island FROM unnest(seqs) seq) s
        GROUP BY s.island
        UNION ALL
        SELECT first_seq, first_seq + n - 1 WHERE seqs IS NULL AND n > 0
        UNION ALL
        SELECT g.first_seq, g.last_seq FROM public.hub_gaps g
        WHERE g.hub_id = reach.hub_id AND g.mirror_id = in_mirror AND g.epoch = in_epoch AND g.stream = in_stream AND g.last_seq > mark
        ORDER BY 1, 2
    LOOP
        EXIT WHEN stretch.lo > reached + 1;
        reached := greatest(reached, stretch.hi);
    END LOOP;
    RETURN reached;
END
$$;

-- Removes the rows of this home that have a key of the batch and are none of the batch's rows: they were changed here. An id is looked for a
-- day around, in case the time is what was changed. One by one and by their literal keys, which is what compressed chunks are good at. Entries of the audit are evidence: nothing takes their place.
CREATE OR REPLACE FUNCTION hub_sync.remove_changed(
    declared public.hub_streams, hub public.hub_hubs, body jsonb, as_columns boolean, seqs bigint[], first_seq bigint, upto bigint
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    present_columns text[] := CASE WHEN as_columns THEN ARRAY(SELECT jsonb_object_keys(body)) ELSE declared.columns END;
    same_key text;
    near_key text;
    one text;
    n integer := 0;
BEGIN
    IF declared.hash_columns = '{}' OR declared.target_table = 'audit_logs' OR hub_sync.of_home_sql(declared) IS NULL THEN
        RETURN 0;
    END IF;
    SELECT string_agg(format('%%1$s.%1$I = a.%1$I', key), ' AND ') INTO same_key FROM unnest(declared.key_columns) key;
    near_key := CASE WHEN 'id' = ANY (declared.key_columns) THEN format(
        'k.id = a.id AND k.%1$I >= a.%1$I - interval ''1 day'' AND k.%1$I <= a.%1$I + interval ''1 day''', declared.time_column)
        ELSE format(same_key, 'k') END;
    FOR one IN EXECUTE hub_sync.arrived_sql(declared, present_columns, as_columns) || format(
        'SELECT DISTINCT format(%1$L, %2$s, %3$s) FROM arrived a JOIN %4$s k ON %5$s '
        'WHERE a.seq <= $6 AND %6$s AND NOT EXISTS (SELECT FROM arrived o WHERE %7$s AND %8$s = %3$s)',
        (SELECT format('DELETE FROM %s t WHERE %s AND %s = %%L', hub_sync.place_of(declared.target_table),
                       string_agg(format('t.%I = %%L', key), ' AND ' ORDER BY position), hub_sync.print_sql(declared, 't'))
         FROM unnest(declared.key_columns) WITH ORDINALITY u (key, position)),
        (SELECT string_agg(format('k.%I', key), ', ' ORDER BY position) FROM unnest(declared.key_columns) WITH ORDINALITY u (key, position)),
        hub_sync.print_sql(declared, 'k'), hub_sync.place_of(declared.target_table), near_key,
        CASE WHEN 'home_id' = ANY (declared.columns) THEN 'k.home_id = $4' ELSE 'k.device_id IN (SELECT id FROM public.devices WHERE home_id = $4)' END,
        format(same_key, 'o'), hub_sync.print_sql(declared, 'o'))
        USING body, seqs, first_seq, hub.home_id, '', upto
    LOOP
        EXECUTE one;
        n := n + 1;
    END LOOP;
    RETURN n;
END
$$;

-- Mirrors and epochs have whatever names a hub gives them: of many, those that moved last are kept, and the one that speaks.
CREATE OR REPLACE FUNCTION hub_sync.forget_old_lives(in_hub uuid, in_mirror text, in_epoch integer) RETURNS void LANGUAGE sql AS $$
    DELETE FROM public.hub_marks WHERE ctid = ANY (ARRAY(
        SELECT m.ctid FROM public.hub_marks m WHERE m.hub_id = in_hub AND (m.mirror_id, m.epoch) <> (in_mirror, in_epoch)
        ORDER BY m.updated_at DESC, m.epoch DESC OFFSET hub_sync.lives_max()));
    DELETE FROM public.hub_lines WHERE ctid = ANY (ARRAY(
        SELECT l.ctid FROM public.hub_lines l WHERE l.hub_id = in_hub AND (l.mirror_id, l.epoch) <> (in_mirror, in_epoch)
        ORDER BY l.since DESC, l.epoch DESC OFFSET hub_sync.lives_max()));
$$;

-- The mark of a stream, held until the end of the transaction.
CREATE OR REPLACE FUNCTION hub_sync.locked_mark(hub_id uuid, in_mirror text, in_epoch integer, in_stream text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    held bigint;
BEGIN
    INSERT INTO public.hub_marks (hub_id, mirror_id, epoch, stream) VALUES (locked_mark.hub_id, in_mirror, in_epoch, in_stream) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM hub_sync.forget_old_lives(locked_mark.hub_id, in_mirror, in_epoch);
    END IF;
    SELECT mark INTO held FROM public.hub_marks m
    WHERE m.hub_id = locked_mark.hub_id AND m.mirror_id = in_mirror AND m.epoch = in_epoch AND m.stream = in_stream FOR UPDATE;
    RETURN held;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.move_mark(in_hub uuid, in_mirror text, in_epoch integer, in_stream text, new_mark bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE public.hub_marks SET mark = new_mark, updated_at = now()
    WHERE hub_id = in_hub AND mirror_id = in_mirror AND epoch = in_epoch AND stream = in_stream AND mark < new_mark
$$;

-- The earliest and latest time in a batch; nothing where one of them cannot be read.
CREATE OR REPLACE FUNCTION hub_sync.times_in(content jsonb, as_columns boolean, time_column text, OUT from_at timestamptz, OUT to_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT min(t.at::timestamptz), max(t.at::timestamptz) INTO from_at, to_at
    FROM (SELECT CASE WHEN as_columns THEN e.value #>> '{}' ELSE e.value ->> time_column END
          FROM jsonb_array_elements(CASE WHEN as_columns THEN content -> time_column ELSE content END) e) t (at);
EXCEPTION WHEN data_exception THEN
    NULL;
END
$$;

-- Records whose times nobody could confirm: stretches of numbers, with the times that the hub gave them. What follows on makes
-- the last stretch longer; of many the newest are kept.
CREATE OR REPLACE FUNCTION hub_sync.note_undated(
    hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, first bigint, last bigint, times record
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.hub_undated SET last_seq = last, from_at = least(from_at, times.from_at), to_at = greatest(to_at, times.to_at), received_at = now()
    WHERE hub_id = hub.id AND mirror_id = in_mirror AND epoch = in_epoch AND stream = in_stream AND last_seq = first - 1;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO public.hub_undated (hub_id, mirror_id, epoch, stream, first_seq, last_seq, home_id, from_at, to_at)
    VALUES (hub.id, in_mirror, in_epoch, in_stream, first, last, hub.home_id, times.from_at, times.to_at) ON CONFLICT DO NOTHING;
    DELETE FROM public.hub_undated u USING (
        SELECT ctid FROM public.hub_undated WHERE hub_id = hub.id ORDER BY received_at DESC, stream, first_seq DESC OFFSET hub_sync.undated_max()) old
    WHERE u.ctid = old.ctid;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.is_undated(in_hub uuid, in_mirror text, in_epoch integer, in_stream text, seq bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM public.hub_undated WHERE hub_id = in_hub AND mirror_id = in_mirror AND epoch = in_epoch AND stream = in_stream
                   AND seq BETWEEN first_seq AND last_seq)
$$;

-- One stream of an envelope. Answers what was refused; the new mark is in hub_marks.
CREATE OR REPLACE FUNCTION hub_sync.take_stream(hub public.hub_hubs, in_mirror text, in_epoch integer, in_stream text, body jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    declared public.hub_streams;
    as_columns boolean := body ? 'columns';
    content jsonb := coalesce(body -> 'columns', body -> 'rows', '[]');
    is_repair boolean := coalesce(body ->> 'lane', 'live') = 'repair';
    is_missing_only boolean := coalesce(body -> 'missing_only' = 'true', false);
    is_clock_trusted boolean := (body -> 'clock_trusted') IS DISTINCT FROM 'false';
    upto bigint;
    n integer;
    seqs bigint[];
    first_seq bigint;
    old_mark bigint;
    new_mark bigint;
    refused jsonb := '[]';
    whole text;
BEGIN
    SELECT * INTO declared FROM public.hub_streams WHERE stream = in_stream AND NOT is_case;
    IF NOT FOUND THEN
        RETURN hub_sync.bury(hub, in_mirror, in_epoch, in_stream, NULL, 'stream_unknown', NULL);
    END IF;
    -- After a fork a mirror mends what it made in the epoch before.
    IF is_repair AND jsonb_typeof(body -> 'epoch') = 'number' AND (body ->> 'epoch')::numeric BETWEEN 0 AND in_epoch THEN
        in_epoch := (body ->> 'epoch')::numeric::integer;
    END IF;
    old_mark := hub_sync.locked_mark(hub.id, in_mirror, in_epoch, in_stream);
    BEGIN
        n := hub_sync.rows_in(content, as_columns);
        first_seq := (body ->> 'first')::bigint;
        IF body ? 'seqs' THEN
            seqs := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(body -> 'seqs') WITH ORDINALITY s (value, position) ORDER BY position);
        END IF;
        whole := CASE
            WHEN n < 0 THEN 'rows_malformed'
            WHEN first_seq > hub_sync.number_max() + 1 - n OR seqs[n] > hub_sync.number_max() THEN 'numbers_malformed'
            WHEN n > 0 AND seqs IS NULL AND coalesce(first_seq, 0) < 1 THEN 'first_missing'
            WHEN seqs IS NOT NULL AND cardinality(seqs) <> n THEN 'seqs_and_rows_differ'
            WHEN EXISTS (SELECT FROM (SELECT s, lag(s, 1, 0::bigint) OVER (ORDER BY o) AS before FROM unnest(seqs) WITH ORDINALITY u (s, o)) p
                         WHERE s IS NULL OR s <= before) THEN 'seqs_not_rising'
        END;
    EXCEPTION WHEN data_exception THEN
        whole := 'numbers_malformed';
    END;
    IF whole IS NOT NULL THEN
        RETURN hub_sync.bury(hub, in_mirror, in_epoch, in_stream, NULL, whole, NULL);
    END IF;
    IF is_repair THEN
        -- Above the mark nothing can be missing yet: the live lane brings it.
        IF n > 0 THEN
            refused := hub_sync.store_records(declared, hub, in_mirror, in_epoch, content, as_columns, seqs, first_seq, 0, old_mark, true, is_clock_trusted);
            -- Only what can be stored takes the place of what was changed here.
            IF coalesce(body -> 'replace' = 'true', false) AND refused = '[]' THEN
                BEGIN
                    IF hub_sync.remove_changed(declared, hub, content, as_columns, seqs, first_seq, old_mark) > 0 THEN
                        refused := hub_sync.store_records(declared, hub, in_mirror, in_epoch, content, as_columns, seqs, first_seq, 0, old_mark, true, is_clock_trusted);
                    END IF;
                EXCEPTION WHEN data_exception THEN
                    NULL;  -- what is bad lies above the mark, or it would have been refused: the live lane brings it
                END;
            END IF;
            PERFORM hub_sync.unbury(hub, in_mirror, in_epoch, in_stream, ARRAY(
                SELECT s FROM unnest(coalesce(seqs, ARRAY(SELECT generate_series(first_seq, first_seq + n - 1)))) s WHERE s <= old_mark), refused);
        END IF;
        RETURN refused;
    END IF;
    new_mark := hub_sync.reach(hub.id, in_mirror, in_epoch, in_stream, old_mark, seqs, first_seq, n);
    IF n > 0 AND new_mark > old_mark THEN
        upto := least(new_mark, coalesce(seqs[n], first_seq + n - 1));
        refused := hub_sync.store_records(declared, hub, in_mirror, in_epoch, content, as_columns, seqs, first_seq, old_mark, upto, is_missing_only, is_clock_trusted);
        IF NOT is_clock_trusted AND upto > old_mark THEN
            PERFORM hub_sync.note_undated(hub, in_mirror, in_epoch, in_stream, greatest(old_mark + 1, coalesce(seqs[1], first_seq)), upto, t)
            FROM hub_sync.times_in(content, as_columns, declared.time_column) t;
        END IF;
    END IF;
    PERFORM hub_sync.move_mark(hub.id, in_mirror, in_epoch, in_stream, new_mark) WHERE new_mark > old_mark;
    RETURN refused;
END
$$;
