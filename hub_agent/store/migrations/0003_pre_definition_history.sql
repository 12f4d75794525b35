-- Former versions of definitions. `at`: when it became another one, by `origin` (hub or cloud). Without a body it was not there before.
CREATE TABLE definition_history (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    origin TEXT NOT NULL,
    columns TEXT NOT NULL,
    body BLOB
);
CREATE INDEX definition_history_of ON definition_history (kind, id, entry);
CREATE INDEX definition_history_at ON definition_history (at);

-- The history as it was when the agent last ran well for a while: what came after it may be to blame when the agent fails.
CREATE TABLE ran_well (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    entry INTEGER NOT NULL
);
