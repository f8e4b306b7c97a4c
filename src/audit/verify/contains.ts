import type { Hex } from '../../core/hex.ts';
import type { Check } from './check.ts';
import type { LogCheck } from './log.ts';
import { createTally } from './tally.ts';

/** Checks that the files have the entry with a hash, e.g. the `entry` of a receipt, and notes where the transparency log has it. */
export const createContains = (hash: Hex, log: LogCheck | undefined): Check => {
  const tally = createTally('contains');
  let note: string | undefined;
  return {
    id: 'contains',
    see: ({ entry, hash: own, place }) => {
      if (own !== hash) return;
      tally.prove();
      const { account, seq } = entry;
      const at = log?.positionOf(account, seq);
      note = [
        `entry ${seq} of ${account}, ${place.file} line ${place.line}`,
        ...(at === undefined
          ? []
          : [`leaf ${at.leaf} of ${at.log}, entry ${at.position + 1} of ${at.count} in it`]),
      ].join('; ');
    },
    end: () => {
      if (note === undefined) tally.breakWith({ file: '', line: 0, reason: 'not_found' });
      const finding = tally.finding();
      return note === undefined ? finding : { ...finding, note };
    },
  };
};
