import { type Address, encodeFunctionData, type Hex, multicall3Abi, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { ChainClient } from '../../../dev/stack/chain-client.ts';
import { multicall3 } from '../../../dev/stack/faucet.ts';
import {
  randomNonce,
  signAuthorization,
  signCancellation,
  type SignedAuthorization,
} from '../../../dev/stack/authorization.ts';
import { people } from '../../../dev/stack/people.ts';
import { usdc, usdcAbi, usdcBalance } from '../../../dev/stack/usdc.ts';
import { nextKey, type Trick } from './payer.ts';
import type { Purchase } from './purchase.ts';
import type { Signed } from './sign-purchase.ts';

type Call = { readonly to: Address; readonly data: Hex };

/** What hostile payers do on the chain. Nobody waits for it, and it may fail: what came of it, the chain says. */
export type Tricks = {
  readonly play: (purchase: Purchase, signed: Signed) => Promise<void>;
  /** How often each was tried. */
  readonly played: ReadonlyMap<Trick, number>;
};

const GAS = 400_000n;

export const openTricks = (client: ChainClient, seed: number): Tricks => {
  const played = new Map<Trick, number>();

  /** From an account of its own: two that share one race for its transaction nonce. */
  const submit = async ({ to, data }: Call): Promise<void> => {
    const account = privateKeyToAccount(generatePrivateKey());
    await client.setBalance({ address: account.address, value: parseEther('1') });
    await client.sendTransaction({ account, to, data, gas: GAS, maxFeePerGas: 300_000_000_000n });
  };

  const drain = async ({ payer, key }: Purchase): Promise<void> => {
    if (payer.keys.at(-1) !== key) return;
    const heir = nextKey(payer, seed);
    const amount = await usdcBalance(client, key.address);
    await client.setBalance({ address: key.address, value: parseEther('1') });
    const data = encodeFunctionData({
      abi: usdcAbi,
      functionName: 'transfer',
      args: [heir.address, amount],
    });
    await client.sendTransaction({ account: key.account, to: usdc.address, data, gas: GAS });
  };

  const play = async (purchase: Purchase, signed: Signed): Promise<void> => {
    const { authorization: own } = signed;
    const kind = purchase.trick?.kind;
    if (kind === undefined || own === undefined) return;
    played.set(kind, (played.get(kind) ?? 0) + 1);
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
      // Sends the same signature elsewhere: `payer-life.ts`.
      case 'reuses':
        return undefined;
    }
  };
  return { play, played };
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

/** All of them in one transaction, or none. */
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

/** The same nonce, spent on the payer itself. */
const onItself = async (
  { account, nonce }: Signed,
  { authorization: { value, validBefore } }: SignedAuthorization,
): Promise<SignedAuthorization> =>
  await signAuthorization({
    ...{ account, token: usdc, to: account.address, value, validAfter: 0n, validBefore, nonce },
  });

/** As much to the same payee, which nobody has asked for. */
const anotherOf = async (
  { account }: Signed,
  { authorization: { value, validBefore } }: SignedAuthorization,
): Promise<SignedAuthorization> =>
  await signAuthorization({
    ...{ account, token: usdc, to: people.payTo, value, validAfter: 0n, validBefore },
    nonce: randomNonce(),
  });
