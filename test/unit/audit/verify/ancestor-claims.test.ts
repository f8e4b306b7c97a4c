import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AncestorClaim,
  judgeClaim,
  knownAncestor,
} from '../../../../src/audit/verify/ancestor-claims.ts';
import { type Branch, newBranch, noteEntry, SLACK } from '../../../../src/audit/verify/branches.ts';
import { openTexts } from '../../../../src/audit/verify/replay/texts.ts';
import { createTally } from '../../../../src/audit/verify/tally.ts';
import type { Hex } from '../../../../src/core/hex.ts';
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
  judgeClaim({ ...claim, ...changes }, knownAncestor(branch), texts, tally);
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

describe('the claims of many calls about an account with many policies', () => {
  /** Times in steps of half the tolerated clock difference, so that some changes are close to each other and others are not. */
  const time = fc.integer({ min: -20, max: 20 }).map((half) => NOW + half * 32);
  const changes = fc.array(
    fc.oneof(
      fc.record({ what: fc.constant('policy' as const), at: time, value: fc.constantFrom(1, 2) }),
      fc.record({ what: fc.constant('status' as const), at: time, value: fc.constantFrom(0, 1) }),
      fc.record({ what: fc.constant('epoch' as const), at: time, value: fc.constantFrom(0, 1, 2) }),
      fc.record({ what: fc.constant('id' as const), at: time, value: fc.constantFrom(0, 1) }),
    ),
    { maxLength: 12 },
  );
  const branchOf = (drawn: typeof changes extends fc.Arbitrary<infer T> ? T : never): Branch => {
    const branch = newBranch(ACCOUNT);
    for (const { what, at, value } of drawn.toSorted((one, other) => one.at - other.at)) {
      const last = branch.versions.at(-1) ?? { at: 0 };
      if (what === 'policy') branch.versions.push({ ...last, at, owner: word(value) });
      if (what === 'status')
        branch.statuses.push({ at, status: ['active', 'frozen'][value] ?? '' });
      if (what === 'epoch') branch.revocations.push({ at, id: word(0), epoch: BigInt(value + 1) });
      if (what === 'id') {
        const id = value === 0 ? delegation.id : word(78);
        branch.revocations.push({ at, id, epoch: 0n });
      }
    }
    return branch;
  };

  /** The versions in force within the tolerance of `NOW`, found by a look at every version. */
  const near = <T extends { readonly at: number }>(versions: readonly T[]): readonly T[] =>
    versions.filter(
      ({ at }, index) =>
        at <= NOW + SLACK && NOW - SLACK < (versions[index + 1]?.at ?? Number.MAX_SAFE_INTEGER),
    );
  const expected = ({ versions, statuses, revocations }: Branch, owner: Hex): string => {
    const first = revocations.find(({ id, epoch }) =>
      epoch === 0n ? id === delegation.id : delegation.epoch < epoch,
    );
    const isRevoked = first !== undefined && NOW >= first.at - SLACK;
    const known = near(statuses);
    const isActive = ({ status }: { readonly status: string }) => status === 'active';
    const isSame = (version: { readonly owner?: Hex }) => version.owner === owner;
    if (isRevoked && NOW > first.at + SLACK) return 'payment.grant: revoked';
    if (!known.some(isActive)) return `payment.grant: ${known.at(-1)?.status}`;
    if (!near(versions).some(isSame)) return WRONG;
    const isSure = !isRevoked && known.every(isActive) && near(versions).every(isSame);
    return isSure ? 'proved' : 'bounded';
  };

  it('are judged as by a look at each change', () => {
    fc.assert(
      fc.property(changes, fc.constantFrom(1, 2), (drawn, owner) => {
        const branch = branchOf(drawn);
        const tally = createTally('totals');
        judgeClaim({ ...claim, owner: word(owner) }, knownAncestor(branch), texts, tally);
        const { verdict, first } = tally.finding();
        const found = first === undefined ? verdict : `${first.field}: ${first.reason}`;
        expect(found).toBe(expected(branch, word(owner)));
      }),
      { numRuns: 500 },
    );
  });

  it('are judged by reading each change once', () => {
    let reads = 0;
    const counted = <T extends { readonly at: number }>(change: (at: number) => T): T[] =>
      Array.from({ length: 1_000 }, (_, nth) => ({
        ...change(nth),
        get at() {
          reads += 1;
          return nth * 100;
        },
      }));
    const branch: Branch = {
      ...newBranch(ACCOUNT),
      versions: counted((nth) => ({ at: nth, owner: word(nth) })),
      statuses: counted((at) => ({ at, status: 'active' })),
      revocations: counted((at) => ({ at, id: word(at + 100), epoch: 0n })),
    };
    const known = knownAncestor(branch);
    expect(reads).toBeLessThan(5_000);
    const first = reads;
    const tally = createTally('totals');
    for (let nth = 1; nth < 999; nth += 1) {
      judgeClaim({ ...claim, at: nth * 100 + 70, owner: word(nth) }, known, texts, tally);
    }
    expect(tally.finding()).toMatchObject({ checked: 998 });
    expect(reads).toBe(first);
  });
});
