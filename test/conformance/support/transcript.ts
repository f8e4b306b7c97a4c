import type { Counts } from '../../../dev/upstream/upstream.ts';
import type { World } from './world.ts';

/** What an attack is told step by step, to be printed: request, status, type of the problem; then what ran and what moved. */
export type Transcript = {
  /** Writes down an answer, and gives its status and the end of its problem's type. */
  readonly step: (
    said: string,
    answer: Response,
  ) => Promise<{ readonly status: number; readonly kind: string; readonly text: string }>;
  /** Prints it all. `ran` is by the upstream's own counter, `transfers` by the chain. */
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

/** Only the runs since a count. */
export const runsSince = async (world: World, before: Counts): Promise<Partial<Counts>> => {
  const after = await world.counts();
  const names = Object.keys(after) as (keyof Counts)[];
  return Object.fromEntries(
    names.map((name) => [name, after[name] - before[name]]).filter(([, count]) => count !== 0),
  );
};

export const newTranscript = (title: string): Transcript => {
  const told: string[] = [title];
  return {
    step: async (said, answer) => {
      const text = await answer.text();
      const kind = kindIn(text);
      told.push(`  ${said}`, `    -> ${answer.status} ${kind}`);
      return { status: answer.status, kind, text };
    },
    print: (ran, transfers) => {
      const runs = Object.entries(ran).map(([tool, count]) => `${tool} ${count}`);
      told.push(`  tool runs: ${runs.join(', ') || 'none'}`);
      told.push(`  transfers on the chain: ${transfers.join(', ') || 'none'}`);
      process.stdout.write(`\n${told.join('\n')}\n`);
    },
  };
};
