import { isTable, type Table, tablesAt, textAt, valueAt } from './wrangler-config.ts';

/**
 * The table of an environment as wrangler completes it. The name gets a suffix; routes are those of the top level unless the environment has its
 * own; variables, secrets and bindings are never passed on.
 */
export const withPassedOn = (whole: Table, environment: string | undefined): Table => {
  if (environment === undefined) return whole;
  const own = valueAt(whole, ['env', environment]);
  return {
    name: `${textAt(whole, 'name') ?? ''}-${environment}`,
    ...Object.fromEntries(
      ['route', 'routes'].flatMap((key) => (key in whole ? [[key, whole[key]]] : [])),
    ),
    ...(isTable(own) ? own : {}),
  };
};

/** Names that belong to the account: of the Worker, database, bucket, queues, dataset, rate limit and routes. */
export const namesOf = (table: Table): readonly string[] =>
  [
    textAt(table, 'name'),
    ...tablesAt(table, 'd1_databases').flatMap((each) => [
      textAt(each, 'database_name'),
      textAt(each, 'database_id'),
    ]),
    ...tablesAt(table, 'r2_buckets').map((each) => textAt(each, 'bucket_name')),
    ...tablesAt(table, 'queues', 'producers').map((each) => textAt(each, 'queue')),
    ...tablesAt(table, 'queues', 'consumers').map((each) => textAt(each, 'queue')),
    ...tablesAt(table, 'analytics_engine_datasets').map((each) => textAt(each, 'dataset')),
    ...tablesAt(table, 'ratelimits').map((each) => textAt(each, 'namespace_id')),
    ...[table['route'] ?? [], table['routes'] ?? []].flat().map((route: unknown) => {
      const pattern = isTable(route) ? route['pattern'] : route;
      return typeof pattern === 'string' ? pattern : undefined;
    }),
  ].filter((name): name is string => name !== undefined && name !== '');
