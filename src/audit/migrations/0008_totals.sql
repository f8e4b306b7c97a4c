-- What totals need so that the rows of their lists add up to them (docs/management.md, "How do totals and lists agree?").

-- What the end of a call added to `spend`, where that is not `charged`: a top-up charges nothing, and an operator may decide later.
ALTER TABLE calls ADD COLUMN spent INTEGER;
ALTER TABLE rebuild_calls ADD COLUMN spent INTEGER;

-- Calls that ended more than a day after acceptance, or before it because a clock stepped back. Totals count a call on the day of its end,
-- and find it by its acceptance unless it has an entry here.
CREATE INDEX calls_ended_late ON calls (ended_at) WHERE ended_at NOT BETWEEN accepted_at AND accepted_at + 86400;
-- The same of one account: a list of an account never reads the rows of another one.
CREATE INDEX calls_ended_late_of_account ON calls (account, ended_at) WHERE ended_at NOT BETWEEN accepted_at AND accepted_at + 86400;

-- `rule`: of denials, else empty. `earned`, only of scope `*`: settled payments less what of them became credit, by the day of the
-- settlement; charges that credit paid; less refunds.
CREATE TABLE spend_by_rule (
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
INSERT INTO spend_by_rule SELECT scope, kind, day, asset, tool, payee, above, '', calls, charged, denied, failed, from_credit, 0 FROM spend;
DROP TABLE spend;
ALTER TABLE spend_by_rule RENAME TO spend;
-- Denials are few among the rows of calls: a report of them reads no others.
CREATE INDEX spend_denied ON spend (scope, kind, day) WHERE rule <> '';

DROP TABLE rebuild_spend;
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

-- The latest end of a call or a payment in the object. Before this column, every object may have any.
ALTER TABLE archived_calls ADD COLUMN ended_to INTEGER NOT NULL DEFAULT 253402300799;
