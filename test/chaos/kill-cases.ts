import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { type Aftermath, comeToRest, DEFERRED, type Killed, UPFRONT } from './kills.ts';
import { isClosed, ledgerOf, verifyBook } from './support/account-records.ts';

/** What must be true when everything that the killed gateways had begun has ended. */
export const tellOfKills = (killed: () => Killed): void => {
  describe('a gateway that is killed at every message of a paid call', () => {
    let after: Aftermath;
    beforeAll(async () => {
      after = await comeToRest(killed());
    }, 240_000);

    it('has died at each of them', () => {
      const control = after.cases.filter(({ at, trace }) => at === 0 && trace.length > 0);
      expect(control.map(({ trace }) => trace).toSorted((a, b) => b.length - a.length)).toEqual([
        UPFRONT,
        DEFERRED,
      ]);
      for (const { name, kind, at, trace } of after.cases.filter((one) => one.at > 0))
        expect(trace, name).toEqual((kind === 'upfront' ? UPFRONT : DEFERRED).slice(0, at));
      expect(after.kills).toBe(1 + 2 * (DEFERRED.length - 1));
    });

    it('comes to rest', () => {
      for (const [account, book] of after.books)
        expect(isClosed(book), `${account}: ${JSON.stringify(book.calls, print)}`).toBe(true);
    });

    it('runs no tool twice for one payment', () => {
      for (const { name, runs } of after.cases) expect(runs, name).toBeLessThanOrEqual(1);
    });

    it('runs no tool before its price has moved, where that comes first', () => {
      const upfront = after.cases.filter(({ kind }) => kind === 'upfront');
      expect(upfront.filter(({ runs }) => runs > 0).length).toBeGreaterThan(UPFRONT.length);
      for (const { name, unpaidRuns } of upfront) expect(unpaidRuns, name).toBe(0);
    });

    it('never asks for another payment, and serves nobody twice', () => {
      for (const { name, heard } of after.cases) {
        const statuses = heard.map(({ status }) => status);
        expect(statuses, name).not.toContain(402);
        const bodies = new Set(
          heard.filter(({ status }) => status === 200).map(({ body }) => body),
        );
        expect(bodies.size, name).toBeLessThanOrEqual(1);
      }
    });

    it('ends every accepted payment as settled, failed or released', () => {
      const calls = [...after.books.values()].flatMap((book) => book.calls);
      const ended = calls.filter(({ payment }) => payment !== undefined);
      expect(ended.length).toBe(calls.length);
      expect(calls.filter(({ state }) => state === 'held')).toEqual([]);
      expect(calls.filter(({ payment }) => payment === 'failed')).toEqual([]);
      // A call of which nothing was written has cost nothing: it died before it was accepted.
      const written = new Set(calls.map(({ call }) => call));
      for (const { name, request, runs } of after.cases)
        if (!written.has(request.nonce)) expect({ name, runs }).toEqual({ name, runs: 0 });
    });

    it('charges exactly the runs whose answer it recorded', () => {
      const calls = [...after.books.values()].flatMap((book) => book.calls);
      for (const { call, state, charged, price } of calls)
        expect(charged, call).toBe(state === 'committed' ? price : 0n);
      for (const { name, request, heard } of after.cases) {
        const booked = calls.find(({ call }) => call === request.nonce);
        if (heard.some(({ status }) => status === 200))
          expect(booked?.state, name).toBe('committed');
      }
    });

    it('serves every client that comes back with what it has paid for', () => {
      const repeating = after.cases.filter(({ client, at }) => client === 'repeats' && at > 0);
      expect(repeating).toHaveLength(UPFRONT.length * 2 + DEFERRED.length * 2);
      for (const { name, kind, at, heard, runs } of repeating) {
        const dispatched = kind === 'upfront' ? UPFRONT.length : 1;
        // Killed between dispatch and finish: nobody knows how it ended, so it costs nothing and is not run again.
        if (at === dispatched) expect(heard.at(-1)?.status, name).toBe(409);
        else expect([heard.at(-1)?.status, runs], name).toEqual([200, 1]);
      }
    });

    it('has a ledger that equals the chain to the unit', async () => {
      let all = 0n;
      for (const { name, request } of after.cases) {
        const moved = after.moved.get(request.agent.id);
        const book = after.books.get(request.agent.id);
        if (book === undefined) expect(moved, name).toBe(0n);
        else expect([ledgerOf(book), book.purse.settled], name).toEqual([moved, moved]);
      }
      for (const amount of after.moved.values()) all += amount;
      expect(await after.stage.stack.chain.balanceOf(people.payTo)).toBe(all);
      // Credit was given, so the sums above are not of settled calls alone.
      expect([...after.books.values()].some(({ purse }) => purse.credit > 0n)).toBe(true);
    });

    it('has an unbroken log of every account, with every signature', async () => {
      for (const [account, book] of after.books)
        expect(
          await verifyBook(account as `eip155:${number}:0x${string}`, book),
          account,
        ).toMatchObject({
          ok: true,
          value: { first: 1, last: book.head.seq, hash: book.head.hash },
        });
    });
  });
};

const print = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;
