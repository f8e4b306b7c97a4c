-- The audit database (design §7). WITHOUT ROWID and no secondary index: every row and every index entry is billed as a row written.

-- Chunks of each account's hash chain: gzip NDJSON of consecutive entries.
CREATE TABLE chunks (
  account TEXT NOT NULL,
  first_seq INTEGER NOT NULL CHECK (first_seq > 0),
  last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
  last_hash TEXT NOT NULL,
  body BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account, first_seq)
) STRICT, WITHOUT ROWID;

-- Up to where an account's chunks have been archived elsewhere and may be deleted. Keeps the chain's place when all are gone.
CREATE TABLE archived (
  account TEXT PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  last_hash TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A chunk continues its account's chain: no gap, no overlap. Also stops INSERT OR REPLACE, which would delete without a trigger.
CREATE TRIGGER chunks_continue BEFORE INSERT ON chunks
WHEN NEW.first_seq <> 1 + coalesce(
  (SELECT last_seq FROM chunks WHERE account = NEW.account ORDER BY first_seq DESC LIMIT 1),
  (SELECT last_seq FROM archived WHERE account = NEW.account),
  0
)
BEGIN SELECT RAISE(ABORT, 'chunk does not continue the chain'); END;

CREATE TRIGGER chunks_never_change BEFORE UPDATE ON chunks
BEGIN SELECT RAISE(ABORT, 'chunks are append-only'); END;

CREATE TRIGGER chunks_stay_until_archived BEFORE DELETE ON chunks
WHEN OLD.last_seq > coalesce((SELECT last_seq FROM archived WHERE account = OLD.account), 0)
BEGIN SELECT RAISE(ABORT, 'chunk is not archived'); END;

-- The watermark stands at the end of a stored chunk, and only ever rises.
CREATE TRIGGER archived_is_stored BEFORE INSERT ON archived
WHEN NOT EXISTS (
  SELECT 1 FROM chunks
  WHERE account = NEW.account AND last_seq = NEW.last_seq AND last_hash = NEW.last_hash
) OR NEW.last_seq <= coalesce((SELECT last_seq FROM archived WHERE account = NEW.account), 0)
BEGIN SELECT RAISE(ABORT, 'watermark is not the end of a stored chunk'); END;

CREATE TRIGGER archived_rises BEFORE UPDATE ON archived
WHEN NEW.account <> OLD.account OR NEW.last_seq <= OLD.last_seq OR NOT EXISTS (
  SELECT 1 FROM chunks
  WHERE account = NEW.account AND last_seq = NEW.last_seq AND last_hash = NEW.last_hash
)
BEGIN SELECT RAISE(ABORT, 'watermark is not the end of a later chunk'); END;

CREATE TRIGGER archived_stays BEFORE DELETE ON archived
BEGIN SELECT RAISE(ABORT, 'watermarks are never removed'); END;

-- What became of each accepted call. A projection of the chunks: can be rebuilt from them.
CREATE TABLE calls (
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  tool TEXT,
  request TEXT,
  binding TEXT,
  asset TEXT,
  price INTEGER,
  paid_by TEXT,
  charged INTEGER,
  state TEXT NOT NULL CHECK (state IN ('held', 'committed', 'released', 'abandoned')),
  success INTEGER,
  status INTEGER,
  digest TEXT,
  reason TEXT,
  policy TEXT,
  accepted_at INTEGER,
  ended_at INTEGER,
  seq INTEGER NOT NULL,
  PRIMARY KEY (account, call)
) STRICT, WITHOUT ROWID;

-- How each payment ended. One that has not ended has no row: its call has.
CREATE TABLE payments (
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('settled', 'failed', 'released')),
  amount INTEGER NOT NULL,
  credited INTEGER NOT NULL,
  transaction_hash TEXT,
  block INTEGER,
  fault TEXT,
  reason TEXT,
  at INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (account, call)
) STRICT, WITHOUT ROWID;

-- Messages that no consumer could deal with, as JSON, for somebody to look at and drive again.
CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY,
  queue TEXT NOT NULL,
  account TEXT,
  call TEXT,
  body TEXT NOT NULL,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Thresholds of the database's own size that operators were alerted of, until it is well below them again.
CREATE TABLE database_alerts (
  percent INTEGER PRIMARY KEY
) STRICT, WITHOUT ROWID;
