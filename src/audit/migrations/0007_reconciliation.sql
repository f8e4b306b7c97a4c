-- Ledger and chain, compared (design §6). What agrees writes no row a payment: the sweep looks calls up by their key and their time.

-- Where the sweep of each network stands.
CREATE TABLE sweeps (
  network TEXT PRIMARY KEY,
  -- First block that was never compared.
  next_block INTEGER NOT NULL,
  -- Blocks that the node gave the logs of at once, when last asked.
  span INTEGER NOT NULL,
  -- Of the last days, which are compared once more each day: the next block and the last one, while that goes on; when it began.
  again_next INTEGER,
  again_to INTEGER,
  again_at INTEGER NOT NULL,
  -- Since when the node has refused a new block.
  stuck_at INTEGER
) STRICT, WITHOUT ROWID;

-- What each run compared: at most two rows a network and quarter of an hour, none where there was nothing new. Kept 90 days.
CREATE TABLE reconciliations (
  at INTEGER NOT NULL,
  network TEXT NOT NULL,
  -- `new`: blocks for the first time; `again`: those of the last days.
  kind TEXT NOT NULL CHECK (kind IN ('new', 'again')),
  -- `partial`: the next run goes on, or a block was passed over; `stopped`: so it does, because the node or the database did not answer.
  state TEXT NOT NULL CHECK (state IN ('complete', 'partial', 'stopped')),
  from_block INTEGER NOT NULL,
  to_block INTEGER NOT NULL,
  chain_payments INTEGER NOT NULL,
  -- Sums as decimal strings: more than an integer may hold.
  chain_amount TEXT NOT NULL,
  ledger_payments INTEGER NOT NULL,
  ledger_amount TEXT NOT NULL,
  -- Differences seen, known ones and news for information included.
  differences INTEGER NOT NULL,
  PRIMARY KEY (at, network, kind)
) STRICT, WITHOUT ROWID;

-- Payments that ledger and chain do not agree about. `subject`: the nonce, or `<transaction>:<log>` of money without one.
CREATE TABLE differences (
  network TEXT NOT NULL,
  subject TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('unrecorded', 'missing', 'amount', 'moved', 'unsolicited')),
  -- 1: nobody has to do anything about it.
  informational INTEGER NOT NULL CHECK (informational IN (0, 1)),
  account TEXT NOT NULL,
  call TEXT,
  -- What the chain says; without an amount: that nothing has moved.
  transaction_hash TEXT,
  block INTEGER NOT NULL,
  log INTEGER,
  chain_amount TEXT,
  -- What the ledger says.
  ledger TEXT NOT NULL CHECK (ledger IN ('settled', 'failed', 'released', 'open', 'absent')),
  ledger_amount TEXT,
  ledger_transaction TEXT,
  ledger_block INTEGER,
  first_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  -- When a later look saw it no more.
  resolved_at INTEGER,
  -- When its alert was raised.
  told_at INTEGER,
  PRIMARY KEY (network, subject, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX differences_by_time ON differences (first_at, network, subject, kind);
CREATE INDEX differences_open ON differences (network, block) WHERE resolved_at IS NULL;
-- Apart from the news, of which anybody can send any number.
CREATE INDEX differences_grave ON differences (network, block) WHERE resolved_at IS NULL AND informational = 0;
