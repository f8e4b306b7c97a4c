import { readQueueName } from '../../settlement/queue-name.ts';
import { isTable, type Table, tablesAt, textAt, valueAt } from '../lib/wrangler-config.ts';
import { EXPORTS } from './entry.ts';
import { hasGateway, LISTS } from './mount-edits.ts';

/** The first compatibility date with Node's crypto in every Worker. */
const LEAST_DATE = '2026-08-04';
/** The first one with `ctx.exports`: enough for a Worker with the flag `nodejs_compat`. */
const LEAST_NODE_DATE = '2025-11-17';

/**
 * Reasons why the gateway cannot be mounted in the Worker of a configuration, each with what to do. None for a configuration that already
 * has the gateway.
 */
export const mountFaults = (table: Table, template: Table): readonly string[] => {
  if (hasGateway(table)) return [];
  const names = new Set([
    ...LISTS.flatMap(([path, key]) =>
      key === 'queue' ? [] : tablesAt(template, ...path).map((each) => each[key]),
    ),
    ...Object.keys((template['vars'] ?? {}) as Table),
  ]);
  const taken = bindingNames(table).filter((name) => names.has(name));
  const queue = tablesAt(table, 'queues', 'consumers').find(
    ({ queue: name }) => readQueueName(String(name)) !== undefined,
  );
  const environments = isTable(table['env']) ? Object.keys(table['env']) : [];
  const flags = table['compatibility_flags'];
  const hasNode = Array.isArray(flags) && flags.includes('nodejs_compat');
  const least = hasNode ? LEAST_NODE_DATE : LEAST_DATE;
  const date = textAt(table, 'compatibility_date') ?? '';
  return [
    ...(textAt(table, 'name') !== undefined ? [] : ['the Worker has no name: set `name`']),
    ...(textAt(table, 'main') !== undefined
      ? []
      : ['the Worker has no `main`: only a Worker with a script can mount the gateway']),
    ...(table['no_bundle'] === true
      ? ['`no_bundle` is set: wrangler must bundle the entry with the gateway']
      : []),
    ...(environments.length === 0
      ? []
      : [
          `it has environments (${environments.join(', ')}), which inherit no bindings, and each would be a gateway that needs a receiving address of its own: mount the gateway in a configuration without \`env\``,
        ]),
    ...(date >= least
      ? []
      : [
          `compatibility_date must be ${least} or later: set it, test your Worker, and run the command again`,
        ]),
    ...taken.map((name) => `it uses the name ${name}, which the gateway needs: rename yours`),
    ...(queue === undefined
      ? []
      : [
          `the name of its queue ${String(queue['queue'])} ends like that of a queue of the gateway: rename yours`,
        ]),
  ];
};

/** The names in the environment of a Worker, except that of its assets, which may serve both. */
const bindingNames = (table: Table): readonly string[] => [
  ...Object.keys(isTable(table['vars']) ? table['vars'] : {}),
  ...Object.entries(table).flatMap(([key, value]) => (key === 'assets' ? [] : namesIn(value))),
];

const namesIn = (value: unknown): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (!isTable(value)) return [];
  const own = [value['binding'], value['name']].filter((name) => typeof name === 'string');
  return [...own, ...Object.values(value).flatMap(namesIn)];
};

/** What the operator of a mounted gateway should decide, because it changes how the rest of the Worker behaves. */
export const mountNotes = (table: Table): readonly string[] => {
  const logs = valueAt(table, ['observability', 'logs', 'invocation_logs']);
  const isObserved = valueAt(table, ['observability', 'enabled']) === true;
  const flags = table['compatibility_flags'];
  const isStrict = Array.isArray(flags) && flags.includes('global_fetch_strictly_public');
  return [
    `The new main module wraps the default export of ${textAt(table, 'main') ?? 'yours'}: an object with handlers, such as a Hono app. Wrap a function as { fetch: … }. Yours may export none of ${EXPORTS.join(', ')}.`,
    ...(isObserved && logs !== false
      ? [
          'Invocation logs hold the header Agent-Intent, a valid proof for up to five minutes: set invocation_logs = false below observability.logs.',
        ]
      : []),
    ...(isStrict
      ? []
      : [
          'Owners name URLs of webhooks. Add the compatibility flag global_fetch_strictly_public, unless your Worker fetches the origin of its own zone.',
        ]),
  ];
};
