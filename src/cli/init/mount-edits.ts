import { type Table, tablesAt, textAt, valueAt } from '../lib/wrangler-config.ts';
import type { ConfigEdit } from './config-edit.ts';

/** The lists of named resources in the configuration, and the key of the name in each. */
export const LISTS = [
  [['durable_objects', 'bindings'], 'name'],
  [['analytics_engine_datasets'], 'binding'],
  [['d1_databases'], 'binding'],
  [['r2_buckets'], 'binding'],
  [['queues', 'producers'], 'binding'],
  [['queues', 'consumers'], 'queue'],
  [['ratelimits'], 'name'],
] as const;

/** The cron expression of the gateway, and an equal one for a Worker that uses the first for something else. */
const CRONS = ['* * * * *', '0-59 * * * *'] as const;

/** Whether a configuration has the gateway, perhaps of an earlier release. */
export const hasGateway = (table: Table): boolean =>
  tablesAt(table, 'durable_objects', 'bindings').some(
    ({ name, class_name: of }) => name === 'AGENT_ACCOUNT' && of === 'AgentAccount',
  );

/**
 * The cron expression under which the gateway runs in a Worker.
 *
 * @returns undefined for the usual one
 */
export const cronOf = (table: Table): string | undefined => {
  const crons = valueAt(table, ['triggers', 'crons']);
  return !hasGateway(table) && Array.isArray(crons) && crons.includes(CRONS[0])
    ? CRONS[1]
    : undefined;
};

/**
 * The parts of the gateway that a configuration lacks: bindings, queues, classes, cron trigger, assets. Existing parts keep their names: a
 * deployed gateway of an earlier release keeps its queues, because they may hold messages.
 *
 * @param template the configuration of a new project, with resources named after this Worker
 */
export const mountEdits = (table: Table, template: Table): readonly ConfigEdit[] => [
  ...LISTS.flatMap(([path, key]): readonly ConfigEdit[] => {
    const present = new Set(tablesAt(table, ...path).map((each) => each[key]));
    return tablesAt(withPresentQueues(template, table), ...path)
      .filter((each) => !present.has(each[key]))
      .map((value) => ({ kind: 'append', path, value }));
  }),
  ...migrationOf(table, template),
  ...cronEdit(table),
  ...(table['assets'] === undefined && table['site'] === undefined
    ? [{ kind: 'set', path: ['assets'], value: template['assets'] } as const]
    : []),
  ...secretsOf(table),
];

const QUEUE = /^(.*)countersign-((?:settlement|audit|webhooks)(?:-dead)?)$/;

/** The template with the queue names of the gateway that the configuration has. New queues get names of the same form. */
const withPresentQueues = (template: Table, table: Table): Table => {
  const present = tablesAt(table, 'queues', 'producers')
    .map((each) => QUEUE.exec(textAt(each, 'queue') ?? '')?.[1])
    .find((prefix) => prefix !== undefined);
  const renamed = (each: Table): Table =>
    Object.fromEntries(
      Object.entries(each).map(([key, value]) => {
        const [, own, kind] = typeof value === 'string' ? (QUEUE.exec(value) ?? []) : [];
        return [key, kind === undefined ? value : `${present ?? own}countersign-${kind}`];
      }),
    );
  return {
    ...template,
    queues: {
      producers: tablesAt(template, 'queues', 'producers').map(renamed),
      consumers: tablesAt(template, 'queues', 'consumers').map(renamed),
    },
  };
};

/** A new migration after the existing ones, with the classes that no migration has made. Cloudflare runs each tag once, in order. */
const migrationOf = (table: Table, template: Table): readonly ConfigEdit[] => {
  const migrations = tablesAt(table, 'migrations');
  const classesOf = (each: Table): readonly unknown[] => {
    const made = each['new_sqlite_classes'];
    return Array.isArray(made) ? made : [];
  };
  const made = new Set(migrations.flatMap(classesOf));
  const missing = tablesAt(template, 'migrations')
    .flatMap(classesOf)
    .filter((name) => !made.has(name));
  if (missing.length === 0) return [];
  const tags = new Set(migrations.map(({ tag }) => tag));
  let version = 1;
  while (tags.has(`countersign-v${version}`)) version += 1;
  const value = { tag: `countersign-v${version}`, new_sqlite_classes: missing };
  return [{ kind: 'append', path: ['migrations'], value }];
};

const cronEdit = (table: Table): readonly ConfigEdit[] => {
  const crons = valueAt(table, ['triggers', 'crons']);
  const present: readonly unknown[] = Array.isArray(crons) ? crons : [];
  const isThere = hasGateway(table) && CRONS.some((cron) => present.includes(cron));
  const value = cronOf(table) ?? CRONS[0];
  return isThere ? [] : [{ kind: 'append', path: ['triggers', 'crons'], value }];
};

/** wrangler passes on no secret of `.dev.vars` that this list lacks. Without the list it passes on all, also those of the Worker itself. */
const secretsOf = (table: Table): readonly ConfigEdit[] => {
  const path = ['secrets', 'required'] as const;
  const required = valueAt(table, path);
  if (!Array.isArray(required)) return [];
  return ['RECEIPT_KEY']
    .filter((name) => !required.includes(name))
    .map((value) => ({ kind: 'append', path, value }));
};
