import { describe, expect, it } from 'vitest';
import { newRow, rowAfter } from '../../../../src/audit/account-row.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import { ENTRY_TYPES, type EntryType } from '../../../../src/protocol/log/entry-types.ts';
import { factsIf, factsOf, inCase } from '../../../../src/protocol/log/facts.ts';
import { isPrompt } from '../../../../src/protocol/log/prompt.ts';

const entry = (body: Pick<Entry, 'type'> & Partial<Entry>): Entry => ({
  ...{ v: 1, seq: 1, at: 0, account: `eip155:1:0x${'1'.repeat(40)}` },
  ...{ prev: `0x${'0'.repeat(64)}`, salt: `0x${'0'.repeat(32)}` },
  ...body,
});

describe('the members of an entry', () => {
  it('are read in their declared forms', () => {
    const outcome = { success: true, status: 200, digest: 'none', reason: 'answered' };
    const payment = { state: 'queued', paidBy: 'deferred', kept: true };
    expect(factsOf(entry({ type: 'call.finished', outcome, payment }))).toMatchObject({
      outcome,
      payment,
    });
  });

  it('are absent in another form', () => {
    const outcome = { success: 'true', status: '200', digest: 1, reason: null };
    const payment = { state: ['queued'], kept: 1 };
    const facts = factsOf(entry({ type: 'call.finished', outcome, payment }));
    expect([facts.outcome, facts.payment]).toEqual([{}, {}]);
  });

  it('are absent if the type declares none of this name', () => {
    const facts = factsOf(entry({ type: 'call.late', outcome: { reason: 'x' } }));
    expect(facts.outcome).toEqual({});
    expect(
      factsOf(entry({ type: 'grant.revoked', payment: { state: 'settled' } })).payment,
    ).toEqual({});
  });

  it('of an alert name ancestors only as a list', () => {
    for (const ancestors of ['x', 7, {}, [5]]) {
      const facts = factsOf(entry({ type: 'alert.raised', outcome: { ancestors } }));
      expect(facts.outcome.ancestors).toBeUndefined();
      expect(rowAfter(newRow(1), facts)).toEqual(newRow(1));
    }
  });

  it('of an alert keep the names that its rule chose', () => {
    const outcome = { used: '5', since: 3 };
    expect(factsOf(entry({ type: 'alert.raised', outcome })).outcome).toEqual(outcome);
  });
});

describe('the objects inside of members', () => {
  it('are read in their declared forms, those of a list one by one', () => {
    const limit = { rule: 'window:day', limit: '9', spent: 5, held: null, made: 'up' };
    const policies = [{ kind: 'owner', hash: 7 }, 'default', null];
    const evidence = { proof: 'intent', policies, intent: ['x'], unknown: true };
    const facts = factsIf(
      entry({ type: 'call.denied', evidence, outcome: { limit } }),
      'call.denied',
    );
    expect(facts?.outcome.limit).toEqual({ rule: 'window:day', limit: '9' });
    expect(facts?.evidence).toEqual({ proof: 'intent', policies: [{ kind: 'owner' }, {}, {}] });
  });

  it('are absent if they are no object, or no list', () => {
    const evidence = { policies: { 0: {} }, authorization: '0x' };
    const facts = factsOf(entry({ type: 'call.accepted', evidence }));
    expect(facts.evidence).toEqual({});
  });
});

it('reads the ancestors that remain from an entry of any type', () => {
  const outcome = { ancestors: ['a', 'b'] };
  expect(factsOf(entry({ type: 'call.dispatched', outcome })).outcome).toEqual(outcome);
  const mixed = entry({ type: 'call.dispatched', outcome: { ancestors: ['a', 1] } });
  expect(factsOf(mixed).outcome).toEqual({});
});

it.each(['card.charged_back', 'constructor', '__proto__'])(
  'has no members and no case for a type that it does not know: %s',
  (type) => {
    const facts = factsOf({ type, evidence: { by: 'x' }, outcome: { name: 'y' }, payment: [] });
    expect([facts.evidence, facts.outcome, facts.payment]).toEqual([{}, {}, {}]);
    expect(inCase({ 'call.late': () => 'late' }, facts, undefined)).toBeUndefined();
    expect(factsIf({ type }, 'call.late')).toBeUndefined();
  },
);

it('exports at once exactly what is declared as prompt', () => {
  const declared = Object.entries(ENTRY_TYPES).flatMap(([type, { prompt }]) =>
    prompt ? type : [],
  );
  expect((Object.keys(ENTRY_TYPES) as EntryType[]).filter(isPrompt)).toEqual(declared);
});
