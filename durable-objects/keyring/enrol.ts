import type { Address } from '../../src/core/hex.ts';
import type { SignerPolicy } from '../../src/protocol/signer/policy.ts';
import type { CommandFault, Enrolment } from '../../src/signer/keyring-contract.ts';
import type { FleetKeys, SealedSeed } from '../../src/signer/fleet-seed.ts';
import { signerPolicyHash, signerPolicyJson } from '../../src/signer/policy.ts';
import { NO_SPENDING } from '../../src/signer/spending.ts';
import { put } from '../store/noun.ts';
import { AGENT, type Agent, AGENT_KEY, POLICY } from './agent.ts';
import { type Changing, inParts } from './command.ts';
import { agentAnswer, keyName } from './listed-agent.ts';
import type { Json } from '../../src/protocol/entry.ts';

/** The most agents of one owner, revoked ones included: the object keeps all of them in memory. */
const MAX_AGENTS = 20_000;

/** Computed outside the transaction: child keys take half a millisecond each, and key services a round trip. */
export type Prepared = {
  readonly seed: SealedSeed;
  readonly fleet: FleetKeys;
  /** Addresses of keys in key services, by name of the key. */
  readonly addresses: ReadonlyMap<string, Address>;
};

const fault = (field: string, hint: string): { readonly fault: CommandFault } => ({
  fault: { reason: 'malformed_request', field: `body.${field}`, hint },
});

/** Enrols all of the agents, or none. */
export const enrol =
  (agents: readonly Enrolment[], policy: SignerPolicy, prepared: Prepared): Changing =>
  (state, { read, now }) => {
    if (state.agents + agents.length > MAX_AGENTS) {
      return fault(
        'agents',
        `must leave at most ${MAX_AGENTS} agents of this owner, revoked ones included`,
      );
    }
    if (state.seed !== undefined && state.seed.body !== prepared.seed.body) {
      // Race: another command has made or encrypted the seed meanwhile, and these child keys belong to another seed.
      return { fault: { reason: 'storage_unavailable' } };
    }
    const ids = new Set<string>();
    const known = new Set<Address>();
    // Two agents with one key would be two policies for one wallet. Fleet children need no check, because each has a new number.
    if (prepared.addresses.size > 0) {
      for (const { address } of read.find(AGENT)) known.add(address);
    }
    const hash = signerPolicyHash(policy);
    const enrolled: { readonly agent: Agent; readonly x: string }[] = [];
    for (const [at, { keyId, x, label, key }] of agents.entries()) {
      if (ids.has(keyId) || read.get(AGENT_KEY, keyId) !== undefined) {
        return fault(`agents[${at}].jwk`, 'must be a key that no agent of this owner has or had');
      }
      ids.add(keyId);
      const number = state.agents + at + 1;
      const address =
        key === undefined ? prepared.fleet.address(number) : prepared.addresses.get(key.name);
      if (address === undefined || known.has(address)) {
        return fault(`agents[${at}].key`, 'must be a key that no agent of this owner has or had');
      }
      known.add(address);
      const agent: Agent = {
        ...{
          number,
          keyId,
          address,
          status: 'active',
          policy: hash,
          spending: NO_SPENDING,
          at: now,
        },
        key: key === undefined ? { child: number } : { service: key },
        ...(label === undefined ? {} : { label }),
      };
      enrolled.push({ agent, x });
    }
    return {
      state: { ...state, seed: prepared.seed, agents: state.agents + agents.length },
      writes: [
        put(POLICY, { hash, policy }),
        ...enrolled.flatMap(({ agent, x }) => [
          put(AGENT, agent),
          put(AGENT_KEY, { id: agent.keyId, x, agent: agent.number }),
        ]),
      ],
      entries: inParts(enrolled).map((part) => ({
        type: 'signer.enrolled',
        policy: hash,
        outcome: {
          policy: signerPolicyJson(policy) as { readonly [key: string]: Json },
          agents: part.map(({ agent, x }) => ({
            agent: agent.keyId,
            x,
            address: agent.address,
            key: keyName(agent.key),
          })),
        },
      })),
      answer: { agents: enrolled.map(({ agent }) => agentAnswer(state.owner, agent, policy)) },
    };
  };
