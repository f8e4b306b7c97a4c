import fc from 'fast-check';
import type { Outcome } from '../../src/protocol/account/call.ts';

/** How a call is paid. `intent` has no payment and is paid from credit. */
export type Kind =
  | 'deferred'
  | 'upfront'
  | 'credit'
  | 'free'
  | 'intent'
  | 'topUpOwn'
  | 'topUpOther';

export type Plan = {
  readonly payer: number;
  readonly kind: Kind;
  readonly price: bigint;
  readonly onSilence: 'release' | 'keep';
  /** Seconds until the call's proof expires. */
  readonly life: number;
};

export type Step =
  /** Does what a correct gateway would do next for this call, once or until the call has ended. */
  | { readonly do: 'next' | 'run'; readonly call: number; readonly outcome: Outcome }
  | {
      readonly do: 'reserve';
      readonly call: number;
      readonly attempt: number;
      readonly facts: boolean;
    }
  | { readonly do: 'finish'; readonly call: number; readonly outcome: Outcome }
  /** An operator resolves a call whose upstream did not answer. */
  | { readonly do: 'resolve'; readonly call: number; readonly charge: boolean }
  /** A payment settles on the chain before the account knows of it. */
  | { readonly do: 'move'; readonly call: number }
  /** The payer cancels its authorization on the chain. */
  | { readonly do: 'cancel'; readonly call: number }
  /** The gateway reports that the payer makes the payment fail. */
  | { readonly do: 'bounce'; readonly call: number }
  /** The gateway reports what the chain shows about a payment. */
  | { readonly do: 'hear'; readonly call: number }
  | { readonly do: 'tellUpfront'; readonly call: number; readonly attempt: number }
  /** Credit on its way to the other account is delivered, delivered without an answer, or lost. `late` repeats an older total. */
  | {
      readonly do: 'deliver';
      readonly from: number;
      readonly how: 'answered' | 'unanswered' | 'lost';
      readonly late: number | undefined;
    }
  | { readonly do: 'refund'; readonly of: number; readonly amount: bigint; readonly log: number }
  /** An operator refunds the rest of a call's charge, or this amount. */
  | { readonly do: 'refundCall'; readonly call: number; readonly amount: bigint | undefined }
  /** The payer's balance on the chain changes. */
  | { readonly do: 'balance'; readonly of: number; readonly amount: bigint }
  | { readonly do: 'wait'; readonly seconds: number };

export const CALLS = 5;

const KINDS: readonly Kind[] = [
  'deferred',
  'deferred',
  'deferred',
  'upfront',
  'credit',
  'intent',
  'intent',
  'free',
  'topUpOwn',
  'topUpOwn',
  'topUpOther',
  'topUpOther',
];

const DEEDS: readonly Step['do'][] = [
  ...Array.from({ length: 8 }, () => 'run' as const),
  ...Array.from({ length: 10 }, () => 'next' as const),
  ...Array.from({ length: 3 }, () => 'reserve' as const),
  ...Array.from({ length: 3 }, () => 'finish' as const),
  ...Array.from({ length: 2 }, () => 'resolve' as const),
  ...Array.from({ length: 4 }, () => 'hear' as const),
  ...Array.from({ length: 4 }, () => 'deliver' as const),
  'refund',
  'refundCall',
  'refundCall',
  'move',
  'cancel',
  'cancel',
  'bounce',
  'bounce',
  'tellUpfront',
  'balance',
  'wait',
  'wait',
];

const failure = { success: false, status: 500, digest: 'none', reason: 'upstream_status' } as const;
const success = { success: true, status: 200, digest: 'none', reason: 'answered' } as const;
/** Only a metered tool may charge less of a payment that moves the whole price. */
const metered = {
  basis: 'metered',
  usage: { events: 1 },
  rates: `0x${'0e'.repeat(32)}`,
} as const satisfies Outcome['metered'];
const METERED: readonly Outcome[] = [
  { ...success, amount: 0n, metered },
  { ...success, amount: 1n, metered },
  { ...success, amount: 3n, metered },
  { ...success, amount: 20n, metered },
];
const OUTCOMES: readonly Outcome[] = [
  ...METERED,
  success,
  success,
  success,
  { ...success, amount: 0n },
  { ...success, amount: 3n },
  { ...success, amount: 20n },
  { ...success, amount: -1n },
  failure,
  { success: false, status: 0, digest: 'none', reason: 'timeout' },
];

