-- What hubs and the central schema need to keep each other true: identities, high-water marks, versions, commands.
-- The functions over these tables are replaceable and live in replaceable/10_*.sql.

INSERT INTO ecosystems (id, name, slug, provider)
VALUES ('d5cb9342-0318-53d9-83ff-81d31a23033c', 'NEXA hub', 'nexa_hub', 'nexa')
ON CONFLICT DO NOTHING;

-- A hub that took over from this one in the same home leaves it retired.
CREATE TABLE IF NOT EXISTS hub_hubs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    mirror_id text NOT NULL,
    epoch integer NOT NULL DEFAULT 1,
    agent_version text,
    public jsonb NOT NULL DEFAULT '{}',
    clock jsonb,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz,
    last_ingest_at timestamptz,
    retired_at timestamptz
);
-- When two machines were last heard to speak as this hub.
ALTER TABLE hub_hubs ADD COLUMN IF NOT EXISTS doubled_at timestamptz;
ALTER TABLE hub_hubs ADD COLUMN IF NOT EXISTS positions jsonb NOT NULL DEFAULT '{}';
CREATE UNIQUE INDEX IF NOT EXISTS hub_hubs_one_per_home ON hub_hubs (home_id) WHERE retired_at IS NULL;
CREATE INDEX IF NOT EXISTS hub_hubs_home ON hub_hubs (home_id, mirror_id);
-- Every call of a hub looks it up by what its claims say, which need not be a uuid.
CREATE INDEX IF NOT EXISTS hub_hubs_id_as_text ON hub_hubs ((id::text));

CREATE TABLE IF NOT EXISTS hub_claims (
    code_sha256 bytea PRIMARY KEY,
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    used_by_hub uuid REFERENCES hub_hubs (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS hub_claims_home ON hub_claims (home_id);
CREATE INDEX IF NOT EXISTS hub_claims_used_by_hub ON hub_claims (used_by_hub) WHERE used_by_hub IS NOT NULL;

-- The streams of records a hub may send. A new stream is one row in replaceable/10_0_declarations.sql.
CREATE TABLE IF NOT EXISTS hub_streams (
    stream text PRIMARY KEY,
    target_table text NOT NULL,
    columns text[] NOT NULL,
    time_column text NOT NULL,
    key_columns text[] NOT NULL,
    parents jsonb NOT NULL DEFAULT '{}',
    is_case boolean NOT NULL DEFAULT false
);
ALTER TABLE hub_streams ADD COLUMN IF NOT EXISTS resident_columns text[] NOT NULL DEFAULT '{}';
ALTER TABLE hub_streams ADD COLUMN IF NOT EXISTS row_check text;
ALTER TABLE hub_streams ADD COLUMN IF NOT EXISTS hash_columns text[] NOT NULL DEFAULT '{}';

CREATE TABLE IF NOT EXISTS hub_marks (
    hub_id uuid NOT NULL REFERENCES hub_hubs (id) ON DELETE CASCADE,
    mirror_id text NOT NULL,
    epoch integer NOT NULL,
    stream text NOT NULL,
    mark bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hub_id, mirror_id, epoch, stream)
);

-- Which life of a mirror was heard last in an epoch. Who does not come from it speaks from a copy of the mirror.
CREATE TABLE IF NOT EXISTS hub_lines (
    hub_id uuid NOT NULL REFERENCES hub_hubs (id) ON DELETE CASCADE,
    mirror_id text NOT NULL,
    epoch integer NOT NULL,
    incarnation text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hub_id, mirror_id, epoch)
);

CREATE TABLE IF NOT EXISTS hub_gaps (
    hub_id uuid NOT NULL REFERENCES hub_hubs (id) ON DELETE CASCADE,
    mirror_id text NOT NULL,
    epoch integer NOT NULL,
    stream text NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    home_id uuid NOT NULL,
    count bigint NOT NULL,
    reason text NOT NULL,
    from_at timestamptz,
    to_at timestamptz,
    received_at timestamptz NOT NULL DEFAULT now(),
    CHECK (first_seq BETWEEN 1 AND last_seq),
    PRIMARY KEY (hub_id, mirror_id, epoch, stream, first_seq, last_seq)
);

CREATE TABLE IF NOT EXISTS hub_dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hub_id uuid NOT NULL REFERENCES hub_hubs (id) ON DELETE CASCADE,
    home_id uuid NOT NULL,
    mirror_id text NOT NULL,
    epoch integer NOT NULL,
    stream text NOT NULL,
    seq bigint,
    reason text NOT NULL,
    body jsonb,
    received_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE hub_dead_letters ADD COLUMN IF NOT EXISTS times integer NOT NULL DEFAULT 1;
CREATE INDEX IF NOT EXISTS hub_dead_letters_hub ON hub_dead_letters (hub_id, id);
-- Is this number set aside already?
CREATE INDEX IF NOT EXISTS hub_dead_letters_number ON hub_dead_letters (stream, hub_id, seq);

