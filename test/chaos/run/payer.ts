import type { Address, LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { type AccountId, accountId } from '../../../src/protocol/account-id.ts';
import { openRandom, type Random } from '../../falsify/random.ts';
import type { Signed } from './sign-purchase.ts';

/** What a hostile payer does with its own payments. */
export const ATTACKS = [
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
export type Attack = (typeof ATTACKS)[number];

/** A payer's key and its account. */
export type Key = {
  readonly account: LocalAccount;
  /** Lower case. */
  readonly address: Address;
  readonly id: AccountId;
};

/** A payer, with one key or with several in succession. */
export type Payer = {
  readonly name: string;
  /** Undefined for honest payers. */
  readonly attack: Attack | undefined;
  /** Initial balance in atomic units. */
  readonly funds: bigint;
  /** The last key is in use. */
  readonly keys: Key[];
  /** Its last payment that may still be open, for attacks that need two. */
  last: Signed | undefined;
};

/** Share of hostile payers. */
const HOSTILE = 0.3;
/** Share of hostile payers with a low balance. */
const POOR = 0.2;
const FUNDS = 60_000_000n;
const POOR_FUNDS = 150_000n;

const keyOf = (random: Random): Key => {
  const account = privateKeyToAccount(random.hex(32));
  const address = account.address.toLowerCase() as Address;
  return { account, address, id: accountId(usdc.network, address) };
};

/** Draws the payers of a seed: at least one for each attack if there are enough hostile payers. */
export const payersOf = (count: number, seed: number, hostile: boolean): readonly Payer[] => {
  const random = openRandom(`payers ${seed}`);
  const bad = hostile ? Math.ceil(count * HOSTILE) : 0;
  return Array.from({ length: count }, (_, at): Payer => {
    const own = random.fork(`payer ${at}`);
    const attack = at < bad ? (ATTACKS[at % ATTACKS.length] ?? own.pick(ATTACKS)) : undefined;
    return {
      name: `payer ${at}${attack === undefined ? '' : ` (hostile: ${attack})`}`,
      attack,
      funds: attack !== undefined && own.chance(POOR) ? POOR_FUNDS : FUNDS,
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

/** Gives a payer its next key. */
export const nextKey = (payer: Payer, seed: number): Key => {
  const key = keyOf(openRandom(`payers ${seed}`).fork(payer.name).fork(`key ${payer.keys.length}`));
  payer.keys.push(key);
  return key;
};
