-- When operators were last told that a network's sweep stands still (design §6).
ALTER TABLE sweeps ADD COLUMN behind_at INTEGER;
