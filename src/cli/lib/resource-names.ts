import { createHash } from 'node:crypto';

/** The longest name of a Worker whose queues have names of at most 63 characters: `<name>-countersign-settlement-dead`. */
export const MAX_PROJECT_NAME = 63 - '-countersign-settlement-dead'.length;

/**
 * Names a project's resources after it. Queues, databases, buckets, datasets and rate limits belong to the Cloudflare account: two projects with
 * the same names would consume each other's messages and replace each other's objects.
 *
 * @param toml the wrangler.toml of this repository
 */
export const withResourceNames = (toml: string, project: string): string =>
  toml
    .replace(/^name = ".*"$/m, `name = "${project}"`)
    .replaceAll(
      /"countersign-(settlement|audit|webhooks|archive)(-dead)?"/g,
      (_, kind: string, dead = '') => `"${project}-countersign-${kind}${dead}"`,
    )
    .replace(/^dataset = ".*"$/m, `dataset = "${project.replaceAll('-', '_')}_countersign"`)
    .replace(/^namespace_id = ".*"$/m, `namespace_id = "${namespaceOf(project)}"`);

/** Bindings of one project under the names of another: of queues, database, bucket, dataset and rate limit. A database's id stays behind. */
export const withNamesOf = (bindings: object, from: string, to: string): unknown => {
  const dataset = (name: string): string => `"${name.replaceAll('-', '_')}_countersign"`;
  return JSON.parse(
    JSON.stringify(bindings, (key, value: unknown) => (key === 'database_id' ? undefined : value))
      .replaceAll(`"${from}-countersign-`, `"${to}-countersign-`)
      .replaceAll(dataset(from), dataset(to))
      .replaceAll(/"namespace_id":"[0-9]+"/g, `"namespace_id":"${namespaceOf(to)}"`),
  );
};

/**
 * The name after which the resources of any Worker are named. Differs for different Workers, even if it must be shortened or lose its `_`.
 */
export const resourceName = (worker: string): string => {
  const name = worker
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  if (name === worker && name.length <= MAX_PROJECT_NAME) return name;
  const digest = createHash('sha256').update(worker).digest('hex').slice(0, 8);
  return `${name.slice(0, MAX_PROJECT_NAME - 9)}-${digest}`.replace(/^-/, '');
};

/** A rate limit's `namespace_id` is a positive integer. */
const namespaceOf = (project: string): number =>
  createHash('sha256').update(project).digest().readUIntBE(0, 3) + 1;
