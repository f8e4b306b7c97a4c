import { signal } from '@preact/signals';
import { expect, it } from 'vitest';
import { CountersignError } from '../../../../../src/client/errors.ts';
import {
  type Query,
  readChange,
  readNow,
} from '../../../../../src/dashboard/data/reading/query-read.ts';

const unread = () =>
  signal<Query<string>>({ data: undefined, at: undefined, isReading: false, problem: undefined });

/** Reads that the test answers one by one. */
const scripted = () => {
  const running: ((data: string) => void)[] = [];
  const read = async () => ({
    data: await new Promise<string>((resolve) => {
      running.push(resolve);
    }),
    at: 0,
  });
  const answer = async (data: string): Promise<void> => {
    running.shift()?.(data);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { read, answer, running };
};

const { signal: never } = new AbortController();

it('reads again after a change during a read, once', async () => {
  const result = unread();
  const { read, answer, running } = scripted();
  void readNow(result, read, never);
  void readChange(result, read);
  void readChange(result, read);
  await answer('before the change');
  expect([result.value.data, running.length]).toEqual(['before the change', 1]);
  await answer('after it');
  expect([result.value.data, running.length]).toEqual(['after it', 0]);
});

it('reads at once after a change while nothing is read', async () => {
  const result = unread();
  const { read, answer } = scripted();
  void readChange(result, read);
  await answer('after it');
  expect(result.value.data).toBe('after it');
});

it('reads again after a change during a read that failed', async () => {
  const result = unread();
  const { read, answer, running } = scripted();
  const reads = [async () => await Promise.reject(new Error('away')), read];
  void readNow(result, async () => await (reads.shift() ?? read)(), never);
  void readChange(result, read);
  await new Promise((resolve) => setTimeout(resolve));
  expect([result.value.problem?.detail, running.length]).toEqual(['away', 1]);
  await answer('after it');
  expect([result.value.data, result.value.problem]).toEqual(['after it', undefined]);
});

it.each([
  [403, 'forbidden', undefined],
  [404, 'unknown-account', undefined],
  [429, 'rate-limited', 'read before'],
])('after an answer %i %s shows %s', async (_, type, shown) => {
  const result = unread();
  const { read, answer } = scripted();
  void readNow(result, read, never);
  await answer('read before');
  const problem = { type: `urn:countersign:problem:${type}`, detail: 'No.' };
  const refused = new CountersignError('refused', 'No.', { problem });
  await readNow(result, async () => await Promise.reject(refused), never);
  expect(result.value).toMatchObject({ data: shown, problem: { type: problem.type } });
});

it('makes polls during a read one read', async () => {
  const result = unread();
  const { read, answer, running } = scripted();
  void readNow(result, read, never);
  void readNow(result, read, never);
  expect(running).toHaveLength(1);
  await answer('read');
  expect(running).toHaveLength(0);
});

it('does not repeat a read that its page has left', async () => {
  const result = unread();
  const { read, answer, running } = scripted();
  const page = new AbortController();
  void readNow(result, read, page.signal);
  void readChange(result, read);
  page.abort();
  await answer('late');
  expect([result.value.data, running.length]).toEqual([undefined, 0]);
});
