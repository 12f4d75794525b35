-- Which schema this database has, and who brought it there. Made before anything else, so that an interrupted
-- installation is known as one. A version whose applied_at is NULL has been begun and not ended.

CREATE TABLE IF NOT EXISTS hub_schema_versions (
    version integer PRIMARY KEY CHECK (version > 0),
    name text NOT NULL,
    notes text,
    begun_at timestamptz NOT NULL DEFAULT now(),
    applied_at timestamptz,
    applied_by_program text NOT NULL,
    pre_sha256 text,            -- of the migration's step before the tables, once that has run (or was not needed)
    post_sha256 text,           -- of its step after the functions
    agent_version_min text,     -- the oldest hub agent that still fits
    gateway_version_min text,   -- the oldest gateway that still fits
    renewed_at timestamptz,     -- the last time the functions were renewed at this version
    renewed_by_program text
);
ALTER TABLE hub_schema_versions ENABLE ROW LEVEL SECURITY;
