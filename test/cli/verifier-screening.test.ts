import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { textHash } from '../../src/audit/verify/logged-text.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { EntryBody } from '../../src/protocol/entry.ts';
import { history, START, word } from '../unit/audit/history.ts';
import { cutOffLog, LATER_CALL, MANAGER, OWNER } from '../support/cut-off-log.ts';
import { textOf } from '../support/verify-log.ts';
import { findingOf, isMissing, verifyInBoth, why } from './support/python-verifier.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-screening-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;

const PAYER: AccountId = `eip155:84532:0x${'47'.repeat(20)}`;
const POLICY = { windows: [] };

const screened = (
  decision: 'clear' | 'listed' | 'unanswered',
  passes: boolean,
  at: number,
  account = PAYER,
): EntryBody => ({
  ...{ type: 'account.screened', at: START + at, decision },
  outcome: { account, source: 'list:test', passes, at: START + at },
});

const about = (call: number) => ({
  ...{ call: word(call), tool: 'translate', request: word(21), binding: 'intent' as const },
  ...{ policy: textHash(POLICY), amounts: { price: '0' } },
  evidence: { policy: POLICY, validBefore: START + 100_000 },
});
const payment = {
  asset: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  payTo: `0x${'0f'.repeat(20)}`,
};
let calls = 100;
const accepted = (at: number): EntryBody => ({
  ...about((calls += 1)),
  ...{ type: 'call.accepted', at: START + at, decision: 'go' },
  payment: { ...payment, paidBy: 'free' },
});
/** @param after seq of the entry before the decision */
const denied = (at: number, after: number, account = PAYER): EntryBody => ({
  ...about((calls += 1)),
  ...{ type: 'call.denied', at: START + at, decision: 'denied', rule: 'screening', count: 1 },
  outcome: { account, after },
  payment,
});

/** The verdict on which both verifiers agree, or the first fault. */
const judged = async (text: string, check: 'calls' | 'limits' | 'denials'): Promise<string> => {
  files += 1;
  const path = join(directory, `${files}.ndjson`);
  writeFileSync(path, text);
  const { verdict, first } = findingOf((await verifyInBoth([path])).report, check);
  return first === undefined ? verdict : `${first['field']}: ${first['reason']}`;
};
const own = (...bodies: readonly EntryBody[]): string => textOf(history(PAYER, bodies));

describe.skipIf(isMissing)(`the verifiers on screenings${why}`, () => {
  it.each<[string, 'calls' | 'limits' | 'denials', string, EntryBody[]]>([
    [
      'prove a call after a clear verdict',
      'limits',
      'proved',
      [screened('clear', true, 0), accepted(1)],
    ],
    [
      'prove a denial after a listed verdict',
      'denials',
      'proved',
      [screened('listed', false, 0), denied(1, 1)],
    ],
    [
      'prove a denial of a listed payer after years',
      'denials',
      'proved',
      [screened('listed', false, 0), denied(9_999_999, 1)],
    ],
    [
      'prove a call after a later clear verdict',
      'limits',
      'proved',
      [screened('listed', false, 0), screened('clear', true, 9), accepted(10)],
    ],
    [
      'prove a call a minute after a source did not answer',
      'limits',
      'proved',
      [screened('unanswered', false, 0), accepted(60)],
    ],
    [
      'find a denial without a verdict broken',
      'denials',
      'rule: allowed',
      [accepted(0), denied(1, 1)],
    ],
    [
      'find a denial after a clear verdict broken',
      'denials',
      'rule: allowed',
      [screened('clear', true, 0), denied(1, 1)],
    ],
    [
      'find a denial broken that was decided before its verdict',
      'denials',
      'rule: allowed',
      [accepted(0), screened('listed', false, 1), denied(1, 1)],
    ],
    [
      'find a denial for an account that was not screened broken',
      'denials',
      'rule: allowed',
      [screened('listed', false, 0), denied(1, 1, OWNER)],
    ],
    [
      'find a call of a listed payer broken',
      'limits',
      'decision: screening',
      [screened('listed', false, 0), accepted(9_999_999)],
    ],
    [
      'find a call broken that a source without an answer forbade',
      'limits',
      'decision: screening',
      [screened('unanswered', false, 0), accepted(59)],
    ],
    [
      'find a call broken after a listed verdict and a source without an answer',
      'limits',
      'decision: screening',
      [screened('listed', false, 0), screened('unanswered', false, 9), accepted(99)],
    ],
    [
      'find a verdict broken that lets a listed payer pass',
      'calls',
      'outcome.passes: wrong_transition',
      [screened('listed', true, 0)],
    ],
    [
      'find a verdict broken that lets a listed payer pass without an answer',
      'calls',
      'outcome.passes: wrong_transition',
      [screened('listed', false, 0), screened('unanswered', true, 9)],
    ],
    [
      'find a clear verdict broken that forbids',
      'calls',
      'outcome.passes: wrong_transition',
      [screened('clear', false, 0)],
    ],
  ])('%s', async (_, check, expected, bodies) => {
    expect(await judged(own(...bodies), check)).toBe(expected);
  });

  it('judge a call by the ancestor whose credit paid', async () => {
    const { payment: paid, evidence } = LATER_CALL;
    const grant = paid?.['grant'] ?? '';
    // The manager issued the grant of the agent.
    const call: EntryBody = {
      ...LATER_CALL,
      amounts: { price: '5' },
      evidence: { ...evidence, policy: POLICY },
      payment: { ...paid, paidBy: 'lent', lender: grant },
    };
    const verdict = (of: AccountId) => {
      const log = cutOffLog(undefined, [screened('listed', false, 10, of), call]);
      return judged([...log].map(([, all]) => textOf(all)).join(''), 'limits');
    };
    expect(await verdict(MANAGER)).toBe('decision: screening');
    expect(await verdict(OWNER)).not.toBe('decision: screening');
  });
});
