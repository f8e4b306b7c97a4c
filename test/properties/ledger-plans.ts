import fc from 'fast-check';
import type { Call, Outcome } from '../../src/protocol/account/call.ts';

/** An action of the account, its caller or the chain. */
export type Step =
  | {
      readonly do: 'reserve';
      readonly call: number;
      readonly attempt: number;
      readonly facts: boolean;
    }
  | { readonly do: 'finish'; readonly call: number; readonly how: Outcome['reason'] }
  | { readonly do: 'move'; readonly call: number }
  | { readonly do: 'hear'; readonly call: number }
  | { readonly do: 'tellUpfront'; readonly call: number; readonly attempt: number }
  /** An operator approves or refuses a waiting call. Its caller may repeat it at once. */
  | {
      readonly do: 'decide';
      readonly call: number;
      readonly approves: boolean;
      readonly repeats: boolean;
    }
  /** The payer's balance on the chain changes. */
  | { readonly do: 'drain' }
  | { readonly do: 'wait'; readonly seconds: number };

const callIndex = fc.nat({ max: 7 });
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      call: callIndex,
      attempt: fc.nat({ max: 2 }),
      facts: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      call: callIndex,
      how: fc.constantFrom('answered', 'answered', 'upstream_status', 'timeout'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('move' as const), call: callIndex }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('hear' as const), call: callIndex }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('tellUpfront' as const),
      call: callIndex,
      attempt: fc.nat({ max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      call: callIndex,
      approves: fc.constantFrom(true, true, false),
      repeats: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 30, 95, 400),
    }),
  },
);

/** The eight calls that steps refer to by index. */
export const plan = fc.array(
  fc.record({
    price: fc.integer({ min: 1, max: 40 }),
    settlement: fc.constantFrom('deferred', 'deferred', 'upfront', 'credit', 'free'),
    onSilence: fc.constant('release' as const),
    life: fc.constantFrom(60, 300, 3_600),
    binding: fc.constantFrom('none', 'intent', 'intent'),
  }),
  { minLength: 8, maxLength: 8 },
);

/** The parameters of a call. */
export type Plan = {
  readonly price: number;
  readonly settlement: Call['settlement'];
  readonly onSilence: 'release' | 'keep';
  readonly life: number;
  readonly binding: 'none' | 'intent';
};
