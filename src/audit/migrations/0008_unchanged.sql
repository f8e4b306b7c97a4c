-- Lists that are read again without a change (docs/management.md, "How do I read a list again?").

-- One row. `tag` names what lists show until the log changes; NULL: it has changed, and nobody has read since. So a chunk costs a row more
-- only if somebody reads lists.
CREATE TABLE log_tag (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  tag TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO log_tag VALUES (1, NULL);

-- Everything that changes a list: a chunk with its projections, calls that move to R2, and rows that a rebuild corrects.
CREATE TRIGGER chunks_end_tag AFTER INSERT ON chunks
BEGIN UPDATE log_tag SET tag = NULL WHERE id = 1 AND tag IS NOT NULL; END;
CREATE TRIGGER archived_calls_end_tag AFTER INSERT ON archived_calls
BEGIN UPDATE log_tag SET tag = NULL WHERE id = 1 AND tag IS NOT NULL; END;
CREATE TRIGGER rebuild_ends_tag AFTER UPDATE ON rebuild WHEN NEW.apply = 1
BEGIN UPDATE log_tag SET tag = NULL WHERE id = 1 AND tag IS NOT NULL; END;
