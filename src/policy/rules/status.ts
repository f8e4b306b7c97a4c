import type { Rule } from '../rule.ts';

/** Denies every call of a frozen account. */
export const frozen = {
  shape: {},
  denials: {
    frozen: {
      subject: 'The account is frozen.',
      hint: 'Ask the account that froze `account` to resume it. No signature of an agent can.',
    },
  },
  check: (_, { status }) => (status === 'frozen' ? { rule: status } : undefined),
  checksTopUps: true,
} satisfies Rule<unknown, 'frozen'>;

/** Denies every call of a paused account. */
export const paused = {
  shape: {},
  denials: {
    paused: {
      subject: 'The account is paused.',
      hint: 'Ask the owner of `account` or the operator to resume it.',
    },
  },
  check: (_, { status }) => (status === 'paused' ? { rule: status } : undefined),
  checksTopUps: true,
} satisfies Rule<unknown, 'paused'>;

/** Denies every call under a revoked grant. */
export const revoked = {
  shape: {},
  denials: {
    revoked: {
      subject: 'The grant or the account is revoked.',
      hint: 'A revocation is permanent: ask the owner for a new grant, with a new id.',
    },
  },
  check: (_, { status }) => (status === 'revoked' ? { rule: status } : undefined),
  checksTopUps: true,
} satisfies Rule<unknown, 'revoked'>;
