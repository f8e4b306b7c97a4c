import { describe, expect, it } from 'vitest';
import { type AncestorClaim, judgeClaim } from '../../../../src/audit/verify/ancestor-claims.ts';
import { newBranch, noteEntry } from '../../../../src/audit/verify/branches.ts';
import { openTexts } from '../../../../src/audit/verify/replay/texts.ts';
import { createTally } from '../../../../src/audit/verify/tally.ts';
import type { EntryBody, Json } from '../../../../src/protocol/entry.ts';
import { delegationFields } from '../../../../src/protocol/intent/agent-delegation.ts';
import { START, word } from '../history.ts';
import { ACCOUNT, delegation, grant, logOf, OTHER, revocation, taken } from './signed-log.ts';

const texts = openTexts(new Map([[grant, delegationFields(delegation) as unknown as Json]]));

const policyAt = (at: number, hash: Json, decision = 'owner'): EntryBody => ({
  type: 'account.policy',
  at,
  decision,
  outcome: { hash },
});
const statusAt = (at: number, status: string): EntryBody => ({
  type: 'account.status',
  at,
  outcome: { status },
});

const claim: AncestorClaim = {
  ancestor: ACCOUNT,
  grant,
  operator: undefined,
  owner: undefined,
  isDenial: false,
  at: START + 1_000,
  place: { file: 'a', line: 7, account: OTHER, seq: 7 },
};

const judged = (bodies: readonly EntryBody[], changes: Partial<AncestorClaim> = {}) => {
  const tally = createTally('totals');
  const branch = newBranch(ACCOUNT);
  for (const entry of logOf(bodies)) noteEntry(branch, entry);
  judgeClaim({ ...claim, ...changes }, branch, texts, tally);
  const { verdict, first } = tally.finding();
  return first === undefined ? verdict : `${first.field}: ${first.reason}`;
};

const NOW = claim.at;
const WRONG = 'evidence.policies: wrong_policies';

describe('the policies of an account above', () => {
  it('are proved if they stood on its chain well before and after the call', () => {
    expect(judged([])).toBe('proved');
    expect(judged([policyAt(START, word(1))], { owner: word(1) })).toBe('proved');
    expect(judged([policyAt(START, word(1), 'operator')], { operator: word(1) })).toBe('proved');
  });

  it('are false if they never stood there, or are left out', () => {
    expect(judged([], { owner: word(1) })).toBe(WRONG);
    expect(judged([policyAt(START, word(1))], { owner: word(2) })).toBe(WRONG);
    expect(judged([policyAt(START, word(1))])).toBe(WRONG);
    expect(judged([policyAt(START, word(1))], { operator: word(1) })).toBe(WRONG);
  });

  it('are bounded within the time that a change takes, and false after it', () => {
    const replaced = (at: number) => [policyAt(START, word(1)), policyAt(at, word(2))];
    expect(judged(replaced(NOW - 30), { owner: word(1) })).toBe('bounded');
    expect(judged(replaced(NOW - 30), { owner: word(2) })).toBe('bounded');
    expect(judged(replaced(NOW - 64), { owner: word(1) })).toBe('bounded');
    expect(judged(replaced(NOW - 66), { owner: word(1) })).toBe(WRONG);
    expect(judged(replaced(NOW + 66), { owner: word(2) })).toBe(WRONG);
    expect(judged([policyAt(START, word(1)), policyAt(NOW - 66, null)], { owner: word(1) })).toBe(
      WRONG,
    );
  });

  it('may be absent from a denial, but not be others', () => {
    expect(judged([policyAt(START, word(1))], { isDenial: true })).toBe('proved');
    expect(judged([policyAt(START, word(1))], { isDenial: true, owner: word(2) })).toBe(WRONG);
  });
});

describe('a call below an account', () => {
  it('is false after the account was stopped, and bounded shortly after', () => {
    expect(judged([statusAt(NOW - 66, 'frozen')])).toBe('payment.grant: frozen');
    expect(judged([statusAt(NOW - 30, 'frozen')])).toBe('bounded');
    expect(judged([statusAt(START, 'paused'), statusAt(NOW - 66, 'active')])).toBe('proved');
    expect(judged([statusAt(START, 'frozen')], { isDenial: true })).toBe('proved');
  });

  it('is false after its grant was revoked, by its id or by an epoch', () => {
    const revokedAt = (at: number, changes: object = {}): EntryBody => {
      const fields = taken().evidence?.['revocation'] as { readonly [key: string]: Json };
      return { ...taken({ revocation: { ...fields, ...changes } }), at };
    };
    expect(revocation.id).toBe(delegation.id);
    expect(judged([revokedAt(NOW - 66)])).toBe('payment.grant: revoked');
    expect(judged([revokedAt(NOW - 30)])).toBe('bounded');
    expect(judged([revokedAt(NOW + 66)])).toBe('proved');
    expect(judged([revokedAt(START, { id: word(78) })])).toBe('proved');
    expect(judged([revokedAt(START, { id: word(0), epoch: '1' })])).toBe('payment.grant: revoked');
  });

  it('is bounded if the chain of the account is not in the files', () => {
    const tally = createTally('totals');
    judgeClaim(claim, undefined, texts, tally);
    expect(tally.finding()).toMatchObject({ verdict: 'bounded', bounded: 1 });
  });
});
