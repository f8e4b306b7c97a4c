import { stepOf, type Step } from '../../dev/bench/steps.ts';

/** Work of a step: its amount, and the lines that did it. */
export type Work = { readonly amount: number; readonly places: readonly string[] };

const works = new Map<string, Work>();

export const addWork = (step: Step, what: string, amount: number, place?: string): void => {
  const name = `${step}: ${what}`;
  const before = works.get(name) ?? { amount: 0, places: [] };
  works.set(name, {
    amount: before.amount + amount,
    places: place === undefined ? before.places : [...before.places, place],
  });
};

const FRAME = /\/((?:src|durable-objects|test)\/[^\s():]+\.ts:[0-9]+)/;
const COUNTERS = /^test\/guards\/(?:stand-ins\/|tally|work-by-step|counted-globals|gateway)/;

/** Counts one piece of work for the step that called this function. The tests' own work does not count. */
export const countWork = (what: string): void => {
  const frames = (new Error('stack').stack ?? '')
    .split('\n')
    .flatMap((line) => FRAME.exec(line)?.[1] ?? [])
    .map((place) => ({ name: '', place }));
  const stack = frames.slice(frames.findIndex(({ place }) => !COUNTERS.test(place)));
  if (stack[0] === undefined || stack[0].place.startsWith('test/')) return;
  addWork(stepOf(stack), what, 1, stack[0].place);
};

/** Returns the work since the last call by `step: what`, and resets it. */
export const takeWork = (): ReadonlyMap<string, Work> => {
  const taken = new Map(works);
  works.clear();
  return taken;
};

const asText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint'
    ? `${value}n`
    : value instanceof Uint8Array
      ? 'b'.repeat(value.length)
      : value;

/** `counted-globals.ts` counts calls of the global one. */
const { stringify } = JSON;

/** The characters of a value's text: a measure of its structured clone that no version of the runtime changes. */
export const sizeOf = (value: unknown): number => stringify(value, asText)?.length ?? 0;
