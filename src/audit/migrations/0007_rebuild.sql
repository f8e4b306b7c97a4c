-- `countersign audit rebuild` (STORAGE.md, "Rebuilding"): copies of the projections, with the same columns in the same order, which a rebuild
-- fills from the log and compares with the originals. They are empty while no rebuild runs.

-- The newest rebuild. Each step of it is one transaction that raises `step`: one that finds another value sets NULL, and fails as a whole.
CREATE TABLE rebuild (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  run TEXT NOT NULL,
  -- The operator who began it.
  signer TEXT NOT NULL,
  began_at INTEGER NOT NULL,
  -- When its last step was taken.
  at INTEGER NOT NULL,
  step INTEGER NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('empty', 'project', 'archived', 'compare', 'shared', 'clean', 'ended')),
  -- The account that comes next.
  account TEXT NOT NULL,
  -- 1: corrects what differs.
  apply INTEGER NOT NULL CHECK (apply IN (0, 1))
) STRICT, WITHOUT ROWID;

-- How far the log of each account is projected. `fault`: why it ends there, although the log goes on up to `fault_to`.
CREATE TABLE rebuild_heads (
  account TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  fault TEXT CHECK (fault IN ('missing', 'broken')),
  fault_to INTEGER
) STRICT, WITHOUT ROWID;

-- Objects of calls in R2 whose rows were compared and taken out of `rebuild_calls`, as the archive took them out of `calls`.
CREATE TABLE rebuild_objects (
  day TEXT NOT NULL,
  part INTEGER NOT NULL,
  -- 1: R2 lacks the object.
  missing INTEGER NOT NULL CHECK (missing IN (0, 1)),
  PRIMARY KEY (day, part)
) STRICT, WITHOUT ROWID;

-- Rows that differ. `place`: JSON list of the columns of the key; `stored` and `rebuilt`: JSON of the row, NULL where there is none.
CREATE TABLE rebuild_differences (
  name TEXT NOT NULL,
  place TEXT NOT NULL,
  stored TEXT,
  rebuilt TEXT,
  PRIMARY KEY (name, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE rebuild_calls (
  accepted_at INTEGER NOT NULL,
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  segment INTEGER NOT NULL CHECK (segment = first_seq / 4096),
  seq INTEGER NOT NULL,
  tool TEXT,
  request TEXT,
  binding TEXT,
  asset TEXT,
  price INTEGER,
  paid_by TEXT,
  charged INTEGER,
  refunded INTEGER,
  state TEXT NOT NULL CHECK (state IN ('held', 'committed', 'released', 'abandoned')),
  success INTEGER,
  status INTEGER,
  digest TEXT,
  reason TEXT,
  policy TEXT,
  payee TEXT,
  audience TEXT,
  ended_at INTEGER,
  kept TEXT CHECK (kept IN ('held', 'charged', 'released')),
  payment TEXT CHECK (payment IN ('open', 'settled', 'failed', 'released')),
  amount INTEGER,
  credited INTEGER,
  transaction_hash TEXT,
  block INTEGER,
  fault TEXT,
  payment_reason TEXT,
  payment_at INTEGER,
  payment_seq INTEGER,
  late INTEGER,
  spent INTEGER,
  PRIMARY KEY (accepted_at, account, call)
) STRICT, WITHOUT ROWID;
CREATE INDEX rebuild_calls_of_account ON rebuild_calls (account, segment, call);

CREATE TABLE rebuild_approvals (
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  seq INTEGER NOT NULL,
  parked_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'refused', 'expired', 'used')),
  tool TEXT NOT NULL,
  request TEXT NOT NULL,
  asset TEXT NOT NULL,
  price INTEGER NOT NULL,
  asked TEXT NOT NULL,
  above INTEGER NOT NULL,
  policy TEXT NOT NULL,
  approver TEXT NOT NULL,
  decided_by TEXT,
  decided_role TEXT,
  decided_at INTEGER,
  reason TEXT,
  PRIMARY KEY (account, call)
) STRICT, WITHOUT ROWID;

CREATE TABLE rebuild_accounts (
  account TEXT PRIMARY KEY,
  parent TEXT,
  above TEXT NOT NULL,
  label TEXT,
  named_by TEXT,
  status TEXT NOT NULL DEFAULT 'active',
  operator_status TEXT NOT NULL DEFAULT 'active',
  first_at INTEGER NOT NULL,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rebuild_kin (
  ancestor TEXT NOT NULL,
  account TEXT NOT NULL,
  PRIMARY KEY (ancestor, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE rebuild_spend (
  scope TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('own', 'tree')),
  day TEXT NOT NULL,
  asset TEXT NOT NULL,
  tool TEXT NOT NULL,
  payee TEXT NOT NULL,
  above TEXT NOT NULL,
  rule TEXT NOT NULL,
  calls INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  denied INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  from_credit INTEGER NOT NULL,
  earned INTEGER NOT NULL,
  PRIMARY KEY (scope, kind, day, asset, tool, payee, above, rule)
) STRICT, WITHOUT ROWID;

CREATE TABLE rebuild_credit_movements (
  day TEXT NOT NULL,
  asset TEXT NOT NULL,
  line TEXT NOT NULL CHECK (line IN ('topped_up', 'returned', 'late', 'given', 'taken', 'refunded', 'lent', 'debt')),
  count INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (day, asset, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE rebuild_charge_changes (
  account TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  call TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('resolved', 'refunded')),
  asset TEXT NOT NULL,
  tool TEXT NOT NULL,
  payee TEXT NOT NULL,
  paid_by TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;
