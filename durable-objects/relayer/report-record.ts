import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Noun } from '../store/noun.ts';

/** The result of a final transaction, until every subscriber has it. */
export type ReportRecord = {
  readonly hash: Hex;
  readonly block: number;
  /** Time of the block. */
  readonly at: Seconds;
  /** Payments that it carried. */
  readonly payments: number;
  readonly gasUsed: number;
  /** Wei. */
  readonly fee: bigint;
  readonly settled: readonly {
    readonly key: string;
    /** Absent: the payment pays another seller. */
    readonly account?: AccountId;
    readonly call: Hex;
  }[];
};

type Stored = Omit<ReportRecord, 'fee'> & { readonly fee: string };

export const REPORT: Noun<ReportRecord> = {
  name: 'report',
  key: ({ hash }) => hash,
  encode: ({ fee, ...report }) =>
    JSON.stringify({ ...report, fee: fee.toString() } satisfies Stored),
  decode: (text) => {
    const { fee, ...report } = JSON.parse(text) as Stored;
    return { ...report, fee: BigInt(fee) };
  },
};
