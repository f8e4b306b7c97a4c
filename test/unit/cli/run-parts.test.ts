import { afterEach, expect, it, vi } from 'vitest';
import { runParts } from '../../../src/cli/doctor/run-parts.ts';
import { passed } from '../../../src/cli/lib/checks.ts';

afterEach(() => void vi.restoreAllMocks());

/** Makes the time limits of parts pass a hundred times as fast. */
const hurry = () => {
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms / 100));
};

const never = async (): Promise<never> => await new Promise<never>(() => undefined);
const part = (name: string) => ({ name, check: async () => [passed(name, 'works')] });

it('reports each part as it ends, and a part without an answer as failed', async () => {
  hurry();
  const lines: string[] = [];
  const silent = { name: 'chain', check: never };
  const broken = {
    name: 'gateway',
    check: async () => {
      throw new Error('broken');
    },
  };
  const all = await runParts(
    [silent, broken, part('upstream')],
    new AbortController().signal,
    (checks) => lines.push(...checks.map(({ name, status }) => `${status} ${name}`)),
  );
  expect(lines).toEqual(['fail gateway', 'ok upstream', 'fail chain']);
  // The verdict covers exactly the lines that were printed.
  expect(all.map(({ name, status }) => `${status} ${name}`)).toEqual(lines);
  expect(all.at(-1)).toMatchObject({ says: 'no answer within 8 s' });
});

it('ends with the command: Ctrl-C is no failure of a part', async () => {
  const stop = new AbortController();
  const running = runParts([{ name: 'chain', check: never }], stop.signal, () => undefined);
  stop.abort(new Error('stopped'));
  await expect(running).rejects.toThrow('stopped');
});
