import type { Hex, LocalAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { expect, vi } from 'vitest';
import { mint, usdc, usdcAbi } from '../../../dev/stack/chain-access.ts';
import { randomNonce, signAuthorization } from '../../../dev/stack/authorization.ts';
import { base64Json, payloadOf } from '../../support/payment-header.ts';
import type { Accepted } from './offer.ts';
import { report, type ToolCall, type World } from './world.ts';

export type WireAuthorization = {
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly validAfter: string;
  readonly validBefore: string;
  readonly nonce: string;
};

/** A signed payment, for a header of either version. */
export type Payment = {
  readonly accepted: Accepted;
  readonly payload: { readonly signature: Hex; readonly authorization: WireAuthorization };
};

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Terms that differ from the offer. Amounts in atomic units, times in Unix seconds. */
export type Terms = {
  readonly value?: bigint;
  readonly to?: `0x${string}`;
  readonly validAfter?: number;
  readonly validBefore?: number;
  readonly nonce?: Hex;
};

/** Signs the payment that the call's 402 asks for. `terms` override it. */
export const sign = async (
  world: World,
  account: LocalAccount,
  call: ToolCall,
  terms: Terms = {},
): Promise<Payment> => {
  const [accepted] = (await world.offer(call)).accepts;
  const signed = await signAuthorization({
    account,
    token: usdc,
    to: terms.to ?? accepted.payTo,
    value: terms.value ?? BigInt(accepted.amount),
    validAfter: BigInt(terms.validAfter ?? 0),
    validBefore: BigInt(terms.validBefore ?? nowSeconds() + accepted.maxTimeoutSeconds),
    nonce: terms.nonce ?? randomNonce(),
  });
  return { accepted, payload: payloadOf(signed) };
};

/** The header of x402 v2, with a `payment-identifier` where given. */
export const v2 = (
  { accepted, payload }: Payment,
  identifier?: string,
): { 'PAYMENT-SIGNATURE': string } => ({
  'PAYMENT-SIGNATURE': base64Json({
    x402Version: 2,
    accepted,
    payload,
    ...(identifier === undefined
      ? {}
      : { extensions: { 'payment-identifier': { info: { id: identifier } } } }),
  }),
});

/** The header of x402 v1 for the same signature. */
export const v1 = ({ payload }: Payment): { 'X-PAYMENT': string } => ({
  'X-PAYMENT': base64Json({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload }),
});

/** Pays for a call: signs the payment and sends it. */
export const pay = async (world: World, account: LocalAccount, call: ToolCall): Promise<Response> =>
  await world.send(call, v2(await sign(world, account, call)));

const keys = new Map<string, LocalAccount>();

/** The account of a private key. The helpers that register grants can sign its consent. */
export const accountWith = (privateKey: Hex): LocalAccount => {
  const account = privateKeyToAccount(privateKey);
  keys.set(account.address.toLowerCase(), account);
  return account;
};

export const newAccount = (): LocalAccount => accountWith(generatePrivateKey());

/** The account of an address, if the tests have its key. */
export const keyOf = (address: string): LocalAccount | undefined => keys.get(address.toLowerCase());

/** A fresh key that holds this many atomic units of USDC. */
export const fundedAccount = async (world: World, amount: bigint): Promise<LocalAccount> => {
  const account = newAccount();
  await mint(world.client, account.address, amount);
  return account;
};

const REPORT_PRICE = 50_000n;

/** Makes `reports` payments of $0.05, each settled before its tool runs. */
export const trust = async (
  world: World,
  account: LocalAccount,
  reports: number,
): Promise<void> => {
  const answers = await Promise.all(
    Array.from({ length: reports }, async () => (await pay(world, account, report)).status),
  );
  expect(answers).toEqual(answers.map(() => 200));
};

/**
 * A fresh key that has settled `reports` payments of $0.05 here, so that it may pay deferred (law 7), and that has `balance` atomic units in
 * its wallet.
 */
export const trustedAccount = async (
  world: World,
  options: { readonly reports: number; readonly balance: bigint },
): Promise<LocalAccount> => {
  const account = await fundedAccount(
    world,
    BigInt(options.reports) * REPORT_PRICE + options.balance,
  );
  await trust(world, account, options.reports);
  return account;
};

/** Atomic units of every USDC transfer from one or more accounts to the gateway's payTo. */
export const transfersFrom = async (
  { client, payTo }: World,
  from: Hex | Hex[],
): Promise<readonly bigint[]> => {
  const logs = await client.getContractEvents({
    address: usdc.address,
    abi: usdcAbi,
    eventName: 'Transfer',
    args: { from, to: payTo },
    fromBlock: 0n,
    strict: true,
  });
  return logs.map(({ args }) => args.value);
};

/** Sorts amounts. */
export const ascending = (one: bigint, other: bigint): number => Number(one - other);

/** Tells whether the nonce of a payment is used or cancelled on the chain. */
export const isUsed = async ({ client }: World, { payload }: Payment): Promise<boolean> =>
  await client.readContract({
    address: usdc.address,
    abi: usdcAbi,
    functionName: 'authorizationState',
    args: [payload.authorization.from as Hex, payload.authorization.nonce as Hex],
  });

/** Waits until the nonce of a payment is used on the chain. */
export const settled = async (world: World, payment: Payment): Promise<void> => {
  const { from, nonce } = payment.payload.authorization;
  await vi.waitFor(
    async () => {
      // A node applies a block to its state before it serves the block's logs.
      const logs = await world.client.getContractEvents({
        ...{ address: usdc.address, abi: usdcAbi, eventName: 'AuthorizationUsed', fromBlock: 0n },
        args: { authorizer: from as Hex, nonce: nonce as Hex },
      });
      expect(logs).toHaveLength(1);
    },
    { timeout: 30_000, interval: 100 },
  );
};
