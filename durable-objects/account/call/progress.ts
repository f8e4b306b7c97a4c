import type { Hex } from '../../../src/core/hex.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { Report } from '../tree/merge-report.ts';

/** What one attempt to decide a call has learned from other accounts so far. */
export type Progress = {
  /** An account above that has too little left for this call, by the grant it has issued. */
  readonly short?: {
    readonly issued: Hex;
    readonly denial: Pick<Denial, 'rule' | 'account' | 'limit'>;
  };
  /** Grants whose issuers gave no answer (law 8: refuse). */
  readonly unreachable?: { readonly issued: Hex; readonly account: AccountId };
  /** Grants whose issuers have no credit for this call. */
  readonly poor: readonly Hex[];
  /** Accounts below have reported what they do not use. */
  readonly looked: boolean;
  /** Of a dry run: what they have reported. */
  readonly reports: readonly Report[];
  /** How often they were asked for it. */
  readonly recalls: number;
  /** Of a dry run: grants whose issuers would give what is needed. */
  readonly assumed: readonly Hex[];
  /** Of a dry run: grants whose issuers would lend the price. */
  readonly lenders: readonly Hex[];
  /** Of a dry run: policies above, which no lease brings. */
  readonly above: readonly Source[];
};

export const NO_PROGRESS: Progress = {
  poor: [],
  looked: false,
  reports: [],
  recalls: 0,
  assumed: [],
  lenders: [],
  above: [],
};
