import type { Seconds } from '../../src/core/clock.ts';
import type { Address, Hex } from '../../src/core/hex.ts';
import { type KeyReference, readKeyReference } from '../../src/protocol/key-reference.ts';
import { type SignerPolicy, signerPolicySchema } from '../../src/protocol/signer/policy.ts';
import { signerPolicyHash, signerPolicyJson } from '../../src/signer/policy.ts';
import type { Spending } from '../../src/signer/spending.ts';
import type { Noun } from '../store/noun.ts';
import type { Reader } from '../store/query.ts';

/** The wallet key of an agent: a child of the fleet seed, or a key in a key service. */
export type WalletKey = { readonly child: number } | { readonly service: KeyReference };

/** An enrolled agent. `disabled`: its key service returned a signature of another key. */
export type Agent = {
  /** Counts from 1 in the order of enrolment, and is never reused, because it is also the index of the agent's child key. */
  readonly number: number;
  /** Thumbprint of the key that authenticates the agent now. */
  readonly keyId: string;
  readonly address: Address;
  readonly key: WalletKey;
  readonly label?: string;
  readonly status: 'active' | 'disabled' | 'revoked';
  /** Hash of its policy. */
  readonly policy: Hex;
  readonly spending: Spending;
  readonly at: Seconds;
};

type StoredWindow = { readonly start: Seconds; readonly spent: string };
type StoredAgent = Omit<Agent, 'key' | 'spending'> & {
  readonly key: number | string;
  readonly lifetime: string;
  readonly windows: Readonly<Record<string, StoredWindow>>;
};

export const AGENT: Noun<Agent> = {
  name: 'agent',
  key: ({ number }) => number,
  encode: ({ key, spending, ...agent }) =>
    JSON.stringify({
      ...agent,
      key: 'child' in key ? key.child : key.service.name,
      lifetime: spending.lifetime.toString(),
      windows: Object.fromEntries(
        Object.entries(spending.windows).map(([name, { start, spent }]) => [
          name,
          { start, spent: spent.toString() },
        ]),
      ),
    } satisfies StoredAgent),
  decode: (text) => {
    const { key, lifetime, windows, ...agent } = JSON.parse(text) as StoredAgent;
    return {
      ...agent,
      key: typeof key === 'number' ? { child: key } : { service: referenceOf(key) },
      spending: {
        lifetime: BigInt(lifetime),
        windows: Object.fromEntries(
          Object.entries(windows).map(([name, { start, spent }]) => [
            name,
            { start, spent: BigInt(spent) },
          ]),
        ),
      },
    };
  },
};

const referenceOf = (name: string): KeyReference => {
  const read = readKeyReference(name);
  if (!read.ok) throw new Error('a stored key reference is always valid');
  return read.value;
};

/** A public key that authenticates, or authenticated, an agent. Kept for good: a revoked key never returns. */
export type AgentKey = {
  /** RFC 7638 thumbprint. */
  readonly id: string;
  /** Ed25519 public key, base64url. */
  readonly x: string;
  /** Number of its agent. */
  readonly agent: number;
  /** Set when another key replaced this one: the time at which this key stops working. */
  readonly until?: Seconds;
};

export const AGENT_KEY: Noun<AgentKey> = {
  name: 'agent-key',
  key: ({ id }) => id,
  encode: (key) => JSON.stringify(key),
  decode: (text) => JSON.parse(text) as AgentKey,
};

/** A policy, stored once for all agents that have it. */
export type KeptPolicy = { readonly hash: Hex; readonly policy: SignerPolicy };

export const POLICY: Noun<KeptPolicy> = {
  name: 'policy',
  key: ({ hash }) => hash,
  encode: ({ policy }) => JSON.stringify(signerPolicyJson(policy)),
  decode: (text) => {
    const policy: SignerPolicy = signerPolicySchema.parse(JSON.parse(text));
    return { hash: signerPolicyHash(policy), policy };
  },
};

/** Finds the agent of a key that authenticates now; undefined for unknown, replaced and revoked keys. */
export const findAgent = (
  read: Pick<Reader, 'get'>,
  keyId: string,
  now: Seconds,
): { readonly agent: Agent; readonly key: AgentKey } | undefined => {
  const key = read.get(AGENT_KEY, keyId);
  if (key === undefined || (key.until !== undefined && key.until <= now)) return undefined;
  const agent = read.get(AGENT, key.agent);
  return agent === undefined || agent.status === 'revoked' ? undefined : { agent, key };
};

/** @throws Error if storage lost the policy: then nothing may be signed. */
export const policyOf = (read: Pick<Reader, 'get'>, { policy: hash }: Agent): SignerPolicy => {
  const kept = read.get(POLICY, hash);
  if (kept === undefined) throw new Error('the policy of an agent is not stored');
  return kept.policy;
};
