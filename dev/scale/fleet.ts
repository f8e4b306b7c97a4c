import { randomBytes } from 'node:crypto';
import { bytesToHex, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { createAgent } from '../../src/client/agent.ts';
import { hashDelegation, signDelegation } from '../../src/client/delegation.ts';
import type { Management } from '../../src/client/management.ts';
import { ZERO_HASH } from '../../src/core/hex.ts';
import { type AccountId, accountId, network } from '../../src/protocol/account-id.ts';
import { nth } from '../../test/scale/fill.ts';
import { CHAIN_ID, usdc } from '../stack/chain-access.ts';
import { people, person } from '../stack/people.ts';

const DAY = 86_400;
const AGENTS = 10;
const CALLS = 3;
/** Concurrent requests. */
const LANES = 32;
/** `payees` of a grant that allows every payee. */
const EVERY_PAYEE = `0x${'ff'.repeat(20)}` as const;

export const accountOf = ({ address }: { readonly address: string }): AccountId =>
  accountId(network(CHAIN_ID), address.toLowerCase() as Hex);

/** Accounts whose Durable Objects exist, for pages that read from these objects. */
export type Fleet = {
  readonly owner: AccountId;
  /** An agent of the owner that has called. */
  readonly agent: AccountId;
  /** The id of the agent's last call. */
  readonly call: Hex;
};

/** Runs `make` for each number below `count`, `LANES` at once. */
const inLanes = async (count: number, make: (at: number) => Promise<void>): Promise<void> => {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await make(at);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
};

/** Signs a grant of the owner and registers it. @returns its hash */
const grant = async (gateway: string, delegate: Hex): Promise<Hex> => {
  const now = Math.floor(Date.now() / 1000);
  const delegation = {
    ...{ issuer: people.owner.address.toLowerCase() as Hex, delegate, audience: gateway },
    ...{ tools: ['*'], payees: [EVERY_PAYEE], asset: usdc.address },
    ...{
      maxPerCall: 20_000n,
      maxTotal: 1_000_000n,
      windowSeconds: 86_400n,
      maxPerWindow: 100_000n,
    },
    ...{ validAfter: BigInt(now - 60), validUntil: BigInt(now + 30 * DAY), epoch: 0n, depth: 0 },
    ...{ id: bytesToHex(randomBytes(32)), parent: ZERO_HASH },
  };
  const body = await signDelegation(
    privateKeyToAccount(people.owner.privateKey),
    CHAIN_ID,
    delegation,
  );
  const answer = await fetch(`${gateway}/delegations`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`The grant got ${answer.status}: ${await answer.text()}`);
  return hashDelegation(CHAIN_ID, delegation);
};

/** Lets an agent spend credit of the owner. @returns the id of its last call */
const work = async (gateway: string, name: string): Promise<Hex> => {
  const { privateKey, address } = person(name);
  const authority = await grant(gateway, address.toLowerCase() as Hex);
  const agent = createAgent({
    account: privateKeyToAccount(privateKey),
    authority,
    spend: { perCall: '$0.02', total: '$1', onlyCredit: true },
  });
  let call = '';
  for (let at = 0; at < CALLS; at += 1) {
    const answer = await agent.fetch(`${gateway}/tools/lookup?word=river`);
    await answer.text();
    if (!answer.ok) throw new Error(`The call got ${answer.status}.`);
    call = answer.countersign.call ?? '';
  }
  return call as Hex;
};

/**
 * Makes an owner with credit. The owner grants to ten agents, which make calls, and offers grants to `offered` accounts. An operator labels
 * the first `named` accounts of the fill, which creates their objects.
 */
export const makeFleet = async (
  gateway: string,
  operator: Management,
  { named, offered }: { readonly named: number; readonly offered: number },
): Promise<Fleet> => {
  await createAgent({
    account: privateKeyToAccount(people.owner.privateKey),
    spend: { perCall: '$2', total: '$2' },
  }).topUp(gateway, '$1');
  let call: Hex = ZERO_HASH;
  for (let at = 0; at < AGENTS; at += 1) call = await work(gateway, `scale agent ${at}`);
  await inLanes(named, async (at) => {
    const account = nth(at + 1);
    const body = { label: `agent ${at + 1}` };
    await operator.call('accounts.put', { params: { account }, body, ifNoneMatch: '*' });
  });
  await inLanes(offered, async (at) => {
    await grant(gateway, nth(at + 1).split(':')[2] as Hex);
  });
  return {
    owner: accountOf(people.owner),
    agent: accountOf(person(`scale agent ${AGENTS - 1}`)),
    call,
  };
};
