import { randomBytes } from 'node:crypto';
import type { Hex, LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import {
  type Agent,
  type AgentDelegation,
  createAgent,
  createManagement,
  signDelegation,
} from '../../src/client/index.ts';
import { readOutgoing } from '../../src/client/outgoing.ts';
import { signQuestion, windowAt } from '../../src/client/proof.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { type Address, ZERO_ADDRESS, ZERO_HASH } from '../../src/core/hex.ts';
import { type AccountId, accountId, network } from '../../src/protocol/account-id.ts';
import { CHAIN_ID, usdc } from '../stack/chain-access.ts';
import { people, person } from '../stack/people.ts';
import { pooledFetch } from './connections.ts';
import { PRICES, STORMED } from './sold.ts';
import type { Stage } from './stage.ts';

/** A delegated agent: its key, its account and the client that pays with it. */
export type Member = {
  readonly account: LocalAccount;
  readonly id: AccountId;
  readonly agent: Agent;
};

/** USDC of each agent: enough for the membership and for more than all calls. */
const FUNDS = 100_000_000n;
/** Repeats of a signed request: an attempt that died with the Worker blocks its call for a minute. */
const RETRIES = 40;
/** Connections of each agent. */
const CONNECTIONS = 10;
const EVERY_PAYEE: Address = `0x${'f'.repeat(40)}`;
const HOUR = 3_600;
const ON = network(CHAIN_ID);

const idOf = (address: string): AccountId => accountId(ON, address.toLowerCase() as Address);

/** The account that all agents spend for. */
export const OWNER: AccountId = idOf(people.owner.address);

/** Creates agents with money on the chain, each with one settled purchase: the gateway defers settlement only for payers that it knows (law 7). */
export const recruit = async ({ stack }: Stage, count: number): Promise<readonly Member[]> => {
  const members = Array.from({ length: count }, (_, number): Member => {
    const account = privateKeyToAccount(person(`storm agent ${number}`).privateKey);
    const spend = { perCall: '$1.00', total: '$1000.00' };
    return {
      account,
      id: idOf(account.address),
      agent: createAgent({ account, spend, retries: RETRIES, fetch: pooledFetch(CONNECTIONS) }),
    };
  });
  await Promise.all(
    members.map(async ({ account }) => await stack.chain.fund(account.address, FUNDS)),
  );
  await Promise.all(
    members.map(async ({ agent }, number) => {
      const answer = await agent.fetch(`${stack.gateway.url}/membership/${number}`);
      if (answer.status !== 200 || answer.countersign.charged !== PRICES.membership)
        throw new Error(`no membership: ${answer.status} ${await answer.text()}`);
    }),
  );
  return members;
};

/** The owner limits what all of its agents together may spend. */
export const limitOwner = async ({ stack }: Stage, cap: bigint): Promise<void> => {
  const { url: gateway, audience } = stack.gateway;
  const owner = createManagement({
    ...{ gateway, audience, chainId: CHAIN_ID },
    account: privateKeyToAccount(people.owner.privateKey),
  });
  await owner.call('account.policy.put', {
    params: { account: OWNER },
    body: { lifetime: `${cap}u` },
    ifNoneMatch: '*',
  });
};

/** The owner grants both tools to each agent, and each agent consents with its own signature. */
export const delegate = async (stage: Stage, members: readonly Member[]): Promise<void> => {
  const owner = privateKeyToAccount(people.owner.privateKey);
  await Promise.all(
    members.map(async ({ account }) => {
      const grant: AgentDelegation = {
        issuer: people.owner.address.toLowerCase() as Address,
        delegate: account.address.toLowerCase() as Address,
        audience: stage.stack.gateway.audience,
        tools: [...STORMED],
        payees: [EVERY_PAYEE],
        asset: usdc.address,
        maxPerCall: PRICES.quote,
        maxTotal: FUNDS,
        windowSeconds: 0n,
        maxPerWindow: 0n,
        validAfter: 0n,
        validUntil: BigInt(nowSeconds() + HOUR),
        epoch: 0n,
        depth: 0,
        id: `0x${randomBytes(32).toString('hex')}`,
        parent: ZERO_HASH,
      };
      await register(stage, account, await signDelegation(owner, CHAIN_ID, grant));
    }),
  );
};

const register = async (
  { stack }: Stage,
  holder: LocalAccount,
  body: Awaited<ReturnType<typeof signDelegation>>,
): Promise<void> => {
  const url = `${stack.gateway.url}/delegations`;
  const init = {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  };
  const { header } = await signQuestion(holder, await readOutgoing(url, init), ON, {
    ...{ audience: stack.gateway.audience, tool: 'countersign.delegations' },
    ...{ payTo: ZERO_ADDRESS, asset: ZERO_ADDRESS as Hex, maxAmount: 0n },
    ...windowAt(nowSeconds()),
  });
  const headers = { ...init.headers, [header[0]]: header[1] };
  const answer = await fetch(url, { ...init, headers });
  if (answer.status !== 201) throw new Error(`no grant: ${answer.status} ${await answer.text()}`);
};
