-- Calls that wait for a person, or did. A projection of entries. A call gets its row in `calls` when it runs, or when it ends without.
CREATE TABLE approvals (
  account TEXT NOT NULL,
  call TEXT NOT NULL,
  -- Seq of the newest entry that changed the row.
  seq INTEGER NOT NULL,
  parked_at INTEGER NOT NULL,
  -- Until when a person may approve the call, and its caller run it.
  until INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'refused', 'expired', 'used')),
  tool TEXT NOT NULL,
  request TEXT NOT NULL,
  asset TEXT NOT NULL,
  price INTEGER NOT NULL,
  -- The account whose policy asked, and its threshold.
  asked TEXT NOT NULL,
  above INTEGER NOT NULL,
  policy TEXT NOT NULL,
  -- The lowest ancestor that may decide; `operator`: operators only.
  approver TEXT NOT NULL,
  decided_by TEXT,
  decided_role TEXT,
  decided_at INTEGER,
  reason TEXT,
  PRIMARY KEY (account, call)
) STRICT, WITHOUT ROWID;
-- The lists: those that wait first, oldest first.
CREATE INDEX approvals_by_age ON approvals (state, parked_at, account, call);
-- The lists of a tree, which read no rows of other accounts.
CREATE INDEX approvals_of_account ON approvals (account, state, parked_at, call);
