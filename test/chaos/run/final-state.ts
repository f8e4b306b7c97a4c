import type { Hex } from 'viem';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { AccountRecord, RecordedCall } from '../support/account-records.ts';
import type { ChainRecord, Moved } from './chain-record.ts';
import type { Key, Payer } from './payer.ts';
import type { Purchase } from './purchase.ts';

/** The state after a run, when all calls and payments have ended. */
export type FinalState = {
  readonly payers: readonly Payer[];
  readonly purchases: readonly Purchase[];
  readonly records: ReadonlyMap<AccountId, AccountRecord>;
  readonly chain: ChainRecord;
  /** Balance of `payTo` on the chain, in atomic units. */
  readonly balance: bigint;
};

/** A payer's key whose account has stored something. */
export type RecordedKey = {
  readonly payer: Payer;
  readonly key: Key;
  readonly record: AccountRecord;
};

export const recordedKeysOf = ({ payers, records }: FinalState): readonly RecordedKey[] =>
  payers.flatMap((payer) =>
    payer.keys.flatMap((key): readonly RecordedKey[] => {
      const record = records.get(key.id);
      return record === undefined ? [] : [{ payer, key, record }];
    }),
  );

/** Transfers to `payTo`, by the nonce of the authorization that moved them. */
export type ByNonce = ReadonlyMap<Hex | undefined, readonly Moved[]>;

/** Whether a call is paid by its own authorization rather than from credit. */
export const takesPayment = ({ paidBy }: RecordedCall): boolean =>
  paidBy === 'deferred' || paidBy === 'upfront';

export const sum = (amounts: readonly bigint[]): bigint =>
  amounts.reduce((all, one) => all + one, 0n);
