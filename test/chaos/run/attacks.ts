import { type Address, encodeFunctionData, type Hex, multicall3Abi, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import {
  type ChainClient,
  multicall3,
  usdc,
  usdcAbi,
  usdcBalance,
} from '../../../dev/stack/chain-access.ts';
import {
  randomNonce,
  signAuthorization,
  signCancellation,
  type SignedAuthorization,
} from '../../../dev/stack/authorization.ts';
import { people } from '../../../dev/stack/people.ts';
import { nextKey, type Attack } from './payer.ts';
import type { Purchase } from './purchase.ts';
import type { Signed } from './sign-purchase.ts';

type Call = { readonly to: Address; readonly data: Hex };

/** Performs the attacks of hostile payers on the chain. An attack may fail, because the checks read its effect from the chain. */
export type Attacker = {
  readonly perform: (purchase: Purchase, signed: Signed) => Promise<void>;
  /** Number of attempts for each attack. */
  readonly performed: ReadonlyMap<Attack, number>;
};

const GAS = 400_000n;

export const openAttacker = (client: ChainClient, seed: number): Attacker => {
  const performed = new Map<Attack, number>();

  /** Sends from a new account. Race: two transactions of one account would use the same transaction nonce. */
  const submit = async ({ to, data }: Call): Promise<void> => {
    const account = privateKeyToAccount(generatePrivateKey());
    await client.setBalance({ address: account.address, value: parseEther('1') });
    await client.sendTransaction({ account, to, data, gas: GAS, maxFeePerGas: 300_000_000_000n });
  };

  const drain = async ({ payer, key }: Purchase): Promise<void> => {
    if (payer.keys.at(-1) !== key) return;
    const next = nextKey(payer, seed);
    const amount = await usdcBalance(client, key.address);
    await client.setBalance({ address: key.address, value: parseEther('1') });
    const data = encodeFunctionData({
      abi: usdcAbi,
      functionName: 'transfer',
      args: [next.address, amount],
    });
    await client.sendTransaction({ account: key.account, to: usdc.address, data, gas: GAS });
  };

  const perform = async (purchase: Purchase, signed: Signed): Promise<void> => {
    const { authorization: own } = signed;
    const kind = purchase.attack?.kind;
    if (kind === undefined || own === undefined) return;
    performed.set(kind, (performed.get(kind) ?? 0) + 1);
    const { last } = purchase.payer;
    switch (kind) {
      case 'cancels':
        return await submit(await cancelled(signed));
      case 'spendsOnItself':
        return await submit(transferCall(await onItself(signed, own)));
      case 'frontRuns':
      case 'settlesReleased':
        return await submit(transferCall(own));
      case 'frontRunsWithDecoy':
        return await submit(together([await onItself(signed, own), await anotherOf(signed, own)]));
      case 'settlesOneOfTwins':
        if (last?.authorization === undefined || last.nonce === signed.nonce) return undefined;
        return await submit(together([await onItself(signed, own), last.authorization]));
      case 'drains':
        return await drain(purchase);
      case 'gives':
        return await submit(transferCall(await anotherOf(signed, own)));
      // `buy.ts` sends the same signature with another request.
      case 'reuses':
        return undefined;
    }
  };
  return { perform, performed };
};

const transferCall = ({ authorization, signature }: SignedAuthorization): Call => {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  return {
    to: usdc.address,
    data: encodeFunctionData({
      abi: usdcAbi,
      functionName: 'transferWithAuthorization',
      args: [from, to, value, validAfter, validBefore, nonce, signature],
    }),
  };
};

/** All transfers in one transaction, which reverts if one fails. */
const together = (all: readonly SignedAuthorization[]): Call => ({
  to: multicall3,
  data: encodeFunctionData({
    abi: multicall3Abi,
    functionName: 'aggregate3',
    args: [
      all.map(transferCall).map(({ to, data }) => ({
        target: to,
        allowFailure: false,
        callData: data,
      })),
    ],
  }),
});

const cancelled = async ({ account, nonce }: Signed): Promise<Call> => ({
  to: usdc.address,
  data: encodeFunctionData({
    abi: usdcAbi,
    functionName: 'cancelAuthorization',
    args: [account.address, nonce, await signCancellation({ account, token: usdc, nonce })],
  }),
});

/** Signs a payment with the same nonce to the payer itself. */
const onItself = async (
  { account, nonce }: Signed,
  { authorization: { value, validBefore } }: SignedAuthorization,
): Promise<SignedAuthorization> =>
  await signAuthorization({
    ...{ account, token: usdc, to: account.address, value, validAfter: 0n, validBefore, nonce },
  });

/** Signs an equal payment to the same payee that belongs to no call. */
const anotherOf = async (
  { account }: Signed,
  { authorization: { value, validBefore } }: SignedAuthorization,
): Promise<SignedAuthorization> =>
  await signAuthorization({
    ...{ account, token: usdc, to: people.payTo, value, validAfter: 0n, validBefore },
    nonce: randomNonce(),
  });
