import type { Origin, SpendCounter, Subject } from '../../../src/policy/rule.ts';
import { type Policy } from '../../../src/policy/policy.ts';
import { type Source } from '../../../src/policy/evaluate.ts';

export const NOW = 1_000;
export const ACCOUNT = `eip155:1:0x${'aa'.repeat(20)}` as const;
const EMPTY: Policy = { windows: [], deny: [], require: [] };

export const subject: Subject = {
  tool: 'pay.card',
  payTo: `0x${'11'.repeat(20)}`,
  asset: `eip155:1/erc20:0x${'22'.repeat(20)}`,
  price: 10n,
  topUp: false,
  binding: 'none',
  validBefore: NOW + 300,
  request: '0x01',
  params: { p: { found: true, value: 'x' } },
};

export const sourceOf = (
  policy: Partial<Policy> = {},
  rest: Partial<Source> = {},
  kind: Origin['kind'] = 'default',
): Source => ({
  key: kind,
  origin: { kind, account: ACCOUNT, hash: '0x' },
  status: 'active',
  policy: { ...EMPTY, ...policy },
  counters: [],
  ...rest,
});

export const counter = (
  rule: SpendCounter['rule'],
  changes: Partial<SpendCounter> = {},
): SpendCounter => ({
  rule,
  name: rule === 'window' ? 'day' : rule,
  limit: 50n,
  spent: 30n,
  held: 15n,
  ...(rule === 'window' ? { resetsAt: 86_400, window: 86_400 } : {}),
  ...changes,
});

export const SLOW = { limit: 1, seconds: 60 };
