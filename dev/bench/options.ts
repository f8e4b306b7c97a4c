import { parseArgs } from 'node:util';
import type { BenchOptions } from '../../test/bench/rounds.ts';

/** The parts of the bench, each of which can be run without the others. */
export const PARTS = [
  'blocks',
  'verification',
  'calls',
  'concurrency',
  'growth',
  'breadth',
  'trees',
  'flood',
  'replays',
  'objects',
] as const;

export type Part = (typeof PARTS)[number];

/** What a run of the bench is told. */
export type Options = {
  readonly rounds: number;
  readonly orders: BenchOptions;
  /** Calls that one account remembers. */
  readonly remembered: number;
  readonly json: boolean;
  readonly isWhole: boolean;
  readonly has: (part: Part) => boolean;
};

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number from 1, and is ${text}`);
};

const partOf = (text: string): Part => {
  const part = PARTS.find((name) => name === text);
  if (part !== undefined) return part;
  throw new Error(`--only takes one of ${PARTS.join(', ')}, not ${text}`);
};

/** Throws an error that names what is wrong. */
export const readOptions = (words: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      rounds: { type: 'string', default: '5' },
      calls: { type: 'string', default: '10' },
      remembered: { type: 'string', default: '1000000' },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  });
  const rounds = whole('rounds', values.rounds);
  const parts = new Set(values.only.length === 0 ? PARTS : values.only.map(partOf));
  return {
    rounds,
    orders: { rounds, calls: whole('calls', values.calls) },
    remembered: whole('remembered', values.remembered),
    json: values.json,
    isWhole: parts.size === PARTS.length,
    has: (part) => parts.has(part),
  };
};
