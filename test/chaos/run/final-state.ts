import type { Hex } from 'viem';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Book, BookedCall } from '../support/account-records.ts';
import type { ChainRecord, Moved } from './chain-record.ts';
import type { Key, Payer } from './payer.ts';
import type { Purchase } from './purchase.ts';

/** Everything that is left when all is at rest. */
export type Aftermath = {
  readonly payers: readonly Payer[];
  readonly purchases: readonly Purchase[];
  readonly books: ReadonlyMap<AccountId, Book>;
  readonly chain: ChainRecord;
  /** Atomic units that `payTo` has. */
  readonly balance: bigint;
};

/** One account that has a book. */
export type Case = { readonly payer: Payer; readonly key: Key; readonly book: Book };

export const casesOf = ({ payers, books }: Aftermath): readonly Case[] =>
  payers.flatMap((payer) =>
    payer.keys.flatMap((key): readonly Case[] => {
      const book = books.get(key.id);
      return book === undefined ? [] : [{ payer, key, book }];
    }),
  );

/** Money that came in, by the authorization that moved it. */
export type ByNonce = ReadonlyMap<Hex | undefined, readonly Moved[]>;

/** Whether a call is paid by an authorization of its own. */
export const takesPayment = ({ paidBy }: BookedCall): boolean =>
  paidBy === 'deferred' || paidBy === 'upfront';

export const sum = (amounts: readonly bigint[]): bigint =>
  amounts.reduce((all, one) => all + one, 0n);
