import { readdirSync, readFileSync } from 'node:fs';

/** A process in `/proc`. */
export type ListedProcess = {
  readonly id: number;
  readonly group: number;
  readonly command: string;
};

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

const listed = (id: number): ListedProcess | undefined => {
  // `id (name) state parent group …`; the name may contain brackets.
  const stat = read(`/proc/${id}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, , group] = fields ?? [];
  // A zombie has ended and waits for its parent to collect its exit code.
  if (group === undefined || state === 'Z' || state === 'X') return undefined;
  const command = (read(`/proc/${id}/cmdline`) ?? '').split('\0').join(' ').trim();
  return { id, group: Number(group), command };
};

/** Lists every process of this machine without zombies. @returns undefined where there is no `/proc`. */
export const runningProcesses = (): readonly ListedProcess[] | undefined => {
  let names: readonly string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return undefined;
  }
  if (!names.includes('self')) return undefined;
  return names
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map((name) => listed(Number(name)))
    .filter((process) => process !== undefined);
};
