-- Where the gateway's own log has the texts that decide calls: the terms of tools, and default policies. A projection of entries.
CREATE TABLE published_texts (
  hash TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
