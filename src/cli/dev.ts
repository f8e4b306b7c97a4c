import { join, relative } from 'node:path';
import { type ReadTools, readTools } from './dev/catalogue.ts';
import { listenForKeys } from './dev/key-presses.ts';
import { loadLocalStack, type RunningStack } from './dev/local-stack.ts';
import { requirePackages } from './dev/packages.ts';
import { toolsImportsIn, upstreamIn } from './dev/project.ts';
import { invalidTools, publishTools } from './dev/publish-tools.ts';
import { onSaleText, readyText } from './dev/ready-text.ts';
import { restoreSecrets, secretsFile } from './dev/local-secrets.ts';
import { secretNote, unsentSecrets } from './dev/secret-notes.ts';
import { testCall } from './dev/test-call.ts';
import { upstreamNotes } from './dev/upstreams.ts';
import { watchFile } from './dev/watch-file.ts';
import { readText } from './lib/atomic-file.ts';
import { gatewayFiles } from './init.ts';
import type { Command } from './lib/command.ts';
import { TOOLS_FILE } from './lib/config-files.ts';
import { CliError, usageError } from './lib/errors.ts';
import { proseWidth } from './lib/print.ts';
import type { Session } from './lib/session.ts';
import { wrapped } from './lib/text.ts';

const DEFAULT_PORT = 8787;

export const command: Command = {
  summary: 'run the gateway of this project with a local chain, facilitator and funded agent',
  options: [
    { flags: '--port <number>', summary: 'port of the gateway (default: 8787, or a free one)' },
    {
      flags: '--upstream <url>',
      summary: 'origin of your API, instead of UPSTREAM_URL, e.g. http://localhost:3000',
    },
    {
      flags: '--block-time <seconds>',
      summary: 'mine a block every so many seconds (default: one per transaction)',
    },
  ],
  examples: ['countersign dev', 'countersign dev --upstream http://localhost:3000'],
  stopsItself: true,
  run: async (session, input) => {
    const { out, directory, signal } = session;
    const project = await gatewayFiles(directory);
    const upstream = upstreamIn(project, input.text('upstream'));
    const wanted = input.number('port', 1, 65_535);
    const blockTime = input.number('blockTime', 1, 3600);
    await requirePackages();
    const read = readTools(project.tools ?? '', upstream);
    if (!read.ok) throw invalidTools(read.error);
    const toolsImports = await toolsImportsIn(directory, project);
    const local = await loadLocalStack();
    if (wanted !== undefined && (await local.portTaken(wanted)))
      throw usageError(`Another process listens on port ${wanted}.`, 'Give another --port.');
    const isFree = wanted !== undefined || !(await local.portTaken(DEFAULT_PORT));
    const port = wanted ?? (isFree ? DEFAULT_PORT : await local.freePort());
    const ended = endOf(signal);
    local.whenOrphaned(ended.end);
    const starting = local.startProjectStack({
      ...{ project: directory, config: project.file, port, upstream, toolsImports },
      catalogue: read.value.catalogue,
      migrations: join(import.meta.dirname, '../worker/migrations'),
      ...(blockTime === undefined ? {} : { blockTime }),
      onProgress: (part, where, ms) =>
        out.note(`${part.padEnd(12)} ${where}  ${out.noteStyle.dim(`${ms} ms`)}`),
      onNote: (text) =>
        out.note(wrapped(`${out.noteStyle.warn('!')} ${text}`, proseWidth(out), '  ')),
    });
    try {
      // Ctrl-C may arrive before the stack runs.
      const stack = await Promise.race([starting, ended.reason.then(() => undefined)]);
      if (stack !== undefined) await serve(session, stack, read.value, upstream, ended);
    } finally {
      starting.catch(() => undefined);
      await local.killEveryProcess();
    }
  },
};

/** The end of the command: Ctrl-C, the key q, or a part that crashed. */
type End = { readonly end: () => void; readonly reason: Promise<void> };

const endOf = (signal: AbortSignal): End => {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return { end: resolve, reason: promise };
};

/** Serves until the end, and stops the stack. @throws CliError if a part crashed */
const serve = async (
  session: Session,
  stack: RunningStack,
  tools: ReadTools,
  upstream: string,
  { end, reason }: End,
): Promise<void> => {
  const { out, directory } = session;
  let { parsed } = tools;
  let calling = false;
  const keys = listenForKeys(process.stdin, (key) => {
    if (key === 'q') end();
    if (key !== 'p' || calling) return;
    calling = true;
    void testCall(session, stack.description, parsed).finally(() => {
      calling = false;
    });
  });
  const file = join(directory, TOOLS_FILE);
  const watcher = watchFile(file, tools.catalogue.text, async (text) => {
    parsed = (await publishTools(session, stack, text, upstream)) ?? parsed;
    for (const each of await unsentSecrets(directory, upstream)) {
      out.note(secretNote(session, each));
    }
  });
  const secrets = secretsFile(directory);
  const secretsWatcher = watchFile(secrets, await readText(secrets), async () => {
    const unsold = unsoldOf(await unsentSecrets(directory, upstream));
    out.note(`${out.noteStyle.good('✓')} ${onSaleText(parsed, unsold)}`);
  });
  const log = relative(directory, stack.log);
  try {
    await restoreSecrets(directory);
    const unsent = await unsentSecrets(directory, upstream);
    const unsold = unsoldOf(unsent);
    out.result(stack.description, () =>
      readyText(out, stack.description, parsed, { log, unsold, hasKeys: process.stdin.isTTY }),
    );
    for (const each of unsent) out.note(secretNote(session, each));
    for (const note of await upstreamNotes(session, parsed, upstream)) out.note(note);
    const crash = await Promise.race([reason.then(() => undefined), stack.crashed]);
    if (crash !== undefined)
      throw new CliError(crash, {
        hint: `${log} has the whole output. Run the command again.`,
        code: 'crashed',
      });
    out.note('Stopping.');
  } finally {
    watcher.stop();
    secretsWatcher.stop();
    keys.stop();
    await stack.stop();
  }
};

/** How many tools cannot be sold, because a secret is missing. */
const unsoldOf = (unsent: Awaited<ReturnType<typeof unsentSecrets>>): number =>
  new Set(unsent.flatMap(({ needed }) => needed.tools)).size;
