import { expect } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { CommandVerdict } from '../../../../src/protocol/account/command-verdict.ts';
import type {
  AccountCommand,
  CommandIntent,
  CommandSigner,
  Expected,
  Status,
} from '../../../../src/protocol/account/command.ts';
import type { AgentAccountRpc } from '../../../../src/protocol/account/rpc.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import {
  accountOf,
  asset,
  callOf,
  entriesOf,
  factsOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  trust,
} from '../../support.ts';

/** A signed intent as the gateway sends it to the account. Each request has an attempt id of its own. */
export const intentOf = (changes: Partial<CommandIntent> = {}): CommandIntent => ({
  fields: { tool: 'countersign.admin.test' },
  signature: `0x${'77'.repeat(65)}`,
  digest: randomHex(32),
  attempt: randomHex(16),
  validBefore: nowSeconds() + 300,
  ...changes,
});

export const ownerBy = (payer: Hex): CommandSigner => ({
  account: accountOf(payer),
  role: 'owner',
});
export const operator: CommandSigner = {
  account: accountOf(`0x${'0e'.repeat(20)}`),
  role: 'operator',
};

export const applyStatus = (
  payer: Hex,
  by: CommandSigner,
  status: Status,
  intent = intentOf(),
  expected?: Expected,
): Promise<CommandVerdict> =>
  stubOf(payer).apply({
    kind: 'status',
    status,
    by,
    intent,
    ...(expected === undefined ? {} : { expected }),
  });

type PolicyChanges = Partial<Extract<AccountCommand, { readonly kind: 'policy' }>>;

export const applyPolicy = async (
  payer: Hex,
  by: CommandSigner,
  document: unknown,
  changes: PolicyChanges = {},
): Promise<CommandVerdict> =>
  stubOf(payer).apply({
    kind: 'policy',
    slot: by.role,
    document,
    by,
    intent: intentOf(),
    ...changes,
  });

export const applyLabel = (
  payer: Hex,
  by: CommandSigner,
  label: string | null,
  changes: Partial<Extract<AccountCommand, { readonly kind: 'label' }>> = {},
): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'label', label, by, intent: intentOf(), ...changes });

type DocumentChanges = Partial<Extract<AccountCommand, { readonly kind: 'document' }>>;

export const applyDocument = async (
  payer: Hex,
  document: unknown,
  changes: DocumentChanges = {},
): Promise<CommandVerdict> =>
  stubOf(payer).apply({
    kind: 'document',
    type: 'tool',
    name: 'lookup',
    document,
    by: operator,
    intent: intentOf(),
    ...changes,
  });

export const adjust = (payer: Hex, amount: bigint, intent = intentOf()): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'adjust', asset, amount, reason: 'goodwill', by: operator, intent });

export const standingOf = async (payer: Hex, by: CommandSigner = operator) => {
  const stub: Pick<AgentAccountRpc, 'standing'> = stubOf(payer);
  const found = await stub.standing({ account: accountOf(payer), by });
  if (found.verdict !== 'found') throw new Error(found.verdict);
  return found.standing;
};

export const currentOf = (governed: CommandVerdict): Hex => {
  if (governed.verdict !== 'applied' || governed.current === undefined) {
    throw new Error(JSON.stringify(governed));
  }
  return governed.current;
};

export const changed = { verdict: 'applied', changed: true } as const;
export const refused = (reason: string) => ({ verdict: 'refused', fault: { reason } });

export const lastEntry = async (payer: Hex): Promise<Entry> => {
  const last = (await entriesOf(payer)).at(-1);
  if (last === undefined) throw new Error('no entry');
  return last;
};

export const seqOf = async (payer: Hex): Promise<number> => (await snapshotOf(payer)).seq;

export const tight = { perCall: '10u' };
export const wide = { perCall: '1000u' };

/** A payment whose tool has answered and that is not settled yet. */
export const openPayment = async () => {
  const payer = randomHex(20);
  await trust(payer, 10_000n, 100_000n);
  const call = callOf(payer, { price: 1_000n });
  const attempt = randomHex(16);
  const verdict = await stubOf(payer).reserve(call, attempt, { facts: factsOf(100_000n, 11) });
  expect(verdict.verdict).toBe('go');
  await stubOf(payer).finish(call.id, attempt, success);
  return {
    payer,
    call: call.id,
    until: call.validBefore,
    signature: call.payment?.signature ?? '',
  };
};

export const writeOff = (payer: Hex, call: Hex, intent = intentOf()): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'writeOff', call, reason: 'lost key', by: operator, intent });

export const redrive = (payer: Hex, call: Hex, intent = intentOf()): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'redrive', call, by: operator, intent });
