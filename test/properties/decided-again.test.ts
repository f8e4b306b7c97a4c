import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CheckId } from '../../src/audit/verify/check.ts';
import { RULE_GROUPS } from '../../src/policy/policy.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { denialsOf } from '../unit/policy/every-rule.ts';
import { decideAgain, type Logs } from './decided-again.ts';
import { deeds, logOf, RULES, RULES_HASH } from './ruled-account.ts';
import { runsOf } from './runs.ts';
import { policy, hex } from './simulated-account.ts';
import { openSimulation } from './simulation.ts';
import { meteredPlans, meteredSteps, type Plan, plans, type Step, steps } from './steps.ts';
import { BARE, BARE_HASH } from './tree/names.ts';
import { alonePlans, treePlans } from './tree/plan.ts';
import { steps as treeSteps } from './tree/steps.ts';
import { openWorld } from './tree/world.ts';

/** Expects no finding. An honest log must never have one: a false alarm would accuse an operator of theft. */
const expectNone = async (logs: Logs): Promise<void> => {
  const findings = await decideAgain(logs);
  for (const finding of Object.values(findings)) {
    const { first } = finding;
    const entries = first && logs.logs.find(([entry]) => entry?.account === first.account);
    const entry = entries?.[(first?.seq ?? 0) - 1];
    expect(first && { ...first, entry }, finding.check).toBeUndefined();
    expect(finding.unchecked, finding.check).toBe(0);
  }
};

/** The logs of simulated accounts at rest. */
const logsOf = (calls: readonly Plan[], list: readonly Step[], count: 1 | 2 = 1): Logs => {
  const simulation = openSimulation(calls, count);
  for (const step of list) simulation.take(step);
  simulation.rest();
  const logs = simulation.all.map(({ records, loose }) =>
    [...[...records.values()].flatMap(({ entries }) => entries), ...loose].toSorted(
      (one, other) => one.seq - other.seq,
    ),
  );
  return { logs, policy: { hash: hex(9, 32), policy } };
};

describe('the log of honest accounts, decided again,', () => {
  test('has no broken statement about money and credit', async () => {
    await fc.assert(
      fc.asyncProperty(plans, steps, fc.constantFrom(1, 2), async (calls, list, count) => {
        await expectNone(logsOf(calls, list, count as 1 | 2));
      }),
      { numRuns: runsOf(2_000) },
    );
  });

  test('has no broken statement about payments that move more than metered calls charge', async () => {
    await fc.assert(
      fc.asyncProperty(meteredPlans, meteredSteps, async (calls, list) => {
        await expectNone(logsOf(calls, list));
      }),
      { numRuns: runsOf(2_000) },
    );
  });

  test('has no broken statement about rules of every kind', async () => {
    const seen = new Map<string, number>();
    const note = (rule: string): void => void seen.set(rule, (seen.get(rule) ?? 0) + 1);
    await fc.assert(
      fc.asyncProperty(deeds, async (list) => {
        const logs = [logOf(list, note)];
        await expectNone({ logs, policy: { hash: RULES_HASH, policy: RULES } });
      }),
      { numRuns: runsOf(2_000) },
    );
    // The accounts of this test rarely cause these denials.
    const rare = new Set<string>(['payee', 'lifetime', 'revoked', 'not_yet']);
    const rules = denialsOf(RULE_GROUPS.flat()).filter((rule) => !rare.has(rule));
    for (const rule of [...rules, 'parked', 'go']) {
      expect(seen.get(rule) ?? 0, rule).toBeGreaterThan(5);
    }
  });

  test('has no broken statement in trees', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(alonePlans, treePlans), treeSteps, async (plan, list) => {
        const world = openWorld(plan, list, () => undefined);
        world.run();
        const logs = world.keepers.map(({ log }) => log);
        await expectNone({ logs, policy: { hash: BARE_HASH, policy: BARE } });
      }),
      { numRuns: runsOf(2_000) },
    );
  });
});

type Change = (entry: Entry) => Entry | undefined;

const isOf =
  (...types: readonly Entry['type'][]) =>
  ({ type }: Entry): boolean =>
    types.includes(type);

const plusOne = (amount: string | undefined): string => (BigInt(amount ?? '0') + 1n).toString();

