-- An index over the reports of runs: every row can be made again from them.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    seconds REAL NOT NULL,
    verdict TEXT NOT NULL,
    suite TEXT NOT NULL,
    suite_digest TEXT NOT NULL,
    scope TEXT NOT NULL,
    digest TEXT NOT NULL,
    version TEXT NOT NULL,
    recipe TEXT NOT NULL,
    messages INTEGER NOT NULL,
    events INTEGER NOT NULL,
    bytes_read INTEGER NOT NULL,
    cpu_seconds REAL,
    peak_memory_bytes INTEGER,
    cached_share REAL,
    parent TEXT
) WITHOUT ROWID;
CREATE INDEX runs_by_time ON runs (started_ms);

CREATE TABLE inputs (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    position INTEGER NOT NULL,
    side TEXT NOT NULL,
    paths TEXT NOT NULL, -- a JSON list
    format TEXT NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    events INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE findings (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    position INTEGER NOT NULL,
    observable TEXT NOT NULL,
    test TEXT NOT NULL,
    parameter TEXT,
    stratum TEXT NOT NULL,
    stream TEXT NOT NULL,
    unit TEXT NOT NULL,
    effect REAL,
    low REAL,
    high REAL,
    margin REAL,
    verdict TEXT NOT NULL,
    deciding INTEGER NOT NULL,
    severity TEXT NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE INDEX findings_by_observable ON findings (observable, test);

CREATE TABLE integrity (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    position INTEGER NOT NULL,
    check_id TEXT NOT NULL,
    side TEXT NOT NULL,
    stream TEXT NOT NULL,
    count INTEGER NOT NULL,
    total INTEGER NOT NULL,
    ratio REAL,
    verdict TEXT NOT NULL,
    severity TEXT NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE settings (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
