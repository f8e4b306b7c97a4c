import { createBoundedMap } from '../../../src/core/bounded-map.ts';
import { NO_PROGRESS, type Progress, type TreeRequest } from '../call/progress.ts';
import type { LeaseRequests } from './lease-requests.ts';

/** How long the ancestors' answers to a question hold, milliseconds: any descendant could keep its ancestors busy with questions. */
const PAUSE_MS = 1_000;
/** As many answers as are kept: one for each set of grants. */
const MAX_KEPT = 64;

/** Asks the ancestors what they would lend, without taking anything, at most once a second for the same grants. */
export type Rehearse = (
  request: Extract<TreeRequest, { readonly verdict: 'lease' }>,
) => Promise<Progress>;

export const openRehearsals = (requests: Pick<LeaseRequests, 'rehearse'>): Rehearse => {
  const kept = createBoundedMap<
    string,
    { readonly until: number; readonly answer: Promise<Progress> }
  >(MAX_KEPT);
  return ({ needs, asset }) => {
    const key = [asset, ...needs.map(({ link }) => link.hash)].join(' ');
    const known = kept.get(key);
    if (known !== undefined && Date.now() < known.until) return known.answer;
    const answer = requests.rehearse(NO_PROGRESS, needs, asset);
    kept.set(key, { until: Date.now() + PAUSE_MS, answer });
    return answer;
  };
};
