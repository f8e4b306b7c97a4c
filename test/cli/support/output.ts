import { createOutput, type Output } from '../../../src/cli/lib/output.ts';

/** A terminal with this many columns and no colours. */
export const outputOf = (columns: number): Output => {
  const stream = { isTTY: true, columns, write: () => true, once: () => undefined };
  return createOutput({
    json: false,
    colour: false,
    env: { ...process.env, NO_COLOR: '1' },
    stdout: stream,
    stderr: stream,
  });
};

/** Account names on a machine without keys. */
export const names = {
  known: new Map<string, string>(),
  of: (account: string, label?: string) =>
    label ?? (account.endsWith('d6cf') ? 'owner' : account.slice(13)),
};

/** The length of the longest line, in columns. */
export const longest = (text: string): number =>
  Math.max(...text.split('\n').map((line) => [...line].length));

export const NOW = 1_800_000_000;
export const ACCOUNT = 'eip155:84532:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf';
