-- One-time cards, one row a call: ids and amounts, never a number, a CVC or a date of a card.
CREATE TABLE cards (
  call TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  tool TEXT NOT NULL,
  secret TEXT NOT NULL,
  -- The request that makes the card, so that a repeat under its idempotency key is the same.
  request TEXT NOT NULL,
  -- Cents, as `charged`.
  cap INTEGER NOT NULL CHECK (cap > 0),
  currency TEXT NOT NULL,
  -- The issuer's id.
  card TEXT UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('making', 'open', 'charged', 'sealed', 'closing', 'closed')),
  authorization TEXT,
  charged INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  -- When the account knew the end of the card.
  concluded_at INTEGER,
  CHECK ((state IN ('charged', 'sealed')) = (authorization IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX cards_due ON cards (until) WHERE concluded_at IS NULL;
