import type { SampledProfile } from './sampled-profile.ts';
import type { Frame } from './source-frames.ts';

/** The steps of a paid call, in its order, and what belongs to none. */
export const STEPS = [
  'header',
  'proof',
  'observe',
  'arguments',
  'decide',
  'entry',
  'commit',
  'dispatch',
  'finish',
  'receipt',
  'answer',
  'background',
  'rest',
  'runtime',
  'garbage collection',
] as const;

export type Step = (typeof STEPS)[number];

/** The first match counts. `finish` is what the object decides there: `src/gateway/finish.ts` writes arguments. */
const FILES: readonly (readonly [step: Step, files: RegExp])[] = [
  [
    'header',
    /^src\/(?:gateway\/proof|protocol\/x402\/(?:payment-payload|plain-payload)|protocol\/strict-json)\.ts/,
  ],
  ['answer', /^src\/(?:gateway\/answer|protocol\/x402\/payment-response)/],
  [
    'proof',
    /^src\/(?:gateway\/(?:check|replay|request-proof|verify-signature)|crypto\/(?:verifier|typed-data)|protocol\/intent\/|protocol\/x402\/)/,
  ],
  ['observe', /^src\/(?:gateway\/(?:observe|public-tool)|catalog\/)/],
  [
    'arguments',
    /^src\/(?:gateway\/(?:reserve|finish|batched-accounts|params)|protocol\/account\/)/,
  ],
  ['receipt', /^src\/(?:crypto\/signer|protocol\/receipt)\.ts/],
  ['dispatch', /^src\/gateway\/(?:dispatch|upstream-headers|body)\.ts/],
  [
    'background',
    /^(?:durable-objects\/account\/(?:alarm|pruning|log\/|call\/(?:settlement-message|conclude|last-looks))|src\/audit\/chunk\.ts|src\/settlement\/)/,
  ],
  [
    'entry',
    /^(?:src\/audit\/entry|src\/core\/canonical-json|durable-objects\/account\/call\/evidence)\.ts/,
  ],
  [
    'commit',
    /^durable-objects\/(?:store\/|account\/(?:memory|ledger)\.ts|account\/call\/(?:whole-calls|open-calls)\.ts)/,
  ],
  ['finish', /^durable-objects\/account\/call\/finish\.ts/],
  ['decide', /^(?:durable-objects\/account\/|src\/policy\/)/],
];

const FLOOR = /^test\/bench\/peers\/floor/;
const OF_FLOOR: ReadonlyMap<string, Step> = new Map([
  ['readHeader', 'header'],
  ['checkProof', 'proof'],
  ['observe', 'observe'],
  ['reserveCall', 'arguments'],
  ['finishCall', 'arguments'],
  ['reserve', 'decide'],
  ['enter', 'entry'],
  ['commit', 'commit'],
  ['dispatch', 'dispatch'],
  ['finish', 'finish'],
  ['answer', 'answer'],
  ['settled', 'background'],
  ['exported', 'background'],
  ['sendLater', 'background'],
  ['send', 'background'],
]);

const IN_FILE = /\.[jt]s:[0-9]+$/;

const ownStep = ({ name, place }: Frame): Step | undefined =>
  FLOOR.test(place) ? OF_FLOOR.get(name) : FILES.find(([, files]) => files.test(place))?.[0];

/** Finds the step of a function: that of the nearest of its callers, or of itself, that is in the tables. @param stack the function first. */
export const stepOf = (stack: readonly Frame[]): Step => {
  if (stack[0]?.name === '(garbage collector)') return 'garbage collection';
  const steps = stack.flatMap((frame) => ownStep(frame) ?? []);
  const [nearest] = steps;
  // What a decision calls is the same for both, so its caller tells them apart.
  if (nearest === 'decide' && steps.includes('finish')) return 'finish';
  return nearest ?? (stack.some(({ place }) => IN_FILE.test(place)) ? 'rest' : 'runtime');
};

/** Adds up the costs of each step, without idle time. */
export const costsByStep = (
  { nodes, costs }: SampledProfile,
  frames: ReadonlyMap<number, Frame>,
): ReadonlyMap<Step, number> => {
  const callers = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const stackOf = (id: number | undefined): readonly Frame[] => {
    const frame = id === undefined ? undefined : frames.get(id);
    return id === undefined || frame === undefined ? [] : [frame, ...stackOf(callers.get(id))];
  };
  const sums = new Map<Step, number>();
  for (const [id, cost] of costs) {
    const stack = stackOf(id);
    if (stack[0]?.name === '(idle)') continue;
    const step = stepOf(stack);
    sums.set(step, (sums.get(step) ?? 0) + cost);
  }
  return sums;
};
