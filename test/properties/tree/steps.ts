import fc from 'fast-check';
import { type Fate, fatesOf } from './messages.ts';
import { type GrantPlan, chooser, grantOf, limitsOf } from './plan.ts';
import type { How } from './wish.ts';
import type { Limits } from './limits.ts';

/** Index of an account, counted from the last one, which has no descendants; or the last caller again. */
export type Member = number | 'same';

export type Deed =
  | {
      readonly do: 'call';
      readonly of: Member;
      readonly price: bigint | 'rest' | 'more';
      /** Index of the grant that the call names. Undefined if it names none. */
      readonly grant: number | undefined;
      readonly keep: boolean;
      readonly appetite: bigint;
    }
  | { readonly do: 'finish'; readonly call: number; readonly how: How }
  /** An operator resolves a call whose upstream did not answer. */
  | { readonly do: 'resolve'; readonly call: number; readonly charge: boolean }
  | { readonly do: 'wait'; readonly seconds: number; readonly alarms: boolean }
  | { readonly do: 'idle' | 'restart' | 'recall'; readonly of: Member }
  /** A late or repeated message arrives. */
  | { readonly do: 'deliver'; readonly which: number; readonly again: boolean }
  | { readonly do: 'status'; readonly of: Member; readonly status: StatusWish }
  | {
      readonly do: 'policy';
      readonly of: Member;
      readonly slot: 'operator' | 'owner';
      readonly limits: Limits | undefined;
    }
  | { readonly do: 'revoke'; readonly grant: number; readonly by: 'issuer' | 'holder' | 'epoch' }
  | {
      readonly do: 'grant';
      readonly from: number;
      readonly to: number;
      readonly plan: GrantPlan;
      readonly consent: 'with' | 'later' | 'never';
    }
  /** An earlier command arrives again. */
  | { readonly do: 'repeat'; readonly command: number }
  | { readonly do: 'topUp'; readonly of: Member };

type StatusWish = 'frozen' | 'paused' | 'revoked';

export type Step = Deed & { readonly fates: readonly Fate[] };

const many = (count: number, deed: Deed['do']): readonly Deed['do'][] =>
  Array.from({ length: count }, () => deed);
const DEEDS = [
  ...many(18, 'call'),
  ...many(7, 'finish'),
  ...many(5, 'resolve'),
  ...many(5, 'wait'),
  ...many(5, 'idle'),
  ...many(3, 'recall'),
  ...many(7, 'deliver'),
  ...many(4, 'restart'),
  ...many(3, 'status'),
  ...many(4, 'policy'),
  ...many(1, 'revoke'),
  ...many(2, 'grant'),
  ...many(1, 'repeat'),
  ...many(1, 'topUp'),
];
const HOWS: readonly How[] = [
  'success',
  'success',
  'success',
  'part',
  'failure',
  'silence',
  'silence',
];
const WAITS = [1, 1, 2, 5, 20, 30, 59, 60, 61, 61, 66, 100, 400, 3_600, 90_000];
const deedOf = (seed: number, more: number): Deed => {
  const { below, of } = chooser(seed);
  const deed = of(DEEDS);
  const turn = below(9);
  const member: Member = turn > 5 ? 'same' : turn;
  switch (deed) {
    case 'call': {
      const price = below(24);
      return {
        do: deed,
        of: member,
        price: price === 22 ? 'rest' : price === 23 ? 'more' : BigInt(price),
        grant: of([undefined, undefined, 0, 1]),
        keep: below(3) === 2,
        appetite: of([0n, 0n, 5n, 40n]),
      };
    }
    case 'finish':
      return { do: deed, call: turn % 4, how: of(HOWS) };
    case 'resolve':
      return { do: deed, call: turn, charge: below(2) === 0 };
    case 'wait':
      return { do: deed, seconds: of(WAITS), alarms: below(4) > 0 };
    case 'idle':
    case 'restart':
    case 'recall':
      return { do: deed, of: member };
    case 'deliver':
      return { do: deed, which: below(8), again: below(4) === 3 };
    case 'status':
      return {
        do: deed,
        of: member,
        status: of(['frozen', 'frozen', 'frozen', 'frozen', 'paused', 'paused', 'revoked']),
      };
    case 'policy':
      return {
        do: deed,
        of: member,
        slot: of(['operator', 'owner']),
        limits: below(4) === 3 ? undefined : limitsOf(more),
      };
    case 'revoke':
      return { do: deed, grant: below(8), by: of(['issuer', 'issuer', 'holder', 'epoch']) };
    case 'grant':
      return {
        do: deed,
        from: turn,
        to: below(6),
        plan: grantOf(more),
        consent: of(['with', 'with', 'later', 'never']),
      };
    case 'repeat':
      return { do: deed, command: below(32) };
    case 'topUp':
      return { do: deed, of: member };
  }
};

const SEED = fc.noBias(fc.integer({ min: 0, max: 2 ** 31 - 1 }));

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.tuple(SEED, SEED, SEED).map(([deed, more, fates]) => ({
    ...deedOf(deed, more),
    fates: fatesOf(fates),
  })),
  { minLength: 3, maxLength: 24, size: 'max' },
);
