/**
 * Kills the process groups that its parent leaves behind. A process that receives SIGKILL cannot stop its children, but its pipes close:
 * the parent writes started and ended groups to the stdin of the reaper (`+<group>` and `-<group>`, one a line), and at the end of stdin
 * the reaper kills the groups that are left.
 */
import { createInterface } from 'node:readline';

const groups = new Set<number>();

// Ctrl-C signals every process of the terminal: the reaper must outlive its parent.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const match = /^([+-])([1-9][0-9]{0,9})$/.exec(line);
  if (match === null) continue;
  const group = Number(match[2]);
  if (match[1] === '+') groups.add(group);
  else groups.delete(group);
}

for (const group of groups) {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // The group has ended by itself.
  }
}