-- Records whose times nobody could confirm: made before the hub's clock was known to be right, in a boot that never learned it.
CREATE TABLE IF NOT EXISTS hub_undated (
    hub_id uuid NOT NULL REFERENCES hub_hubs (id) ON DELETE CASCADE,
    mirror_id text NOT NULL,
    epoch integer NOT NULL,
    stream text NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    home_id uuid NOT NULL,
    from_at timestamptz,
    to_at timestamptz,
    received_at timestamptz NOT NULL DEFAULT now(),
    CHECK (first_seq BETWEEN 1 AND last_seq),
    PRIMARY KEY (hub_id, mirror_id, epoch, stream, first_seq)
);

CREATE TABLE IF NOT EXISTS hub_commands (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    hub_id uuid REFERENCES hub_hubs (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN (
        'scene.activate', 'device.set', 'automation.run', 'automation.pause', 'case.acknowledge', 'case.approve',
        'case.refuse', 'case.resolve', 'diagnose', 'backup', 'upgrade', 'resync')),
    payload jsonb NOT NULL DEFAULT '{}',
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'done', 'failed', 'expired')),
    delivered_at timestamptz,
    finished_at timestamptz,
    result jsonb
);
CREATE INDEX IF NOT EXISTS hub_commands_expiry ON hub_commands (home_id, expires_at);
CREATE INDEX IF NOT EXISTS hub_commands_hub ON hub_commands (hub_id) WHERE hub_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS hub_commands_waiting ON hub_commands (home_id, created_at) WHERE status IN ('pending', 'delivered');

CREATE TABLE IF NOT EXISTS hub_device_aliases (
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    kind text NOT NULL,
    value text NOT NULL,
    device_id uuid NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (home_id, kind, value)
);
CREATE INDEX IF NOT EXISTS hub_device_aliases_device ON hub_device_aliases (device_id);

CREATE TABLE IF NOT EXISTS hub_case_revisions (
    table_name text NOT NULL,
    id uuid NOT NULL,
    time timestamptz NOT NULL,
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    hub_id uuid NOT NULL,
    revision integer NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_name, id, time)
);
CREATE INDEX IF NOT EXISTS hub_case_revisions_home ON hub_case_revisions (home_id);

-- Which homes' hubs have told of a brand or model that the catalogue did not have, until enough of them did.
CREATE TABLE IF NOT EXISTS hub_catalogue_reports (
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    table_name text NOT NULL CHECK (table_name IN ('brands', 'device_models')),
    row_id uuid NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (home_id, table_name, row_id)
);
CREATE INDEX IF NOT EXISTS hub_catalogue_reports_row ON hub_catalogue_reports (row_id);

-- The kinds of definitions and who owns which column; rows in replaceable/10_0_declarations.sql.
CREATE TABLE IF NOT EXISTS hub_definition_kinds (
    entity_type text PRIMARY KEY,
    rank smallint NOT NULL UNIQUE,
    target_table text NOT NULL,
    people_columns text[] NOT NULL,
    manual_columns text[] NOT NULL DEFAULT '{}',
    hub_columns text[] NOT NULL DEFAULT '{}',
    observed_columns text[] NOT NULL DEFAULT '{}',
    cloud_columns text[] NOT NULL DEFAULT '{}',
    comes_from_hub boolean NOT NULL DEFAULT true,
    is_soft_deleted boolean NOT NULL DEFAULT false,
    has_sync_status boolean NOT NULL DEFAULT false
);
ALTER TABLE hub_definition_kinds ADD COLUMN IF NOT EXISTS joined_columns text[] NOT NULL DEFAULT '{}';
ALTER TABLE hub_definition_kinds ADD COLUMN IF NOT EXISTS living_column text;

-- The change log: one row per definition, moved to the end of the line (by transaction id) at each change.
-- A deleted definition leaves its row behind as a tombstone. What is of no home (the catalogue) is for every hub.
CREATE TABLE IF NOT EXISTS hub_definition_versions (
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    home_id uuid REFERENCES homes (id) ON DELETE CASCADE,
    version integer NOT NULL,
    xid xid8 NOT NULL,
    rank smallint NOT NULL,
    origin text,
    is_deleted boolean NOT NULL DEFAULT false,
    extra jsonb NOT NULL DEFAULT '{}',
    modified_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entity_type, entity_id)
);
CREATE INDEX IF NOT EXISTS hub_definition_versions_line ON hub_definition_versions (home_id, xid, rank, entity_id);

-- The bases of three-way merges: the last versions of what people own (hub_sync.history_versions_max of each).
CREATE TABLE IF NOT EXISTS hub_definition_history (
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    version integer NOT NULL,
    fields jsonb NOT NULL,
    origin text,
    modified_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entity_type, entity_id, version),
    FOREIGN KEY (entity_type, entity_id) REFERENCES hub_definition_versions (entity_type, entity_id) ON DELETE CASCADE
);

-- What the cloud asks of every hub; one row, changed by the operator.
CREATE TABLE IF NOT EXISTS hub_limits (
    is_the_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_row),
    rows_max integer NOT NULL DEFAULT 10000,
    bytes_max integer NOT NULL DEFAULT 4194304,
    pause_s integer NOT NULL DEFAULT 0
);
ALTER TABLE hub_limits ADD COLUMN IF NOT EXISTS agent_version_min text;
ALTER TABLE hub_limits ALTER COLUMN rows_max SET DEFAULT 10000;
INSERT INTO hub_limits DEFAULT VALUES ON CONFLICT DO NOTHING;
