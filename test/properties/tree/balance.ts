import { everyOf, rolled } from '../../../src/policy/window.ts';
import type { Share } from '../../../src/protocol/account/lease.ts';
import { purseOf } from '../../../durable-objects/account/purse.ts';
import { CREDIT, outstandingOf, unusedOf } from '../../../durable-objects/account/tree/share.ts';
import type { Keeper } from './keeper.ts';
import { ASSET } from './names.ts';

/** Whether the account may have dropped a counter of a revoked grant: nothing is held, and everything leased is spent. */
export const isDropped = (keeper: Keeper, counter: string): boolean => {
  const [grant] = counter.split('/');
  const { held } = keeper.state();
  return (
    purseOf(keeper.state(), ASSET).windows[counter] === undefined &&
    held.some((each) => each.grant.hash === grant && each.status === 'revoked')
  );
};

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((all, each) => all + each, 0n);

export const equal = (what: string, got: bigint, expected: bigint): void => {
  if (got !== expected) throw new Error(`${what}: ${got} instead of ${expected}`);
};

/** Checks after every command that an account's counters equal the sum of its rows. */
export const checkBooks = (
  keeper: Keeper,
  now: number,
  isForgotten: (grant: string) => boolean,
): void => {
  const { account, leases } = keeper;
  const { tree } = keeper.state();
  const purse = purseOf(keeper.state(), ASSET);
  const rows = [...leases()].flatMap(({ shares }) => Object.entries(shares));
  const names = new Set([...Object.keys(purse.windows), ...rows.map(([name]) => name)]);
  names.delete(CREDIT);
  const counted = (name: string, start: number, of: (share: Share) => bigint): bigint =>
    sum(
      rows.filter(([each, share]) => each === name && share.start === start).map(([, s]) => of(s)),
    );

  for (const name of names) {
    if (isForgotten(name.split('/')[0] ?? '')) continue;
    const { start, leased, drawn, heldByDescendants, held, spent } = rolled(
      purse.windows[name],
      everyOf(name),
      now,
    );
    if (isDropped(keeper, name)) {
      equal(
        `${account} ${name} unspent`,
        counted(name, start, (of) => outstandingOf(of) - of.spent),
        0n,
      );
      continue;
    }
    equal(`${account} ${name} leased`, leased, counted(name, start, outstandingOf));
    equal(
      `${account} ${name} drawn`,
      drawn,
      counted(name, start, ({ spent: of }) => of),
    );
    equal(
      `${account} ${name} held below`,
      heldByDescendants,
      counted(name, start, ({ held: of }) => of),
    );
    if (held < 0n || spent < 0n) throw new Error(`${account} ${name} is below zero`);
  }
  const lent = (share: Share): bigint => outstandingOf(share) - share.spent;
  equal(`${account} lent`, purse.creditLent, counted(CREDIT, 0, lent));
  equal(
    `${account} credit held below`,
    purse.creditHeldByDescendants,
    counted(CREDIT, 0, ({ held: of }) => of),
  );
  if (purse.credit < 0n || purse.creditHeld < 0n) throw new Error(`${account} credit below zero`);
  for (const [issued, shares] of Object.entries(tree.shares)) {
    for (const [name, share] of Object.entries(shares)) {
      const { returned, spent, held } = share;
      const least = [unusedOf(share), returned, spent, held].reduce((a, b) => (a < b ? a : b));
      if (least < 0n) throw new Error(`${account} has less than nothing of ${name} by ${issued}`);
    }
  }
};
