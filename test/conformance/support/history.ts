import { decodeJwt } from 'jose';
import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { expect } from 'vitest';
import { people } from '../../../dev/stack/people.ts';
import { bind, bound } from './bound.ts';
import { accountOf, creditedAccount } from './credit.ts';
import { callWith, grantedAgent, revoke } from './grant.ts';
import { agentIntent, digestOf, retryKey, signIntent, signPaidIntent } from './intent.ts';
import { manage, okJson } from './manage.ts';
import { fundedAccount, pay, trustedAccount } from './payment.ts';
import { lookup, translate, whoami, type World } from './world.ts';

/** Variables that a gateway needs for `makeHistory`. */
export const HISTORY_VARIABLES = { OPERATORS: people.operator.address };

const operator = privateKeyToAccount(people.operator.privateKey);

const expectStatus = async (answer: Promise<Response>, status: number): Promise<Response> => {
  const found = await answer;
  expect(found.status, await found.clone().text()).toBe(status);
  return found;
};

const receiptOf = (answer: Response): string => answer.headers.get('Agent-Receipt') ?? '';

/** The accounts of a history, and the receipts that its callers received. */
export type History = {
  readonly owner: LocalAccount;
  readonly agents: readonly LocalAccount[];
  readonly payer: LocalAccount;
  readonly newcomer: LocalAccount;
  readonly receipts: readonly string[];
};

/**
 * Creates a small history with every kind of event that an auditor meets: an owner with credit, two grants, calls from credit, a denial by
 * a grant, a call that waits and is approved, a revocation and the denial after it, bound and vanilla payments that settle, a refund, a
 * policy and a label.
 */
export const makeHistory = async (world: World): Promise<History> => {
  const receipts: string[] = [];
  const keep = async (answer: Promise<Response>): Promise<Response> => {
    const found = await expectStatus(answer, 200);
    receipts.push(receiptOf(found));
    return found;
  };
  const owner = await creditedAccount(world, { credit: 500_000n, balance: 0n });
  const { agent: alice } = await grantedAgent(world, owner);
  const { agent: bob, grant } = await grantedAgent(world, owner, {
    maxTotal: 2_500n,
    maxPerCall: 1_000n,
  });
  const params = { account: accountOf(alice.address) };
  const asking = { approveAbove: '$0.01' };
  await okJson(manage(world, owner, 'account.policy.put', { params, body: asking }));
  for (let calls = 0; calls < 3; calls += 1) await keep(callWith(world, alice, lookup));
  await keep(callWith(world, bob, lookup));
  await keep(callWith(world, bob, lookup));
  await expectStatus(callWith(world, bob, lookup), 403);
  const free = await signIntent(world, alice, whoami, { tool: 'whoami' });
  await keep(world.send(whoami, agentIntent(free)));

  const waiting = await signPaidIntent(world, alice, translate);
  await expectStatus(world.send(translate, agentIntent(waiting)), 403);
  const call = digestOf(waiting.intent);
  await okJson(manage(world, owner, 'account.approve', { params: { ...params, call } }));
  await keep(world.send(translate, { ...agentIntent(waiting), ...retryKey(waiting.intent) }));

  await expectStatus(revoke(world, owner, { id: grant.id }), 200);
  await expectStatus(callWith(world, bob, lookup), 403);

  const payer = await trustedAccount(world, { reports: 2, balance: 50_000n });
  await keep(pay(world, payer, lookup));
  await keep(world.send(lookup, bound(await bind(world, payer, lookup))));

  // A newcomer's payment settles before the tool runs, so the operator can refund it at once.
  const newcomer = await fundedAccount(world, 1_000n);
  const paid = await keep(world.send(lookup, bound(await bind(world, newcomer, lookup))));
  const { call: refunded } = decodeJwt(receiptOf(paid));
  const target = { account: accountOf(newcomer.address), call: String(refunded) };
  await okJson(
    manage(world, operator, 'calls.refund', { params: target, body: { reason: 'a wrong answer' } }),
  );
  // One agent grants to another, and a call counts against both grants.
  const carol = (await grantedAgent(world, owner, { depth: 1 })).agent;
  return { owner, agents: [alice, bob, carol], payer, newcomer, receipts };
};
