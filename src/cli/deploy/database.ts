import * as z from 'zod/mini';
import { CliError } from '../lib/errors.ts';
import { writeDatabaseId } from './project.ts';
import type { Deploying, Item, ResourceKind } from './resource.ts';
import { jsonIn } from './wrangler.ts';

const listSchema = z.array(z.looseObject({ uuid: z.string(), name: z.string() }));
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
    if (item?.isThere !== true) await wrangler.run(['d1', 'create', name]);
    const id = (await listed(deploying)).find((each) => each.name === name)?.uuid;
    if (id === undefined)
      throw new CliError(`Cloudflare does not list the database ${name} yet.`, {
        hint: 'Run the command again.',
        code: 'not_listed',
      });
    await writeDatabaseId(project, id, signal);
  },
  byHand: (name) => `npx wrangler d1 create ${name}`,
};

const lookAt = async (deploying: Deploying): Promise<Item> => {
  const { name, id } = deploying.project.database;
  const present = await listed(deploying);
  if (id !== undefined) {
    if (present.some(({ uuid }) => uuid === id)) return { name, state: 'exists' };
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

const listed = async ({ wrangler }: Deploying): Promise<z.output<typeof listSchema>> => {
  const { stdout } = await wrangler.run(['d1', 'list', '--json']);
  return listSchema.parse(jsonIn(stdout));
};

const isEmpty = async ({ wrangler, project }: Deploying): Promise<boolean> => {
  const words = ['d1', 'execute', project.database.name, '--remote', '--json', '--command', TABLES];
  const { stdout } = await wrangler.run(words);
  const [first] = rowsSchema.parse(jsonIn(stdout));
  return first?.results.length === 0;
};
