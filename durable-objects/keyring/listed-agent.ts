import type { Seconds } from '../../src/core/clock.ts';
import { periodOf, windowName } from '../../src/policy/window.ts';
import { accountId, type AccountId, parseAccountId } from '../../src/protocol/account-id.ts';
import type { EnrolledAgent } from '../../src/protocol/signer/management.ts';
import type { SignerPolicy } from '../../src/protocol/signer/policy.ts';
import type { ListedAgent } from '../../src/signer/keyring-contract.ts';
import { exposureOf, signerPolicyJson } from '../../src/signer/policy.ts';
import { spentIn } from '../../src/signer/spending.ts';
import type { Reader } from '../store/query.ts';
import { AGENT, type Agent, policyOf, type WalletKey } from './agent.ts';

/** The name of a wallet key in answers and in the log. */
export const keyName = (key: WalletKey): string =>
  'child' in key ? `fleet:${key.child}` : key.service.name;

/** An agent in the form of answers. Its account is on the chain of its owner. */
export const agentAnswer = (
  owner: AccountId,
  { keyId, address, label, key, status, at }: Agent,
  policy: SignerPolicy,
): EnrolledAgent => {
  const on = parseAccountId(owner)?.network;
  const isPaused = status === 'active' && policy.status === 'paused';
  return {
    agent: keyId,
    address,
    account: on === undefined ? '' : accountId(on, address),
    ...(label === undefined ? {} : { label }),
    key: keyName(key),
    status: isPaused ? 'paused' : status,
    at,
  };
};

/** A page of agents, oldest first, with what each has spent and could spend. */
export const listAgents = (
  owner: AccountId,
  read: Reader,
  after: number,
  limit: number,
  now: Seconds,
): readonly ListedAgent[] =>
  [...read.find(AGENT, { where: [['key', '>', after]], limit })].map((agent) => {
    const policy = policyOf(read, agent);
    const { spending } = agent;
    return {
      ...agentAnswer(owner, agent, policy),
      number: agent.number,
      policy: signerPolicyJson(policy),
      spent: {
        windows: policy.windows.map(({ every, limit: most }) => ({
          every: windowName(every),
          limit: most.toString(),
          spent: spentIn(spending, every, now).toString(),
          resets_at: periodOf(every, now).end,
        })),
        lifetime: spending.lifetime.toString(),
      },
      exposure: exposureOf(policy),
    };
  });
