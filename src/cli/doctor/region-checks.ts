import { databasePlaces } from '../deploy/database.ts';
import { bucketNames } from '../deploy/buckets.ts';
import { signInOf } from '../deploy/account.ts';
import { type Project, readProject } from '../deploy/project.ts';
import { queuePlaces } from '../deploy/queues.ts';
import { placeText } from '../deploy/resource.ts';
import { openWrangler, type Wrangler } from '../deploy/wrangler.ts';
import { type Check, failure, passed, skipped } from '../lib/checks.ts';
import { readWranglerConfig } from '../lib/wrangler-config.ts';

const NAME = 'region';
const HINT =
  'Nothing can be moved: set JURISDICTION in wrangler.toml as it was, or make a new gateway with names of its own (docs/region.md).';

/**
 * Shows where each part of a gateway is: its objects by the row that its first start stored, database, bucket and queues by what Cloudflare
 * answers. Where the Worker runs is not part of it.
 */
export const regionChecks = async (
  directory: string,
  environment: string | undefined,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  if ((await readWranglerConfig(directory)) === undefined) return [];
  const read = await readProject(directory, environment).catch(() => undefined);
  if (read === undefined) return [];
  const wrangler = wranglerOf(directory, environment, env, signal);
  const signIn = wrangler && (await signInOf(wrangler));
  if (wrangler === undefined || signIn?.state !== 'signed_in')
    return [
      skipped(
        NAME,
        `${placeText(read.jurisdiction)} in wrangler.toml; wrangler is not signed in, so nothing was compared`,
        '`npx wrangler login`, or set CLOUDFLARE_API_TOKEN.',
      ),
    ];
  return placesOf(read, wrangler);
};

const wranglerOf = (...[directory, environment, env, signal]: Parameters<typeof regionChecks>) => {
  try {
    return openWrangler(directory, env, signal, { environment });
  } catch {
    return undefined;
  }
};

const placesOf = async (project: Project, wrangler: Wrangler): Promise<readonly Check[]> => {
  const wanted = project.jurisdiction;
  const [database, buckets, queues] = await Promise.all([
    databasePlaces(project, wrangler),
    bucketNames(project, wrangler),
    queuePlaces(wrangler),
  ]);
  const compared = (what: string, place: string | undefined, absent: string): Check =>
    place === undefined
      ? skipped(NAME, `${what}: ${absent}`, '`countersign deploy` creates what is missing.')
      : place === wanted
        ? passed(NAME, `${what}: ${placeText(place)}`)
        : failure(
            NAME,
            `${what}: ${placeText(place)}, JURISDICTION is for ${placeText(wanted)}`,
            HINT,
          );
  return [
    compared('objects', database.objects, 'the gateway has not started yet'),
    compared(
      `D1 database ${project.database.name}`,
      database.database,
      'not created yet, or Cloudflare does not say where it is',
    ),
    ...project.buckets.map((name) =>
      compared(
        `R2 bucket ${name}`,
        buckets.includes(name) ? wanted : undefined,
        `there is none in ${placeText(wanted)}`,
      ),
    ),
    ...[...Map.groupBy(project.queues, (name) => queues.get(name))].map(([place, names]) =>
      compared(
        names.length === 1 ? `queue ${names[0] ?? ''}` : `${names.length} queues`,
        place,
        'not created yet',
      ),
    ),
  ];
};
