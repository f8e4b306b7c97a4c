-- What reports read (design §7). Each index below has one query that needs it; each is billed as a row written.

-- Who is paid, and where a call's entries begin. Columns without a value for what is stored already: the Worker before goes on writing.
ALTER TABLE calls ADD COLUMN payee TEXT;
ALTER TABLE calls ADD COLUMN first_seq INTEGER;
-- Calls of one account, and of all, by time. An upsert never sets `accepted_at` again, so only a call's first row touches them.
CREATE INDEX calls_by_account ON calls (account, accepted_at);
CREATE INDEX calls_by_time ON calls (accepted_at);

-- What went wrong is rare, and looked for: what settled, which is nearly all, has no entry here.
CREATE INDEX payments_unsettled ON payments (state, at) WHERE state <> 'settled';

-- Payments under way: from the commit of the call (or its acceptance, when it is settled first) until the chain has decided. A row is
-- deleted then, so this stays as small as what is open. `at` is the call's `accepted_at`.
CREATE TABLE open_payments (
  at INTEGER NOT NULL,
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  PRIMARY KEY (at, account, call)
) STRICT, WITHOUT ROWID;

-- What the entries of an account say of itself. `above`: JSON of the accounts that it hangs below, nearest first; NULL where its chain
-- was stored before this table was, and nobody has read it again yet.
CREATE TABLE accounts (
  account TEXT PRIMARY KEY,
  parent TEXT,
  above TEXT,
  label TEXT,
  status TEXT NOT NULL DEFAULT 'active',
  operator_status TEXT NOT NULL DEFAULT 'active',
  first_at INTEGER NOT NULL,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_below ON accounts (parent, account) WHERE parent IS NOT NULL;

-- Who has ever hung below whom, at whatever distance.
CREATE TABLE kin (
  ancestor TEXT NOT NULL,
  account TEXT NOT NULL,
  PRIMARY KEY (ancestor, account)
) STRICT, WITHOUT ROWID;

-- Calls that have ended, and denials, by the UTC day of the entry that says so. Added to in the transaction that stores the chunk.
-- `own`: what an account did itself, while it hung below `above`; `tree`: what those below it did. Scope `*` is everybody.
CREATE TABLE spend (
  scope TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('own', 'tree')),
  day TEXT NOT NULL,
  asset TEXT NOT NULL,
  tool TEXT NOT NULL,
  payee TEXT NOT NULL,
  above TEXT NOT NULL,
  calls INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  denied INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  PRIMARY KEY (scope, kind, day, asset, tool, payee, above)
) STRICT, WITHOUT ROWID;

-- A letter that somebody has sent again. It is new once more when its message comes back.
ALTER TABLE dead_letters ADD COLUMN redriven_at INTEGER;
CREATE INDEX dead_letters_by_time ON dead_letters (at);

-- What is stored already. Of a call before this release nobody kept the payee (''), nor who was above; denials stand in entries only.
INSERT INTO accounts (account, above, first_at, seq)
SELECT account, NULL, min(at), 0 FROM (
  SELECT account, min(accepted_at) AS at FROM calls WHERE accepted_at IS NOT NULL GROUP BY account
  UNION ALL SELECT account, min(at) FROM chunks GROUP BY account
  UNION ALL SELECT account, at FROM archived
) GROUP BY account;

INSERT INTO spend
SELECT account, 'own', date(ended_at, 'unixepoch'), coalesce(asset, ''), coalesce(tool, ''), '', '[]',
  count(*), sum(CASE WHEN tool = 'countersign.credits' THEN 0 ELSE coalesce(charged, 0) END), 0, sum(state <> 'committed')
FROM calls WHERE ended_at IS NOT NULL GROUP BY 1, 3, 4, 5;

INSERT INTO spend
SELECT '*', 'own', day, asset, tool, '', '[]', sum(calls), sum(charged), 0, sum(failed)
FROM spend GROUP BY day, asset, tool;

INSERT INTO open_payments
SELECT accepted_at, account, call FROM calls
WHERE accepted_at IS NOT NULL AND paid_by IN ('deferred', 'upfront') AND state IN ('committed', 'held')
  AND (state = 'committed' OR paid_by = 'upfront')
  AND NOT EXISTS (SELECT 1 FROM payments WHERE payments.account = calls.account AND payments.call = calls.call);
