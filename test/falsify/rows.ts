import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { callsOf } from '../durable-objects/support.ts';
import type { Member } from './fleet.ts';

/** A call as its account stores it, with facts from its log entries. */
export type Row = {
  readonly id: Hex;
  readonly payer: Hex;
  readonly state: string;
  readonly price: bigint;
  readonly charged: bigint;
  readonly acceptedAt: Seconds;
  readonly holdUntil: Seconds;
  /** The account whose credit pays. Undefined if a payment pays. */
  readonly lender: Hex | undefined;
  /** Whether the account keeps the hold until an operator resolves the call: the tool has `onSilence: keep` and did not answer. */
  readonly kept: boolean;
};

/** Reads every call that an account has accepted. */
export const rowsOf = async ({ payer, branches }: Member): Promise<Row[]> =>
  (await callsOf(payer)).map((record): Row => {
    const { entries } = record;
    const accepted = entries.find(({ type }) => type === 'call.accepted');
    if (accepted === undefined) throw new Error(`${record.id} has no entry call.accepted`);
    const { paidBy, lender } = accepted.payment ?? {};
    const lent = branches.flat().find(({ hash }) => hash === lender);
    return {
      id: record.id,
      payer,
      state: record.state,
      price: record.price,
      charged: record.charged,
      acceptedAt: accepted.at,
      holdUntil: record.holdUntil,
      lender: paidBy === 'credit' ? payer : lent?.delegation.issuer,
      kept: entries.some(({ payment }) => payment?.kept === true),
    };
  });
