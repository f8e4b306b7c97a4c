import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  MAX_UNDECIDED,
  MAX_WAITING,
  openBatchedAccounts,
  QUEUED_MS,
  SENT_MS,
} from '../../../src/gateway/batched-accounts.ts';
import type { Call, Outcome } from '../../../src/protocol/account/call.ts';
import type { Question } from '../../../src/protocol/account/rpc.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { randomHex } from '../../durable-objects/support.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** An account whose requests wait until the test answers them, in their order. */
const openScripted = () => {
  const requests: {
    readonly questions: readonly Question[];
    readonly end: PromiseWithResolvers<unknown>;
  }[] = [];
  let stubs = 0;
  const receive = (questions: readonly Question[]) => {
    const end = Promise.withResolvers<unknown>();
    requests.push({ questions, end });
    return end.promise as Promise<never>;
  };
  const stub = {
    reserve: (...rest: never) => receive([['reserve', ...(rest as never[])] as never]),
    finish: (...rest: never) => receive([['finish', ...(rest as never[])] as never]),
    decide: receive,
    lookUp: () => receive([]),
    apply: () => receive([]),
    standing: () => receive([]),
    rights: () => receive([]),
  };
  const id: AccountId = `eip155:84532:${randomHex(20)}`;
  const open = openBatchedAccounts(() => {
    stubs += 1;
    return stub;
  });
  /** Another request of the isolate has its own stub. */
  const other = () => openBatchedAccounts(() => stub)(id);
  return { id, account: () => open(id), other, requests, stubs: () => stubs };
};

