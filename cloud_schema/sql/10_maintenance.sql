-- When `nexa-cloud maintain` did what, and how it went. One row a task; the last run of each is kept.

CREATE TABLE IF NOT EXISTS hub_maintenance (
    task text PRIMARY KEY,
    last_started timestamptz NOT NULL,
    last_finished timestamptz,
    last_result jsonb NOT NULL DEFAULT '{}'
);
