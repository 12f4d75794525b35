-- The home from which the ids of devices and rooms were made; another one than the identity's until they are made again.
CREATE TABLE keyed_home (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    home_id TEXT NOT NULL
);
