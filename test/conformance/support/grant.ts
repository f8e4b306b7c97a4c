import { type Hex, hashTypedData, type LocalAccount, recoverTypedDataAddress } from 'viem';
import { expect } from 'vitest';
import { randomNonce } from '../../../dev/stack/authorization.ts';
import { usdc } from '../../../dev/stack/usdc.ts';
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
import { keyOf, nowSeconds } from './payment.ts';
import type { ToolCall, World } from './world.ts';

export const ANYBODY: Hex = `0x${'f'.repeat(40)}`;
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

/** The hash of a grant by viem's typed-data hashing and the vectors' type, neither of which is the gateway's. */
export const hashOf = (grant: AgentDelegation): Hex =>
  hashTypedData(typedData('AgentDelegation', grant));

/** A grant that was registered, with its hash. */
export type Granted = AgentDelegation & { readonly hash: Hex };

const lower = (address: string): Hex => address.toLowerCase() as Hex;

/** A grant of every tool and payee for ten dollars, no children, but for the fields given. */
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
  payees: [ANYBODY],
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

/** As `grantFor`, below another grant: by its delegate, and as wide as it but for the fields given. */
export const grantBelow = (
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

/** Signs whatever is there, also what the client would not: the body of `PUT /delegations`. */
export const signAnything = async (
  issuer: LocalAccount,
  grant: AgentDelegation,
): Promise<DelegationBody> => ({
  v: 1,
  chainId: String(CHAIN),
  delegation: delegationFields(grant),
  signature: await issuer.signTypedData(typedData('AgentDelegation', grant)),
});

/** As `signAnything`, the body of `POST /revocations`. */
export const signAnyRevocation = async (
  issuer: LocalAccount,
  revocation: AgentRevocation,
): Promise<RevocationBody> => ({
  v: 1,
  chainId: String(CHAIN),
  revocation: revocationFields(revocation),
  signature: await issuer.signTypedData(typedData('AgentRevocation', revocation)),
});

/** The request that registers a body. */
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

/** Signs with the client, and registers with the consent of the delegate, where this run has its key. */
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

/** Registers with the consent of the delegate a grant that must be taken, and gives it with its hash. */
export const granted = async (
  world: World,
  issuer: LocalAccount,
  grant: AgentDelegation,
): Promise<Granted> => {
  const answer = await register(world, issuer, grant);
  expect(answer.status, await answer.clone().text()).toBe(201);
  return { ...grant, hash: hashOf(grant) };
};

/** Registers a grant without its delegate, and gives it with its hash. */
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

/** Registers with an `Agent-Intent` of whoever consents, for this very body. */
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

/** Signs with the client and sends: one id, or an epoch. */
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

/** What `POST /revocations` answers. */
export type Revoked = {
  readonly issuer: string;
  readonly id: Hex;
  readonly epoch: string;
  readonly changed: boolean;
  readonly acknowledged: readonly string[];
  readonly silent: readonly string[];
};

/** Makes a call that an owner's credit pays, or the caller's own. Zero authority leaves the grant to the gateway. */
export const callWith = async (
  world: World,
  agent: LocalAccount,
  call: ToolCall,
  authority: Hex = NO_PARENT,
): Promise<Response> => {
  const signed: SignedIntent = await signPaidIntent(world, agent, call, { authority });
  return await world.send(call, agentIntent(signed));
};

/** A limit as `GET /accounts/me` and problems tell it. */
type LimitBody = {
  readonly rule: string;
  readonly limit: string;
  readonly spent: string;
  readonly held: string;
  readonly remaining: string;
  readonly resets_at?: number;
  readonly window?: number;
  readonly account?: string;
};

/** What `GET /accounts/me` answers. */
type StandingBody = {
  readonly account: string;
  readonly status: string;
  readonly revision: number;
  readonly parent?: string;
  readonly policies: readonly {
    readonly kind: string;
    readonly account: string;
    readonly hash: Hex;
    readonly policy: Readonly<Record<string, unknown>>;
  }[];
  readonly grants: readonly {
    readonly hash: Hex;
    readonly id: Hex;
    readonly issuer: string;
    readonly status: string;
    readonly valid_until: number;
    readonly is_default: boolean;
  }[];
  readonly money: readonly {
    readonly asset: string;
    readonly credit: string;
    readonly credit_held: string;
    readonly held: string;
    readonly unsettled: string;
    readonly debt: string;
    readonly limits: readonly LimitBody[];
  }[];
};

const me: ToolCall = { path: '/accounts/me' };

/** Asks how an account stands, with its signature. */
export const askStanding = async (world: World, account: LocalAccount): Promise<Response> => {
  const signed = await signIntent(world, account, me, { tool: 'countersign.account' });
  return await world.send(me, agentIntent(signed));
};

export const standingOf = async (world: World, account: LocalAccount): Promise<StandingBody> => {
  const answer = await askStanding(world, account);
  expect(answer.status, await answer.clone().text()).toBe(200);
  expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
  return (await answer.json()) as StandingBody;
};

/** One of the limits of an account's only money, as its standing tells it. */
export const limitIn = (standing: StandingBody, rule: string): LimitBody | undefined =>
  standing.money[0]?.limits.find((limit) => limit.rule === rule);

/** What of a limit is no longer free. */
export const usedOf = (limit: LimitBody | undefined): bigint =>
  limit === undefined ? 0n : BigInt(limit.spent) + BigInt(limit.held);

/** A window of some days that does not end within the next minutes. */
export const quietWindow = (): bigint => {
  const day = 86_400;
  const ends = [day + 3_601, 2 * day + 7].map((every) => every - (nowSeconds() % every));
  return BigInt((ends[0] ?? 0) > 600 ? day + 3_601 : 2 * day + 7);
};

/**
 * Who signed what stands in a log, by viem and the vectors' types alone: nothing of the gateway is believed (law 11). Integers are
 * decimal strings there.
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
