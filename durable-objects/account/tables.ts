/**
 * The tables of an account, made by its first accepted write (law 12). STRICT refuses wrong types, WITHOUT ROWID makes a row cost
 * one written row instead of two (platform facts 1.8). Small columns first: a scan for due calls then reads no stored answers.
 */
export const STORAGE_VERSION = 3;

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
  denial_arrival REAL NOT NULL,
  failure_arrival REAL NOT NULL,
  purses TEXT NOT NULL,
  denials TEXT NOT NULL,
  tree TEXT
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
  top_up TEXT,
  authority TEXT
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

/**
 * Made by the first grant or lease. A grant may be held or issued, never both: nobody grants to himself. Rows of `leases` are what was
 * given to those below; `unused` and `loose` are what could come back of it, as far as is known here.
 */
export const TREE_TABLES = `
CREATE TABLE IF NOT EXISTS grants (
  hash TEXT PRIMARY KEY,
  side TEXT NOT NULL,
  id TEXT NOT NULL,
  status TEXT NOT NULL,
  valid_until INTEGER NOT NULL,
  registered_at INTEGER NOT NULL,
  is_root INTEGER NOT NULL,
  content TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS grants_id ON grants (id);
CREATE TABLE IF NOT EXISTS revoked (
  id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
  child TEXT NOT NULL,
  issued TEXT NOT NULL,
  asset TEXT NOT NULL,
  until INTEGER NOT NULL,
  unused INTEGER NOT NULL,
  loose INTEGER NOT NULL,
  good_until INTEGER NOT NULL,
  shares TEXT NOT NULL,
  PRIMARY KEY (child, issued)
) STRICT, WITHOUT ROWID;
`;

/** Made by the first payment-identifier: its digest, and the call that it was first used for. A row leaves with its call's. */
export const IDENTIFIERS_TABLE = `
CREATE TABLE IF NOT EXISTS identifiers (
  digest TEXT PRIMARY KEY,
  call TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Made by the first order of an operator or an owner: until when its intent could come again, and what it was told. */
export const ORDERS_TABLE = `
CREATE TABLE IF NOT EXISTS orders (
  digest TEXT PRIMARY KEY,
  attempt TEXT NOT NULL,
  until INTEGER NOT NULL,
  answer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Made by the first document that the account keeps for the gateway. One without text was removed. */
export const DOCUMENTS_TABLE = `
CREATE TABLE IF NOT EXISTS documents (
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  text TEXT,
  seq INTEGER NOT NULL,
  PRIMARY KEY (type, name)
) STRICT, WITHOUT ROWID;
`;

/** Made by the first policy or document: hashes of texts that stand in the log, so that later entries name them by hash alone. */
export const TEXTS_TABLE = `
CREATE TABLE IF NOT EXISTS texts (
  hash TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Columns that older layouts lack: 1 knew no top-ups, 2 no trees. */
export const ADDED_COLUMNS = [
  { table: 'calls', column: 'top_up' },
  { table: 'calls', column: 'authority' },
  { table: 'account', column: 'tree' },
] as const;
