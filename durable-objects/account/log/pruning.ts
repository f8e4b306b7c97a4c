import type { Seconds } from '../../../src/core/clock.ts';
import type { Disk } from '../../store/disk.ts';
import { ENTRY } from '../../store/entry.ts';
import { openCallPruning, type Pruning } from '../call/pruning.ts';
import { APPLIED_COMMAND } from '../commands/applied-command.ts';
import { LOGGED_TEXT, TEXT_REMEMBERED } from '../commands/logged-text.ts';
import { pruneTree } from '../tree/issued-lease.ts';

/** How often long-lived nouns are checked: each check reads all of them. */
const DAY: Seconds = 86_400;

/** Deletes values that no decision can need any more. */
export const openPruning = (disk: Disk): Pruning => {
  const pruneCalls = openCallPruning(disk);
  let prunedAt: Seconds = 0;

  return (now, exported, due) => {
    disk.removeAll(ENTRY, [['key', '<=', exported]]);
    disk.removeAll(APPLIED_COMMAND, [['until', '<=', now]]);
    if (now >= prunedAt + DAY) {
      prunedAt = now;
      pruneTree(disk, now);
      disk.removeAll(LOGGED_TEXT, [['at', '<', now - TEXT_REMEMBERED]]);
    }
    return pruneCalls(now, exported, due);
  };
};
