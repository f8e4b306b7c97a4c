import type { Wrangler } from './wrangler.ts';
import { stripVTControlCharacters } from 'node:util';
import { type Deploying, type Item, placeText, type ResourceKind, within } from './resource.ts';

/** The queues of the gateway and their dead-letter queues. */
export const queues: ResourceKind = {
  what: 'queue',
  wanted: ({ queues: names }) => names,
  look: async (deploying) => {
    const { project } = deploying;
    const present = await listed(deploying);
    return await Promise.all(
      project.queues.map(async (name): Promise<Item> => {
        const found = present.get(name);
        if (found === undefined) return { name, state: 'make' };
        const { consumers, place } = found;
        if (place !== project.jurisdiction)
          return {
            name,
            state: 'blocked',
            says: `is in ${placeText(place)}, JURISDICTION is for ${placeText(project.jurisdiction)}`,
            hint: 'A queue cannot be moved: give this gateway queues with other names, or JURISDICTION its former value (docs/region.md).',
          };
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
  create: async ({ wrangler, project }, items) => {
    for (const { name } of items)
      await wrangler.run(['queues', 'create', ...within(project), name]);
  },
  byHand: (name, project) => ['npx wrangler queues create', ...within(project), name].join(' '),
};

type Listed = { readonly consumers: number; readonly place: string };

/** Number of consumers and jurisdiction by queue. The table has no such column where no queue has one. `queues list` prints a table, which has no JSON form. */
const listed = async ({
  wrangler,
}: Pick<Deploying, 'wrangler'>): Promise<ReadonlyMap<string, Listed>> => {
  const found = new Map<string, Listed>();
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const { stdout } = await wrangler.run(['queues', 'list', '--page', String(page)]);
    const rows = readTable(stdout);
    const before = found.size;
    for (const row of rows)
      found.set(row['name'] ?? '', {
        consumers: Number(row['consumers']),
        place: row['jurisdiction'] === '' ? 'none' : (row['jurisdiction'] ?? 'none'),
      });
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

/** The jurisdictions of the account's queues. */
export const queuePlaces = async (wrangler: Wrangler): Promise<ReadonlyMap<string, string>> =>
  new Map([...(await listed({ wrangler }))].map(([name, { place }]) => [name, place]));

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
