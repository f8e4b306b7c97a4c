import type { Seconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Noun } from '../store/noun.ts';

/** A session that was ended before it expired, or `all` sessions that began by `at`. Kept until every such session has expired. */
export type EndedSession = {
  readonly key: Hex | 'all';
  readonly at: Seconds;
  readonly until: Seconds;
};

export const ENDED_SESSION: Noun<EndedSession, 'until'> = {
  name: 'ended_session',
  key: ({ key }) => key,
  encode: (ended) => JSON.stringify(ended),
  decode: (text) => JSON.parse(text) as EndedSession,
  fields: { until: ({ until }) => until },
};
