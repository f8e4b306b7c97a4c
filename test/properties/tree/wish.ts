import type { Outcome } from '../../../src/protocol/account/call.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { type Hex, ZERO_HASH } from '../../../src/core/hex.ts';
import { ASSET, AUDIENCE, hex, PAYEE } from './names.ts';

/** Parameters of a call. */
export type Wish = {
  readonly price: bigint;
  readonly authority: Hex | undefined;
  readonly keep: boolean;
  readonly appetite: bigint;
};

/** Builds the call as the gateway sends it to the account: free, or paid from own or lent credit. */
export const callOf = (
  id: number,
  account: AccountId,
  { price, authority, keep }: Wish,
  now: number,
): Call => ({
  account,
  id: hex(id),
  request: hex(id),
  tool: 'tool',
  proof: 'intent',
  binding: 'intent',
  settlement: price === 0n ? 'free' : 'credit',
  onSilence: keep ? 'keep' : 'release',
  timeoutSeconds: 10,
  asset: ASSET,
  payTo: PAYEE,
  price,
  validBefore: now + 300,
  execute: true,
  audience: AUDIENCE,
  intent: {
    fields: { validBefore: String(now + 300), authority: authority ?? ZERO_HASH },
  },
  params: {},
  contractCheckedAt: 1,
  ...(authority === undefined ? {} : { authority }),
});

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
