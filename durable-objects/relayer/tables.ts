/** Kept beside the counters, so that a later release knows what it finds. */
export const STORAGE_VERSION = 1;

/**
 * Made by the first payment that is taken. A payment is written when it is taken and deleted when its end is known: which
 * transaction it is in stands in that transaction's row.
 */
export const TABLES = `
CREATE TABLE pending (
  key TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  payer TEXT NOT NULL,
  pay_to TEXT NOT NULL,
  value TEXT NOT NULL,
  valid_after TEXT NOT NULL,
  valid_before TEXT NOT NULL,
  nonce TEXT NOT NULL,
  signature TEXT NOT NULL,
  since_block INTEGER NOT NULL,
  at INTEGER NOT NULL,
  urgent INTEGER NOT NULL,
  strikes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE flights (
  nonce INTEGER PRIMARY KEY,
  keys TEXT NOT NULL,
  attempts TEXT NOT NULL,
  raw TEXT NOT NULL
) STRICT;
CREATE TABLE reports (
  hash TEXT PRIMARY KEY,
  block INTEGER NOT NULL,
  at INTEGER NOT NULL,
  payments INTEGER NOT NULL,
  gas_used INTEGER NOT NULL,
  fee TEXT NOT NULL,
  settled TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE counters (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL,
  address TEXT NOT NULL,
  next_nonce INTEGER NOT NULL,
  transactions INTEGER NOT NULL,
  payments INTEGER NOT NULL,
  replaced INTEGER NOT NULL,
  gas_used TEXT NOT NULL,
  fees TEXT NOT NULL,
  gas_per_payment INTEGER NOT NULL,
  warned_at INTEGER NOT NULL
) STRICT;
`;
