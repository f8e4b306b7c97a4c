import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { STORAGE, versionTag } from '../../protocol/storage-version.ts';
import { cliErrorOf, CliError } from '../lib/errors.ts';
import type { Output, Progress } from '../lib/output.ts';
import { type Step, RESOURCES } from './plan.ts';
import { CONFIG_FILE } from '../lib/config-files.ts';
import { NEXT_AUDIENCES } from './project.ts';
import type { Deploying } from './resource.ts';
import { hasScreeningLists, uploadScreeningLists } from './screening-lists.ts';
import { reasonIn, runProgram } from './wrangler.ts';

type Action = {
  readonly what: string;
  readonly run: () => Promise<unknown>;
  /** The command for doing this step by hand. */
  readonly byHand: string;
};

/** A deployed version. */
export type Deployed = {
  readonly version: string | undefined;
  /** URLs and triggers, as wrangler prints them. */
  readonly targets: readonly string[];
};

const MIGRATIONS = ['d1', 'migrations', 'apply', 'AUDIT_DB', '--remote'];

/**
 * Runs the steps of the plan that change something, one after the other.
 *
 * @param send Uploads the Worker; by default as the version that gets all requests.
 * @throws CliError `deploy_stopped`, which names the finished steps, the failed one, and the command that continues
 */
export const execute = async (
  deploying: Deploying,
  plan: readonly Step[],
  { out, progress }: { readonly out: Output; readonly progress: Progress },
  send: (deploying: Deploying) => Promise<Deployed> = upload,
): Promise<Deployed> => {
  const { wrangler, signal, project } = deploying;
  const isSigner = project.config !== CONFIG_FILE;
  const inEnvironment = project.environment === undefined ? '' : ` --env ${project.environment}`;
  let deployed: Deployed = { version: undefined, targets: [] };
  const actions: readonly Action[] = [
    ...RESOURCES.flatMap((kind): readonly Action[] => {
      const items = plan.filter(({ step, state }) => step === kind.what && state === 'make');
      if (items.length === 0) return [];
      const names = items.map(({ name }) => name);
      return [
        {
          what: `${kind.what} ${names.join(', ')}`,
          run: async () => kind.create(deploying, items),
          byHand: kind.byHand(names[0] ?? '', project),
        },
      ];
    }),
    {
      what: 'migrations',
      run: async () => wrangler.run(MIGRATIONS),
      byHand: `npx wrangler ${MIGRATIONS.join(' ')}`,
    },
    // Before the Worker: a list that it cannot read makes its verdicts unanswered.
    ...((await hasScreeningLists(project))
      ? [
          {
            what: 'screening lists',
            run: async () => uploadScreeningLists(deploying),
            byHand: `npx wrangler r2 object put ${project.buckets[0]}/screening/<name>.txt --file screening/<name>.txt --remote`,
          },
        ]
      : []),
    {
      what: 'Worker',
      run: async () => {
        deployed = await send(deploying);
      },
      byHand: deploying.project.isCheckout ? 'npm run deploy' : 'npx wrangler deploy',
    },
  ];
  const done: string[] = [];
  for (const { what, run, byHand } of actions) {
    signal.throwIfAborted();
    try {
      await progress.during(what, run);
    } catch (error) {
      signal.throwIfAborted();
      const command = isSigner ? `${byHand} --config ${project.config}` : byHand + inEnvironment;
      const again = isSigner ? 'countersign deploy --signer' : `countersign deploy${inEnvironment}`;
      throw stopped(error, { what, byHand: command, done, again });
    }
    done.push(what);
    out.note(`${out.noteStyle.good('done')} ${what}`);
  }
  return deployed;
};

const stopped = (
  thrown: unknown,
  {
    what,
    byHand,
    done,
    again,
  }: {
    readonly what: string;
    readonly byHand: string;
    readonly done: readonly string[];
    readonly again: string;
  },
): CliError => {
  const error = cliErrorOf(thrown);
  return new CliError(`The deployment stopped at ${what}. ${error.message}`, {
    hint: `Correct the cause, or try \`${byHand}\`. Then run \`${again}\` again: it continues here and makes nothing twice.`,
    exit: error.exit,
    code: 'deploy_stopped',
    details: {
      done: done.length === 0 ? 'nothing' : done.join('; '),
      failed: what,
      command: byHand,
    },
    cause: error,
  });
};

/**
 * Arguments of `wrangler deploy` and `wrangler versions upload`. A checkout uploads the modules that `npm run worker` built; a project is
 * bundled. The tag tells a roll-back what the code reads and writes.
 */
const uploadWords = ({ project }: Deploying): readonly string[] => [
  ...(project.isCheckout
    ? ['.dev/worker/index.js', '--config', 'wrangler.toml', '--no-bundle']
    : []),
  ...['--tag', versionTag(STORAGE)],
];

/** Builds the Worker without uploading it. @returns its size, as wrangler prints it */
export const build = async (
  deploying: Deploying,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> => {
  const { project, wrangler, signal } = deploying;
  if (project.isCheckout) {
    const { directory } = project;
    const built = await runProgram(['dev/worker.ts'], { directory, env, signal });
    if (built.code !== 0)
      throw new CliError(`The modules of the Worker could not be built: ${reasonIn(built)}`, {
        hint: '`npm ci`, then `npm run worker`.',
        code: 'build_failed',
      });
  }
  // wrangler.toml may not have the audience of --audience yet, and `countersign check` runs in this build.
  const { AUDIENCES = '' } = project.files.variables;
  const { stdout } = await wrangler.run(['deploy', ...uploadWords(deploying), '--dry-run'], {
    environment: { [NEXT_AUDIENCES]: AUDIENCES },
  });
  return /^Total Upload: (.*)$/m.exec(stdout)?.[1];
};

const outputSchema = z.looseObject({
  type: z.enum(['deploy', 'version-upload']),
  version_id: z.nullish(z.string()),
  targets: z.optional(z.array(z.string())),
});

/** Uploads the Worker as the version that gets all requests. */
const upload = async (deploying: Deploying): Promise<Deployed> => reported(deploying, ['deploy']);

/** Uploads the Worker as a version that gets no requests yet. */
export const uploadVersion = async (deploying: Deploying): Promise<Deployed> =>
  reported(deploying, ['versions', 'upload']);

/** Uploads the Worker, and reads the file in which wrangler reports it. */
const reported = async (deploying: Deploying, words: readonly string[]): Promise<Deployed> => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-deploy-'));
  const file = join(directory, 'output.ndjson');
  try {
    await deploying.wrangler.run([...words, ...uploadWords(deploying)], {
      environment: { WRANGLER_OUTPUT_FILE_PATH: file },
    });
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const report = lines
      .map((line) => outputSchema.safeParse(JSON.parse(line)))
      .find(({ success }) => success)?.data;
    return { version: report?.version_id ?? undefined, targets: report?.targets ?? [] };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
