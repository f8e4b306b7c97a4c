/** Canonical bytes of one entry, at most: even an incompressible entry fits a chunk. In a file of its own, so that no call loads the schema. */
export const MAX_ENTRY_TEXT = 65_536;
