-- Tools that were put or removed at run time: each row wins over the tool of its id in tools.json. A projection of the chain of the
-- gateway's own account: can be rebuilt from it. A put costs two rows written, the index included.
CREATE TABLE tools (
  id TEXT PRIMARY KEY,
  -- The tool as it was put, JSON; NULL: it was removed.
  document TEXT CHECK (document IS NULL OR json_valid(document)),
  -- SHA-256 of its canonical JSON.
  hash TEXT CHECK ((hash IS NULL) = (document IS NULL)),
  -- Whose entry said so, and where in that account's chain: a message that comes late undoes nothing.
  account TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  at INTEGER NOT NULL,
  -- Counts changes in the order in which this database took them. Entries may come in any other.
  version INTEGER NOT NULL CHECK (version > 0)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX tools_version ON tools (version);
