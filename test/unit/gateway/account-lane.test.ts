import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openAccounts } from '../../../src/gateway/account-lane.ts';
import type { Call, Outcome } from '../../../src/protocol/account/call.ts';
import type { Question } from '../../../src/protocol/account/rpc.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { randomHex } from '../../durable-objects/support.ts';

const PATIENCE_MS = 1_000;

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
  const open = openAccounts(() => {
    stubs += 1;
    return stub;
  });
  /** Another request of the isolate has its own stub. */
  const other = () => openAccounts(() => stub)(id);
  return { id, account: () => open(id), other, requests, stubs: () => stubs };
};

const callOf = (name: string) => ({ id: name }) as unknown as Call;
const go = (of: string) => ({ verdict: 'go', of });
const namesIn = (questions: readonly Question[]) =>
  questions.map(
    ([kind, subject]) => `${kind} ${typeof subject === 'string' ? subject : subject.id}`,
  );
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('calls of one isolate to one account', () => {
  test('that are alone ask at once, with one stub for both questions', async () => {
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

  test('that arrive while one waits go together, and each gets its own verdict', async () => {
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

  test('share requests of at most 64 questions', async () => {
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

  test('are refused with the request that carries them, and the broken stub is replaced', async () => {
    const { account, other, requests, stubs } = openScripted();
    const first = account().reserve(callOf('a'), '0x01', {});
    requests[0]?.end.resolve(go('a'));
    await first;
    const second = account().reserve(callOf('b'), '0x02', {});
    const third = other().reserve(callOf('c'), '0x03', {});
    const fourth = other().reserve(callOf('d'), '0x04', {});
    requests[1]?.end.reject(new Error('the object was reset'));
    await expect(second).rejects.toThrow('reset');
    await settle();
    requests[2]?.end.reject(new Error('again'));
    await expect(third).rejects.toThrow('again');
    expect(await fourth).toEqual({ verdict: 'unavailable' });
    const fifth = account().reserve(callOf('e'), '0x05', {});
    requests[3]?.end.resolve(go('e'));
    expect(await fifth).toEqual(go('e'));
    expect(stubs()).toBe(2);
  });

  test('ask alone when the request that they wait for falls silent, and delay no later call', async () => {
    const { other, requests } = openScripted();
    void other().reserve(callOf('silent'), '0x01', {});
    const second = other().reserve(callOf('b'), '0x02', {});
    await vi.advanceTimersByTimeAsync(PATIENCE_MS);
    expect(namesIn(requests[1]?.questions ?? [])).toEqual(['reserve b']);
    requests[1]?.end.resolve([go('b')].at(0));
    expect(await second).toEqual(go('b'));
    const third = other().reserve(callOf('c'), '0x03', {});
    requests[2]?.end.resolve(go('c'));
    expect(await third).toEqual(go('c'));
    // The silent request answers at last: it leads nobody.
    requests[0]?.end.resolve(go('silent'));
    await settle();
    expect(requests).toHaveLength(3);
  });
});
