import { runInDurableObject } from 'cloudflare:test';
import type { Entry } from '../../src/protocol/entry.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { stubOf } from '../durable-objects/support.ts';
import type { Member } from './fleet.ts';

/** A call as its account's log and row have it: when it was accepted, and whose money it is. */
export type Row = {
  readonly id: Hex;
  readonly payer: Hex;
  readonly state: string;
  readonly price: bigint;
  readonly charged: bigint;
  readonly acceptedAt: Seconds;
  readonly holdUntil: Seconds;
  /** The account whose credit pays; undefined where it is no credit. */
  readonly lender: Hex | undefined;
  /** Its hold stays for good: a tool that may have spent on somebody's behalf fell silent. */
  readonly kept: boolean;
};

type Stored = {
  id: Hex;
  state: string;
  price: number;
  charged: number;
  hold_until: number;
  entries: string;
};

/** Every call that an account has ever accepted, as it stores them. */
export const rowsOf = ({ payer, branches }: Member): Promise<Row[]> =>
  runInDurableObject(stubOf(payer), (_, { storage }) =>
    [
      ...storage.sql.exec<Stored>(
        'SELECT id, state, price, charged, hold_until, entries FROM calls',
      ),
    ].map((row): Row => {
      const entries = JSON.parse(row.entries) as Entry[];
      const accepted = entries.find(({ type }) => type === 'call.accepted');
      if (accepted === undefined) throw new Error(`${row.id} was never accepted`);
      const { paidBy, lender } = accepted.payment ?? {};
      const lent = branches.flat().find(({ hash }) => hash === lender);
      return {
        id: row.id,
        payer,
        state: row.state,
        price: BigInt(row.price),
        charged: BigInt(row.charged),
        acceptedAt: accepted.at,
        holdUntil: row.hold_until,
        lender: paidBy === 'credit' ? payer : lent?.delegation.issuer,
        kept: entries.some(({ payment }) => payment?.kept === true),
      };
    }),
  );
