import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { AccountId, AssetId } from '../../../src/protocol/account-id.ts';
import type { CommandCost } from '../../../src/protocol/account/command-budget.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { LeaseNeed } from '../tree/lease-need.ts';
import type { Report } from '../tree/merge-report.ts';

/** The request to other accounts of the tree that the account must send before it can decide a call. */
export type TreeRequest =
  /** Request shares of these ancestors' limits. */
  | { readonly verdict: 'lease'; readonly needs: readonly LeaseNeed[]; readonly asset: AssetId }
  /** Descendants may hold money of this account that they do not use: they report it, or return it. */
  | { readonly verdict: 'report' }
  | { readonly verdict: 'recall' }
  /** The call is parked, or would be: decide it with `park.ts`. */
  | { readonly verdict: 'parking' }
  /** The gateway screens payers: load `screening.ts` first. */
  | { readonly verdict: 'screening' }
  /** The root of the tree must count the parked call first. */
  | ({ readonly verdict: 'count'; readonly to: AccountId } & CommandCost);

const TREE_REQUESTS: Readonly<Record<string, true>> = {
  lease: true,
  report: true,
  recall: true,
  parking: true,
  screening: true,
  count: true,
} satisfies Record<TreeRequest['verdict'], true>;

export const isTreeRequest = <Verdict extends { readonly verdict: string }>(
  verdict: Verdict | TreeRequest,
): verdict is TreeRequest => Object.hasOwn(TREE_REQUESTS, verdict.verdict);

/** The answers of other accounts to one attempt to decide a call. */
export type Progress = {
  /** The limit of an ancestor with too little remaining for this call, by the grant that the ancestor issued. */
  readonly short?: {
    readonly issued: Hex;
    readonly denial: Pick<Denial, 'rule' | 'account' | 'limit'>;
  };
  /** A grant whose issuer gave no answer (law 8: deny). */
  readonly unreachable?: { readonly issued: Hex; readonly account: AccountId };
  /** Grants whose issuers have no credit for this call. */
  readonly withoutCredit: readonly Hex[];
  /** Descendants have reported what they do not use. */
  readonly descendantsReported: boolean;
  /** Only for a dry run: the reports of descendants. */
  readonly reports: readonly Report[];
  /** The root of the tree has counted the parked call; or, if too many wait, the seconds until the root accepts another. */
  readonly counted?: true | { readonly retryAfter: Seconds };
  /** How many rounds of recalls there were. */
  readonly recalls: number;
  /** Only for a dry run: grants whose issuers would lend the needed amount. */
  readonly wouldLend: readonly Hex[];
  /** Only for a dry run: grants whose issuers would lend the price as credit. */
  readonly wouldLendCredit: readonly Hex[];
  /** Only for a dry run, which takes no lease: the policies of the ancestors. */
  readonly ancestorPolicies: readonly Source[];
};

export const NO_PROGRESS: Progress = {
  withoutCredit: [],
  descendantsReported: false,
  reports: [],
  recalls: 0,
  wouldLend: [],
  wouldLendCredit: [],
  ancestorPolicies: [],
};

/** Rounds of recalls that one call may cause: each round asks the descendants with most unused money. */
export const MAX_RECALLS = 16;
