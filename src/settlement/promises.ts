import { RELAYER } from './backends/backend.ts';
import { isOnChain } from './backends/presented.ts';
import type { SettlementTask } from './message.ts';
import { hasPassed, type Presentations } from './presentations.ts';
import { keyOf, type Seen } from './seen.ts';

/**
 * Tells backends what the chain says meanwhile of payments that they had in hand before: a settlement that was claimed and is not
 * there two blocks later was none.
 */
export const keepPromises = (
  presentations: Presentations,
  seen: readonly Seen<SettlementTask>[],
): void => {
  for (const { task, view } of seen) {
    const key = keyOf(task);
    const note = presentations.get(key);
    if (note === undefined) continue;
    if (isOnChain(view)) {
      presentations.delete(key);
      if (note.by.name !== RELAYER) note.by.learn('good');
    } else if (note.isClaimed && view.view === 'unused' && hasPassed(note, view.headBlock)) {
      presentations.delete(key);
      note.by.learn('fault', 'false_success');
    }
  }
};
