import { type BoundedMap, createBoundedMap } from '../../src/core/bounded-map.ts';
import type { RightsQuestion, RightsVerdict } from '../../src/protocol/account/rights.ts';
import { NO_PROGRESS, type Progress, type TreeRequest } from './call/progress.ts';
import type { Ledger } from './ledger.ts';
import { rights } from './rights.ts';
import type { LeaseRequests } from './tree/lease-requests.ts';

/** Rounds of questions to ancestors: each one can show that a grant is revoked, and the account then chooses the next. */
const MAX_ROUNDS = 4;
/** How long the ancestors' answers hold, milliseconds: any descendant could keep its ancestors busy with questions. */
const PAUSE_MS = 1_000;
/** As many answers as an account keeps: one for each set of grants. */
const MAX_KEPT = 64;

type Kept = BoundedMap<string, { readonly until: number; readonly answer: Promise<Progress> }>;
type Needs = Extract<TreeRequest, { readonly verdict: 'lease' }>;

/** Keyed by the lease requests of an account, which live as long as its object. */
const keptAnswers = new WeakMap<LeaseRequests, Kept>();

/** Answers what a call of the account could do now. Asks ancestors without taking anything, where no lease states their policies. */
export const answerRights = async (
  ledger: Ledger,
  requests: LeaseRequests,
  question: RightsQuestion,
): Promise<RightsVerdict> => {
  const decide = (progress: Progress): Promise<RightsVerdict | Needs> =>
    ledger.submit<RightsVerdict | Needs>(
      (state, context) => rights(state, question, progress, context),
      { verdict: 'unavailable' },
    );
  let verdict = await decide(NO_PROGRESS);
  for (let round = 0; verdict.verdict === 'lease' && round < MAX_ROUNDS; round += 1) {
    verdict = await decide(await rehearse(requests, verdict));
  }
  // An ancestor that does not answer allows nothing (law 8).
  return verdict.verdict === 'lease' ? { verdict: 'unavailable' } : verdict;
};

/** Asks the ancestors what they would lend, at most once a second for the same grants. */
const rehearse = (requests: LeaseRequests, { needs, asset }: Needs): Promise<Progress> => {
  let kept = keptAnswers.get(requests);
  if (kept === undefined) keptAnswers.set(requests, (kept = createBoundedMap(MAX_KEPT)));
  const key = [asset, ...needs.map(({ link }) => link.hash)].join(' ');
  const known = kept.get(key);
  if (known !== undefined && Date.now() < known.until) return known.answer;
  const answer = requests.rehearse(NO_PROGRESS, needs, asset);
  kept.set(key, { until: Date.now() + PAUSE_MS, answer });
  return answer;
};
