import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { ROOT } from '../root.ts';
import { LOOPBACK, portAnswers } from '../stack/loopback.ts';
import { startProcess } from '../stack/process.ts';
import { cpuOf } from './machine.ts';

/** A binding of a Worker in workerd's configuration. */
export type Binding =
  | { readonly text: string }
  | { readonly service: string; readonly entrypoint: string }
  | { readonly objects: string; readonly of?: string }
  | { readonly wrapped: string };

/** A Worker of the process. */
export type Service = {
  readonly name: string;
  /** Path of its main ES module, and paths of other modules, which it imports by relative paths. */
  readonly script: string;
  readonly more?: readonly string[];
  readonly bindings: Readonly<Record<string, Binding>>;
  /** Durable Object classes; their SQLite is in `storage` of the process. */
  readonly classes?: readonly string[];
  /** Port of 127.0.0.1 that it listens on. */
  readonly port?: number;
};

/** A process of raw workerd. */
export type Workerd = {
  readonly processId: number;
  /** CPU time of the whole process, in microseconds. */
  readonly cpu: () => number;
  readonly output: () => string;
  readonly stop: () => Promise<void>;
};

/** Path of the binary: the default export of a compiled CommonJS module. */
const { default: workerd } = createRequire(import.meta.url)('workerd') as {
  readonly default: string;
};

/** Peers run with the compatibility date of the gateway. */
const COMPATIBILITY_DATE =
  /^compatibility_date = "(.*)"$/m.exec(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'))?.[1] ??
  '';
const READY_MS = 10_000;

const quoted = (text: string): string => JSON.stringify(text);

const bindingText = (name: string, binding: Binding): string => {
  const is = (what: string): string => `(name = ${quoted(name)}, ${what})`;
  if ('text' in binding) return is(`text = ${quoted(binding.text)}`);
  if ('wrapped' in binding) return is(`wrapped = (moduleName = ${quoted(binding.wrapped)})`);
  if ('objects' in binding) {
    const of = binding.of === undefined ? '' : `, serviceName = ${quoted(binding.of)}`;
    return is(`durableObjectNamespace = (className = ${quoted(binding.objects)}${of})`);
  }
  const { service, entrypoint } = binding;
  return is(`service = (name = ${quoted(service)}, entrypoint = ${quoted(entrypoint)})`);
};

const serviceText = (
  { name, script, more = [], bindings, classes = [] }: Service,
  directory: string,
): string => {
  const objects = classes.map(
    (each) =>
      `(className = ${quoted(each)}, uniqueKey = ${quoted(`${name}-${each}`)}, enableSql = true)`,
  );
  const list = Object.entries(bindings).map(([key, binding]) => bindingText(key, binding));
  const modules = [script, ...more].map((path) => {
    const kind = path.endsWith('.wasm') ? 'wasm' : 'esModule';
    const name = quoted(relative(dirname(script), path));
    return `(name = ${name}, ${kind} = embed ${quoted(relative(directory, path))})`;
  });
  return `(name = ${quoted(name)}, worker = (
      modules = [${modules.join(', ')}],
      compatibilityDate = ${quoted(COMPATIBILITY_DATE)},
      bindings = [${list.join(',\n        ')}],
      durableObjectNamespaces = [${objects.join(', ')}],
      ${classes.length === 0 ? '' : 'durableObjectStorage = (localDisk = "storage"),'}
    ))`;
};

/** Modules of wrapped bindings, by name. */
export type Modules = Readonly<Record<string, string>>;

type Options = {
  /** An empty directory, or that of a stopped process, whose objects continue. */
  readonly directory: string;
  readonly services: readonly Service[];
  readonly modules?: Modules;
  /** Port of 127.0.0.1 for the inspector. */
  readonly inspector?: number;
};

const configuration = ({ directory, services, modules = {} }: Options): string => {
  const sockets = services.flatMap(({ name, port }) =>
    port === undefined
      ? []
      : `(name = ${quoted(name)}, address = "${LOOPBACK}:${port}", http = (), service = ${quoted(name)})`,
  );
  const extensions = Object.entries(modules).map(
    ([name, script]) =>
      `(name = ${quoted(name)}, internal = true, esModule = embed ${quoted(relative(directory, script))})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ${services.map((service) => serviceText(service, directory)).join(',\n    ')},
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "storage", disk = (path = ${quoted(join(directory, 'storage'))}, writable = true)),
  ],
  sockets = [${sockets.join(', ')}],
  extensions = [(modules = [${extensions.join(', ')}])],
);
`;
};

/** Starts Workers in a fresh process of raw workerd, and waits until each listens. The process ends with this one. */
export const startWorkerd = async (options: Options): Promise<Workerd> => {
  const { directory, services, inspector } = options;
  await mkdir(join(directory, 'storage'), { recursive: true });
  const file = join(directory, 'workerd.capnp');
  await writeFile(file, configuration(options));
  const group = startProcess({
    program: workerd,
    arguments: [
      'serve',
      file,
      '--experimental',
      ...(inspector === undefined ? [] : [`--inspector-addr=${LOOPBACK}:${inspector}`]),
    ],
    directory: dirname(file),
  });
  let gone = false;
  void group.exited.then(() => {
    gone = true;
  });
  const deadline = Date.now() + READY_MS;
  for (const { port } of services) {
    while (port !== undefined && !(await portAnswers(port))) {
      if (gone || Date.now() > deadline) {
        await group.kill();
        throw new Error(`workerd did not start:\n${group.output()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  const { id: processId, output, stop } = group;
  return { processId, cpu: () => cpuOf(processId), output, stop };
};
