import type { Hex } from 'viem';
import { encodeFunctionData, multicall3Abi, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { multicall3 } from '../../dev/stack/faucet.ts';
import {
  signAuthorization,
  signCancellation,
  submitAuthorization,
  submitCancellation,
} from '../../dev/stack/authorization.ts';
import { usdc, usdcAbi } from '../../dev/stack/usdc.ts';
import type { PaidRequest } from './support/agent.ts';
import type { Lie } from './support/lying-stage.ts';
import type { Stage } from './support/stage.ts';

const CLAIMED: Hex = `0x${'5a'.repeat(32)}`;

const say = (body: Readonly<Record<string, unknown>>): Response =>
  Response.json({ network: usdc.network, payer: '', transaction: '', ...body });

/** Somebody with ether and no part in this. */
const stranger = async ({ stack }: Stage) => {
  const account = privateKeyToAccount(generatePrivateKey());
  await stack.chain.client.setBalance({ address: account.address, value: parseEther('1') });
  return { client: stack.chain.client, sender: account, token: usdc };
};

/** A third account presents a payment as anybody who has seen it may. */
export const presentAsStranger = async (stage: Stage, { signed }: PaidRequest): Promise<Hex> =>
  await submitAuthorization({ ...(await stranger(stage)), signed });

/** The payer signs the nonce of a payment a second time, to itself. */
const toItself = async ({ agent, signed }: PaidRequest) =>
  await signAuthorization({
    account: agent.account,
    token: usdc,
    to: agent.address,
    value: signed.authorization.value,
    validAfter: 0n,
    validBefore: signed.authorization.validBefore,
    nonce: signed.authorization.nonce,
  });

/** The first time it does this, afterwards it is honest. */
export const once =
  (first: Lie): Lie =>
  async (stage, request, forward, presented) =>
    presented === 0 ? await first(stage, request, forward, presented) : await forward();

const silence = new Promise<never>(() => {});

/** Ways in which what a facilitator says is not what the chain says; the payment is settled all the same. */
export const SETTLED_ALL_THE_SAME: Readonly<Record<string, Lie>> = {
  'claims failure after a transfer': async (_, __, forward) => {
    await forward();
    return say({ success: false, errorReason: 'invalid_transaction_state' });
  },
  'answers 500 after broadcasting': async (_, __, forward) => {
    await forward();
    return new Response('Internal Server Error', { status: 500 });
  },
  'drops the connection after broadcasting': async (_, __, forward) => {
    await forward();
    return 'drop';
  },
  'answers settlement_pending with the transaction': async (_, __, forward) => {
    const { transaction } = (await (await forward()).json()) as { transaction: string };
    return say({ success: false, errorReason: 'settlement_pending', transaction });
  },
  'answers garbage after broadcasting': async (_, __, forward) => {
    await forward();
    return new Response('<html>'.repeat(100_000), { headers: { 'content-type': 'text/html' } });
  },
  'is overtaken by a third account': async (stage, request, forward) => {
    await presentAsStranger(stage, request);
    return await forward();
  },
  'names a transaction that is not its own': async (_, __, forward) => {
    await forward();
    return say({ success: true, transaction: CLAIMED });
  },
};

/** As above, but it never answers at all: takes the gateway thirty seconds to give up. */
export const NEVER_ANSWERS: Lie = once(async (_, __, forward) => {
  await forward();
  return await silence;
});

/** It claims success and moves nothing. */
export const CLAIMS_SUCCESS: Lie = async () => say({ success: true, transaction: CLAIMED });

/** It claims failure of what is good, and moves nothing. */
export const CLAIMS_FAILURE: Lie = async () =>
  say({ success: false, errorReason: 'unexpected_settle_error' });

/** Ways to move nothing. */
export const NOTHING_MOVED: Readonly<Record<string, Lie>> = {
  'claims success without a transfer': CLAIMS_SUCCESS,
  'answers settlement_pending without broadcasting': async () =>
    say({ success: false, errorReason: 'settlement_pending' }),
  'answers garbage': async () => new Response('{"success": "yes"', { status: 200 }),
  'claims failure for no reason': CLAIMS_FAILURE,
};

/** Lies until it is told to be honest. */
export const newLiar = (lie: Lie): { readonly lie: Lie; readonly beHonest: () => void } => {
  let isHonest = false;
  return {
    lie: async (stage, request, forward, presented) =>
      isHonest ? await forward() : await lie(stage, request, forward, presented),
    beHonest: () => {
      isHonest = true;
    },
  };
};

/** What a payer can do to make its accepted payment impossible. */
export const SPOILED: Readonly<Record<string, Lie>> = {
  'spends the nonce on itself': async (stage, request, forward) => {
    const signed = await toItself(request);
    await submitAuthorization({ ...(await stranger(stage)), signed });
    return await forward();
  },
  'cancels the nonce': async (stage, request, forward) => {
    const { agent, nonce } = request;
    const signature = await signCancellation({ account: agent.account, token: usdc, nonce });
    await submitCancellation({
      ...(await stranger(stage)),
      ...{ authorizer: agent.address, nonce, signature },
    });
    return await forward();
  },
};

/**
 * One transaction that pays the first and spends the nonce of its twin, of equal payer and value, on the payer itself: the one
 * Transfer to the gateway must not count for both.
 */
export const settleOneOfTwins = async (
  stage: Stage,
  paid: PaidRequest,
  twin: PaidRequest,
): Promise<void> => {
  const spent = await toItself(twin);
  const calls = [spent, paid.signed].map(({ authorization, signature }) => {
    const { from, to, value, validAfter, validBefore, nonce } = authorization;
    return {
      target: usdc.address,
      allowFailure: false,
      callData: encodeFunctionData({
        abi: usdcAbi,
        functionName: 'transferWithAuthorization',
        args: [from, to, value, validAfter, validBefore, nonce, signature],
      }),
    };
  });
  const { client, sender } = await stranger(stage);
  const hash = await client.writeContract({
    ...{ address: multicall3, abi: multicall3Abi, account: sender },
    ...{ functionName: 'aggregate3', args: [calls] },
  });
  await client.waitForTransactionReceipt({ hash });
};
