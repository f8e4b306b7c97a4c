import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import { integer } from '../fields.ts';
import type { Rule } from '../rule.ts';

export type ValidPeriodFields = {
  /** The policy allows nothing before this time. */
  readonly validFrom?: Seconds;
  /** The policy allows nothing from this time on. */
  readonly validUntil?: Seconds;
};

const time = integer(0, Number.MAX_SAFE_INTEGER);

/** Denies calls before and after the period of the policy or grant. */
export const validPeriod = {
  shape: { validFrom: z.exactOptional(time), validUntil: z.exactOptional(time) },
  denials: {
    expired: {
      subject: 'The grant or policy has expired.',
      hint: 'Ask the owner for a new grant, or for a later end of the policy.',
    },
    not_yet: {
      subject: 'The grant or policy is not valid yet.',
      hint: 'It becomes valid in `retry_after` seconds: sign and send the call again then.',
    },
  },
  check: ({ validFrom, validUntil }, _source, _subject: unknown, now) => {
    if (validUntil !== undefined && validUntil <= now) return { rule: 'expired' };
    return validFrom !== undefined && validFrom > now
      ? { rule: 'not_yet', retryAfter: validFrom - now }
      : undefined;
  },
  checksTopUps: true,
} satisfies Rule<ValidPeriodFields, 'expired' | 'not_yet'>;
