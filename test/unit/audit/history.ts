import { GENESIS, link } from '../../../src/audit/entry.ts';
import type { ChainHead, Entry, EntryBody } from '../../../src/protocol/entry.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { hexOf } from '../../../src/crypto/bytes.ts';

export const ALICE: AccountId = `eip155:84532:0x${'a1'.repeat(20)}`;
export const MALLORY: AccountId = `eip155:84532:0x${'e0'.repeat(20)}`;
/** A different account for each number. */
export const accountOf = (seed: number): AccountId =>
  `eip155:84532:0x${(seed + 0xb0b).toString(16).padStart(40, '0')}`;

export const START = 1_800_000_000;

export const word = (seed: number): Hex => `0x${seed.toString(16).padStart(64, '0')}`;

/** Random salts, as accounts use: without them, a chunk would compress to almost nothing. */
const randomSalt = (): Hex => hexOf(crypto.getRandomValues(new Uint8Array(16)));

/** The entries of an account for these events, in order. */
export const history = (
  account: AccountId,
  bodies: readonly EntryBody[],
  after: ChainHead = GENESIS,
): Entry[] => {
  let head = after;
  return bodies.map((body) => {
    const linked = link(head, account, randomSalt(), body);
    ({ head } = linked);
    return linked.entry;
  });
};

const about = (call: number) => ({
  call: word(call),
  tool: 'translate',
  request: word(call + 1000),
});

export const accepted = (call: number, at = START): EntryBody => ({
  ...about(call),
  type: 'call.accepted',
  at,
  binding: 'none',
  evidence: { proof: 'x402', authorization: { value: '20000', nonce: word(call) } },
  decision: 'go',
  policy: word(7),
  amounts: { price: '20000' },
  payment: {
    asset: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    payTo: `0x${'0f'.repeat(20)}`,
    paidBy: 'deferred',
  },
});

export const committed = (call: number, at = START + 1): EntryBody => ({
  ...about(call),
  type: 'call.finished',
  at,
  decision: 'committed',
  policy: word(7),
  amounts: { charged: '20000' },
  outcome: { success: true, status: 200, digest: word(9), reason: 'answered' },
  payment: { state: 'queued', paidBy: 'deferred' },
});

export const failed = (call: number, at = START + 1): EntryBody => ({
  ...committed(call, at),
  decision: 'released',
  amounts: { charged: '0' },
  outcome: { success: false, status: 500, digest: word(8), reason: 'upstream_status' },
  payment: { state: 'released', paidBy: 'deferred' },
});

export const abandoned = (call: number, at = START + 90): EntryBody => ({
  ...about(call),
  type: 'call.abandoned',
  at,
  decision: 'abandoned',
  amounts: { charged: '0' },
  outcome: { reason: 'no_finish' },
  payment: { state: 'released', paidBy: 'deferred' },
});

export const late = (call: number, at = START + 95): EntryBody => ({
  ...about(call),
  type: 'call.late',
  at,
  amounts: { charged: '0' },
  outcome: { success: true, status: 200, digest: word(9) },
});

/** A tool that did not answer and keeps the amount: of a settled payment, or of credit. */
export const kept = (call: number, paidBy: 'upfront' | 'credit', at = START + 90): EntryBody => ({
  ...abandoned(call, at),
  amounts: { charged: paidBy === 'upfront' ? '20000' : '0' },
  payment: { state: paidBy === 'upfront' ? 'settled' : 'none', paidBy, kept: true },
});

/** The operator's decision about a kept amount. */
export const resolved = (
  call: number,
  paidBy: 'upfront' | 'credit',
  decision: 'charged' | 'released',
  at = START + 900,
): EntryBody => ({
  ...about(call),
  type: 'call.resolved',
  at,
  decision,
  amounts: {
    charged: decision === 'charged' ? '20000' : '0',
    before: paidBy === 'upfront' ? '20000' : '0',
  },
  outcome: { reason: 'asked the bank' },
  payment: { state: paidBy === 'upfront' ? 'settled' : 'none', paidBy },
});

export const settled = (call: number, at = START + 4): EntryBody => ({
  ...about(call),
  type: 'payment.settled',
  at,
  amounts: { amount: '20000' },
  payment: { transaction: word(call + 2000), block: 123 },
  evidence: { signature: `0x${'5a'.repeat(65)}` },
});

export const unpaid = (call: number, at = START + 400): EntryBody => ({
  ...about(call),
  type: 'payment.failed',
  at,
  amounts: { amount: '20000' },
  payment: { fault: 'payer', reason: 'cancelled', transaction: word(call + 3000) },
});

export const denied = (call: number, at = START): EntryBody => ({
  ...about(call),
  type: 'call.denied',
  at,
  decision: 'denied',
  rule: 'per_call',
  count: 3,
  policy: word(7),
  outcome: { limit: { rule: 'per_call', limit: '5000000', remaining: '5000000' } },
});

/** `count` paid calls, one after another. */
export const paidCalls = (account: AccountId, count: number): Entry[] =>
  history(
    account,
    Array.from({ length: count }, (_, index) => [
      accepted(index + 1),
      committed(index + 1),
      settled(index + 1),
    ]).flat(),
  );
