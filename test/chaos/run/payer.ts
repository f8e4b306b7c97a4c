import type { Address, LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { usdc } from '../../../dev/stack/usdc.ts';
import { type AccountId, accountId } from '../../../src/protocol/account-id.ts';
import { openRandom, type Random } from '../../falsify/random.ts';
import type { Signed } from './sign-purchase.ts';

/** What a hostile payer does to its own payments once they are accepted. */
export const TRICKS = [
  'cancels',
  'spendsOnItself',
  'frontRuns',
  'frontRunsWithDecoy',
  'settlesOneOfTwins',
  'drains',
  'reuses',
  'settlesReleased',
  'gives',
] as const;
export type Trick = (typeof TRICKS)[number];

/** One key. */
export type Key = {
  readonly account: LocalAccount;
  /** Lower case. */
  readonly address: Address;
  readonly id: AccountId;
};

/** Somebody who pays: with one key, or with one after the other. */
export type Payer = {
  readonly name: string;
  /** Undefined: honest. */
  readonly trick: Trick | undefined;
  /** Atomic units that it begins with. */
  readonly funds: bigint;
  /** The last one is in use. */
  readonly keys: Key[];
  /** Its last payment that may still be open, for tricks that need two. */
  last: Signed | undefined;
};

const HOSTILE = 0.3;
/** Of the hostile, so many have hardly any money. */
const POOR = 0.2;
const FUNDS = 60_000_000n;
const POOR_FUNDS = 150_000n;

const keyOf = (random: Random): Key => {
  const account = privateKeyToAccount(random.hex(32));
  const address = account.address.toLowerCase() as Address;
  return { account, address, id: accountId(usdc.network, address) };
};

/** The payers of a seed. At least one of each trick, where there are enough. */
export const payersOf = (count: number, seed: number, hostile: boolean): readonly Payer[] => {
  const random = openRandom(`payers ${seed}`);
  const bad = hostile ? Math.ceil(count * HOSTILE) : 0;
  return Array.from({ length: count }, (_, at): Payer => {
    const own = random.fork(`payer ${at}`);
    const trick = at < bad ? (TRICKS[at % TRICKS.length] ?? own.pick(TRICKS)) : undefined;
    return {
      name: `payer ${at}${trick === undefined ? '' : `, who ${trick}`}`,
      trick,
      funds: trick !== undefined && own.chance(POOR) ? POOR_FUNDS : FUNDS,
      keys: [keyOf(own.fork('key 0'))],
      last: undefined,
    };
  });
};

export const keyInUse = ({ keys }: Payer): Key => {
  const key = keys.at(-1);
  if (key === undefined) throw new Error('a payer without a key');
  return key;
};

/** The next key of a payer who leaves the one it has used. */
export const nextKey = (payer: Payer, seed: number): Key => {
  const key = keyOf(openRandom(`payers ${seed}`).fork(payer.name).fork(`key ${payer.keys.length}`));
  payer.keys.push(key);
  return key;
};
