/**
 * Kills what its parent leaves behind (design §10: every child process dies with the stack).
 *
 * A process that gets SIGKILL cannot stop its children, but its pipes close. So this process is told over its stdin which
 * process groups are alive, one `+<group>` or `-<group>` a line, and when stdin ends it kills those still listed and exits.
 */
import { createInterface } from 'node:readline';

const groups = new Set<number>();

// A Ctrl-C reaches the whole terminal: the reaper must outlive its parent to do its work.
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