/** Lies of an operator that rehashes what it changed. One check must find each lie, whatever else the log contains. */
const LIES: readonly (readonly [string, CheckId, (entry: Entry) => boolean, Change])[] = [
  [
    'a charge above what the call was charged',
    'payments',
    (entry) => isOf('call.finished')(entry) && entry.decision === 'committed',
    (entry) => ({ ...entry, amounts: { charged: plusOne(entry.amounts?.['charged']) } }),
  ],
  [
    'a failed call that is charged',
    'payments',
    (entry) => isOf('call.finished')(entry) && entry.decision === 'released',
    (entry) => ({ ...entry, amounts: { charged: '1' } }),
  ],
  [
    'a call that ends twice',
    'calls',
    isOf('call.finished'),
    // Changes nothing: the lie inserts another end before this entry, which is then the second one.
    () => undefined,
  ],
  [
    'credit that never arrived',
    'payments',
    isOf('credit.received'),
    (entry) => ({ ...entry, amounts: { ...entry.amounts, amount: '1000' } }),
  ],
  [
    'a denial that is told as an acceptance',
    'limits',
    ({ type, rule, amounts, evidence }) =>
      type === 'call.denied' &&
      ['deny', 'require', 'tool', 'asset', 'per_call', 'rate', 'repeat', 'frozen'].includes(
        rule ?? '',
      ) &&
      amounts?.['price'] !== undefined &&
      evidence !== undefined,
    ({ rule: _, count: __, outcome: ___, ...entry }) => ({
      ...entry,
      type: 'call.accepted',
      decision: 'go',
      payment: {
        ...entry.payment,
        paidBy: entry.amounts?.['price'] === '0' ? 'free' : 'credit',
      },
    }),
  ],
  [
    'an acceptance that is told as a denial',
    'denials',
    (entry) => isOf('call.accepted')(entry) && entry.rule === undefined,
    (entry) => ({
      ...entry,
      type: 'call.denied',
      decision: 'denied',
      rule: 'window',
      count: 1,
      outcome: { account: entry.account, after: entry.seq - 1 },
    }),
  ],
  [
    'a limit that was never so low',
    'denials',
    ({ type, outcome }) => type === 'call.denied' && outcome?.['limit'] !== undefined,
    (entry) => ({
      ...entry,
      outcome: {
        ...entry.outcome,
        limit: { ...(entry.outcome?.['limit'] as object), limit: '1' },
      },
    }),
  ],
  [
    'another rule than the one that denied',
    'denials',
    ({ type, rule }) => type === 'call.denied' && rule === 'deny',
    (entry) => ({ ...entry, rule: 'tool' }),
  ],
  [
    'a parameter that was another one',
    'denials',
    ({ type, rule, outcome }) =>
      type === 'call.denied' && rule === 'deny' && outcome?.['param'] === 'to',
    (entry) => ({
      ...entry,
      evidence: {
        ...entry.evidence,
        params: {
          ...(entry.evidence?.['params'] as object),
          to: { found: true, value: 'other' },
        },
      },
    }),
  ],
  [
    'a policy that was not in force',
    'limits',
    (entry) => isOf('call.accepted')(entry) && entry.evidence?.['policies'] !== undefined,
    (entry) => ({
      ...entry,
      evidence: {
        ...entry.evidence,
        policies: [entry.evidence?.['policies'] ?? []].flat().slice(0, 1),
      },
    }),
  ],
];

describe('a lie of an operator', () => {
  const samples = fc.sample(deeds, { numRuns: 60, seed: 3 }).map((list) => logOf(list, () => {}));

  test.each(LIES)('is found: %s', async (_, check, isIt, change) => {
    let told = 0;
    for (const log of samples) {
      const at = log.findIndex(isIt);
      const entry = log[at];
      if (entry === undefined) continue;
      told += 1;
      const lie = change(entry);
      const lied = log.toSpliced(at, 1, ...(lie === undefined ? [entry, entry] : [lie]));
      const findings = await decideAgain({
        logs: [lied],
        policy: { hash: RULES_HASH, policy: RULES },
      });
      expect(findings[check]?.verdict, JSON.stringify(entry)).toBe('BROKEN');
    }
    expect(told).toBeGreaterThan(3);
  });
});

/** Lies about what a payment moved beyond the charge of its metered call. */
const LIES_ABOUT_RESTS: readonly (readonly [string, (entry: Entry) => boolean, Change])[] = [
  [
    'a rest that never became credit',
    ({ type, payment }) => type === 'payment.settled' && payment?.['credited'] !== undefined,
    ({ payment: { credited: _, ...payment } = {}, ...entry }) => ({ ...entry, payment }),
  ],
  [
    'a rest of an upfront payment that never became credit',
    ({ type, payment }) => type === 'call.finished' && payment?.['credited'] !== undefined,
    ({ payment: { credited: _, ...payment } = {}, ...entry }) => ({ ...entry, payment }),
  ],
  [
    'a rest that became credit before its payment had settled',
    ({ type, payment, outcome }) =>
      type === 'call.finished' &&
      payment?.['state'] === 'queued' &&
      outcome?.['basis'] !== undefined,
    (entry) => ({ ...entry, payment: { ...entry.payment, credited: '1' } }),
  ],
  [
    'a payment that moved the charge only',
    ({ type, payment }) => type === 'payment.settled' && payment?.['credited'] !== undefined,
    (entry) => ({ ...entry, amounts: { amount: '1' } }),
  ],
  [
    'a debt of more than the charge',
    ({ type, decision }) => type === 'payment.failed' && decision === undefined,
    (entry) => ({ ...entry, amounts: { amount: plusOne(entry.amounts?.['amount']) } }),
  ],
  [
    'a charge of less without usage',
    ({ type, decision, outcome, payment }) =>
      type === 'call.finished' &&
      decision === 'committed' &&
      outcome?.['basis'] !== undefined &&
      payment?.['credited'] !== undefined,
    ({ outcome: { basis: _, ...outcome } = {}, ...entry }) => ({ ...entry, outcome }),
  ],
];

describe('a lie about the rest of a payment', () => {
  const samples = fc.sample(fc.tuple(meteredPlans, meteredSteps), { numRuns: 200, seed: 3 });

  test.each(LIES_ABOUT_RESTS)('is found: %s', async (_, isIt, change) => {
    let told = 0;
    for (const [calls, list] of samples) {
      const { logs, policy: standard } = logsOf(calls, list);
      const [log = []] = logs;
      const at = log.findIndex(isIt);
      const lie = log[at] && change(log[at]);
      if (lie === undefined) continue;
      told += 1;
      const findings = await decideAgain({ logs: [log.toSpliced(at, 1, lie)], policy: standard });
      expect(findings.payments?.verdict, JSON.stringify(lie)).toBe('BROKEN');
    }
    expect(told).toBeGreaterThan(3);
  });
});