const callOf = (name: string) => ({ id: name }) as unknown as Call;
const go = (of: string) => ({ verdict: 'go', of });
const namesIn = (questions: readonly Question[]) =>
  questions.map(
    ([kind, subject]) => `${kind} ${typeof subject === 'string' ? subject : subject.id}`,
  );
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('batched accounts', () => {
  test('send a lone call at once, and both its requests over one stub', async () => {
    const { account, requests, stubs } = openScripted();
    const reserved = account().reserve(callOf('a'), '0x01', {});
    expect(requests).toHaveLength(1);
    requests[0]?.end.resolve(go('a'));
    expect(await reserved).toEqual(go('a'));
    const finished = account().finish('0xaa', '0x01', {} as Outcome);
    expect(namesIn(requests[1]?.questions ?? [])).toEqual(['finish 0xaa']);
    requests[1]?.end.resolve(go('b'));
    expect(await finished).toEqual(go('b'));
    expect(stubs()).toBe(1);
  });

  test('batch calls that arrive while one waits, and give each its own verdict', async () => {
    const { other, requests } = openScripted();
    const first = other().reserve(callOf('a'), '0x01', {});
    const second = other().reserve(callOf('b'), '0x02', {});
    const third = other().finish('0xcc', '0x03', {} as Outcome);
    await settle();
    expect(requests).toHaveLength(1);
    requests[0]?.end.resolve(go('a'));
    expect(await first).toEqual(go('a'));
    await settle();
    expect(namesIn(requests[1]?.questions ?? [])).toEqual(['reserve b', 'finish 0xcc']);
    // These gather behind the second request.
    const fourth = other().reserve(callOf('d'), '0x04', {});
    requests[1]?.end.resolve([go('b'), go('c')]);
    expect(await Promise.all([second, third])).toEqual([go('b'), go('c')]);
    await settle();
    requests[2]?.end.resolve(go('d'));
    expect(await fourth).toEqual(go('d'));
    expect(requests).toHaveLength(3);
  });

  test('send at most 64 questions in a batch', async () => {
    const { other, requests } = openScripted();
    const first = other().reserve(callOf('first'), '0x01', {});
    const rest = Array.from({ length: 70 }, (_, at) =>
      other().reserve(callOf(`${at}`), '0x01', {}),
    );
    requests[0]?.end.resolve(go('first'));
    await first;
    await settle();
    expect(requests[1]?.questions).toHaveLength(64);
    requests[1]?.end.resolve(Array.from({ length: 64 }, () => go('one')));
    await settle();
    expect(requests[2]?.questions).toHaveLength(6);
    requests[2]?.end.resolve(Array.from({ length: 6 }, () => go('one')));
    await Promise.all(rest);
  });

  test('refuse a new call at once while too many wait, and nothing that has begun', async () => {
    const { other, requests } = openScripted();
    const settled = { settlement: { outcome: 'sent', backend: 'any' } } as const;
    const first = other().reserve(callOf('first'), '0x01', {});
    const rest = Array.from({ length: MAX_WAITING }, (_, at) =>
      other().reserve(callOf(`${at}`), '0x01', {}),
    );
    expect(await other().reserve(callOf('one more'), '0x01', {})).toEqual({ verdict: 'busy' });
    const begun = [
      other().finish('0xee', '0x01', {} as Outcome),
      other().reserve(callOf('its payment moved'), '0x01', settled),
    ];
    const names: string[] = [];
    for (let at = 0; at < 6; at += 1) {
      const { questions = [], end } = requests[at] ?? {};
      names.push(...namesIn(questions));
      end?.resolve(questions.length === 1 ? go('') : questions.map(() => go('')));
      await settle();
    }
    await Promise.all([first, ...rest, ...begun]);
    expect(names).toHaveLength(MAX_WAITING + 3);
    expect(names.slice(-2)).toEqual(['finish 0xee', 'reserve its payment moved']);
  });

  test('refuse a new call of any account while too many of all accounts wait', async () => {
    const all = Array.from({ length: MAX_UNDECIDED }, () => openScripted());
    const calls = all.map(({ account }) => account().reserve(callOf('a'), '0x01', {}));
    const { other, requests } = openScripted();
    expect(await other().reserve(callOf('b'), '0x01', {})).toEqual({ verdict: 'busy' });
    expect(requests).toHaveLength(0);
    all[0]?.requests[0]?.end.resolve(go('a'));
    await calls[0];
    const admitted = other().reserve(callOf('b'), '0x01', {});
    expect(requests).toHaveLength(1);
    // The runtime may end requests whose answers then never come.
    await vi.advanceTimersByTimeAsync(SENT_MS);
    const late = openScripted();
    void late.other().reserve(callOf('c'), '0x01', {});
    expect(late.requests).toHaveLength(1);
    for (const { requests: sent } of [...all, { requests }]) sent[0]?.end.resolve(go(''));
    await Promise.all([...calls, admitted]);
  });

  test('send each call of a failed batch by itself, over a new stub', async () => {
    const { account, other, requests, stubs } = openScripted();
    const first = other().reserve(callOf('a'), '0x01', {});
    const second = account().reserve(callOf('b'), '0x02', {});
    const third = other().reserve(callOf('c'), '0x03', {});
    requests[0]?.end.resolve(go('a'));
    await first;
    await settle();
    requests[1]?.end.reject(new Error('the object was reset'));
    await settle();
    const alone = requests.slice(2);
    expect(new Set(alone.flatMap(({ questions }) => namesIn(questions)))).toEqual(
      new Set(['reserve b', 'reserve c']),
    );
    for (const { questions, end } of alone) end.resolve(go(namesIn(questions)[0] ?? ''));
    expect(await Promise.all([second, third])).toEqual([go('reserve b'), go('reserve c')]);
    expect(stubs()).toBe(2);
  });

  test('send a call alone that needs other accounts, without delaying the others', async () => {
    const { other, requests } = openScripted();
    const first = other().reserve(callOf('a'), '0x01', {});
    const second = other().reserve(callOf('b'), '0x02', {});
    const third = other().reserve(callOf('c'), '0x03', {});
    requests[0]?.end.resolve(go('a'));
    await first;
    await settle();
    // The call that sent the batch, too: the next one need not wait for it.
    const fourth = other().reserve(callOf('d'), '0x04', {});
    requests[1]?.end.resolve([{ verdict: 'alone' }, { verdict: 'alone' }]);
    await settle();
    const alone = requests.slice(2);
    expect(new Set(alone.flatMap(({ questions }) => namesIn(questions)))).toEqual(
      new Set(['reserve b', 'reserve c', 'reserve d']),
    );
    for (const { questions, end } of alone) end.resolve(go(namesIn(questions)[0] ?? ''));
    expect(await Promise.all([second, third, fourth])).toEqual([
      go('reserve b'),
      go('reserve c'),
      go('reserve d'),
    ]);
  });

  test('pass on the failure of a lone call', async () => {
    const { other, requests } = openScripted();
    const first = other().reserve(callOf('a'), '0x01', {});
    requests[0]?.end.reject(new Error('the object was reset'));
    await expect(first).rejects.toThrow('reset');
    expect(requests).toHaveLength(1);
  });

  test('send a call alone when the request before it is not answered, and delay no later call', async () => {
    const { other, requests } = openScripted();
    void other().reserve(callOf('silent'), '0x01', {});
    const second = other().reserve(callOf('b'), '0x02', {});
    await vi.advanceTimersByTimeAsync(QUEUED_MS);
    expect(namesIn(requests[1]?.questions ?? [])).toEqual(['reserve b']);
    requests[1]?.end.resolve(go('b'));
    expect(await second).toEqual(go('b'));
    const third = other().reserve(callOf('c'), '0x03', {});
    requests[2]?.end.resolve(go('c'));
    expect(await third).toEqual(go('c'));
    // The silent request is answered at last, and starts no further batch.
    requests[0]?.end.resolve(go('silent'));
    await settle();
    expect(requests).toHaveLength(3);
  });

  test('do not wait for a request that ended with its call', async () => {
    const { other, requests } = openScripted();
    void other().reserve(callOf('ended'), '0x01', {});
    await vi.advanceTimersByTimeAsync(QUEUED_MS);
    const next = other().reserve(callOf('b'), '0x02', {});
    expect(requests).toHaveLength(2);
    requests[1]?.end.resolve(go('b'));
    expect(await next).toEqual(go('b'));
  });

  test('send a call alone when its batch is not answered', async () => {
    const { other, requests } = openScripted();
    const first = other().reserve(callOf('a'), '0x01', {});
    const second = other().reserve(callOf('b'), '0x02', {});
    const third = other().reserve(callOf('c'), '0x03', {});
    requests[0]?.end.resolve(go('a'));
    await first;
    await vi.advanceTimersByTimeAsync(QUEUED_MS);
    expect(requests).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(SENT_MS);
    expect(namesIn(requests[2]?.questions ?? [])).toEqual(['reserve c']);
    requests[2]?.end.resolve(go('c'));
    expect(await third).toEqual(go('c'));
    requests[1]?.end.resolve([go('b'), go('late')]);
    expect(await second).toEqual(go('b'));
  });
});
