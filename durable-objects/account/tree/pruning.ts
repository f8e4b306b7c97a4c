import type { Seconds } from '../../../src/core/clock.ts';
import type { Disk } from '../../store/disk.ts';
import { remove } from '../../store/noun.ts';
import { ISSUED_GRANT } from './issued-grant.ts';
import { endedLeases, ISSUED_LEASE } from './issued-lease.ts';

/** How long an expired grant is kept. It can be neither used nor registered again. */
const FORGET_AFTER: Seconds = 30 * 86_400;

/** Removes expired grants, and the leases of removed grants once nothing of them can be returned: until then they count. */
export const pruneTree = (disk: Disk, now: Seconds): void => {
  disk.removeAll(ISSUED_GRANT, [['valid_until', '<=', now - FORGET_AFTER]]);
  const ended = [...endedLeases(disk, now)];
  if (ended.length === 0) return;
  const issued = new Set([...disk.list(ISSUED_GRANT)].map(({ key }) => key));
  disk.write(
    ended.filter((lease) => !issued.has(lease.issued)).map(({ key }) => remove(ISSUED_LEASE, key)),
  );
};
