import { stripVTControlCharacters } from 'node:util';
import { CliError } from '../lib/errors.ts';
import type { Deploying, Item, ResourceKind } from './resource.ts';
import { reasonIn, type Ran } from './wrangler.ts';

/** The R2 bucket of the archive. A project without the binding has none, and keeps everything in D1. */
export const buckets: ResourceKind = {
  what: 'R2 bucket',
  wanted: ({ buckets: names }) => names,
  look: async (deploying) => {
    const { project, wrangler } = deploying;
    if (project.buckets.length === 0) return [];
    const ran = await wrangler.attempt(['r2', 'bucket', 'list']);
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
  byHand: (name) => `npx wrangler r2 bucket create ${name}`,
};

const namesIn = (output: string): readonly (string | undefined)[] =>
  [...stripVTControlCharacters(output).matchAll(/^name:\s+(\S+)\s*$/gm)].map(([, name]) => name);

/** An account without R2 has to accept its terms once, in the dashboard. */
const blocked = (name: string, ran: Ran): Item => ({
  name,
  state: 'blocked',
  says: reasonIn(ran),
  hint: 'Enable R2 in the dashboard of Cloudflare. Or delete [[r2_buckets]] from wrangler.toml: D1 then keeps everything until it is full.',
});

const createOne = async ({ wrangler }: Deploying, name: string): Promise<void> => {
  const ran = await wrangler.attempt(['r2', 'bucket', 'create', name]);
  // wrangler lists one page of an account's buckets.
  if (ran.code === 0 || /already exists, and you own it/.test(reasonIn(ran))) return;
  throw new CliError(`wrangler r2 bucket create failed: ${reasonIn(ran)}`, {
    hint: `\`npx wrangler r2 bucket create ${name}\` shows more.`,
    code: 'wrangler_failed',
  });
};
