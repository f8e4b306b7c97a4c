import { expect, it } from 'vitest';
import { newAccount } from '../../../../src/audit/verify/replay/account.ts';
import type { ReplayedCall } from '../../../../src/audit/verify/replay/call.ts';
import { resolved } from '../../../../src/audit/verify/replay/call-entries.ts';
import type { Entry, EntryBody } from '../../../../src/protocol/entry.ts';
import { START, word } from '../history.ts';
import { ACCOUNT, faultOf } from './signed-log.ts';

const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e' as const;

const kept: ReplayedCall = {
  ...{ id: word(9), tool: 'tool', request: word(8), policy: word(7), at: START },
  ...{ asset: ASSET, price: 5n, creditTo: undefined, grant: undefined, lender: undefined },
  ...{ state: 'abandoned', payment: 'none', fault: undefined, charged: 0n, refunded: 0n },
  ...{ heldIn: [], isApproved: false, until: undefined, isKept: true, isBounced: false },
  ...{ hasAnswer: false, isPermit: false, paidBy: 'credit' },
};

const charge: EntryBody = {
  ...{ type: 'call.resolved', rule: 'card', at: START, call: word(9), decision: 'charged' },
  amounts: { charged: '5', before: '0' },
  payment: { state: 'none', paidBy: 'credit' },
};

/** Attack: the charge of a call without an answer needs an operator's signature, unless the entry claims that a card issuer decided it. */
it('finds a kept call that credit paid and that no operator resolved', async () => {
  const account = newAccount(ACCOUNT);
  const entry = charge as unknown as Entry;
  const unsigned = await faultOf([charge]);
  const { faults } = resolved({ account, call: kept, entry });
  expect([unsigned, ...faults]).not.toEqual([undefined]);
  expect(resolved({ account, call: { ...kept, paidBy: 'card' }, entry }).faults).toEqual([]);
});
