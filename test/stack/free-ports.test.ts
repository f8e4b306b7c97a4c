import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { portTaken } from '../../dev/stack/loopback.ts';
import { ROOT } from '../../dev/root.ts';

const PROGRAM = `
import { freePort } from ${JSON.stringify(join(ROOT, 'dev/stack/loopback.ts'))};
const ports = [];
for (let taken = 0; taken < 31; taken += 1) ports.push(await freePort());
console.log(JSON.stringify(ports));
process.stdin.resume();
`;

const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
afterAll(() => child.kill());

it('free ports belong to one process until it ends, because it listens on the port before them', async () => {
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  const ports = JSON.parse(printed.toString()) as readonly number[];
  const [first = 0] = ports;
  expect(new Set(ports).size).toBe(31);
  expect(ports.every((port) => port > first - 31 && port < first + 31)).toBe(true);
  expect([await portTaken(first - 1), await portTaken(first)]).toEqual([true, false]);
  child.stdin.end();
  await once(child, 'exit');
  await expect.poll(async () => await portTaken(first - 1)).toBe(false);
});
