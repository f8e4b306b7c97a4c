import { stripVTControlCharacters } from 'node:util';
import { CliError } from '../lib/errors.ts';
import { type Deploying, type Item, type ResourceKind, within, placeText } from './resource.ts';
import type { Project } from './project.ts';
import { reasonIn, type Ran, type Wrangler } from './wrangler.ts';

/** The R2 bucket of the archive. A project without the binding has none, and keeps everything in D1. */
export const buckets: ResourceKind = {
  what: 'R2 bucket',
  wanted: ({ buckets: names }) => names,
  look: async (deploying) => {
    const { project, wrangler } = deploying;
    if (project.buckets.length === 0) return [];
    const { jurisdiction, bucketJurisdiction = 'none' } = project;
    if (bucketJurisdiction !== jurisdiction)
      return project.buckets.map((name): Item => ({
        name,
        state: 'blocked',
        says: `its binding is for ${placeText(bucketJurisdiction)}, JURISDICTION for ${placeText(jurisdiction)}`,
        hint:
          jurisdiction === 'none'
            ? 'Delete the line jurisdiction below bucket_name in wrangler.toml.'
            : `Add \`jurisdiction = "${jurisdiction}"\` below bucket_name in wrangler.toml.`,
      }));
    const ran = await wrangler.attempt(['r2', 'bucket', 'list', ...within(project)]);
    if (ran.code !== 0) return project.buckets.map((name) => blocked(name, ran));
    const present = namesIn(ran.stdout);
    return project.buckets.map((name): Item => ({
      name,
      state: present.includes(name) ? 'exists' : 'make',
    }));
  },
  create: async (deploying, items) => {
    for (const { name } of items) await createOne(deploying, name);
  },
  byHand: (name, project) => ['npx wrangler r2 bucket create', ...within(project), name].join(' '),
};

/** The buckets of the account in the project's jurisdiction. */
export const bucketNames = async (
  project: Project,
  wrangler: Wrangler,
): Promise<readonly (string | undefined)[]> =>
  namesIn((await wrangler.attempt(['r2', 'bucket', 'list', ...within(project)])).stdout);

const namesIn = (output: string): readonly (string | undefined)[] =>
  [...stripVTControlCharacters(output).matchAll(/^name:\s+(\S+)\s*$/gm)].map(([, name]) => name);

/** An account without R2 has to accept its terms once, in the dashboard. */
const blocked = (name: string, ran: Ran): Item => ({
  name,
  state: 'blocked',
  says: reasonIn(ran),
  hint: 'Enable R2 in the dashboard of Cloudflare. Or delete [[r2_buckets]] from wrangler.toml: D1 then keeps everything until it is full.',
});

const createOne = async ({ wrangler, project }: Deploying, name: string): Promise<void> => {
  const ran = await wrangler.attempt(['r2', 'bucket', 'create', ...within(project), name]);
  // wrangler lists one page of an account's buckets.
  if (ran.code === 0 || /already exists, and you own it/.test(reasonIn(ran))) return;
  throw new CliError(`wrangler r2 bucket create failed: ${reasonIn(ran)}`, {
    hint: `\`${buckets.byHand(name, project)}\` shows more.`,
    code: 'wrangler_failed',
  });
};
