import type { Outcome } from '../../../src/protocol/account/call.ts';

export type How = 'success' | 'part' | 'failure' | 'silence';

const ANSWERED = { status: 200, digest: 'none', reason: 'answered' } as const;

/** The result of a tool's run. `part` charges half of the price. */
export const outcomeOf = (how: How, price: bigint): Outcome => {
  switch (how) {
    case 'success':
      return { ...ANSWERED, success: true };
    case 'part':
      return { ...ANSWERED, success: true, amount: price / 2n };
    case 'failure':
      return { success: false, status: 500, digest: 'none', reason: 'upstream_status' };
    case 'silence':
      return { success: false, status: 0, digest: 'none', reason: 'timeout' };
  }
};
