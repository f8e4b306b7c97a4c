import { type Hex, hashTypedData, type LocalAccount, recoverTypedDataAddress } from 'viem';
import { expect } from 'vitest';
import { randomNonce } from '../../../dev/stack/authorization.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import {
  type AgentDelegation,
  type AgentRevocation,
  type DelegationBody,
  type RevocationBody,
  signDelegation,
  signRevocation,
} from '../../../src/client/index.ts';
import { delegationFields } from '../../../src/protocol/intent/agent-delegation.ts';
import { revocationFields } from '../../../src/protocol/intent/agent-revocation.ts';
import vectors from '../../vectors/countersign-v1.json' with { type: 'json' };
import { agentIntent, CHAIN, type SignedIntent, signIntent, signPaidIntent } from './intent.ts';
import { keyOf, newAccount, nowSeconds } from './payment.ts';
import type { ToolCall, World } from './world.ts';

export const EVERY_PAYEE: Hex = `0x${'f'.repeat(40)}`;
export const NO_PARENT: Hex = `0x${'0'.repeat(64)}`;

const membersOf = (type: string) =>
  type
    .slice(type.indexOf('(') + 1, -1)
    .split(',')
    .map((member) => {
      const [of = '', name = ''] = member.split(' ');
      return { name, type: of };
    });

const typedData = (
  primaryType: 'AgentDelegation' | 'AgentIntent' | 'AgentRevocation',
  message: object,
) => ({
  domain: { name: 'Countersign', version: '1', chainId: CHAIN },
  types: { [primaryType]: membersOf(vectors.typeStrings[primaryType]) },
  primaryType,
  message: message as Record<string, unknown>,
});

/** The hash of a grant, computed with viem and the vectors' types, independently of the gateway's code. */
export const hashOf = (grant: AgentDelegation): Hex =>
  hashTypedData(typedData('AgentDelegation', grant));

/** A registered grant with its hash. */
export type Granted = AgentDelegation & { readonly hash: Hex };

const lower = (address: string): Hex => address.toLowerCase() as Hex;

/** A default policy with a monthly limit, which counts the calls of an owner's agents. */
export const MONTHLY_POLICY = JSON.stringify({
  perCall: '5000000u',
  exposure: '1000000u',
  rate: { limit: 100_000, seconds: 1 },
  windows: [{ every: 'month', limit: '100000000u' }],
});

/** A grant of every tool and payee for ten dollars, without children. `fields` override it. */
export const grantFor = (
  world: World,
  issuer: string,
  delegate: string,
  fields: Partial<AgentDelegation> = {},
): AgentDelegation => ({
  issuer: lower(issuer),
  delegate: lower(delegate),
  audience: world.stack.description.audience,
  tools: ['*'],
  payees: [EVERY_PAYEE],
  asset: lower(usdc.address),
  maxPerCall: 10_000_000n,
  maxTotal: 10_000_000n,
  windowSeconds: 0n,
  maxPerWindow: 0n,
  validAfter: 0n,
  validUntil: BigInt(nowSeconds() + 3_600),
  epoch: 0n,
  depth: 0,
  id: randomNonce(),
  parent: NO_PARENT,
  ...fields,
});

/** A child grant by the delegate of `parent`, with the same limits. `fields` override it. */
export const childGrant = (
  { hash, ...parent }: Granted,
  delegate: string,
  fields: Partial<AgentDelegation> = {},
): AgentDelegation => ({
  ...parent,
  issuer: parent.delegate,
  delegate: lower(delegate),
  depth: parent.depth - 1,
  id: randomNonce(),
  parent: hash,
  ...fields,
});

/** Signs the body of `PUT /delegations`, without the client's checks. */
export const signUnchecked = async (
  issuer: LocalAccount,
  grant: AgentDelegation,
): Promise<DelegationBody> => ({
  v: 1,
  chainId: String(CHAIN),
  delegation: delegationFields(grant),
  signature: await issuer.signTypedData(typedData('AgentDelegation', grant)),
});

/** Signs the body of `POST /revocations`, without the client's checks. */
export const signUncheckedRevocation = async (
  issuer: LocalAccount,
  revocation: AgentRevocation,
): Promise<RevocationBody> => ({
  v: 1,
  chainId: String(CHAIN),
  revocation: revocationFields(revocation),
  signature: await issuer.signTypedData(typedData('AgentRevocation', revocation)),
});

/** The request that registers this body. */
export const registration = (body: unknown): ToolCall => ({
  path: '/delegations',
  method: 'PUT',
  body: typeof body === 'string' ? body : JSON.stringify(body),
  contentType: 'application/json',
});

