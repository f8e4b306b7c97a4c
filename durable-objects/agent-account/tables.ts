/**
 * The tables of an account, made by its first accepted write (law 12). STRICT refuses wrong types, WITHOUT ROWID makes a row cost
 * one written row instead of two (platform facts 1.8). Small columns first: a scan for due calls then reads no stored answers.
 */
export const STORAGE_VERSION = 2;

export const TABLES = `
CREATE TABLE IF NOT EXISTS account (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL,
  account TEXT NOT NULL,
  head_seq INTEGER NOT NULL,
  head_hash TEXT NOT NULL,
  exported INTEGER NOT NULL,
  has_code INTEGER NOT NULL,
  facts_at INTEGER NOT NULL,
  facts_block INTEGER NOT NULL,
  arrival REAL NOT NULL,
  purses TEXT NOT NULL,
  denials TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  payment TEXT NOT NULL,
  paid_by TEXT NOT NULL,
  looked INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  prune_at INTEGER,
  attempt TEXT NOT NULL,
  request TEXT NOT NULL,
  tool TEXT NOT NULL,
  on_silence TEXT NOT NULL,
  timeout_seconds INTEGER NOT NULL,
  asset TEXT NOT NULL,
  price INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  dispatched_at INTEGER NOT NULL,
  hold_until INTEGER NOT NULL,
  valid_before INTEGER NOT NULL,
  since_block INTEGER NOT NULL,
  identifier TEXT,
  transaction_hash TEXT,
  accepted_entry TEXT NOT NULL,
  finished_entry TEXT,
  policy TEXT NOT NULL,
  windows TEXT NOT NULL,
  held TEXT,
  entries TEXT NOT NULL,
  answer TEXT,
  top_up TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
  seq INTEGER PRIMARY KEY,
  entry TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

/**
 * Made by the first top-up that concerns another account: most accounts never have one. The index holds what is under way only, so
 * that waking up does not read every account that ever paid for this one.
 */
export const TRANSFERS_TABLE = `
CREATE TABLE IF NOT EXISTS transfers (
  peer TEXT NOT NULL,
  asset TEXT NOT NULL,
  sent INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL,
  received INTEGER NOT NULL,
  PRIMARY KEY (peer, asset)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS transfers_pending ON transfers (peer) WHERE sent > acknowledged;
`;

/** From layout 1, which knew no top-ups. */
export const UPGRADE_FROM_1 = `ALTER TABLE calls ADD COLUMN top_up TEXT`;
