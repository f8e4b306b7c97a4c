-- Open outages that the gateway found at its last check (src/outages/). `subject`: which backend, network, tool or queue.
CREATE TABLE outages (
  rule TEXT NOT NULL,
  subject TEXT NOT NULL,
  -- When the gateway first found the outage.
  since INTEGER NOT NULL,
  -- The detail of its alert, as JSON.
  detail TEXT NOT NULL,
  -- 1: the account has recorded the alert.
  raised INTEGER NOT NULL CHECK (raised IN (0, 1)),
  PRIMARY KEY (rule, subject)
) STRICT, WITHOUT ROWID;

-- When the parts of the cron trigger last began: `watch` each minute, `upkeep` every 15 minutes.
CREATE TABLE cron_runs (
  part TEXT PRIMARY KEY CHECK (part IN ('watch', 'upkeep')),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
