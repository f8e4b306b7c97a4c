import type { Counts } from '../../../dev/upstream/upstream.ts';
import type { World } from './world.ts';

/** The printed record of an attack: each request with the status and type of its problem, then tool runs and transfers. */
export type Transcript = {
  /** Records an answer and returns its status, the last part of its problem's type, and its text. */
  readonly step: (
    request: string,
    answer: Response,
  ) => Promise<{ readonly status: number; readonly kind: string; readonly text: string }>;
  /** Prints the record. `ran` comes from the upstream's counter, `transfers` from the chain. */
  readonly print: (ran: Partial<Counts>, transfers: readonly bigint[]) => void;
};

const kindIn = (text: string): string => {
  try {
    const { type } = JSON.parse(text) as { readonly type?: string };
    return type?.replace('urn:countersign:problem:', '') ?? 'answer of the tool';
  } catch {
    return 'answer of the tool';
  }
};

/** Tool runs since a count. */
export const runsSince = async (world: World, before: Counts): Promise<Partial<Counts>> => {
  const after = await world.counts();
  const names = Object.keys(after) as (keyof Counts)[];
  return Object.fromEntries(
    names.map((name) => [name, after[name] - before[name]]).filter(([, count]) => count !== 0),
  );
};

export const newTranscript = (title: string): Transcript => {
  const lines: string[] = [title];
  return {
    step: async (request, answer) => {
      const text = await answer.text();
      const kind = kindIn(text);
      lines.push(`  ${request}`, `    -> ${answer.status} ${kind}`);
      return { status: answer.status, kind, text };
    },
    print: (ran, transfers) => {
      const runs = Object.entries(ran).map(([tool, count]) => `${tool} ${count}`);
      lines.push(`  tool runs: ${runs.join(', ') || 'none'}`);
      lines.push(`  transfers on the chain: ${transfers.join(', ') || 'none'}`);
      process.stdout.write(`\n${lines.join('\n')}\n`);
    },
  };
};
