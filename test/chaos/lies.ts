import { encodeFunctionData, type Hex, multicall3Abi, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { multicall3, usdc, usdcAbi } from '../../dev/stack/chain-access.ts';
import {
  signAuthorization,
  signCancellation,
  submitAuthorization,
  submitCancellation,
} from '../../dev/stack/authorization.ts';
import type { PaidRequest } from './support/agent.ts';
import type { Lie } from './support/lying-stage.ts';
import type { Stage } from './support/stage.ts';

const CLAIMED: Hex = `0x${'5a'.repeat(32)}`;

const answer = (body: Readonly<Record<string, unknown>>): Response =>
  Response.json({ network: usdc.network, payer: '', transaction: '', ...body });

/** An account with ether that takes no part in the payment. */
const stranger = async ({ stack }: Stage) => {
  const account = privateKeyToAccount(generatePrivateKey());
  await stack.chain.client.setBalance({ address: account.address, value: parseEther('1') });
  return { client: stack.chain.client, sender: account, token: usdc };
};

/** Presents a payment from a third account, which EIP-3009 allows to anyone who has the signature. */
export const presentAsStranger = async (stage: Stage, { signed }: PaidRequest): Promise<Hex> =>
  await submitAuthorization({ ...(await stranger(stage)), signed });

/** Signs another transfer with the payment's nonce, to the payer itself. */
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

/** Lies about the first presentation only. */
export const once =
  (first: Lie): Lie =>
  async (stage, request, forward, presented) =>
    presented === 0 ? await first(stage, request, forward, presented) : await forward();

const silence = new Promise<never>(() => {});

/** Answers that contradict the chain although the payment settles. */
export const SETTLED_ALL_THE_SAME: Readonly<Record<string, Lie>> = {
  'claims failure after a transfer': async (_, __, forward) => {
    await forward();
    return answer({ success: false, errorReason: 'invalid_transaction_state' });
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
    return answer({ success: false, errorReason: 'settlement_pending', transaction });
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
    return answer({ success: true, transaction: CLAIMED });
  },
};

/** Settles and never answers. The gateway times out after 30 seconds. */
export const NEVER_ANSWERS: Lie = once(async (_, __, forward) => {
  await forward();
  return await silence;
});

/** Claims success and moves nothing. */
export const CLAIMS_SUCCESS: Lie = async () => answer({ success: true, transaction: CLAIMED });

/** Reports that a valid payment failed, and moves nothing. */
export const CLAIMS_FAILURE: Lie = async () =>
  answer({ success: false, errorReason: 'unexpected_settle_error' });

/** Answers of a facilitator that moves nothing. */
export const NOTHING_MOVED: Readonly<Record<string, Lie>> = {
  'claims success without a transfer': CLAIMS_SUCCESS,
  'answers settlement_pending without broadcasting': async () =>
    answer({ success: false, errorReason: 'settlement_pending' }),
  'answers garbage': async () => new Response('{"success": "yes"', { status: 200 }),
  'claims failure for no reason': CLAIMS_FAILURE,
};

/** Lies until the test calls `beHonest`. */
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

/** Ways for a payer to make its accepted payment fail. */
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
 * Settles the first payment, and uses the nonce of an equal one for a transfer to the payer itself, in one transaction. Its only Transfer
 * to the gateway must not count for both payments.
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
