import type { Hex } from '../../../src/core/hex.ts';
import type { Recall, Share, Shares } from '../../../src/protocol/account/lease.ts';
import { unchanged } from '../../../durable-objects/account/decision.ts';
import { type IssuedLease, leaseOf } from '../../../durable-objects/account/tree/issued-lease.ts';
import { authorityOver } from '../../../durable-objects/account/tree/authority-over.ts';
import { takeBack } from '../../../durable-objects/account/tree/merge-report.ts';
import {
  closeShares,
  giveUp,
  recalled,
  reported,
} from '../../../durable-objects/account/tree/return-shares.ts';
import { shareEnd, unusedOf } from '../../../durable-objects/account/tree/share.ts';
import { issuerOf } from '../../../durable-objects/account/tree/signed-grant.ts';
import type { Keeper } from './keeper.ts';
import { keeperOf, type Office } from './office.ts';

/** What running calls hold may come back, too. */
const isLoose = ({ granted, returned, spent }: Share): boolean => granted - returned > spent;
const isUnused = (share: Share): boolean => unusedOf(share) > 0n;

/** What accounts tell those below them, and what these give back, as the object does it (`recalls.ts`), message by message. */
export const openRecalls = (office: Office) => {
  const { clock, post, reference } = office;

  const hearBack = (
    above: Keeper,
    child: Keeper,
    branches: Readonly<Record<Hex, Shares>>,
  ): void => {
    for (const [issued, shares] of Object.entries(branches) as [Hex, Shares][]) {
      above.decide<unknown>((state, context) => {
        const row = leaseOf(context.read, child.account, issued);
        return row === undefined
          ? unchanged(state, undefined)
          : takeBack(state, row, shares, context);
      });
    }
  };

  const messages = (
    above: Keeper,
    rows: readonly IssuedLease[],
  ): readonly (readonly [Keeper, Recall])[] =>
    [...new Set(rows.map((row) => row.child))].map((account) => {
      const branches: Record<Hex, Recall['branches'][Hex]> = {};
      for (const row of rows.filter((each) => each.child === account)) {
        const { authority } = authorityOver(above.state(), row, above.context());
        const { revision, status } = authority;
        branches[row.issued] = { revision, status, shares: row.shares };
      }
      return [keeperOf(office, account), { of: above.account, branches }];
    });

  /** Accounts below are told how things stand, and give back what they do not use. */
  const recall = (above: Keeper, rows: readonly IssuedLease[]): void => {
    for (const [child, message] of messages(above, rows)) {
      const word = reference.words.last(above.account);
      post.send('recall', above, () => {
        const verdict = child.decide((state, context) => recalled(state, message, context));
        for (const issued of Object.keys(message.branches))
          reference.words.acknowledge(child.account, issued as Hex, word);
        if (verdict.verdict === 'unavailable') return;
        post.send('answer', child, () => hearBack(above, child, verdict.branches));
      });
    }
  };

  const rowsWith = (above: Keeper, isWorth: (share: Share) => boolean): readonly IssuedLease[] =>
    [...above.leases()].filter(({ shares }) =>
      Object.entries(shares).some(
        ([name, share]) => clock.now < shareEnd(name, share) && isWorth(share),
      ),
    );

  return {
    /** Has those below report what they do not use. */
    look(above: Keeper): void {
      for (const [child, message] of messages(above, rowsWith(above, isLoose))) {
        post.send('recall', above, () => {
          const verdict = child.decide((state) => unchanged(state, reported(state, message)));
          if (verdict.verdict === 'unavailable') return;
          post.send('answer', child, () => hearBack(above, child, verdict.branches));
        });
      }
    },
    /** Asks those below for what they do not use; how many were asked. */
    round(above: Keeper): number {
      const rows = rowsWith(above, isUnused);
      recall(above, rows);
      return rows.length;
    },
    /** Tells holders of live leases how things stand now; undefined: all of them. */
    push(above: Keeper, issued?: readonly Hex[]): void {
      const live = [...above.leases()].filter(({ until }) => until > clock.now);
      recall(
        above,
        live.filter((row) => issued === undefined || issued.includes(row.issued)),
      );
    },
    /** Gives back what is not used, by every grant or by those given. */
    giveUp(keeper: Keeper, issued: readonly Hex[]): void {
      const links = keeper.state().held.flatMap(({ grant, chain }) => [grant, ...chain]);
      for (const hash of issued) {
        const link = links.find((each) => each.hash === hash);
        if (link === undefined) continue;
        const shares = keeper.decide((state) => giveUp(state, hash));
        const above = keeperOf(office, issuerOf(link));
        const heard = post.send('give-back', keeper, () => {
          hearBack(above, keeper, { [hash]: shares });
          return true;
        });
        if (heard === true) keeper.decide((state) => closeShares(state, hash, shares, clock.now));
      }
    },
  };
};

export type Recalls = ReturnType<typeof openRecalls>;
