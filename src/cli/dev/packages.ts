import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { CliError } from '../lib/errors.ts';

/** wrangler needs this version or a later one. */
const OLDEST_NODE = 22;

const releaseSchema = z.object({
  version: z.string(),
  /** Packages that `countersign dev` needs, with the versions that this release was tested with. */
  local: z.record(z.string(), z.string()),
  /** A Node for machines with an older one. */
  node: z.string(),
});

/** The facts about this release that `npm run build` wrote. */
export type Release = z.output<typeof releaseSchema>;

export const readRelease = async (): Promise<Release> =>
  releaseSchema.parse(
    JSON.parse(await readFile(join(import.meta.dirname, 'project/release.json'), 'utf8')),
  );

/** Whether this Node is too old for wrangler. */
export const isOldNode = (version = process.versions.node): boolean =>
  Number(version.split('.')[0]) < OLDEST_NODE;

/** @throws CliError that names the missing packages, and the command that installs them */
export const requirePackages = async (): Promise<void> => {
  const { local, node } = await readRelease();
  if (isOldNode())
    throw new CliError(
      `wrangler needs Node ${OLDEST_NODE} or later, and this is ${process.versions.node}.`,
      {
        hint: `Run \`npm install --save-dev --save-exact node@${node}\`, then \`npm run dev\`: the scripts of the project use that Node.`,
        code: 'old_node',
      },
    );
  const require = createRequire(import.meta.url);
  const isMissing = (name: string): boolean =>
    (require.resolve.paths(name) ?? []).every(
      (folder) => !existsSync(join(folder, name, 'package.json')),
    );
  const missing = Object.entries(local).filter(([name]) => isMissing(name));
  if (missing.length === 0) return;
  const specs = missing.map(([name, version]) => `${name}@${version}`).join(' ');
  throw new CliError(
    `\`countersign dev\` needs packages that are not installed: ${missing.map(([name]) => name).join(', ')}.`,
    {
      hint: `Run \`npm install --save-dev --save-exact ${specs}\`, or \`npm install\` if package.json lists them.`,
      code: 'missing_packages',
    },
  );
};
