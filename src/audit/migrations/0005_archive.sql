-- Objects of log in R2, written before D1 forgets the chunks (STORAGE.md, "What is in R2?"). An object is never written again.
CREATE TABLE archive_objects (
  -- UTC day on which the gateway stored the chunks, YYYY-MM-DD.
  day TEXT NOT NULL,
  -- Objects of a day in the order of their accounts, from 1.
  part INTEGER NOT NULL CHECK (part > 0),
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  -- Times of its earliest and latest entry.
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL,
  at INTEGER NOT NULL,
  -- When the gateway's account recorded it in its own log.
  logged_at INTEGER,
  PRIMARY KEY (day, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX archive_objects_unlogged ON archive_objects (day, part) WHERE logged_at IS NULL;

-- Consecutive entries of one account in an object, at most 1 MiB of text: one read.
CREATE TABLE archived_ranges (
  account TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
  last_hash TEXT NOT NULL,
  day TEXT NOT NULL,
  part INTEGER NOT NULL,
  -- Compressed bytes in the object.
  offset INTEGER NOT NULL,
  length INTEGER NOT NULL,
  -- The first four bytes of each call id in the range.
  calls BLOB NOT NULL,
  PRIMARY KEY (account, first_seq)
) STRICT, WITHOUT ROWID;

-- Ended calls in R2 that D1 has forgotten: the rows of `calls`, by the UTC day of their acceptance.
CREATE TABLE archived_calls (
  day TEXT NOT NULL,
  part INTEGER NOT NULL CHECK (part > 0),
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  -- Times of acceptance of its first and last call.
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL,
  -- The first four bytes of the address of each account in the object.
  accounts BLOB NOT NULL,
  at INTEGER NOT NULL,
  -- The latest end of a call or a payment in the object.
  ended_to INTEGER NOT NULL,
  PRIMARY KEY (day, part)
) STRICT, WITHOUT ROWID;

-- What the calls in `archived_calls` add to the books: payments by the UTC day of their end. Grows in the transaction that deletes their rows.
CREATE TABLE archived_books (
  day TEXT NOT NULL,
  asset TEXT NOT NULL,
  line TEXT NOT NULL CHECK (line IN ('settled', 'write_off', 'debt', 'released')),
  tool TEXT NOT NULL,
  payee TEXT NOT NULL,
  count INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  -- Of settled payments: transactions that were not our own keys'.
  others INTEGER NOT NULL,
  PRIMARY KEY (day, asset, line, tool, payee)
) STRICT, WITHOUT ROWID;

-- How far the archive got: one row. A run continues where the last one stopped.
CREATE TABLE archive_progress (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- The day that is being copied, and the account that comes next.
  day TEXT NOT NULL,
  account TEXT NOT NULL,
  -- The day whose chunks are being deleted, and the account that comes next.
  drop_day TEXT NOT NULL,
  drop_account TEXT NOT NULL,
  -- Since when R2 has failed, and whether the alert was raised.
  failing_at INTEGER,
  told_at INTEGER
) STRICT, WITHOUT ROWID;
