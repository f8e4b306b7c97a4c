import { type Item, parseList } from 'structured-headers';
import type { LocalAccount } from 'viem';
import { expect } from 'vitest';
import { bind, bound } from './bound.ts';
import { fundedAccount } from './payment.ts';
import type { ToolCall, World } from './world.ts';

/** `POST /credits` for atomic units, to the payer's own account unless `account` names another one (CAIP-10). */
export const credits = (amount: bigint | string, account?: string): ToolCall => ({
  path: `/credits?amount=${amount}${account === undefined ? '' : `&account=${account}`}`,
  method: 'POST',
});

/** The CAIP-10 id of an address on the local chain. */
export const accountOf = (address: string): string => `eip155:84532:${address.toLowerCase()}`;

/** Tops up with a bound payment. */
export const topUp = async (
  world: World,
  payer: LocalAccount,
  amount: bigint,
  account?: string,
): Promise<Response> => {
  const call = credits(amount, account);
  return await world.send(call, bound(await bind(world, payer, call)));
};

/** A fresh key with `credit` at the gateway and `balance` atomic units in its wallet. */
export const creditedAccount = async (
  world: World,
  options: { readonly credit: bigint; readonly balance: bigint },
): Promise<LocalAccount> => {
  const account = await fundedAccount(world, options.credit + options.balance);
  const answer = await topUp(world, account, options.credit);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return account;
};

/** A limit in rate limit headers: `q` is the policy's quota, `r` what remains. */
export type RateLimit = { readonly q: unknown; readonly r: unknown };

const itemOf = (answer: Response, header: string, name: string): Item | undefined =>
  parseList(answer.headers.get(header) ?? '').find(
    (item): item is Item => !Array.isArray(item[0]) && item[0] === name,
  );

/** Reads a limit from RateLimit-Policy and RateLimit; undefined where a header lacks it. */
export const rateLimitOf = (answer: Response, name: string): RateLimit | undefined => {
  const policy = itemOf(answer, 'RateLimit-Policy', name);
  const state = itemOf(answer, 'RateLimit', name);
  return policy === undefined || state === undefined
    ? undefined
    : { q: policy[1].get('q'), r: state[1].get('r') };
};
