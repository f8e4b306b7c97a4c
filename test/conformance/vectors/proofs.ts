import type { Hex, LocalAccount } from 'viem';
import { beforeAll, expect } from 'vitest';
import { signDelegation } from '../../../src/client/index.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import vectors from '../../vectors/countersign-v1.json' with { type: 'json' };
import { type Bound, signBound } from '../support/bound.ts';
import { creditedAccount } from '../support/credit.ts';
import { grantFor, hashOf, registerWith } from '../support/grant.ts';
import {
  agentIntent,
  CHAIN,
  intentFor,
  paidIntentFor,
  signFields,
  type SignedIntent,
} from '../support/intent.ts';
import { type NamedField, mutationsOf, paidRequest } from '../support/mutation.ts';
import type { Problem } from '../support/offer.ts';
import { fundedAccount, isUsed, transfersFrom, trustedAccount } from '../support/payment.ts';
import type { HeaderLine } from '../support/refusal.ts';
import type { ToolCall, World } from '../support/world.ts';

export const PRICE = 20_000n;
export const SECOND = 'http://second.example';

const { paid } = vectors;
const nonce = paid.intent.nonce as Hex;

/**
 * Valid proofs for this gateway and the current time, built from the vectors. They use the vectors' nonce; `authority` is a grant to the
 * agent.
 */
export type Proofs = {
  readonly account: LocalAccount;
  readonly creditHolder: LocalAccount;
  /** The paid intent. */
  readonly intent: AgentIntent;
  /** The payment bound to it. */
  readonly good: Bound;
  /** The same intent, paid from credit. */
  readonly fromCredit: SignedIntent;
  /** The unpaid intent, for a free tool of this gateway. */
  readonly free: SignedIntent;
};

export const freeRequest: ToolCall = { path: '/tools/whoami?q=x' };

/** Registers a grant to an agent with the agent's consent. Returns the grant's hash. */
const grantedTo = async (world: World, owner: LocalAccount, agent: LocalAccount): Promise<Hex> => {
  const grant = grantFor(world, owner.address, agent.address);
  const answer = await registerWith(world, agent, await signDelegation(owner, CHAIN, grant));
  expect(answer.status, await answer.text()).toBe(201);
  return hashOf(grant);
};

const makeProofs = async (world: World): Promise<Proofs> => {
  const account = await trustedAccount(world, { reports: 4, balance: 1_000_000n });
  const creditHolder = await creditedAccount(world, { credit: 5n * PRICE, balance: 1_000_000n });
  const now = BigInt(Math.floor(Date.now() / 1000));
  const window = { validAfter: now - 10n, validBefore: now + 280n };
  const owner = await fundedAccount(world, 1_000n);
  const fields = { nonce, ...window };
  const intent = await paidIntentFor(world, account.address, paidRequest, {
    ...fields,
    authority: await grantedTo(world, owner, account),
  });
  const good = await signBound(world, account, paidRequest, intent);
  const theirs = await paidIntentFor(world, creditHolder.address, paidRequest, {
    ...fields,
    authority: await grantedTo(world, owner, creditHolder),
  });
  const fromCredit = await signFields(creditHolder, theirs);
  const free = await signFields(
    account,
    intentFor(world, account.address, freeRequest, { nonce, ...window }),
  );
  return { account, creditHolder, intent, good, fromCredit, free };
};

/** Makes the proofs before the tests of a file. Returns a function that gives them to a running test. */
export const useProofs = (world: () => World): (() => Proofs) => {
  let proofs: Proofs | undefined;
  beforeAll(async () => {
    proofs = await makeProofs(world());
  });
  return () => {
    if (proofs === undefined) throw new Error('beforeAll has not made the proofs');
    return proofs;
  };
};

/** The path of a field in a problem. */
export const pathOf = (named: NamedField, root: (field: string) => string): string =>
  'path' in named ? named.path : root(named.field);

/** Path of an intent's field in the header `Agent-Intent`. */
export const headerField = (field: string): string => `Agent-Intent.intent.${field}`;
export const lines = (signed: SignedIntent): readonly HeaderLine[] =>
  Object.entries(agentIntent(signed));

/** Expects that the attempt uses up nothing: no tool run (`refusal` checks that), no transfer, no nonce. */
export const expectUnused = async (
  world: World,
  payment: Bound,
  attempt: () => Promise<Problem>,
): Promise<Problem> => {
  const payer = payment.payload.authorization.from as Hex;
  const transfers = await transfersFrom(world, payer);
  const problem = await attempt();
  expect(await transfersFrom(world, payer)).toEqual(transfers);
  expect(await isUsed(world, payment)).toBe(false);
  return problem;
};

const NONCE = { path: 'PAYMENT-SIGNATURE.payload.authorization.nonce' };
export const SIGNATURE = { path: 'Agent-Intent.signature' };
const CHAIN_ID = { path: 'Agent-Intent.chainId' };
export const paidMutations = mutationsOf(NONCE, NONCE);
export const headerMutations = mutationsOf(SIGNATURE, CHAIN_ID);
