import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { type FinalState, waitUntilEnded, DEFERRED, type Killed, UPFRONT } from './kills.ts';
import { MODEL, PRICES } from './support/stage.ts';
import { isClosed, ledgerOf, verifyRecord } from './support/account-records.ts';

/** Checks the state that the killed gateways leave behind once all their calls have ended. */
export const describeKills = (killed: () => Killed): void => {
  describe('a gateway that is killed at every message of a paid call', () => {
    let after: FinalState;
    beforeAll(async () => {
      after = await waitUntilEnded(killed());
    }, 240_000);

    it('was killed at each message', () => {
      const control = after.cases.filter(({ at, trace }) => at === 0 && trace.length > 0);
      expect(control.map(({ trace }) => trace).toSorted((a, b) => b.length - a.length)).toEqual([
        UPFRONT,
        DEFERRED,
      ]);
      for (const { name, kind, at, trace } of after.cases.filter((one) => one.at > 0))
        expect(trace, name).toEqual((kind === 'upfront' ? UPFRONT : DEFERRED).slice(0, at));
      expect(after.kills).toBe(1 + 2 * (DEFERRED.length - 1));
    });

    it('ends every call and exports every entry', () => {
      for (const [account, record] of after.records)
        expect(isClosed(record), `${account}: ${JSON.stringify(record.calls, print)}`).toBe(true);
    });

    it('runs no tool twice for one payment', () => {
      for (const { name, runs } of after.cases) expect(runs, name).toBeLessThanOrEqual(1);
    });

    it('runs no upfront tool before its price has moved', () => {
      const upfront = after.cases.filter(({ kind }) => kind === 'upfront');
      expect(upfront.filter(({ runs }) => runs > 0).length).toBeGreaterThan(UPFRONT.length);
      for (const { name, unpaidRuns } of upfront) expect(unpaidRuns, name).toBe(0);
    });

    it('never answers 402, and never serves a client two different answers', () => {
      for (const { name, replies } of after.cases) {
        const statuses = replies.map(({ status }) => status);
        expect(statuses, name).not.toContain(402);
        const bodies = new Set(
          replies.filter(({ status }) => status === 200).map(({ body }) => body),
        );
        expect(bodies.size, name).toBeLessThanOrEqual(1);
      }
    });

    it('ends every accepted payment as settled, failed or released', () => {
      const calls = [...after.records.values()].flatMap((record) => record.calls);
      const ended = calls.filter(({ payment }) => payment !== undefined);
      expect(ended.length).toBe(calls.length);
      expect(calls.filter(({ state }) => state === 'held')).toEqual([]);
      expect(calls.filter(({ payment }) => payment === 'failed')).toEqual([]);
      // The account has not accepted a call that it has not stored, so the tool of such a call must not have run.
      const written = new Set(calls.map(({ call }) => call));
      for (const { name, request, runs } of after.cases)
        if (!written.has(request.nonce)) expect({ name, runs }).toEqual({ name, runs: 0 });
    });

    it('charges exactly the runs whose answer it recorded', () => {
      const calls = [...after.records.values()].flatMap((record) => record.calls);
      for (const { call, tool, state, charged, price } of calls)
        expect(charged, call).toBe(state === 'committed' || tool === 'kept' ? price : 0n);
      for (const { name, request, replies } of after.cases) {
        const recorded = calls.find(({ call }) => call === request.nonce);
        if (replies.some(({ status }) => status === 200))
          expect(recorded?.state, name).toBe('committed');
      }
    });

    it('leaves the hold of a stream to the alarm, which follows onSilence', () => {
      for (const { tool, request, statuses } of after.streams) {
        const record = after.records.get(request.agent.id);
        expect(
          record?.calls.find(({ call }) => call === request.nonce),
          tool,
        ).toMatchObject(
          tool === 'kept'
            ? { state: 'abandoned', charged: PRICES.kept, payment: 'settled' }
            : { state: 'abandoned', charged: 0n, payment: 'released' },
        );
        // Neither a new payment nor a second stream.
        expect(statuses, tool).toEqual([409, 409]);
        const { pathname } = new URL(request.url);
        const path = pathname.replace(`/${tool}`, MODEL);
        expect(after.streamRuns.get(path), path).toBe(1);
      }
    });

    it('serves every client that repeats its request', () => {
      const repeating = after.cases.filter(({ client, at }) => client === 'repeats' && at > 0);
      expect(repeating).toHaveLength(UPFRONT.length * 2 + DEFERRED.length * 2);
      for (const { name, kind, at, replies, runs } of repeating) {
        const dispatched = kind === 'upfront' ? UPFRONT.length : 1;
        // If the kill comes between dispatch and finish, the call has an unknown result: it is not charged and does not run again.
        if (at === dispatched) expect(replies.at(-1)?.status, name).toBe(409);
        else expect([replies.at(-1)?.status, runs], name).toEqual([200, 1]);
      }
    });

    it('has a ledger that equals the chain to the unit', async () => {
      let all = 0n;
      for (const { name, request } of [
        ...after.cases,
        ...after.streams.map((each) => ({ ...each, name: each.tool })),
      ]) {
        const moved = after.moved.get(request.agent.id);
        const record = after.records.get(request.agent.id);
        if (record === undefined) expect(moved, name).toBe(0n);
        else expect([ledgerOf(record), record.purse.settled], name).toEqual([moved, moved]);
      }
      for (const amount of after.moved.values()) all += amount;
      expect(await after.stage.stack.chain.balanceOf(people.payTo)).toBe(all);
      // Some payments became credit, so the sums above also cover calls without a charge.
      expect([...after.records.values()].some(({ purse }) => purse.credit > 0n)).toBe(true);
    });

    it('has an unbroken log of every account, with every signature', async () => {
      for (const [account, record] of after.records)
        expect(
          await verifyRecord(account as `eip155:${number}:0x${string}`, record),
          account,
        ).toMatchObject({
          ok: true,
          value: { first: 1, last: record.head.seq, hash: record.head.hash },
        });
    });
  });
};

const print = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;
