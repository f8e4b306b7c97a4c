import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';

/** Descendants that may decide for this account, and until when. */
export type Lessees = {
  set(lessee: { readonly child: AccountId; readonly issued: Hex }, until: Seconds): void;
  count(now: Seconds): number;
  /**
   * Into how many equal parts the remaining amount is divided for a holder of this grant: by branches first, then within its own, so
   * that an account with thousands of descendants takes nothing from its siblings.
   */
  parts(issued: Hex, now: Seconds): number;
};

export const openLessees = (
  stored: Iterable<readonly [child: AccountId, issued: Hex, until: Seconds]>,
): Lessees => {
  const branches = new Map<Hex, Map<AccountId, Seconds>>();
  let cleanedAt: Seconds = 0;

  const put = (child: AccountId, issued: Hex, until: Seconds): void => {
    const branch = branches.get(issued) ?? new Map<AccountId, Seconds>();
    branches.set(issued, branch.set(child, until));
  };
  for (const [child, issued, until] of stored) put(child, issued, until);

  /** Once a second: there may be ten thousand, and each lease request counts them. */
  const clean = (now: Seconds): void => {
    if (now === cleanedAt) return;
    cleanedAt = now;
    for (const [issued, branch] of branches) {
      for (const [child, until] of branch) if (until <= now) branch.delete(child);
      if (branch.size === 0) branches.delete(issued);
    }
  };

  return {
    set: ({ child, issued }, until) => put(child, issued, until),
    count(now) {
      clean(now);
      return [...branches.values()].reduce((sum, { size }) => sum + size, 0);
    },
    parts(issued, now) {
      clean(now);
      return (branches.size + 1) * Math.max(1, branches.get(issued)?.size ?? 0);
    },
  };
};
