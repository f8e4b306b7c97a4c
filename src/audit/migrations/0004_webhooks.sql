-- Where alerts are sent to. Names come first in every key: each table is read by endpoint only, so none needs an index.

-- Endpoints of an account (its own alerts and those of all below it), or of everything ('*'). A projection of entries, except
-- for how an endpoint does. A removed one keeps a row without a document for a while, so that an older entry cannot revive it.
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
  -- While the alert that it is disabled has not been raised: from when somebody may try.
  tell_at INTEGER,
  -- Messages in a row that failed for good.
  failures INTEGER NOT NULL,
  PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;

-- Messages under way, and for a day those that were: one is sent to an endpoint by one consumer at a time, and once it has
-- arrived, not again.
CREATE TABLE webhook_messages (
  scope TEXT NOT NULL,
  webhook TEXT NOT NULL,
  message TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  -- From when it may be sent again; of one that has ended: when it did.
  due INTEGER NOT NULL,
  PRIMARY KEY (scope, webhook, message)
) STRICT, WITHOUT ROWID;

-- The last attempts at each endpoint.
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
