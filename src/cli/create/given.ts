import type { Input } from '../lib/input.ts';
import { isLoopback } from '../lib/local-stack.ts';

/** Options that change the settings of an existing project. Without them, a second run only updates the project to this release. */
const SETTINGS = [
  ...[
    'payTo',
    'newPayTo',
    'network',
    'rpc',
    'upstream',
    'openapi',
    'mcp',
    'tool',
    'price',
    'audience',
  ],
  ...['facilitator', 'operator', 'newOperator'],
];
const SETTING_FLAGS = ['localStack', 'withoutRelayer'];

export const changesSettings = (input: Input): boolean =>
  SETTINGS.some((name) => input.text(name) !== undefined) ||
  SETTING_FLAGS.some((name) => input.flag(name));

/** The same input with other values for some options. */
export const withTexts = (
  input: Input,
  texts: Readonly<Record<string, string | undefined>>,
): Input => ({ ...input, text: (option) => texts[option] ?? input.text(option) });

/** An API on this machine makes a gateway for this machine, as --local-stack does. */
export const withReach = (input: Input): Input => ({
  ...input,
  flag: (option) =>
    input.flag(option) || (option === 'localStack' && isLoopback(input.text('upstream') ?? '')),
});
