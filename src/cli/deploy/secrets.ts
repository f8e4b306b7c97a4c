import * as z from 'zod/mini';
import { secretsFileOf } from '../lib/config-files.ts';
import { CliError } from '../lib/errors.ts';
import type { Deploying, Item, ResourceKind } from './resource.ts';
import { jsonIn, reasonIn } from './wrangler.ts';

const listSchema = z.array(z.looseObject({ name: z.string() }));

/**
 * Secrets of the Worker. A secret that the Worker has stays as it is: receipts verify with the key that signed them. `secret bulk` makes
 * an empty Worker if there is none yet; its address is not public before the deployment.
 */
export const secrets: ResourceKind = {
  what: 'secret',
  wanted: (project) => project.secretsOf(project.files),
  look: async (deploying) => {
    const { project } = deploying;
    const present = await listed(deploying);
    return project.secretsOf(project.files).map((name): Item => {
      if (present.includes(name)) return { name, state: 'exists' };
      if (project.files.secrets[name] !== undefined)
        return { name, state: 'make', says: `from ${secretsFileOf(project.environment)}` };
      return {
        name,
        state: 'blocked',
        says: `is neither in ${secretsFileOf(project.environment)} nor a secret of the Worker`,
        hint: `\`npx wrangler secret put ${name}\` asks for it.`,
      };
    });
  },
  create: async ({ project, wrangler }, items) => {
    const values = Object.fromEntries(
      items.map(({ name }) => [name, project.files.secrets[name] ?? '']),
    );
    await wrangler.run(['secret', 'bulk'], { stdin: JSON.stringify(values) });
  },
  byHand: (name) => `npx wrangler secret put ${name}`,
};

const listed = async ({ wrangler }: Deploying): Promise<readonly string[]> => {
  const ran = await wrangler.attempt(['secret', 'list', '--format', 'json']);
  if (ran.code === 0) return listSchema.parse(jsonIn(ran.stdout)).map(({ name }) => name);
  const reason = reasonIn(ran);
  // The Worker is not deployed yet.
  if (/^Worker ".*"(?: \(env: .*\))? not found/.test(reason)) return [];
  throw new CliError(`wrangler secret list failed: ${reason}`, {
    hint: '`npx wrangler secret list` shows more.',
    code: 'wrangler_failed',
  });
};