const bodyOf = async (
  issuer: LocalAccount,
  grant: AgentDelegation | Granted,
): Promise<DelegationBody> => {
  const { hash: _, ...delegation } = { hash: NO_PARENT, ...grant };
  return await signDelegation(issuer, CHAIN, delegation);
};

/** Signs a grant with the client and registers it, with the delegate's consent if the tests have its key. */
export const register = async (
  world: World,
  issuer: LocalAccount,
  grant: AgentDelegation | Granted,
): Promise<Response> => {
  const body = await bodyOf(issuer, grant);
  const holder = keyOf(grant.delegate);
  return holder === undefined
    ? await world.send(registration(body))
    : await registerWith(world, holder, body);
};

/** Registers a grant with the delegate's consent, expects success, and returns it with its hash. */
export const granted = async (
  world: World,
  issuer: LocalAccount,
  grant: AgentDelegation,
): Promise<Granted> => {
  const answer = await register(world, issuer, grant);
  expect(answer.status, await answer.clone().text()).toBe(201);
  return { ...grant, hash: hashOf(grant) };
};

/** Grants to a new key. */
export const grantedAgent = async (
  world: World,
  owner: LocalAccount,
  fields: Partial<AgentDelegation> = {},
): Promise<{ readonly agent: LocalAccount; readonly grant: Granted }> => {
  const agent = newAccount();
  const grant = grantFor(world, owner.address, agent.address, fields);
  return { agent, grant: await granted(world, owner, grant) };
};

/** Registers a grant without the delegate's consent and returns it with its hash. */
export const offered = async (
  world: World,
  issuer: LocalAccount,
  grant: AgentDelegation,
): Promise<Granted> => {
  const answer = await world.send(registration(await bodyOf(issuer, grant)));
  expect(answer.status, await answer.clone().text()).toBe(201);
  expect(await answer.json()).toMatchObject({ status: 'offered' });
  return { ...grant, hash: hashOf(grant) };
};

/** Registers with an `Agent-Intent` of the consenting account for this body. */
export const registerWith = async (
  world: World,
  consenter: LocalAccount,
  body: DelegationBody,
): Promise<Response> => {
  const call = registration(body);
  const signed = await signIntent(world, consenter, call, { tool: 'countersign.delegations' });
  return await world.send(call, agentIntent(signed));
};

export const revocationRequest = (body: unknown): ToolCall => ({
  path: '/revocations',
  method: 'POST',
  body: JSON.stringify(body),
  contentType: 'application/json',
});

/** Signs with the client and revokes one id or an epoch. */
export const revoke = async (
  world: World,
  issuer: LocalAccount,
  what: { readonly id: Hex } | { readonly epoch: bigint },
): Promise<Response> => {
  const body = await signRevocation(issuer, CHAIN, {
    issuer: lower(issuer.address),
    id: 'id' in what ? what.id : NO_PARENT,
    epoch: 'epoch' in what ? what.epoch : 0n,
    issuedAt: BigInt(nowSeconds()),
  });
  return await world.send(revocationRequest(body));
};

/** The answer to `POST /revocations`. */
export type Revoked = {
  readonly issuer: string;
  readonly id: Hex;
  readonly epoch: string;
  readonly changed: boolean;
  readonly acknowledged: readonly string[];
  readonly silent: readonly string[];
};

/** Makes a call paid from the credit of the agent or of an ancestor. With a zero `authority` the gateway uses the default grant. */
export const callWith = async (
  world: World,
  agent: LocalAccount,
  call: ToolCall,
  authority: Hex = NO_PARENT,
): Promise<Response> => {
  const signed: SignedIntent = await signPaidIntent(world, agent, call, { authority });
  return await world.send(call, agentIntent(signed));
};

/** A window length of one or two days, in seconds, such that the current window lasts ten more minutes. */
export const stableWindow = (): bigint => {
  const day = 86_400;
  const ends = [day + 3_601, 2 * day + 7].map((every) => every - (nowSeconds() % every));
  return BigInt((ends[0] ?? 0) > 600 ? day + 3_601 : 2 * day + 7);
};

/**
 * Recovers the signer of a logged message with viem and the types of the vectors alone, without code of the gateway (law 11). Integers
 * are decimal strings in the log.
 */
export const signerOf = async (
  type: 'AgentDelegation' | 'AgentIntent' | 'AgentRevocation',
  fields: Readonly<Record<string, unknown>>,
  signature: Hex,
): Promise<string> => {
  const members = membersOf(vectors.typeStrings[type]);
  const message = Object.fromEntries(
    members.map(({ name, type: of }) => {
      const value = fields[name];
      return [name, of.startsWith('uint') ? BigInt(value as string | number) : value];
    }),
  );
  const address = await recoverTypedDataAddress({ ...typedData(type, message), signature });
  return address.toLowerCase();
};
