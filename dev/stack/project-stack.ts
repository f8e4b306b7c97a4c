/** The local stack of a project of `npm create countersign`: the module behind `countersign dev`. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type {
  Catalogue,
  LocalStackModule,
  LocalStackOptions,
  RunningStack,
} from '../../src/cli/dev/local-stack.ts';
import { newReceiptKey } from '../../src/cli/init/files.ts';
import { newVaultKey } from '../../src/cli/lib/vault-key.ts';
import { startCron } from './cron.ts';
import { prepareDatabase } from './database.ts';
import { describeStack } from './description.ts';
import { localVariables, relayerVariables } from './gateway-variables.ts';
import { LOOPBACK } from './loopback.ts';
import { newParts, type Parts } from './parts.ts';
import { people } from './people.ts';
import { writeProjectConfig } from './project-config.ts';
import { startSettlement } from './settlement.ts';
import { newRunDirectory, removeStackFile, writeStackFile } from './stack-directory.ts';
import { serveProject } from './wrangler.ts';

export { freePort, portTaken } from './loopback.ts';
export { killEveryProcess, whenOrphaned } from './process.ts';

/** wrangler prints this when the Worker runs with the files that changed. */
const RELOADED = 'Local server updated and ready';
const RELOAD_MS = 15_000;

/** Waits for the next reload of the Worker. */
const newReloads = () => {
  let waiting: ((isDone: boolean) => void)[] = [];
  let rest = '';
  return {
    onOutput: (text: string): void => {
      rest = (rest + text).slice(-4096);
      if (!rest.includes(RELOADED)) return;
      rest = '';
      for (const resolve of waiting) resolve(true);
      waiting = [];
    },
    next: async (): Promise<boolean> =>
      await new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), RELOAD_MS);
        waiting.push((isDone) => {
          clearTimeout(timer);
          resolve(isDone);
        });
      }),
  };
};

/** Replaces a file atomically: otherwise wrangler could bundle half of it. */
const replaceFile = async (path: string, text: string): Promise<void> => {
  const draft = `${path}.draft`;
  await writeFile(draft, text);
  await rename(draft, path);
};

const boot = async (
  options: LocalStackOptions,
  parts: Parts,
): Promise<Omit<RunningStack, 'crashed' | 'stop'>> => {
  const { project, port, upstream, catalogue, toolsImports, migrations, blockTime } = options;
  const own = join(project, '.dev');
  await mkdir(own, { recursive: true });
  // The directory holds private keys, and the project may have a `.gitignore` of an earlier release.
  await writeFile(join(own, '.gitignore'), '*\n');
  const directory = await newRunDirectory(own);
  const log = join(directory, 'gateway.log');
  const original = join(project, options.config);
  const place = { directory: project, config: original, persistTo: directory, log };
  // The migration runs while the chain starts, because it takes two seconds.
  const cache = join(own, 'databases');
  const prepared = prepareDatabase(place, { cache, config: original, migrations });
  prepared.catch(() => undefined);
  const { chain, facilitator } = await startSettlement(
    parts,
    blockTime === undefined ? {} : { blockTime },
  );
  // The file has a directory of its own, because wrangler watches that directory: the other files of the stack change with each call.
  const tools = join(directory, 'tools', 'tools.json');
  await mkdir(dirname(tools));
  await replaceFile(tools, catalogue.text);
  const gateway = `http://localhost:${port}`;
  const { RELAYER_KEY, ...relayer } = relayerVariables(people.relayer);
  const { config, cron } = await writeProjectConfig(project, directory, {
    variables: {
      ...localVariables({
        audience: `${gateway},http://${LOOPBACK}:${port}`,
        payTo: people.payTo,
        rpc: chain.rpc,
        facilitators: [facilitator.url],
      }),
      ...relayer,
      OPERATORS: people.operator.address,
      UPSTREAM_URL: upstream,
      CDP_API_KEY_ID: '',
    },
    secrets: {
      RECEIPT_KEY: await newReceiptKey(),
      RELAYER_KEY,
      // Each run has a new key, because its database is new as well.
      VAULT_KEY: newVaultKey(),
    },
    alias: Object.fromEntries(toolsImports.map((path) => [path, tools])),
  });
  const reloads = newReloads();
  let output = () => '';
  const server = await parts.start(
    'gateway',
    () => gateway,
    async () => {
      await prepared;
      return await serveProject(
        { ...place, config },
        {
          port,
          onOutput: reloads.onOutput,
          onCrash: (exit) => parts.onCrash('the gateway (wrangler dev)', output)(exit),
          onRevived: options.onNote,
        },
      );
    },
  );
  output = server.output;
  await parts.start(
    'cron',
    () => 'each minute',
    async () => startCron(gateway, cron),
  );
  const descriptionOf = ({ tools: sold }: Catalogue) =>
    describeStack(
      {
        gateway,
        audience: gateway,
        rpc: chain.rpc,
        facilitator: facilitator.url,
        upstream,
      },
      sold,
    );
  const description = descriptionOf(catalogue);
  const file = await writeStackFile(description, undefined, own);
  parts.atEnd(async () => await removeStackFile(file, gateway));
  parts.atCleanEnd(async () => await rm(directory, { recursive: true, force: true }));
  return {
    description,
    file,
    log,
    publish: async (next) => {
      const reloaded = reloads.next();
      // Race: written after the reload, the file would stay if the stack stops while the Worker reloads.
      await writeStackFile(descriptionOf(next), file, own);
      await replaceFile(tools, next.text);
      return await reloaded;
    },
  };
};

/** Starts chain, facilitator and gateway, and writes `.dev/stack.json` of the project. All processes end with this one. */
export const startProjectStack: LocalStackModule['startProjectStack'] = async (options) => {
  const parts = newParts(options.onProgress);
  try {
    const started = await boot(options, parts);
    return { ...started, crashed: parts.crashed, stop: parts.end };
  } catch (error) {
    await parts.end();
    throw error;
  }
};
