import * as z from 'zod/mini';
import { CliError } from '../lib/errors.ts';
import { type Project, writeDatabaseId } from './project.ts';
import { type Deploying, type Item, placeText, type ResourceKind, within } from './resource.ts';
import { jsonIn, reasonIn, type Wrangler } from './wrangler.ts';

const listSchema = z.array(
  z.looseObject({
    uuid: z.string(),
    name: z.string(),
    jurisdiction: z.nullish(z.string()),
  }),
);
const rowsSchema = z.array(z.looseObject({ results: z.array(z.unknown()) }));

/** Tables besides those of D1 and SQLite themselves. */
const TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' LIMIT 1";

/** The D1 database of log and lists. Its id must be in wrangler.toml. */
export const databases: ResourceKind = {
  what: 'D1 database',
  wanted: ({ database }) => [database.name],
  look: async (deploying) => [await lookAt(deploying)],
  create: async (deploying, [item]) => {
    const { project, wrangler, signal } = deploying;
    const { name } = project.database;
    // A run that stopped between these two steps left the database: wrangler.toml gets its id now.
    if (item?.isThere !== true) await wrangler.run(['d1', 'create', ...within(project), name]);
    const id = (await listed(deploying)).find((each) => each.name === name)?.uuid;
    if (id === undefined)
      throw new CliError(`Cloudflare does not list the database ${name} yet.`, {
        hint: 'Run the command again.',
        code: 'not_listed',
      });
    await writeDatabaseId(project, id, signal);
  },
  byHand: (name, project) => ['npx wrangler d1 create', ...within(project), name].join(' '),
};

const lookAt = async (deploying: Deploying): Promise<Item> => {
  const { name, id } = deploying.project.database;
  const present = await listed(deploying);
  if (id !== undefined) {
    const own = present.find(({ uuid }) => uuid === id);
    if (own !== undefined) return await placedIn(deploying, own);
    return {
      name,
      state: 'blocked',
      says: 'the account has no database with the database_id of wrangler.toml',
      hint: 'Choose the right account, or delete the line database_id to create a new database.',
    };
  }
  const found = present.find((each) => each.name === name);
  if (found === undefined) return { name, state: 'make' };
  // Two gateways on one database would mix their logs: adopt only what an interrupted run left.
  if (await isEmpty(deploying))
    return {
      name,
      state: 'make',
      isThere: true,
      says: 'exists and is empty; wrangler.toml gets its id',
    };
  return {
    name,
    state: 'blocked',
    says: 'a database with this name exists and has data, but wrangler.toml has no database_id',
    hint: `If it is the database of this gateway, add \`database_id = "${found.uuid}"\` below database_name. Otherwise choose another database_name.`,
  };
};

/** An existing database must be where the project is, and must have no objects elsewhere: the Worker would refuse to start. */
const placedIn = async (
  { project, wrangler }: Deploying,
  { name, jurisdiction: own }: z.output<typeof listSchema>[number],
): Promise<Item> => {
  const wanted = project.jurisdiction;
  // Cloudflare's list may lack the member; its absence proves nothing.
  if (own !== undefined && (own ?? 'none') !== wanted)
    return {
      name,
      state: 'blocked',
      says: `is in ${placeText(own ?? 'none')}, JURISDICTION is for ${placeText(wanted)}`,
      hint: ELSEWHERE,
    };
  const stored = await storedPlace(wrangler, name);
  return stored === undefined || stored === wanted
    ? { name, state: 'exists' }
    : {
        name,
        state: 'blocked',
        says: `the gateway started with ${placeText(stored)}, JURISDICTION is for ${placeText(wanted)}: its accounts would be other objects, with other budgets`,
        hint: ELSEWHERE,
      };
};

const ELSEWHERE =
  'Set JURISDICTION in wrangler.toml as it was. A gateway in another place is a new one, with a name, a database, a bucket and queues of its own: docs/region.md.';

const placeSchema = z.array(
  z.looseObject({ results: z.array(z.looseObject({ jurisdiction: z.string() })) }),
);

/** The jurisdiction that the first start stored; undefined before it, and for a database without the table. */
export const storedPlace = async (
  wrangler: Wrangler,
  database: string,
): Promise<string | undefined> => {
  const query = 'SELECT jurisdiction FROM placement';
  const words = ['d1', 'execute', database, '--remote', '--json', '--command', query];
  const ran = await wrangler.attempt(words);
  if (ran.code !== 0) {
    if (/no such table/.test(ran.stdout + ran.stderr)) return undefined;
    throw new CliError(`wrangler d1 execute failed: ${reasonIn(ran)}`, {
      hint: `\`npx wrangler d1 execute ${database} --remote --command "${query}"\` shows more.`,
      code: 'wrangler_failed',
    });
  }
  const read = placeSchema.safeParse(jsonIn(ran.stdout));
  return read.success ? read.data[0]?.results[0]?.jurisdiction : undefined;
};

/** Where objects and database are; undefined for what does not exist, or what Cloudflare does not report. */
export const databasePlaces = async (
  project: Project,
  wrangler: Wrangler,
): Promise<{ readonly objects: string | undefined; readonly database: string | undefined }> => {
  const { name, id } = project.database;
  const found = (await listed({ wrangler })).find((each) => each.uuid === id);
  if (found === undefined) return { objects: undefined, database: undefined };
  return {
    objects: await storedPlace(wrangler, name),
    database: found.jurisdiction === undefined ? undefined : (found.jurisdiction ?? 'none'),
  };
};

const listed = async ({
  wrangler,
}: Pick<Deploying, 'wrangler'>): Promise<z.output<typeof listSchema>> => {
  const { stdout } = await wrangler.run(['d1', 'list', '--json']);
  return listSchema.parse(jsonIn(stdout));
};

const isEmpty = async ({ wrangler, project }: Deploying): Promise<boolean> => {
  const words = ['d1', 'execute', project.database.name, '--remote', '--json', '--command', TABLES];
  const { stdout } = await wrangler.run(words);
  const [first] = rowsSchema.parse(jsonIn(stdout));
  return first?.results.length === 0;
};
