import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';

/** What a screening says about an account. `unanswered`: a list could not be read, or the provider did not answer. */
export type Screened = 'clear' | 'listed' | 'unanswered';

/** The verdict of a screening, as the Worker brings it and the log states it (docs/screening.md). */
export type ScreeningVerdict = {
  readonly account: AccountId;
  readonly verdict: Screened;
  /** `list:<name>`, `lists` for all of them, `provider:<name>`, or `cleared`. */
  readonly source: string;
  /** Whether calls may continue. For `unanswered`, the setting `onFailure` decides. */
  readonly passes: boolean;
  /** When the source was asked. */
  readonly at: Seconds;
};

/** Evidence that the gateway screens payers. Other settings screen everyone again: `settings` is their SHA-256. */
export type ScreeningEvidence = {
  readonly settings: Hex;
  readonly verdicts?: readonly ScreeningVerdict[];
};

/** How long a verdict stands. */
export const SCREENING_LIFETIME: Readonly<Record<Screened, Seconds>> = {
  clear: 86_400,
  listed: 86_400,
  // Short, so that a provider which is back soon decides again.
  unanswered: 60,
};
