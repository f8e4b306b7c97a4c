-- Versions of secrets, encrypted. A version counts while it has the `seq` of its entry and has not ended; the end erases its value.
CREATE TABLE secrets (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  kind TEXT NOT NULL CHECK (kind IN ('token', 'basic', 'header', 'json')),
  host TEXT NOT NULL,
  -- Id of the key-encryption key.
  kek TEXT NOT NULL,
  wrapped BLOB NOT NULL,
  body BLOB NOT NULL,
  hint TEXT NOT NULL,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seq INTEGER,
  retired_at INTEGER,
  PRIMARY KEY (owner, name, version),
  CHECK (retired_at IS NULL OR length(wrapped) = 0 AND length(body) = 0)
) STRICT, WITHOUT ROWID;

-- When a tool last used a secret, written at most once an hour.
CREATE TABLE secret_uses (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  tool TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (owner, name, tool)
) STRICT, WITHOUT ROWID;
