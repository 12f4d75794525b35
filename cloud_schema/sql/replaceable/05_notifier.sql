-- The notifier's side of ts.user_notifications. Any number of workers: a claim takes rows nobody else holds and puts a
-- lease on them; a worker that dies lets its leases run out, and the rows are due again. So a message is sent at least
-- once, and twice only when a worker dies, or loses the database, between sending and recording.
--
-- metadata: due (seconds since 1970, what the index is over), not_before, digest, variables; of a claim: lease,
-- lease_until, lease_by, claims; of an attempt that failed: next_attempt_at.

CREATE INDEX IF NOT EXISTS hub_notifications_due ON ts.user_notifications (
    (CASE WHEN priority IN ('urgent', 'high') THEN 0 ELSE 1 END), (coalesce(metadata -> 'due', '0'::jsonb)))
    WHERE status = 'pending' AND (metadata -> 'digest') IS DISTINCT FROM 'true'::jsonb;
CREATE INDEX IF NOT EXISTS hub_notifications_digest_due ON ts.user_notifications ((coalesce(metadata -> 'due', '0'::jsonb)))
    WHERE status = 'pending' AND (metadata -> 'digest') = 'true'::jsonb;

CREATE OR REPLACE FUNCTION hub_sync.notification_late_after() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '24 hours'$$;
-- Longer than anything is held: older rows are looked for no more.
CREATE OR REPLACE FUNCTION hub_sync.notification_held_max() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '15 days'$$;
CREATE OR REPLACE FUNCTION hub_sync.notification_retries_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 6';
CREATE OR REPLACE FUNCTION hub_sync.notification_claims_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 20';
CREATE OR REPLACE FUNCTION hub_sync.digest_rows_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 200';

