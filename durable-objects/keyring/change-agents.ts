import type { Seconds } from '../../src/core/clock.ts';
import type { Json } from '../../src/protocol/entry.ts';
import type { CommandFault, KeyringCommand } from '../../src/signer/keyring-contract.ts';
import { signerPolicyHash, signerPolicyJson } from '../../src/signer/policy.ts';
import { anyNoun, put, remove, type Write } from '../store/noun.ts';
import type { Reader } from '../store/query.ts';
import { AGENT, type Agent, AGENT_KEY, findAgent, POLICY, policyOf } from './agent.ts';
import { type Change, type Changing, inParts } from './command.ts';
import { agentAnswer } from './listed-agent.ts';
import type { KeyringState } from './state.ts';

type Of<Kind extends KeyringCommand['kind']> = Extract<KeyringCommand, { readonly kind: Kind }>;

const fault = (field: string, hint: string): { readonly fault: CommandFault } => ({
  fault: { reason: 'malformed_request', field: `body.${field}`, hint },
});
const UNKNOWN = 'must be the id of an agent of this owner that is not revoked';

/** Finds all named agents, or returns the first name that no agent has. */
const findAll = (
  read: Reader,
  ids: readonly string[],
  now: Seconds,
): readonly Agent[] | { readonly fault: CommandFault } => {
  const found = new Map<number, Agent>();
  for (const [at, id] of ids.entries()) {
    const agent = findAgent(read, id, now)?.agent;
    if (agent === undefined) return fault(`agents[${at}]`, UNKNOWN);
    found.set(agent.number, agent);
  }
  return [...found.values()];
};

/** Removes policies that no agent has after these changes: an owner may change policies any number of times. */
const unusedPolicies = (read: Reader, after: ReadonlyMap<number, Agent>): readonly Write[] => {
  const used = new Set<string>();
  for (const agent of read.find(AGENT)) used.add((after.get(agent.number) ?? agent).policy);
  return [...read.find(POLICY)]
    .filter(({ hash }) => !used.has(hash))
    .map(({ hash }) => ({ ...remove(POLICY, hash), noun: anyNoun(POLICY) }));
};

/** Gives agents another policy, from the next request on. */
export const changePolicy =
  ({ agents, policy }: Of<'policy'>): Changing =>
  (state, { read, now }) => {
    const found = findAll(read, agents, now);
    if ('fault' in found) return found;
    const hash = signerPolicyHash(policy);
    const changed = found
      .filter((agent) => agent.policy !== hash)
      .map((agent) => ({ ...agent, policy: hash }));
    const after = new Map(changed.map((agent) => [agent.number, agent]));
    return {
      state,
      writes: [
        ...unusedPolicies(read, after),
        put(POLICY, { hash, policy }),
        ...changed.map((agent) => put(AGENT, agent)),
      ],
      entries: inParts(changed).map((part) => ({
        type: 'signer.policy',
        policy: hash,
        outcome: {
          policy: signerPolicyJson(policy) as { readonly [key: string]: Json },
          agents: part.map(({ keyId }) => keyId),
        },
      })),
      answer: {},
    };
  };

/** Revokes agents for good. Their next request finds no key. */
export const revoke =
  ({ agents, reason }: Of<'revoke'>): Changing =>
  (state, { read, now }) => {
    const found =
      agents === 'all'
        ? [...read.find(AGENT)].filter(({ status }) => status !== 'revoked')
        : findAll(read, agents, now);
    if ('fault' in found) return found;
    const revoked = found.map((agent): Agent => ({ ...agent, status: 'revoked' }));
    return {
      state,
      writes: revoked.map((agent) => put(AGENT, agent)),
      entries: inParts(revoked).map((part) => ({
        type: 'signer.revoked',
        outcome: {
          agents: part.map(({ keyId }) => keyId),
          ...(reason === undefined ? {} : { reason }),
        },
      })),
      answer: { agents: revoked.map((agent) => answerOf(state, read, agent)) },
    };
  };

/** Replaces the key that an agent authenticates with. Wallet, policy and counters stay. */
export const rotate =
  ({ agent: id, keyId, x, overlap }: Of<'rotate'>): Changing =>
  (state, { read, now }): Change | { readonly fault: CommandFault } => {
    const found = findAgent(read, id, now);
    if (found === undefined) return fault('agent', UNKNOWN);
    if (read.get(AGENT_KEY, keyId) !== undefined) {
      return fault('jwk', 'must be a key that no agent of this owner has or had');
    }
    const old = read.get(AGENT_KEY, found.agent.keyId);
    const rotated: Agent = { ...found.agent, keyId };
    return {
      state,
      writes: [
        put(AGENT, rotated),
        put(AGENT_KEY, { id: keyId, x, agent: rotated.number }),
        ...(old === undefined ? [] : [put(AGENT_KEY, { ...old, until: now + overlap })]),
      ],
      entries: [
        {
          type: 'signer.rotated',
          outcome: { agent: found.agent.keyId, to: keyId, x, until: now + overlap },
        },
      ],
      answer: { agents: [answerOf(state, read, rotated)] },
    };
  };

const answerOf = (state: KeyringState, read: Reader, agent: Agent) =>
  agentAnswer(state.owner, agent, policyOf(read, agent));
