import { canFollow, STORAGE } from '../../protocol/storage-version.ts';
import { CliError } from '../lib/errors.ts';
import type { Session } from '../lib/session.ts';
import {
  type Deployment,
  readDeployments,
  readVersion,
  splitRequests,
  type UploadedVersion,
} from './versions.ts';
import type { Wrangler } from './wrangler.ts';

/** A change of the shares of versions. */
export type Shift = {
  /** The version that gets requests from another one, and its new share in percent. */
  readonly to: UploadedVersion;
  readonly percentage: number;
  /** The version that the other requests come from. */
  readonly from: UploadedVersion;
};

/** Returns both versions of a gradual deployment, the older one first; undefined unless two run. */
const bothOf = async (
  wrangler: Wrangler,
  { versions }: Deployment,
): Promise<readonly [UploadedVersion, UploadedVersion] | undefined> => {
  const running = versions.filter(({ percentage }) => percentage > 0);
  const [first, second] = await Promise.all(
    running.map(async ({ id }) => await readVersion(wrangler, id)),
  );
  if (first === undefined || second === undefined) return undefined;
  return first.created < second.created ? [first, second] : [second, first];
};

/** @throws CliError `no_deployment` */
const newest = ([deployment]: readonly Deployment[]): Deployment => {
  if (deployment !== undefined) return deployment;
  throw new CliError('Cloudflare has no deployment of this Worker.', {
    hint: '`countersign deploy` makes the first one.',
    code: 'no_deployment',
  });
};

/**
 * Returns what a roll-back changes: it ends a gradual deployment in favour of its older version, or returns to the version that had all
 * requests before the present one.
 *
 * @throws CliError `nothing_before`, and `storage_version` if the older code cannot read what the newer one writes
 */
export const rollbackOf = async (wrangler: Wrangler): Promise<Shift> => {
  const deployments = await readDeployments(wrangler);
  const present = newest(deployments);
  const both = await bothOf(wrangler, present);
  const shift = both === undefined ? await before(wrangler, deployments) : shiftOf(both);
  requireReadable(shift.to, shift.from);
  return shift;
};

const shiftOf = ([to, from]: readonly [UploadedVersion, UploadedVersion]): Shift => ({
  to,
  from,
  percentage: 100,
});

const before = async (wrangler: Wrangler, deployments: readonly Deployment[]): Promise<Shift> => {
  const [from] = newest(deployments).versions;
  const earlier = deployments
    .slice(1)
    .flatMap(({ versions }) => versions.filter(({ percentage }) => percentage === 100))
    .find(({ id }) => id !== from?.id);
  if (from === undefined || earlier === undefined) {
    throw new CliError(
      'No earlier version had all requests, as far as the ten newest deployments tell.',
      {
        hint: '`npx wrangler versions list` names the versions; `npx wrangler rollback <id>` deploys one of them.',
        code: 'nothing_before',
      },
    );
  }
  const [to, present] = await Promise.all([
    readVersion(wrangler, earlier.id),
    readVersion(wrangler, from.id),
  ]);
  return { to, from: present, percentage: 100 };
};

/**
 * Refuses a version whose code cannot read what another one has written.
 *
 * Race: Cloudflare gives an object to the version at any moment, and an account that it cannot read serves no call until it changes back.
 */
const requireReadable = (
  next: Pick<UploadedVersion, 'id' | 'storage'>,
  writer: Pick<UploadedVersion, 'id' | 'storage'>,
): void => {
  if (next.storage === undefined || writer.storage === undefined) {
    const { id } = next.storage === undefined ? next : writer;
    throw new CliError(
      `countersign deploy did not upload version ${id}, so it is unknown what its code reads and writes.`,
      {
        hint: `Compare \`src/protocol/storage-version.ts\` of both releases. If each reads what the other writes: \`npx wrangler versions deploy ${next.id}@100%\`.`,
        code: 'storage_unknown',
      },
    );
  }
  if (canFollow(next.storage, writer.storage)) return;
  throw new CliError(
    `Version ${next.id} reads stored forms up to ${next.storage.reads}, and version ${writer.id} writes ${writer.storage.writes}: accounts would refuse all calls.`,
    {
      hint: 'Deploy a release that reads the newer form, e.g. this one with the fault corrected.',
      code: 'storage_version',
      details: { reads: next.storage.reads, written: writer.storage.writes },
    },
  );
};

/** Returns the gradual deployment that runs, with the given share for its newer version; undefined if one version has all requests. */
export const nextShareOf = async (
  wrangler: Wrangler,
  percentage: number,
): Promise<Shift | undefined> => {
  const both = await bothOf(wrangler, newest(await readDeployments(wrangler)));
  return both && { from: both[0], to: both[1], percentage };
};

/** Returns the version that has all requests, if this code may run beside it. @throws CliError */
export const besideWhom = async (wrangler: Wrangler): Promise<UploadedVersion> => {
  const [running] = newest(await readDeployments(wrangler)).versions;
  const present = await readVersion(wrangler, running?.id ?? '');
  const own = { id: 'of this directory', storage: STORAGE };
  requireReadable(own, present);
  requireReadable(present, own);
  return present;
};

/** Carries a change out. */
export const shiftRequests = async (
  wrangler: Wrangler,
  { to, from, percentage }: Shift,
  message: string,
): Promise<void> => {
  await splitRequests(
    wrangler,
    [
      { id: to.id, percentage },
      ...(percentage === 100 ? [] : [{ id: from.id, percentage: 100 - percentage }]),
    ],
    message,
  );
};

/** Prints what changed, or would change. */
export const printShift = (
  { out }: Pick<Session, 'out'>,
  { to, from, percentage }: Shift,
  isDryRun: boolean,
): void => {
  const versions = { to: to.id, percentage, from: from.id };
  out.result({ ok: true, ...(isDryRun ? { dry_run: true } : {}), ...versions }, () =>
    [
      `${isDryRun ? 'Would give' : out.style.good('done:')} version ${to.id} ${isDryRun ? '' : 'has '}${percentage} % of the requests${
        percentage === 100 ? '' : `, and version ${from.id} the others`
      }.`,
      ...(isDryRun ? ['The command changed nothing.'] : []),
    ].join('\n'),
  );
};
