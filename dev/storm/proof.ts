import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import * as z from 'zod/mini';
import { ROOT } from '../root.ts';
import { EXPORT, RECEIPTS } from './files.ts';

const finding = z.object({
  check: z.string(),
  verdict: z.enum(['proved', 'bounded', 'not checked', 'BROKEN']),
  checked: z.int(),
  bounded: z.int(),
  unchecked: z.int(),
  note: z.optional(z.string()),
  first: z.optional(
    z.looseObject({
      account: z.optional(z.string()),
      seq: z.optional(z.int()),
      file: z.string(),
      line: z.int(),
      reason: z.string(),
    }),
  ),
});

const reportSchema = z.object({
  v: z.literal(1),
  verdict: z.string(),
  entries: z.int(),
  accounts: z.int(),
  checks: z.array(finding),
});

/** The report of a verifier (docs/audit-format.md). */
export type Report = z.infer<typeof reportSchema>;

/** The result of the Python verifier. `code`: its exit code; 0 means that nothing is broken and nothing is missing. */
export type Proof = {
  readonly code: number;
  readonly report: Report | undefined;
  readonly stderr: string;
};

const VERIFIER = 'examples/verifier-python/verify.py';

/** Arguments of the verifier: the files of a storm, with paths relative to the repository. */
const filesOf = (out: string): readonly string[] => {
  const here = (name: string): string => relative(ROOT, join(out, name));
  return [here(EXPORT), '--receipts', here(RECEIPTS)];
};

/** The command that verifies the files of a storm, to be run in the repository. */
export const proofCommand = (out: string): string =>
  ['python3', VERIFIER, ...filesOf(out)].join(' ');

/** Verifies the files of a storm with Python alone. @throws Error if there is no `python3` */
export const prove = async (out: string): Promise<Proof> => await verifyWithPython(filesOf(out));

/** Runs the Python verifier with these arguments. @throws Error if there is no `python3` */
export const verifyWithPython = async (words: readonly string[]): Promise<Proof> =>
  await new Promise((resolve, reject) => {
    const child = spawn('python3', [VERIFIER, ...words, '--json'], {
      cwd: ROOT,
      // The verifier gets only the search path from the environment: its verdict must come from the files.
      env: { PATH: process.env['PATH'] } as unknown as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8');
      child[stream].on('data', (text: string) => {
        output[stream] += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code: code ?? -1, report: reportIn(output.stdout), stderr: output.stderr }),
    );
  });

const reportIn = (text: string): Report | undefined => {
  try {
    return reportSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};
