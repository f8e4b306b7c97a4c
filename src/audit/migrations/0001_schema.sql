-- The audit database (STORAGE.md, "D1"). Tables are WITHOUT ROWID, and an index exists only for a query that needs it: D1 bills every
-- row and every index entry as a row written.

-- The log of each account: gzip NDJSON of consecutive entries.
CREATE TABLE chunks (
  account TEXT NOT NULL,
  first_seq INTEGER NOT NULL CHECK (first_seq > 0),
  last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
  last_hash TEXT NOT NULL,
  body BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account, first_seq)
) STRICT, WITHOUT ROWID;

-- Watermark of an account: chunks up to here are archived elsewhere and may be deleted. Keeps the head of the chain when no chunk is left.
CREATE TABLE archived (
  account TEXT PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  last_hash TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A chunk continues the chain of its account: no gap, no overlap. Also stops INSERT OR REPLACE, which deletes without firing a trigger.
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

-- A watermark is the end of a stored chunk, and only rises.
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

-- Each accepted call and its payment. A projection: it can be rebuilt from the chunks. The key is in the order of time, so the list of all
-- calls needs no index.
CREATE TABLE calls (
  accepted_at INTEGER NOT NULL,
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  -- Seq of the entry that accepted the call.
  first_seq INTEGER NOT NULL,
  -- The account's log in segments of 4,096 entries, so a segment has at most that many calls.
  segment INTEGER NOT NULL CHECK (segment = first_seq / 4096),
  -- Seq of the newest entry that changed the call.
  seq INTEGER NOT NULL,
  tool TEXT,
  request TEXT,
  binding TEXT,
  asset TEXT,
  price INTEGER,
  paid_by TEXT,
  charged INTEGER,
  -- What operators gave back of the charge, as credit.
  refunded INTEGER,
  state TEXT NOT NULL CHECK (state IN ('held', 'committed', 'released', 'abandoned')),
  success INTEGER,
  status INTEGER,
  digest TEXT,
  reason TEXT,
  policy TEXT,
  payee TEXT,
  -- The origin that the caller signed for.
  audience TEXT,
  ended_at INTEGER,
  -- The amount of a silent tool (`onSilence: keep`): held until an operator charges or releases it.
  kept TEXT CHECK (kept IN ('held', 'charged', 'released')),
  -- State of the payment. `open`: from the commit of the call (upfront: from its acceptance) until the chain has decided. The columns below
  -- describe its end, and are empty until then.
  payment TEXT CHECK (payment IN ('open', 'settled', 'failed', 'released')),
  amount INTEGER,
  credited INTEGER,
  transaction_hash TEXT,
  block INTEGER,
  fault TEXT,
  payment_reason TEXT,
  payment_at INTEGER,
  payment_seq INTEGER,
  -- 1: ended more than a day after its call was accepted.
  late INTEGER,
  -- What the end of the call added to `spend`, where that is not `charged`: a top-up charges nothing, and an operator may decide later.
  spent INTEGER,
  PRIMARY KEY (accepted_at, account, call)
) STRICT, WITHOUT ROWID;

-- The only index with an entry for each call. One segment, sorted, is a page of an account's list; one search per segment, newest first,
-- finds a call by its id (src/settlement/stored-call.ts). An index on the time and another on the id would cost a row more per call.
CREATE INDEX calls_of_account ON calls (account, segment, call);
-- Calls whose kept amount an operator must resolve, open payments, failed and released payments, and payments that ended more than a day
-- after acceptance, which ledger totals do not find by the time of their call. No other call has an entry here.
CREATE INDEX calls_kept ON calls (accepted_at) WHERE kept = 'held';
CREATE INDEX calls_open ON calls (accepted_at) WHERE payment = 'open';
CREATE INDEX calls_unsettled ON calls (payment, payment_at) WHERE payment IN ('failed', 'released');
CREATE INDEX calls_late ON calls (payment_at) WHERE late = 1;
-- Calls that ended more than a day after acceptance, or before it because a clock stepped back. Totals count a call on the day of its end,
-- and find it by its acceptance unless it has an entry here.
CREATE INDEX calls_ended_late ON calls (ended_at) WHERE ended_at NOT BETWEEN accepted_at AND accepted_at + 86400;
-- The same of one account: a list of an account never reads the rows of another one.
CREATE INDEX calls_ended_late_of_account ON calls (account, ended_at) WHERE ended_at NOT BETWEEN accepted_at AND accepted_at + 86400;

-- Attempts to settle a payment that met trouble, or were not the first. They are deleted when the payment settles, else with the row of its call.
CREATE TABLE attempts (
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  -- Rises with each attempt of the payment, over all its messages.
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  -- The last backend of this attempt: the host of a facilitator, or `relayer`.
  backend TEXT,
  -- Its last error: a kind or an x402 reason, never free text of a backend.
  error TEXT CHECK (length(error) <= 200),
  at INTEGER NOT NULL,
  PRIMARY KEY (account, call, attempt)
) STRICT, WITHOUT ROWID;

-- A payment that waits for days keeps its newest 20 attempts.
CREATE TRIGGER attempts_stay_few AFTER INSERT ON attempts
BEGIN DELETE FROM attempts WHERE account = NEW.account AND call = NEW.call AND attempt <= NEW.attempt - 20; END;

-- Each account as its entries describe it. `above`: JSON list of its ancestors, nearest first. `named_by`: the role that set the label, operator or owner.
CREATE TABLE accounts (
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
CREATE INDEX accounts_below ON accounts (parent, account) WHERE parent IS NOT NULL;

-- Every pair of ancestor and descendant that ever existed, at any distance.
CREATE TABLE kin (
  ancestor TEXT NOT NULL,
  account TEXT NOT NULL,
  PRIMARY KEY (ancestor, account)
) STRICT, WITHOUT ROWID;

-- Ended calls and denials by the UTC day of their entry. The transaction that stores the chunk adds to it.
-- `own`: calls of the account itself while `above` were its ancestors; `tree`: calls of its descendants. Scope `*`: all accounts.
-- `rule`: of denials, else empty. `earned`, only of scope `*`: settled payments less what of them became credit, by the day of the
-- settlement; charges that credit paid; less refunds.
CREATE TABLE spend (
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
  -- The part of `charged` that the account's own credit paid.
  from_credit INTEGER NOT NULL,
  earned INTEGER NOT NULL,
  PRIMARY KEY (scope, kind, day, asset, tool, payee, above, rule)
) STRICT, WITHOUT ROWID;
-- Denials are few among the rows of calls: a report of them reads no others.
CREATE INDEX spend_denied ON spend (scope, kind, day) WHERE rule <> '';

-- Changes of credit other than calls that it pays for, by the UTC day of their entry. The transaction that stores the chunk adds to it; an
-- ordinary call adds no row.
-- `topped_up`, `returned` (a failed call whose money had moved), `late` (a released payment that moved after all) and `given` raise credit;
-- `taken`, `refunded`, `lent` (spent by a descendant) and `debt` lower it.
CREATE TABLE credit_movements (
  day TEXT NOT NULL,
  asset TEXT NOT NULL,
  line TEXT NOT NULL CHECK (line IN ('topped_up', 'returned', 'late', 'given', 'taken', 'refunded', 'lent', 'debt')),
  count INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (day, asset, line)
) STRICT, WITHOUT ROWID;

-- Decisions of operators that changed the charge of an ended call, on their own day: rows of `spend` that no call's row shows.
CREATE TABLE charge_changes (
  account TEXT NOT NULL,
  -- Of the entry.
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  call TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('resolved', 'refunded')),
  asset TEXT NOT NULL,
  tool TEXT NOT NULL,
  payee TEXT NOT NULL,
  paid_by TEXT NOT NULL,
  -- Atomic units; negative if the call got cheaper.
  amount INTEGER NOT NULL,
  PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX charge_changes_by_time ON charge_changes (at, account, seq);

-- Final transactions of the relayer's keys, successful or not: their fee is the gas line of the ledger totals. `day` precedes the hash in
-- the key, so that totals of some days read no other rows. A second write of a transaction changes nothing.
CREATE TABLE relays (
  network TEXT NOT NULL,
  transaction_hash TEXT NOT NULL,
  -- UTC day of `at`, YYYY-MM-DD.
  day TEXT NOT NULL,
  -- Time of the block, seconds.
  at INTEGER NOT NULL,
  block INTEGER NOT NULL,
  -- Payments that the transaction tried to move.
  payments INTEGER NOT NULL CHECK (payments >= 0),
  gas_used INTEGER NOT NULL CHECK (gas_used >= 0),
  -- Wei as a decimal string: more than an integer holds.
  fee TEXT NOT NULL CHECK (fee <> '' AND fee NOT GLOB '*[^0-9]*'),
  PRIMARY KEY (network, day, transaction_hash)
) STRICT, WITHOUT ROWID;

-- Health of each settlement backend, as the isolate that wrote last saw it.
CREATE TABLE backends (
  network TEXT NOT NULL,
  backend TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
  succeeded INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  last_error TEXT CHECK (length(last_error) <= 200),
  last_error_at INTEGER,
  at INTEGER NOT NULL,
  PRIMARY KEY (network, backend)
) STRICT, WITHOUT ROWID;

-- Messages that no consumer could process, as JSON.
CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY,
  queue TEXT NOT NULL,
  account TEXT,
  call TEXT,
  body TEXT NOT NULL,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  -- When an operator sent it again; NULL once more when its message comes back.
  redriven_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letters_by_time ON dead_letters (at);
CREATE INDEX dead_letters_by_call ON dead_letters (account, call, at) WHERE call <> '';

-- Thresholds of the database size that an alert was raised for. A row is deleted when the size is well below its threshold again.
CREATE TABLE database_alerts (
  percent INTEGER PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Webhooks of an account (its own alerts and those of its descendants) or of all accounts ('*'). A projection of entries, except for the
-- state of delivery. A removed webhook keeps a row without a document for a while, so that an older entry cannot restore it.
CREATE TABLE webhooks (
  scope TEXT NOT NULL,
  id TEXT NOT NULL,
  document TEXT,
  hash TEXT,
  holder TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
  reason TEXT CHECK (reason IN ('gone', 'failing')),
  disabled_at INTEGER,
  -- Of a disabled webhook whose alert is not raised yet: the next time a consumer may try.
  tell_at INTEGER,
  -- Messages in a row that failed for good.
  failures INTEGER NOT NULL,
  PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;

-- Messages under way, and ended ones for a day. One consumer at a time sends a message to a webhook, and never again after it arrived.
CREATE TABLE webhook_messages (
  scope TEXT NOT NULL,
  webhook TEXT NOT NULL,
  message TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  -- The next time it may be sent; of an ended message: when it ended.
  due INTEGER NOT NULL,
  PRIMARY KEY (scope, webhook, message)
) STRICT, WITHOUT ROWID;

-- The last attempts of each webhook.
CREATE TABLE webhook_deliveries (
  scope TEXT NOT NULL,
  webhook TEXT NOT NULL,
  at INTEGER NOT NULL,
  message TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  type TEXT NOT NULL,
  rule TEXT,
  account TEXT,
  seq INTEGER,
  status INTEGER,
  fault TEXT,
  ms INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  retry_at INTEGER,
  PRIMARY KEY (scope, webhook, at, message, attempt)
) STRICT, WITHOUT ROWID;

-- Progress of the reconciliation of each network.
CREATE TABLE sweeps (
  network TEXT PRIMARY KEY,
  -- First block that was never compared.
  next_block INTEGER NOT NULL,
  -- Blocks that the node last returned the logs of in one answer.
  span INTEGER NOT NULL,
  -- The daily second comparison of the last days: its next block and last block while it runs, and when it began.
  again_next INTEGER,
  again_to INTEGER,
  again_at INTEGER NOT NULL,
  -- Since when the node has returned no new block.
  stuck_at INTEGER,
  -- When an alert last reported that the sweep makes no progress.
  behind_at INTEGER
) STRICT, WITHOUT ROWID;

-- Each reconciliation run: at most two rows a network and quarter of an hour, none without a new block. Kept 90 days.
CREATE TABLE reconciliations (
  at INTEGER NOT NULL,
  network TEXT NOT NULL,
  -- `new`: blocks compared for the first time; `again`: blocks of the last days.
  kind TEXT NOT NULL CHECK (kind IN ('new', 'again')),
  -- `partial`: the next run continues, or a block was skipped; `stopped`: the next run continues because the node or the database failed.
  state TEXT NOT NULL CHECK (state IN ('complete', 'partial', 'stopped')),
  from_block INTEGER NOT NULL,
  to_block INTEGER NOT NULL,
  chain_payments INTEGER NOT NULL,
  -- Sums as decimal strings: more than an integer may hold.
  chain_amount TEXT NOT NULL,
  ledger_payments INTEGER NOT NULL,
  ledger_amount TEXT NOT NULL,
  -- Differences in these blocks, known and informational ones included.
  differences INTEGER NOT NULL,
  PRIMARY KEY (at, network, kind)
) STRICT, WITHOUT ROWID;

-- Payments on which ledger and chain differ. `subject`: the nonce, or `<transaction>:<log>` for money without one.
CREATE TABLE differences (
  network TEXT NOT NULL,
  subject TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('unrecorded', 'missing', 'amount', 'moved', 'unsolicited')),
  -- 1: no action needed.
  informational INTEGER NOT NULL CHECK (informational IN (0, 1)),
  account TEXT NOT NULL,
  call TEXT,
  -- The chain's side. No amount: nothing moved.
  transaction_hash TEXT,
  block INTEGER NOT NULL,
  log INTEGER,
  chain_amount TEXT,
  -- The ledger's side.
  ledger TEXT NOT NULL CHECK (ledger IN ('settled', 'failed', 'released', 'open', 'absent')),
  ledger_amount TEXT,
  ledger_transaction TEXT,
  ledger_block INTEGER,
  first_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  -- When a later run no longer found it.
  resolved_at INTEGER,
  -- When its alert was raised.
  told_at INTEGER,
  PRIMARY KEY (network, subject, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX differences_by_time ON differences (first_at, network, subject, kind);
CREATE INDEX differences_open ON differences (network, block) WHERE resolved_at IS NULL;
-- Without informational differences: strangers can create any number of those.
CREATE INDEX differences_grave ON differences (network, block) WHERE resolved_at IS NULL AND informational = 0;

-- Grants whose delegate has not consented: the account that keeps the grant which an intent names. Expired rows are deleted.
CREATE TABLE offered_grants (
  hash TEXT PRIMARY KEY,
  issuer TEXT NOT NULL,
  valid_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX offered_grants_by_end ON offered_grants (valid_until);

-- Payments of other sellers: the request that may get the one answer `success`, or that a request got it.
CREATE TABLE facilitated (
  network TEXT NOT NULL,
  payer TEXT NOT NULL,
  nonce TEXT NOT NULL,
  -- The newest block when the row was written.
  block INTEGER NOT NULL,
  -- The request that holds it; null once the success was given.
  holder TEXT,
  -- What the repeat of that request is recognised by.
  repeat TEXT NOT NULL,
  -- When the repeat may hold it. Any other request may 300 seconds later.
  until INTEGER NOT NULL,
  PRIMARY KEY (network, payer, nonce)
) STRICT, WITHOUT ROWID;

CREATE INDEX facilitated_block ON facilitated (network, block);
