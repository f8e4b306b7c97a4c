import type { Hex } from '../core/hex.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';

/**
 * Canonical bytes of one entry, at most: even an incompressible entry fits a chunk. Not in the file with the schema of entries, which calls
 * do not load.
 */
export const MAX_ENTRY_TEXT = 65_536;

/** The hash of an entry by its canonical text (docs/wire-format.md §15). Runs in browsers too, unlike `entryHash`. */
export const entryTextHash = (text: string): Hex => sha256Hex(utf8(`countersign-entry/1\n${text}`));
