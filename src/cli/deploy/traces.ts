import { parse, patch } from '@decimalturn/toml-patch';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { isTable, type Table, valueAt, withValue } from '../lib/wrangler-config.ts';
import type { Project } from './project.ts';

/** Traces per invocation if the command names none: a hundredth keeps most months below the events that the plan includes. */
const SAMPLING = 0.01;

/** As Cloudflare names destinations of telemetry. */
const DESTINATION = /^[A-Za-z0-9][\w-]{0,62}$/;

/** The value of `--traces` that switches them off. */
const OFF = 'off';

/** The options of `deploy` for traces. */
export const TRACE_OPTIONS = [
  {
    flags: '--traces <names>',
    summary: 'send traces to these destinations of your account, comma-separated; off ends them',
  },
  {
    flags: '--trace-sampling <rate>',
    summary: `part of all invocations to trace, above 0, at most 1 (default: ${SAMPLING})`,
  },
];

/**
 * The project with the table `observability.traces` of its environment as the options say; the same project without them. Traces go to the
 * named destinations only, and Cloudflare keeps none.
 *
 * @throws CliError for a name or a rate that Cloudflare would reject
 */
export const withTraces = (input: Input, project: Project): Project => {
  const names = input.text('traces');
  const rate = samplingOf(input.text('traceSampling'));
  if (names === undefined) {
    if (rate === undefined) return project;
    throw usageError(
      '--trace-sampling needs --traces.',
      'Name the destinations that get them too: --traces <names>.',
    );
  }
  if (names === OFF) return withTable(project, { enabled: false });
  const destinations = names.split(',').map((name) => name.trim());
  const wrong = destinations.find((name) => !DESTINATION.test(name));
  if (wrong !== undefined || new Set(destinations).size !== destinations.length) {
    throw usageError(
      `--traces: ${wrong === undefined ? 'a destination is named twice' : `"${wrong}" is no name of a destination`}.`,
      'Give the names of destinations that you added under Observability in the dashboard of Cloudflare, e.g. --traces honeycomb.',
    );
  }
  return withTable(project, {
    enabled: true,
    head_sampling_rate: rate ?? SAMPLING,
    persist: false,
    destinations,
  });
};

const samplingOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const rate = /^(?:0?\.\d{1,6}|1)$/.test(text) ? Number(text) : 0;
  if (rate > 0) return rate;
  throw usageError(
    `--trace-sampling: "${text}" is no rate above 0 and at most 1.`,
    'Give a part of all invocations, e.g. --trace-sampling 0.01 for one in a hundred.',
  );
};

const withTable = (project: Project, traces: Readonly<Record<string, unknown>>): Project => {
  const { files, environment } = project;
  const table = parse(files.toml) as Table;
  const path =
    environment === undefined ? ['observability'] : ['env', environment, 'observability'];
  // An environment inherits the table as a whole, or has one of its own.
  const own = valueAt(table, path) ?? table['observability'];
  const toml = patch(files.toml, withValue(table, path, { ...(isTable(own) ? own : {}), traces }));
  return { ...project, files: { ...files, toml } };
};
