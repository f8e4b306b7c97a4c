import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBorrowed, type Loan } from '../../../../src/audit/verify/borrower-calls.ts';
import { type BranchCall, newBranch } from '../../../../src/audit/verify/branches.ts';
import { assetId } from '../../../../src/protocol/account-id.ts';
import { START, word } from '../history.ts';
import { ACCOUNT, CHAIN, OTHER, TOKEN } from './signed-log.ts';

const CALL: BranchCall = {
  borrower: OTHER,
  grant: word(1),
  parent: '',
  asset: assetId(`eip155:${CHAIN}`, TOKEN.address),
  at: START,
  amount: 1n,
  isLent: false,
  policies: [],
  place: { file: 'a', line: 1, account: OTHER, seq: 1 },
};

const lenderOf = (below: readonly BranchCall[]) => ({ ...newBranch(ACCOUNT), below: [...below] });

const drawnCalls = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 20 }),
    amount: fc.bigInt({ min: 0n, max: 9n }),
    grant: fc.constantFrom(word(1), word(2)),
    isLent: fc.boolean(),
  }),
  { maxLength: 30 },
);

describe('the calls behind a loan', () => {
  it('cost between two times what adding them up one by one gives', () => {
    const time = fc.oneof(fc.integer({ min: -2, max: 22 }), fc.constant(Number.NaN));
    fc.assert(
      fc.property(drawnCalls, time, time, (drawn, from, to) => {
        const below = drawn.map((call) => ({ ...CALL, ...call }));
        const borrowed = createBorrowed(() => lenderOf(below))(ACCOUNT, CALL);
        const own = below.filter(({ grant }) => grant === CALL.grant);
        const sumOf = (calls: readonly BranchCall[]) =>
          calls.reduce((sum, { amount }) => sum + amount, 0n);
        expect(borrowed.between(from, to)).toBe(
          sumOf(own.filter(({ at }) => at >= from && at < to)),
        );
        expect(borrowed.lent).toBe(sumOf(own.filter(({ isLent }) => isLent)));
      }),
    );
  });

  it('are those of its borrower, grant and asset', () => {
    const borrowedOf = createBorrowed(() => lenderOf([CALL]));
    const others: readonly Loan[] = [
      { ...CALL, borrower: ACCOUNT },
      { ...CALL, grant: word(2) },
      { ...CALL, asset: undefined },
    ];
    expect(borrowedOf(ACCOUNT, CALL).between(START, START + 1)).toBe(1n);
    for (const loan of others) {
      expect(borrowedOf(ACCOUNT, loan).between(START, START + 1)).toBe(0n);
    }
  });

  it('are read once, however many entries of the lender are about them', () => {
    let reads = 0;
    const counted = Array.from({ length: 1_000 }, () => ({
      ...CALL,
      get amount() {
        reads += 1;
        return 1n;
      },
    }));
    const lender = { ...newBranch(ACCOUNT), below: counted };
    const borrowedOf = createBorrowed(() => lender);
    const spent = () => borrowedOf(ACCOUNT, CALL).between(START, START + 1);
    expect(spent()).toBe(1_000n);
    const first = reads;
    for (let entry = 0; entry < 1_000; entry += 1) expect(spent()).toBe(1_000n);
    expect(reads).toBe(first);
  });
});
