import * as z from 'zod/mini';
import { readVersionTag, type StorageVersion } from '../../protocol/storage-version.ts';
import { CliError } from '../lib/errors.ts';
import { jsonIn, type Wrangler } from './wrangler.ts';

/** A version of the Worker that Cloudflare has, and its share of the requests. */
export type RunningVersion = {
  readonly id: string;
  readonly percentage: number;
};

/** Which versions answered requests from a time on. */
export type Deployment = {
  readonly created: string;
  readonly versions: readonly RunningVersion[];
};

/** A version, as `countersign deploy` labelled it. */
export type UploadedVersion = {
  readonly id: string;
  readonly created: string;
  /** What its code reads and writes; undefined if something else uploaded it. */
  readonly storage: StorageVersion | undefined;
};

const deploymentsSchema = z.array(
  z.looseObject({
    created_on: z.string(),
    versions: z.array(z.looseObject({ version_id: z.string(), percentage: z.number() })),
  }),
);
const versionSchema = z.looseObject({
  id: z.string(),
  metadata: z.looseObject({ created_on: z.string() }),
  annotations: z.optional(z.looseObject({ 'workers/tag': z.optional(z.string()) })),
});

/** Reads a document that wrangler printed. @throws CliError for a form that this release does not know */
const read = <T extends z.ZodMiniType>(schema: T, stdout: string, what: string): z.output<T> => {
  const parsed = schema.safeParse(jsonIn(stdout));
  if (parsed.success) return parsed.data;
  throw new CliError(`The answer of wrangler ${what} has another form than the command knows.`, {
    hint: `\`npx wrangler ${what}\` shows it. The versions of wrangler and Countersign may not fit together.`,
    code: 'wrangler_failed',
  });
};

/** Returns the ten newest deployments of the Worker, the newest first. */
export const readDeployments = async ({ run }: Wrangler): Promise<readonly Deployment[]> => {
  const { stdout } = await run(['deployments', 'list', '--json']);
  return read(deploymentsSchema, stdout, 'deployments list --json')
    .map(({ created_on: created, versions }) => ({
      created,
      versions: versions.map(({ version_id: id, percentage }) => ({ id, percentage })),
    }))
    .toSorted((a, b) => (a.created < b.created ? 1 : -1));
};

export const readVersion = async ({ run }: Wrangler, id: string): Promise<UploadedVersion> => {
  const { stdout } = await run(['versions', 'view', id, '--json']);
  const { metadata, annotations } = read(versionSchema, stdout, 'versions view --json');
  return {
    id,
    created: metadata.created_on,
    storage: readVersionTag(annotations?.['workers/tag']),
  };
};

/** Splits the requests between versions. The code of objects follows, as wrangler.toml's `code_update_strategy` says. */
export const splitRequests = async (
  { run }: Wrangler,
  versions: readonly RunningVersion[],
  message: string,
): Promise<void> => {
  const shares = versions.map(({ id, percentage }) => `${id}@${percentage}%`);
  // Not `wrangler rollback`: without a terminal it would accept by itself that secrets have changed since, e.g. a rotated key.
  await run(['versions', 'deploy', ...shares, '--message', message, '--yes']);
};
