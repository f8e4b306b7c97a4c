-- What silent tools hold until an operator resolves it (`onSilence: keep`). The index has what waits, and nothing else: any other call
-- costs no row more. Calls that fell silent before this migration are resolved all the same, by their id.
ALTER TABLE calls ADD COLUMN kept TEXT CHECK (kept IN ('held', 'charged', 'released'));
CREATE INDEX calls_kept ON calls (accepted_at) WHERE kept = 'held';
