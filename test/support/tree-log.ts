/** Unsigned chains of an owner and two agents below it, as a gateway could write them. Verifiers can only check their sums. */
import { privateKeyToAccount } from 'viem/accounts';
import { textHash } from '../../src/audit/verify/logged-text.ts';
import type { Address, Hex } from '../../src/core/hex.ts';
import { ZERO_HASH } from '../../src/core/hex.ts';
import { type AccountId, accountId, assetId } from '../../src/protocol/account-id.ts';
import type { Entry, EntryBody, Json } from '../../src/protocol/entry.ts';
import {
  type AgentDelegation,
  delegationDigest,
  delegationFields,
} from '../../src/protocol/intent/agent-delegation.ts';
import { history, word } from '../unit/audit/history.ts';

const CHAIN = 84_532;
const ON = `eip155:${CHAIN}` as const;
const TOKEN: Address = `0x${'70'.repeat(20)}`;
const PAY_TO: Address = `0x${'0f'.repeat(20)}`;
const SIGNATURE: Hex = `0x${'5a'.repeat(65)}`;
const addressOf = (key: string): Address =>
  privateKeyToAccount(`0x${key.repeat(32)}`).address.toLowerCase() as Address;
const OWNER = addressOf('31');
const AGENTS = [addressOf('32'), addressOf('33')] as const;

/** The owner's limit, and the time when its policy came into force. */
export type OwnerLimit = { readonly policy: Json; readonly since: number };

/** A paid call of one of the agents. `isListed`: whether its entry lists the owner's policy. */
export type TreeCall = {
  readonly agent: 0 | 1;
  readonly at: number;
  readonly price: number;
  readonly isListed: boolean;
};

const grantOf = (delegate: Address, at: number) => {
  const fields: AgentDelegation = {
    issuer: OWNER,
    delegate,
    audience: 'https://gateway.example',
    tools: ['*'],
    payees: [PAY_TO],
    asset: TOKEN,
    maxPerCall: 1_000_000n,
    maxTotal: 1_000_000n,
    windowSeconds: 0n,
    maxPerWindow: 0n,
    validAfter: 0n,
    validUntil: BigInt(at + 10_000_000),
    epoch: 0n,
    depth: 0,
    id: word(at),
    parent: ZERO_HASH,
  };
  const grant = delegationDigest(fields, CHAIN);
  const delegation = delegationFields(fields) as unknown as Json;
  return { grant, evidence: { grant, delegation, signature: SIGNATURE } };
};

const callOf = (
  { agent, at, price, isListed }: TreeCall,
  number: number,
  { policy }: OwnerLimit,
  grant: Hex,
): readonly EntryBody[] => {
  const account = accountId(ON, AGENTS[agent]);
  const listed = [
    { kind: 'default', account, hash: textHash({ windows: [] }) },
    { kind: 'grant', account, hash: grant },
    ...(isListed ? [{ kind: 'owner', account: accountId(ON, OWNER), hash: textHash(policy) }] : []),
  ];
  const about = {
    ...{ call: word(number), tool: 'translate', request: word(number + 1_000), at },
    policy: textHash(listed),
  };
  return [
    {
      ...about,
      type: 'call.accepted',
      binding: 'intent',
      decision: 'go',
      evidence: { policies: listed, audience: 'https://gateway.example' },
      amounts: { price: String(price) },
      payment: { asset: assetId(ON, TOKEN), payTo: PAY_TO, paidBy: 'free', grant },
    },
    {
      ...about,
      type: 'call.finished',
      decision: 'committed',
      amounts: { charged: String(price) },
      outcome: { success: true, status: 200, digest: word(9), reason: 'answered' },
      payment: { state: 'none', paidBy: 'free' },
    },
  ];
};

/** Builds the chains by account, the owner's first. Each chain has its calls in the order of `calls`. */
export const treeLog = (
  limit: OwnerLimit,
  calls: readonly TreeCall[],
): ReadonlyMap<AccountId, readonly Entry[]> => {
  const began = limit.since - 3_600;
  const grants = AGENTS.map((delegate, at) => grantOf(delegate, began + at));
  const owner = history(accountId(ON, OWNER), [
    ...grants.map(({ evidence }): EntryBody => ({
      ...{ type: 'grant.issued', at: began, decision: 'active', evidence },
    })),
    {
      type: 'account.policy',
      at: limit.since,
      decision: 'owner',
      evidence: { policy: limit.policy },
      outcome: { hash: textHash(limit.policy) },
    },
  ]);
  const agents = AGENTS.map((address, agent): [AccountId, readonly Entry[]] => {
    const { grant, evidence } = grants[agent] as (typeof grants)[number];
    const above = [accountId(ON, OWNER)];
    const taken: EntryBody = { type: 'grant.taken', at: began, evidence, outcome: { above } };
    const own = calls.flatMap((call, number) =>
      call.agent === agent ? callOf(call, number + 1, limit, grant) : [],
    );
    return [accountId(ON, address), history(accountId(ON, address), [taken, ...own])];
  });
  return new Map([[accountId(ON, OWNER), owner], ...agents]);
};
