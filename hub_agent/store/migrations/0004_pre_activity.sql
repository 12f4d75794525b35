-- What happened and who did it, for people. Bounded by count and age; nothing is looked up by anything but its number.
CREATE TABLE activity (
    entry INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    devices TEXT NOT NULL,
    body BLOB NOT NULL
);
