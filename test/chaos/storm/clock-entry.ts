import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StormOptions } from '../../../dev/storm/options.ts';

/** Writes a main module of the unchanged gateway whose clock `pass` moves, so that a test does not wait for an attempt's lease to end. */
export const writeClockEntry = async (directory: string, worker: string): Promise<string> => {
  const path = join(directory, 'entry.ts');
  const from = JSON.stringify(worker);
  await writeFile(
    path,
    `import { configure } from ${from};
export { AgentAccount, AuditLog, default, Relayer } from ${from};
configure({ seed: 0, faults: [] });
`,
  );
  return path;
};

/** Moves the clock of a gateway that runs this main module, and runs the alarms of accounts. */
export const pass: NonNullable<StormOptions['pass']> = async (gateway, seconds, accounts) => {
  const answer = await fetch(`${gateway}/_chaos`, {
    method: 'POST',
    body: JSON.stringify({ pass: seconds, accounts }),
  });
  if (!answer.ok) throw new Error(`the clock did not move: ${answer.status}`);
};
