import { type Item, parseList } from 'structured-headers';
import type { LocalAccount } from 'viem';
import { expect } from 'vitest';
import { bind, bound } from './bound.ts';
import { fundedAccount } from './payment.ts';
import type { ToolCall, World } from './world.ts';

/** `POST /credits` for atomic units, to the payer's own account unless another is named (CAIP-10). */
export const credits = (amount: bigint | string, account?: string): ToolCall => ({
  path: `/credits?amount=${amount}${account === undefined ? '' : `&account=${account}`}`,
  method: 'POST',
});

/** CAIP-10 on the local chain. */
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

/** A fresh key with so much credit, and with `left` atomic units in its wallet besides. */
export const creditedAccount = async (
  world: World,
  options: { readonly credit: bigint; readonly left: bigint },
): Promise<LocalAccount> => {
  const account = await fundedAccount(world, options.credit + options.left);
  const answer = await topUp(world, account, options.credit);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return account;
};

/** What an answer says of a limit: `q` of it from the policy, `r` of it left. */
export type Told = { readonly q: unknown; readonly r: unknown };

const itemOf = (answer: Response, header: string, name: string): Item | undefined =>
  parseList(answer.headers.get(header) ?? '').find(
    (item): item is Item => !Array.isArray(item[0]) && item[0] === name,
  );

/** A limit as RateLimit-Policy and RateLimit tell it; undefined where it is not told. */
export const limitTold = (answer: Response, name: string): Told | undefined => {
  const policy = itemOf(answer, 'RateLimit-Policy', name);
  const state = itemOf(answer, 'RateLimit', name);
  return policy === undefined || state === undefined
    ? undefined
    : { q: policy[1].get('q'), r: state[1].get('r') };
};
