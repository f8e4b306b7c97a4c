import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import { ROOT } from '../../../dev/root.ts';
import { openOperator } from '../../../dev/stack/sell-tools.ts';
import { EXPORT, exportAll, readEntries } from '../../../dev/storm/files.ts';
import { untilLogged } from '../../../dev/storm/settle.ts';
import type { Stage } from '../support/stage.ts';

const PATIENCE_MS = 120_000;
const run = promisify(execFile);

/** What `countersign audit verify` finds in the exported log. */
export type Audited = {
  readonly entries: number;
  /** Alerts `database_unavailable` in the log. */
  readonly alerts: number;
  /** Accounts whose last entries the transparency log lacks. */
  readonly unlogged: readonly string[];
  /** Verdicts of the checks that an outage could break. */
  readonly verdicts: Readonly<Record<'form' | 'chain' | 'log', string>>;
};

const reportSchema = z.looseObject({
  entries: z.int(),
  checks: z.array(z.looseObject({ check: z.string(), verdict: z.string() })),
});

/** Exports every account once the transparency log has all entries, and verifies the files. */
export const auditAll = async (stage: Stage): Promise<Audited> => {
  const unlogged = await untilLogged(stage, PATIENCE_MS);
  const out = await mkdtemp(join(tmpdir(), 'countersign-outage-'));
  try {
    await exportAll(stage, out);
    const keys = join(out, 'log-keys');
    await writeFile(
      keys,
      await (await fetch(new URL('/log/keys', stage.stack.gateway.url))).text(),
    );
    const words = ['audit', 'verify', join(out, EXPORT), '--log-key', keys, '--json'];
    const { stdout } = await run(process.execPath, [join(ROOT, 'src/cli/index.ts'), ...words]);
    const { entries, checks } = reportSchema.parse(JSON.parse(stdout));
    const verdictOf = (name: string): string =>
      checks.find(({ check }) => check === name)?.verdict ?? 'missing';
    const alerts = (await readEntries(out)).filter(({ rule }) => rule === 'database_unavailable');
    return {
      ...{ entries, alerts: alerts.length, unlogged },
      verdicts: { form: verdictOf('form'), chain: verdictOf('chain'), log: verdictOf('log') },
    };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
};

/** What an operator reads from the database. */
const READS = ['queues', 'calls.list', 'accounts.list', 'deadletters.list'] as const;

/** The management API's answers to the operator: the type of each problem, or `served`. */
export const readsOf = async ({ stack }: Stage): Promise<Readonly<Record<string, string>>> => {
  const answers = READS.map(async (id) => {
    let answer = 'nothing';
    const operator = openOperator(stack.gateway, async (input, init) => {
      const response = await fetch(input, init);
      const body = (await response.clone().json()) as { readonly type?: string };
      answer = response.ok ? 'served' : `${response.status} ${body.type}`;
      return response;
    });
    // The client does not report the last answer of a request that it stopped retrying.
    await operator.call(id, { query: {} } as never).catch(() => undefined);
    return [id, answer] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
};

/** The number of dead letters that wait for an operator. */
export const countDeadLetters = async ({ stack }: Stage): Promise<number> => {
  const { body } = await openOperator(stack.gateway).call('queues');
  return body.dead_letters;
};
