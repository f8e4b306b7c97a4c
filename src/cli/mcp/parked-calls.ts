import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { SavedCall } from '../../client/saved-call.ts';
import { formatDollars, parseAmount } from '../../protocol/amount.ts';
import { readText, writeFiles } from '../lib/atomic-file.ts';

/** A call of the host that waits for a person. */
export type ParkedCall = {
  /** The name that the host called. */
  readonly tool: string;
  readonly origin: string;
  /** The address that signed. */
  readonly payer: string;
  /** The signed amount in dollars; empty if the saved call has none. */
  readonly price: string;
  readonly saved: SavedCall;
};

/**
 * Attack: a gateway states a low price for a call that moves more once it is approved. So the price is the amount that the agent signed.
 */
export const parkedCall = (
  called: Pick<ParkedCall, 'tool' | 'origin' | 'payer'>,
  saved: SavedCall,
): ParkedCall => {
  const amount = parseAmount(String(saved.proof['amount']));
  return { ...called, saved, price: amount === undefined ? '' : formatDollars(amount) };
};

/** The calls of one key that wait for a person, in files that outlive the bridge. */
export type ParkedCalls = {
  find(call: string): Promise<ParkedCall | undefined>;
  all(): Promise<readonly ParkedCall[]>;
  keep(parked: ParkedCall): Promise<void>;
  drop(call: string): Promise<void>;
};

type Options = {
  /** Only the user may read the folder: each file holds the secret that runs an approved call. */
  readonly directory: string;
  readonly now: () => number;
  readonly note: (line: string) => void;
};

/** Seconds that a file is kept: an approved call may have run while its answer was lost. */
const KEPT_FOR = 3_600;
const CALL = /^0x[0-9a-f]{64}$/;

const schema = z.looseObject({
  ...{ tool: z.string(), origin: z.string(), payer: z.string(), price: z.string() },
  saved: z.looseObject({ call: z.string().check(z.regex(CALL)), expiresAt: z.int() }),
});

export const openParkedCalls = ({ directory, now, note }: Options): ParkedCalls => {
  const fileOf = (call: string): string => join(directory, `${call}.json`);
  const drop = async (call: string): Promise<void> => await rm(fileOf(call), { force: true });

  const find = async (call: string): Promise<ParkedCall | undefined> => {
    const text = CALL.test(call) ? await readText(fileOf(call)) : undefined;
    if (text === undefined) return undefined;
    const parsed = schema.safeParse(jsonIn(text));
    if (!parsed.success || parsed.data.saved.call !== call) {
      note(`${fileOf(call)} holds no waiting call, and the bridge ignores it`);
      return undefined;
    }
    if (parsed.data.saved.expiresAt + KEPT_FOR > now()) return parsed.data as unknown as ParkedCall;
    await drop(call);
    return undefined;
  };

  return {
    find,
    drop,
    all: async () => {
      const names = await readdir(directory).catch(() => []);
      const calls = names.flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : []));
      const found = await Promise.all(calls.map(find));
      return found.filter((parked) => parked !== undefined);
    },
    keep: async (parked) => {
      const text = `${JSON.stringify(parked)}\n`;
      await writeFiles([{ path: fileOf(parked.saved.call), text, mode: 0o600 }], undefined);
    },
  };
};

const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
