import { stripVTControlCharacters } from 'node:util';
import type { Deploying, Item, ResourceKind } from './resource.ts';

/** The queues of the gateway and their dead-letter queues. */
export const queues: ResourceKind = {
  what: 'queue',
  wanted: ({ queues: names }) => names,
  look: async (deploying) => {
    const { project } = deploying;
    const present = await listed(deploying);
    return await Promise.all(
      project.queues.map(async (name): Promise<Item> => {
        const consumers = present.get(name);
        if (consumers === undefined) return { name, state: 'make' };
        const other = consumers === 0 ? undefined : await otherConsumer(deploying, name);
        if (other === undefined) return { name, state: 'exists' };
        return {
          name,
          state: 'blocked',
          says: `${other} consumes it`,
          hint: `Each Worker needs queues of its own: rename all of them in ${project.config}.`,
        };
      }),
    );
  },
  create: async ({ wrangler }, items) => {
    for (const { name } of items) await wrangler.run(['queues', 'create', name]);
  },
  byHand: (name) => `npx wrangler queues create ${name}`,
};

/** Number of consumers by queue. `queues list` prints a table, which has no JSON form. */
const listed = async ({ wrangler }: Deploying): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>();
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const { stdout } = await wrangler.run(['queues', 'list', '--page', String(page)]);
    const rows = readTable(stdout);
    const before = found.size;
    for (const row of rows) found.set(row['name'] ?? '', Number(row['consumers']));
    // Also ends the loop if Cloudflare returns every queue on each page.
    if (rows.length < PAGE || found.size === before) break;
  }
  return found;
};

/** Cloudflare allows 10,000 queues in an account. */
const MAX_PAGES = 1_000;
/** A shorter page is the last one. */
const PAGE = 10;

/** Reads the rows of a table that wrangler drew: cells by title. */
export const readTable = (output: string): readonly Readonly<Record<string, string>>[] => {
  const [titles, ...rows] = stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => line.startsWith('│'))
    .map((line) =>
      line
        .split('│')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return rows.map((cells) =>
    Object.fromEntries((titles ?? []).map((title, at) => [title, cells[at] ?? ''])),
  );
};

/** A consumer that is not this Worker. A queue has one consumer. */
const otherConsumer = async (
  { project, wrangler }: Deploying,
  name: string,
): Promise<string | undefined> => {
  const { stdout } = await wrangler.run(['queues', 'info', name]);
  const consumer = /^Consumers: (.*)$/m.exec(stdout)?.[1]?.trim() ?? '';
  if (consumer === '' || consumer === `worker:${project.name}`) return undefined;
  return consumer.startsWith('worker:') ? `the Worker ${consumer.slice(7)}` : 'another consumer';
};
