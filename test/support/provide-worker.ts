import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { ROOT } from '../../dev/root.ts';

const WORKER = JSON.stringify(join(ROOT, 'src/worker/index.ts'));

/** `src/index.ts` with other tools, which reads what is left of a request's body, as the bundle of `wrangler dev` does: workerd would otherwise close the connection while a caller still sends. */
const entryWith = (toolsFile: string): string => `
import tools from ${JSON.stringify(toolsFile)};
import { countersign } from ${WORKER};
export { AgentAccount, AuditLog, Relayer, SettlementRequests } from ${WORKER};

const worker = countersign({ tools });
const drain = async ({ body, bodyUsed }) => {
  if (body !== null && !bodyUsed) for await (const _ of body);
};
export default {
  ...worker,
  fetch: async (request, ...rest) => {
    try {
      return await worker.fetch(request, ...rest);
    } finally {
      await drain(request).catch(() => undefined);
    }
  },
};
`;

/**
 * Builds a Worker as `npm run deploy` does, once for all gateways of a run: otherwise wrangler would bundle the same sources for each file,
 * and the runtime would parse all of them at each start.
 *
 * @param toolsIn Returns the path of the tools to sell; it may write them into a directory.
 * @returns what removes the Worker again
 */
export const provideWorker = async (
  project: TestProject,
  toolsIn: (directory: string) => Promise<string>,
): Promise<() => Promise<void>> => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-worker-'));
  const [built, entry] = [join(directory, 'built'), join(directory, 'index.js')];
  await writeFile(entry, entryWith(await toolsIn(directory)));
  await promisify(execFile)(process.execPath, [join(ROOT, 'dev/worker.ts'), built, entry], {
    cwd: ROOT,
  });
  project.provide('worker', join(built, 'index.js'));
  project.provide('worlds', directory);
  // A shared stack may still write while it ends.
  return async () => await rm(directory, { recursive: true, force: true, maxRetries: 20 });
};

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    /** Path of the main module of the built Worker. */
    worker: string;
    /** Directory of the states of stacks that files share. */
    worlds: string;
  }
}
