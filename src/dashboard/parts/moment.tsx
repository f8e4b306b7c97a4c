import type { Seconds } from '../../core/clock.ts';
import { exactMomentOf, momentOf } from '../format/time.ts';

/** A moment in the viewer's zone, with its second and the zone as title. */
export const Moment = ({ at }: { readonly at: Seconds }) => (
  <time title={exactMomentOf(at)}>{momentOf(at)}</time>
);