/** Derives choices from one random number: much faster than a tree of arbitraries, and it still shrinks and replays. */
const chooser = (seed: number) => {
  let left = seed;
  const below = (count: number): number => {
    const choice = left % count;
    left = Math.floor(left / count);
    return choice;
  };
  return { below, of: <T>(list: readonly T[]): T => list[below(list.length)] as T };
};

const planOf =
  (kinds: readonly Kind[], times: bigint) =>
  (seed: number): Plan => {
    const { below, of } = chooser(seed);
    const kind = of(kinds);
    const price = BigInt(below(40) + 1);
    return {
      kind,
      payer: below(2),
      price: kind === 'free' ? 0n : kind.startsWith('topUp') ? price * times : price,
      onSilence: kind !== 'deferred' && below(3) === 0 ? 'keep' : 'release',
      life: of([60, 3_600, 3_600]),
    };
  };

const stepOf =
  (deeds: readonly Step['do'][], outcomes: readonly Outcome[]) =>
  (from: number): Step => {
    const { below, of } = chooser(from);
    const deed = of(deeds);
    const call = below(CALLS);
    switch (deed) {
      case 'next':
      case 'run':
      case 'finish':
        return { do: deed, call, outcome: of(outcomes) };
      case 'resolve':
        return { do: deed, call, charge: below(2) === 0 };
      case 'reserve':
        return { do: deed, call, attempt: below(3), facts: below(2) === 0 };
      case 'tellUpfront':
        return { do: deed, call, attempt: below(3) };
      case 'move':
      case 'cancel':
      case 'bounce':
      case 'hear':
        return { do: deed, call };
      case 'deliver':
        return {
          do: deed,
          from: below(2),
          how: of(['answered', 'answered', 'unanswered', 'lost']),
          late: below(2) === 0 ? undefined : below(4),
        };
      case 'refund':
        return { do: deed, of: below(2), log: below(2), amount: BigInt(below(30) + 1) };
      case 'refundCall':
        return { do: deed, call, amount: below(3) === 0 ? undefined : BigInt(below(20) + 1) };
      case 'balance':
        return { do: deed, of: below(2), amount: of([0n, 40n, 500n]) };
      case 'wait':
        return { do: deed, seconds: of([1, 30, 95, 400]) };
    }
  };

const seed = fc.noBias(fc.integer({ min: 0, max: 2 ** 31 - 1 }));

/** The first call always moves money: without credit or trust, the accounts would deny most later calls. */
export const plans: fc.Arbitrary<readonly Plan[]> = fc.tuple(
  seed.map(planOf(['topUpOwn', 'topUpOther', 'upfront'], 4n)),
  ...Array.from({ length: CALLS - 1 }, () => seed.map(planOf(KINDS, 2n))),
);

/** Four in five interleavings run the first call at once. */
export const steps: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.nat(4),
    fc.array(seed.map(stepOf(DEEDS, OUTCOMES)), { minLength: 5, maxLength: 13, size: 'max' }),
  )
  .map(([late, list]) =>
    late === 0 ? list : [{ do: 'run', call: 0, outcome: success } as const, ...list],
  );

/** Plans and steps of payments that move more than their metered calls charge, until the chain has decided about them. */
export const meteredPlans: fc.Arbitrary<readonly Plan[]> = fc.tuple(
  seed.map((from): Plan => ({
    ...planOf(['upfront'], 1n)(from),
    ...{ price: 35n, onSilence: 'release' },
  })),
  ...Array.from({ length: CALLS - 1 }, () =>
    seed.map(planOf(['deferred', 'deferred', 'upfront', 'intent'], 1n)),
  ),
);

export const meteredSteps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    seed.map(
      stepOf(
        ['run', 'next', 'next', 'next', 'move', 'move', 'cancel', 'bounce', 'hear', 'wait'],
        [...METERED, ...METERED, success, failure],
      ),
    ),
    { minLength: 8, maxLength: 20, size: 'max' },
  )
  .map((list) => [{ do: 'run', call: 0, outcome: { ...success, amount: 1n, metered } }, ...list]);