CREATE OR REPLACE FUNCTION hub_sync.document(metadata jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(metadata) = 'object' THEN metadata ELSE '{}' END
$$;

-- The moment that stands under a key; null if none does.
CREATE OR REPLACE FUNCTION hub_sync.moment(metadata jsonb, key text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (metadata ->> key)::timestamptz;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION hub_sync.claims_of(metadata jsonb) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN metadata ->> 'claims' ~ '^[0-9]{1,6}$' THEN (metadata ->> 'claims')::integer ELSE 0 END
$$;

-- Why a row shall not be sent any more; null if it may.
CREATE OR REPLACE FUNCTION hub_sync.unsendable_reason(n ts.user_notifications) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    held timestamptz := hub_sync.moment(n.metadata, 'not_before');
    alert_status text;
BEGIN
    IF NOT EXISTS (SELECT FROM public.users u WHERE u.id = n.user_id AND u.is_active IS NOT FALSE) THEN
        RETURN 'the user is not active';
    END IF;
    IF n.home_id IS NOT NULL AND NOT hub_sync.may_be_told(n.home_id, n.user_id) THEN
        RETURN 'the user may no longer view the home';
    END IF;
    IF greatest(n.time, held) < now() - hub_sync.notification_late_after() THEN
        RETURN 'too late: it was due more than a day ago';
    END IF;
    IF hub_sync.claims_of(n.metadata) > hub_sync.notification_claims_max() THEN
        RETURN 'given up: each worker that took it was lost';
    END IF;
    IF n.related_alert_id IS NOT NULL AND held IS NOT NULL AND n.channel <> 'email' THEN
        SELECT a.status INTO alert_status FROM ts.alerts a
        WHERE a.id = n.related_alert_id AND a.time = hub_sync.moment(n.metadata, 'alert_time');
        IF alert_status IN ('resolved', 'dismissed') THEN
            RETURN 'over before it could be told';
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- Everything the notifier needs to send a row.
CREATE OR REPLACE FUNCTION hub_sync.notification_to_send(n ts.user_notifications) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'id', n.id, 'time', hub_sync.instant(n.time), 'lease', n.metadata ->> 'lease', 'user_id', n.user_id, 'channel', n.channel,
        'notification_type', n.notification_type, 'subject', n.subject, 'body', n.body, 'priority', n.priority,
        'retry_count', coalesce(n.retry_count, 0), 'is_digest', coalesce(n.metadata -> 'digest' = 'true', false),
        'variables', hub_sync.document(n.metadata -> 'variables') || jsonb_build_object('is_over', coalesce((
            SELECT a.status IN ('resolved', 'dismissed') FROM ts.alerts a
            WHERE a.id = n.related_alert_id AND a.time = hub_sync.moment(n.metadata, 'alert_time')), false)),
        'addresses', to_jsonb(CASE WHEN n.webhook_url IS NOT NULL THEN ARRAY[n.webhook_url]
                                   WHEN n.push_token IS NOT NULL AND n.channel = 'push' THEN ARRAY[n.push_token]
                                   ELSE hub_sync.addresses_of(u, n.channel) END),
        'template', (
            SELECT jsonb_build_object('id', t.id, 'subject', t.subject_template, 'body', t.body_template, 'html', t.html_body_template)
            FROM public.notification_templates t
            WHERE t.is_active IS NOT FALSE AND t.channel = n.channel
              AND (t.id = n.template_id
                   OR n.template_id IS NULL AND t.notification_type = n.notification_type AND t.language IN (u.language, 'en'))
            ORDER BY t.language = u.language DESC NULLS LAST, t.template_name LIMIT 1),
        'digest_template', (
            SELECT jsonb_build_object('id', t.id, 'subject', t.subject_template, 'body', t.body_template, 'html', t.html_body_template)
            FROM public.notification_templates t
            WHERE t.is_active IS NOT FALSE AND t.channel = n.channel AND t.notification_type = 'digest' AND t.language IN (u.language, 'en')
            ORDER BY t.language = u.language DESC NULLS LAST, t.template_name LIMIT 1))
    FROM public.users u WHERE u.id = n.user_id
$$;

-- The alert keeps what became of its messages.
CREATE OR REPLACE FUNCTION hub_sync.note_on_alert(n ts.user_notifications, is_sent boolean, why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF is_sent THEN
        UPDATE ts.alerts a SET notification_sent = true, notification_sent_at = coalesce(a.notification_sent_at, now()),
            notification_channels_used = ARRAY(SELECT DISTINCT c FROM unnest(a.notification_channels_used || n.channel) c ORDER BY c)
        WHERE a.id = n.related_alert_id AND a.time = hub_sync.moment(n.metadata, 'alert_time');
    ELSE
        UPDATE ts.alerts a SET notification_failed = true, notification_error = left(n.channel || ': ' || why, 500)
        WHERE a.id = n.related_alert_id AND a.time = hub_sync.moment(n.metadata, 'alert_time');
    END IF;
END
$$;

-- Ends a claimed row that will not be sent.
CREATE OR REPLACE FUNCTION hub_sync.give_up_notification(n ts.user_notifications, why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ts.user_notifications t SET status = 'failed', failed_at = now(), error_message = left(why, 500),
        metadata = hub_sync.document(t.metadata) - '{due,lease,lease_until,lease_by}'::text[]
    WHERE t.id = n.id AND t.time = n.time;
    PERFORM hub_sync.note_on_alert(n, false, why);
END
$$;

-- Up to `batch` messages that are due, urgent ones first, marked as held. Of messages that are to be joined all of a person
-- and channel come together, and count as one.
CREATE OR REPLACE FUNCTION hub_sync.take_due_notifications(batch integer, mark jsonb, oldest timestamptz) RETURNS ts.user_notifications[] LANGUAGE plpgsql AS $$
DECLARE
    now_number jsonb := hub_sync.due_number(clock_timestamp());
    taken ts.user_notifications[] := '{}';
    more ts.user_notifications[];
    pile record;
    singles integer;
    piles integer := 0;
    urgency integer;
BEGIN
    FOREACH urgency IN ARRAY ARRAY[0, 1] LOOP
        EXIT WHEN cardinality(taken) >= batch;
        WITH due AS (
            SELECT n.id, n.time FROM ts.user_notifications n
            WHERE n.status = 'pending' AND (n.metadata -> 'digest') IS DISTINCT FROM 'true'::jsonb AND n.time > oldest
              AND (CASE WHEN n.priority IN ('urgent', 'high') THEN 0 ELSE 1 END) = urgency
              AND coalesce(n.metadata -> 'due', '0'::jsonb) <= now_number
            ORDER BY coalesce(n.metadata -> 'due', '0'::jsonb)
            LIMIT batch - cardinality(taken)
            FOR UPDATE SKIP LOCKED
        ), held AS (
            UPDATE ts.user_notifications t
            SET metadata = hub_sync.document(t.metadata) || mark || jsonb_build_object('claims', hub_sync.claims_of(t.metadata) + 1)
            FROM due WHERE t.id = due.id AND t.time = due.time AND t.time > oldest
            RETURNING t.*
        )
        SELECT array_agg(h::ts.user_notifications) INTO more FROM held h;
        taken := taken || coalesce(more, '{}');
    END LOOP;
    singles := cardinality(taken);
    FOR pile IN
        SELECT DISTINCT d.user_id, d.channel FROM (
            -- Of all that is due at nine in the morning a stretch is enough.
            SELECT n.user_id, n.channel FROM ts.user_notifications n
            WHERE n.status = 'pending' AND (n.metadata -> 'digest') = 'true'::jsonb AND n.time > oldest
              AND coalesce(n.metadata -> 'due', '0'::jsonb) <= now_number
            ORDER BY coalesce(n.metadata -> 'due', '0'::jsonb)
            LIMIT 20 * batch) d
    LOOP
        EXIT WHEN singles + piles >= batch;
        -- One worker for a person's pile, or the pile would be torn into several messages.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended('nexa.digest/' || pile.user_id || '/' || pile.channel, 0));
        WITH due AS (
            SELECT n.id, n.time FROM ts.user_notifications n
            WHERE n.status = 'pending' AND (n.metadata -> 'digest') = 'true'::jsonb AND n.time > oldest
              AND n.user_id = pile.user_id AND n.channel = pile.channel AND coalesce(n.metadata -> 'due', '0'::jsonb) <= now_number
            ORDER BY n.time LIMIT hub_sync.digest_rows_max()
            FOR UPDATE SKIP LOCKED
        ), held AS (
            UPDATE ts.user_notifications t
            SET metadata = hub_sync.document(t.metadata) || mark || jsonb_build_object('claims', hub_sync.claims_of(t.metadata) + 1)
            FROM due WHERE t.id = due.id AND t.time = due.time AND t.time > oldest
            RETURNING t.*
        )
        SELECT array_agg(h::ts.user_notifications ORDER BY h.time) INTO more FROM held h;
        taken := taken || coalesce(more, '{}');
        piles := piles + (more IS NOT NULL)::integer;
    END LOOP;
    RETURN taken;
END
$$;

-- What nobody took in all that time. Not further back than one more time, where rows may be compressed.
CREATE OR REPLACE FUNCTION hub_sync.give_up_forgotten_notifications(oldest timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    forgotten ts.user_notifications;
BEGIN
    FOR forgotten IN
        SELECT * FROM ts.user_notifications n
        WHERE n.status = 'pending' AND n.time <= oldest AND n.time > oldest - interval '14 days'
        LIMIT 100 FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM hub_sync.give_up_notification(forgotten, 'too late: nobody sent it for days');
    END LOOP;
END
$$;

-- Takes up to `batch` messages and holds them for `lease`. None are due when none are answered.
CREATE OR REPLACE FUNCTION public.claim_notifications(worker text, batch integer DEFAULT 20, lease interval DEFAULT '2 minutes')
RETURNS SETOF jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    oldest timestamptz := now() - hub_sync.notification_held_max();
    ticket text := gen_random_uuid()::text;
    mark jsonb;
    taken ts.user_notifications[];
    one ts.user_notifications;
    reason text;
    answered integer := 0;
BEGIN
    batch := least(greatest(batch, 1), 200);
    lease := least(greatest(lease, interval '1 second'), interval '1 hour');
    mark := jsonb_build_object('lease', ticket, 'lease_by', left(worker, 100), 'lease_until', hub_sync.instant(clock_timestamp() + lease),
                               'due', hub_sync.due_number(clock_timestamp() + lease));
    LOOP
        taken := hub_sync.take_due_notifications(batch, mark, oldest);
        FOREACH one IN ARRAY taken LOOP
            BEGIN
                reason := hub_sync.unsendable_reason(one);
                IF reason IS NOT NULL THEN
                    PERFORM hub_sync.give_up_notification(one, reason);
                ELSIF one.channel = 'in_app' THEN
                    PERFORM public.record_notification(one.id, one.time, ticket, 'delivered');
                ELSIF hub_sync.moment(one.metadata, 'not_before') > clock_timestamp() THEN
                    -- Written by somebody who did not know `due`.
                    UPDATE ts.user_notifications t
                    SET metadata = (t.metadata || jsonb_build_object('due', hub_sync.due_number(hub_sync.moment(t.metadata, 'not_before')))) - 'lease'
                    WHERE t.id = one.id AND t.time = one.time;
                ELSE
                    RETURN NEXT hub_sync.notification_to_send(one);
                    answered := answered + 1;
                END IF;
            EXCEPTION WHEN data_exception THEN
                -- One row that cannot be read does not hold up the others.
                PERFORM hub_sync.give_up_notification(one, SQLERRM);
            END;
        END LOOP;
        EXIT WHEN answered > 0 OR cardinality(taken) = 0;
    END LOOP;
    IF answered = 0 THEN
        PERFORM hub_sync.give_up_forgotten_notifications(oldest);
    END IF;
END
$$;

-- What became of a claimed row: 'sent', 'delivered', 'failed' (for good), 'retry' (in `retry_in_s`) or 'released' (not
-- tried). Answers the row's new status, or null when the lease is lost and somebody else answers for the row.
CREATE OR REPLACE FUNCTION public.record_notification(
    notification uuid, made_at timestamptz, lease text, outcome text, error text DEFAULT NULL, retry_in_s double precision DEFAULT NULL,
    details jsonb DEFAULT '{}'
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    n ts.user_notifications;
    person users;
    next_at timestamptz;
BEGIN
    SELECT * INTO n FROM ts.user_notifications t
    WHERE t.id = notification AND t.time = made_at AND t.status = 'pending' AND t.metadata ->> 'lease' = record_notification.lease FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF outcome NOT IN ('sent', 'delivered', 'failed', 'retry', 'released') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('no outcome of a notification: %s', outcome);
    END IF;
    n.template_id := coalesce((details ->> 'template_id')::uuid, n.template_id);
    n.webhook_response := coalesce(left(details ->> 'response', 500), n.webhook_response);
    n.metadata := n.metadata - '{due,lease,lease_until,lease_by}'::text[];
    IF details ->> 'template_error' IS NOT NULL THEN
        n.metadata := n.metadata || jsonb_build_object('template_error', left(details ->> 'template_error', 300));
    END IF;
    n.error_message := left(error, 500);
    IF outcome = 'retry' AND coalesce(n.retry_count, 0) >= hub_sync.notification_retries_max() THEN
        outcome := 'failed';
    END IF;
    CASE outcome
        WHEN 'released' THEN
            n.error_message := NULL;
            n.metadata := n.metadata || jsonb_build_object('due', hub_sync.due_number(clock_timestamp()));
        WHEN 'retry' THEN
            SELECT * INTO person FROM users u WHERE u.id = n.user_id;
            next_at := hub_sync.held_until(
                hub_sync.notification_preferences(n.user_id, n.home_id),
                hub_sync.zone_of(person.timezone, (SELECT h.timezone FROM homes h WHERE h.id = n.home_id)), n.notification_type,
                CASE WHEN hub_sync.severity_rank(n.metadata ->> 'severity') > 0 THEN n.metadata ->> 'severity' ELSE 'info' END::alert_severity,
                clock_timestamp() + make_interval(secs => least(greatest(coalesce(retry_in_s, 60), 0), 86400)));
            n.retry_count := coalesce(n.retry_count, 0) + 1;
            n.metadata := n.metadata || jsonb_build_object('due', hub_sync.due_number(next_at), 'next_attempt_at', hub_sync.instant(next_at));
        WHEN 'failed' THEN
            n.status := 'failed';
            n.failed_at := clock_timestamp();
        ELSE
            n.status := outcome;
            n.sent_at := clock_timestamp();
            n.delivered_at := CASE WHEN outcome = 'delivered' THEN n.sent_at END;
    END CASE;
    UPDATE ts.user_notifications t SET status = n.status, sent_at = n.sent_at, delivered_at = n.delivered_at, failed_at = n.failed_at,
        error_message = n.error_message, retry_count = n.retry_count, template_id = n.template_id, webhook_response = n.webhook_response,
        metadata = n.metadata
    WHERE t.id = n.id AND t.time = n.time;
    IF n.status <> 'pending' THEN
        PERFORM hub_sync.note_on_alert(n, n.status <> 'failed', error);
    END IF;
    RETURN n.status;
END
$$;

REVOKE ALL ON FUNCTION public.claim_notifications(text, integer, interval),
    public.record_notification(uuid, timestamptz, text, text, text, double precision, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.claim_notifications(text, integer, interval),
    public.record_notification(uuid, timestamptz, text, text, text, double precision, jsonb) TO service_role;
