import { parseArgs } from 'node:util';
import { wholeNumber } from '../command-line.ts';

/** Parts of the bench, which can run without each other. */
export const PARTS = [
  'blocks',
  'settlement',
  'verification',
  'calls',
  'concurrency',
  'growth',
  'flood',
  'mcp',
  'streams',
  'capacity',
] as const;

export type Part = (typeof PARTS)[number];

/** Options of a run. */
export type Options = {
  readonly rounds: number;
  /** Calls that one account remembers in the part `growth`. */
  readonly remembered: number;
  /** Payments a second that buyers offer to the relayer in the part `settlement`. */
  readonly perSecond: number;
  /** A revision to compare calls with, in place of the part `calls`. */
  readonly against: string | undefined;
  readonly json: boolean;
  readonly isWhole: boolean;
  readonly has: (part: Part) => boolean;
};

const partOf = (text: string): Part => {
  const part = PARTS.find((name) => name === text);
  if (part !== undefined) return part;
  throw new Error(`--only takes one of ${PARTS.join(', ')}, not '${text}'`);
};

/** Parses the command line. @throws Error that names the wrong flag. */
export const readOptions = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      against: { type: 'string' },
      remembered: { type: 'string', default: '1000000' },
      rate: { type: 'string', default: '160' },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  });
  const parts = new Set(values.only.length === 0 ? PARTS : values.only.map(partOf));
  const { against } = values;
  if (against !== undefined && (parts.size > 1 || !parts.has('calls')))
    throw new Error('--against needs --only calls');
  return {
    rounds: wholeNumber('rounds', values.rounds ?? (against === undefined ? '2' : '12')),
    against,
    remembered: wholeNumber('remembered', values.remembered),
    perSecond: wholeNumber('rate', values.rate),
    json: values.json,
    isWhole: parts.size === PARTS.length,
    has: (part) => parts.has(part),
  };
};
