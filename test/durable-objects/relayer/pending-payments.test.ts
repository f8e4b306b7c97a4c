import { expect, test } from 'vitest';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { PendingPayments } from '../../../durable-objects/relayer/pending-payments.ts';
import type { Pending } from '../../../src/settlement/relayer/pending.ts';

const address = (id: number) => `0x${id.toString(16).padStart(40, '0')}` as const;

const pending = (id: number, changes: Partial<Pending> = {}): Pending => ({
  key: `payment ${id}`,
  call: `0x${id.toString(16).padStart(64, '0')}`,
  authorization: {
    from: address(id % 3),
    to: address(100 + (id % 2)),
    value: 1n,
    validAfter: 0n,
    validBefore: 1_000n,
    nonce: `0x${id.toString(16).padStart(64, '0')}`,
  },
  signature: `0x${'1'.repeat(id % 5)}`,
  sinceBlock: 1,
  at: 1,
  urgent: false,
  strikes: 0,
  ...(id % 4 === 0 ? {} : { account: `eip155:1:${address(id % 3)}` as AccountId }),
  ...changes,
});

/** The counts that a scan of all payments yields. */
const scanned = (all: PendingPayments) => {
  const list = [...all.values()];
  const others = list.filter(({ account }) => account === undefined);
  return {
    payers: [0, 1, 2].map(
      (id) => list.filter(({ authorization }) => authorization.from === address(id)).length,
    ),
    facilitated: [
      others.length,
      ...[100, 101].map(
        (id) => others.filter(({ authorization }) => authorization.to === address(id)).length,
      ),
    ],
    characters: list.reduce((sum, { signature }) => sum + signature.length, 0),
  };
};

const counted = (all: PendingPayments) => ({
  payers: [0, 1, 2].map((id) => all.ofPayer(address(id))),
  facilitated: [undefined, address(100), address(101)].map((to) => all.facilitated(to)),
  characters: all.characters(),
});

test('its counts equal a scan after any additions, replacements and removals', () => {
  const all = new PendingPayments(Array.from({ length: 20 }, (_, id) => pending(id)));
  expect(counted(all)).toEqual(scanned(all));
  let seed = 7;
  for (let step = 0; step < 2_000; step += 1) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const id = (seed >> 8) % 40;
    // Replaces a payment by one with another signature, as when an urgent request presents it again.
    if (seed % 3 === 0) all.delete(`payment ${id}`);
    else all.set(`payment ${id}`, pending(id, { signature: `0x${'2'.repeat(seed % 9)}` }));
    if (step % 50 === 0) expect(counted(all)).toEqual(scanned(all));
  }
  all.clear();
  expect(counted(all)).toEqual({ payers: [0, 0, 0], facilitated: [0, 0, 0], characters: 0 });
});
