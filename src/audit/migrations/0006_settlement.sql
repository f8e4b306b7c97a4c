-- Settlement as operators see it (design §6). An ordinary payment, which settles at the first delivery, writes no row here.

-- Transactions of our own key that are final, whatever moved in them: what they cost is gas, in wei of the chain's own coin. The
-- day comes before the hash, so that books of some days read no other. Written once each: a second writing says the same.
CREATE TABLE relays (
  network TEXT NOT NULL,
  transaction_hash TEXT NOT NULL,
  -- UTC day of `at`, YYYY-MM-DD.
  day TEXT NOT NULL,
  -- Time of the block, seconds.
  at INTEGER NOT NULL,
  block INTEGER NOT NULL,
  -- How many payments were tried in it.
  payments INTEGER NOT NULL CHECK (payments >= 0),
  gas_used INTEGER NOT NULL CHECK (gas_used >= 0),
  -- Wei as a decimal string: more than an integer holds.
  fee TEXT NOT NULL CHECK (fee <> '' AND fee NOT GLOB '*[^0-9]*'),
  PRIMARY KEY (network, day, transaction_hash)
) STRICT, WITHOUT ROWID;

-- Payments that did not settle at the first delivery, while they are open. Deleted when the payment ends.
CREATE TABLE attempts (
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  attempts INTEGER NOT NULL CHECK (attempts > 0),
  -- Who was asked last: a facilitator's host, or `relayer`.
  backend TEXT,
  -- What was said last: a kind or an x402 reason, never what a backend wrote beyond that.
  error TEXT CHECK (length(error) <= 200),
  at INTEGER NOT NULL,
  PRIMARY KEY (account, call)
) STRICT, WITHOUT ROWID;

-- How each backend does, as the isolate that wrote last saw it.
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

-- Letters about one call, for its story.
CREATE INDEX dead_letters_by_call ON dead_letters (account, call, at) WHERE call <> '';

-- Books (design §6). What credit does besides paying for calls, by the UTC day of the entry that says so. Added to in the transaction
-- that stores the chunk, and only by chunks in which such a thing happens: a call that is paid for, or pays from credit, adds no row.
-- `topped_up`, `returned` (a failed call whose money had moved), `late` (a released payment that moved after all) and `given` are more
-- credit; `taken`, `refunded`, `lent` (spent by an account below) and `debt` are less.
CREATE TABLE credit_movements (
  day TEXT NOT NULL,
  asset TEXT NOT NULL,
  line TEXT NOT NULL CHECK (line IN ('topped_up', 'returned', 'late', 'given', 'taken', 'refunded', 'lent', 'debt')),
  count INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (day, asset, line)
) STRICT, WITHOUT ROWID;

-- What of `charged` was paid from the account's own credit. A column of a row that is written anyway.
ALTER TABLE spend ADD COLUMN from_credit INTEGER NOT NULL DEFAULT 0;

-- Books find a payment by the time of its call, which has an index, within a day. One that ended later than that is rare, and has an
-- entry in an index of its own; no other payment has.
ALTER TABLE payments ADD COLUMN late INTEGER;
CREATE INDEX payments_late ON payments (at) WHERE late = 1;

-- What is stored already, as far as tables tell: what operators gave, took or paid back before stands in entries alone.
UPDATE payments SET late = 1 WHERE NOT EXISTS (
  SELECT 1 FROM calls WHERE calls.account = payments.account AND calls.call = payments.call
    AND payments.at BETWEEN calls.accepted_at AND calls.accepted_at + 86400
);

INSERT INTO spend (scope, kind, day, asset, tool, payee, above, calls, charged, denied, failed, from_credit)
SELECT '*', 'own', date(ended_at, 'unixepoch'), coalesce(asset, ''), coalesce(tool, ''), coalesce(payee, ''), '[]', 0, 0, 0, 0, sum(charged)
FROM calls WHERE ended_at IS NOT NULL AND paid_by = 'credit' AND charged > 0 GROUP BY 3, 4, 5, 6
ON CONFLICT DO UPDATE SET from_credit = from_credit + excluded.from_credit;

INSERT INTO credit_movements
SELECT date(at, 'unixepoch'), asset, line, count(*), sum(amount) FROM (
  SELECT ended_at AS at, asset, 'topped_up' AS line, charged AS amount FROM calls
  WHERE tool = 'countersign.credits' AND state = 'committed'
  UNION ALL
  SELECT ended_at, asset, 'lent', charged FROM calls WHERE paid_by = 'lent' AND charged > 0
  UNION ALL
  SELECT CASE WHEN c.paid_by = 'upfront' THEN coalesce(c.ended_at, p.at) ELSE p.at END, c.asset,
    CASE WHEN c.paid_by = 'upfront' THEN 'returned' ELSE 'late' END, p.credited
  FROM payments p JOIN calls c ON c.account = p.account AND c.call = p.call
  WHERE p.state = 'settled' AND p.credited > 0 AND c.tool <> 'countersign.credits'
  UNION ALL
  SELECT p.at, c.asset, 'debt', p.amount FROM payments p JOIN calls c ON c.account = p.account AND c.call = p.call
  WHERE p.state = 'failed' AND p.fault = 'payer'
) WHERE at IS NOT NULL AND asset IS NOT NULL AND amount IS NOT NULL GROUP BY 1, 2, 3;
