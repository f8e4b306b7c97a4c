import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DevServer, RUNTIME_CRASHED, serve, type ServerOptions } from './dev-server.ts';
import { startProcess } from './process.ts';
import { quietEnvironment, stateIn } from './wrangler.ts';

/** A built Worker, and where it runs. */
export type RuntimePlace = {
  /** Directory of databases, objects and queues. A restart continues with that state. */
  readonly directory: string;
  /** Path of the configuration whose bindings it has. */
  readonly config: string;
  /** Path of the main module; the other modules are in the same directory. */
  readonly main: string;
  /** Main module of another version that runs beside it, as in `Versions`. */
  readonly beside?: string;
  /** Values of variables and secrets. */
  readonly variables: Readonly<Record<string, string>>;
  /** Requests in a period that the rate limits let through, instead of what the configuration says. */
  readonly shield?: number;
  /** File to which the output is appended. */
  readonly log: string;
};

/**
 * The versions of a Worker that run at once, as paths of their main modules. With two, as in a gradual deployment, `main` has the objects,
 * `beside` calls them and consumes the queues, and the requests from outside take turns.
 */
export type Versions = { readonly main: string; readonly beside?: string };

/** A Worker in the Workers runtime. */
export type Runtime = Omit<DevServer, 'restart'> & {
  /** Starts the Worker again with the same port and state. `variables` replace those of the same name, for this and later runs. */
  readonly restart: (variables?: Readonly<Record<string, string>>) => Promise<void>;
  /** Kills the Worker and starts these versions with the same port and state. */
  readonly deploy: (versions: Versions) => Promise<void>;
};

/** What `runtime-program.ts` reads. */
export type RuntimeFile = Omit<RuntimePlace, 'directory' | 'log'> & {
  readonly port: number;
  /** Directory of the runtime's storage. */
  readonly state: string;
};

/** Name of the file in the state directory. */
export const RUNTIME_FILE = 'runtime.json';

/**
 * Serves a built Worker in Miniflare. `wrangler dev` would put a second runtime in front of it as a proxy, and an unpaid call would take
 * three times the CPU.
 */
export const serveBuilt = async (
  { directory, log, main, beside, ...worker }: RuntimePlace,
  options: ServerOptions,
): Promise<Runtime> => {
  const path = join(directory, RUNTIME_FILE);
  let { variables } = worker;
  let versions: Versions = beside === undefined ? { main } : { main, beside };
  const server = await serve(async () => {
    const file: RuntimeFile = {
      ...worker,
      ...versions,
      variables,
      port: options.port,
      state: stateIn(directory),
    };
    // Secrets must not appear on a command line.
    await writeFile(path, JSON.stringify(file, undefined, 2), { mode: 0o600 });
    return startProcess({
      program: process.execPath,
      arguments: [join(import.meta.dirname, 'runtime-program.ts'), path],
      directory,
      environment: quietEnvironment(directory),
      log,
      fatal: RUNTIME_CRASHED,
    });
  }, options);
  return {
    ...server,
    restart: async (changes) => {
      variables = { ...variables, ...changes };
      await server.restart();
    },
    deploy: async (next) => {
      versions = next;
      await server.restart();
    },
  };
};
