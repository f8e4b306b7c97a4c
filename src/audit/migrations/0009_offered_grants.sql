-- Grants whose delegate has not consented: which account keeps a grant that an intent names. Rows go when the grant has expired.
CREATE TABLE offered_grants (
  hash TEXT PRIMARY KEY,
  issuer TEXT NOT NULL,
  valid_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX offered_grants_by_end ON offered_grants (valid_until);
