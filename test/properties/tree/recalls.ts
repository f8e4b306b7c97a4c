import type { Hex } from '../../../src/core/hex.ts';
import type { Recall, Share, Shares } from '../../../src/protocol/account/lease.ts';
import { unstored } from '../../../durable-objects/account/decision.ts';
import { authorityOver } from '../../../durable-objects/account/tree/authority-over.ts';
import { issuerOf } from '../../../durable-objects/account/tree/grants.ts';
import { type IssuedLease, leaseOf } from '../../../durable-objects/account/tree/issued-lease.ts';
import { takeBack } from '../../../durable-objects/account/tree/take-back.ts';
import {
  reportArrived,
  reportLost,
  giveUp,
  recalled,
  reported,
} from '../../../durable-objects/account/tree/return-shares.ts';
import { shareEnd, unusedOf } from '../../../durable-objects/account/tree/share.ts';
import type { Keeper } from './keeper.ts';
import { keeperOf, type Participants } from './participants.ts';

/** Whether a share has units that are not spent. A recall may wait for those that running calls hold. */
const isLoose = ({ granted, returned, spent }: Share): boolean => granted - returned > spent;
const isUnused = (share: Share): boolean => unusedOf(share) > 0n;

/** Pushes and recalls to children and their returns, message by message, as in the object (`durable-objects/account/tree/`). */
export const openRecalls = (participants: Participants) => {
  const { clock, messages, reference } = participants;

  const takeReturned = (
    parent: Keeper,
    child: Keeper,
    branches: Readonly<Record<Hex, Shares>>,
  ): void => {
    for (const [issued, shares] of Object.entries(branches) as [Hex, Shares][]) {
      parent.decide<unknown>((state, context) => {
        const row = leaseOf(context.read, child.account, issued);
        return row === undefined
          ? unstored(state, undefined)
          : takeBack(state, row, shares, context);
      });
    }
  };

  const recallsFor = (
    parent: Keeper,
    rows: readonly IssuedLease[],
  ): readonly (readonly [Keeper, Recall])[] =>
    [...new Set(rows.map((row) => row.child))].map((account) => {
      const branches: Record<Hex, Recall['branches'][Hex]> = {};
      for (const row of rows.filter((each) => each.child === account)) {
        const { authority } = authorityOver(parent.state(), row, parent.context());
        const { revision, status } = authority;
        branches[row.issued] = { revision, status, shares: row.shares };
      }
      return [keeperOf(participants, account), { of: parent.account, branches }];
    });

  /** Pushes the current state to children, which return unused shares. */
  const recall = (parent: Keeper, rows: readonly IssuedLease[]): void => {
    for (const [child, message] of recallsFor(parent, rows)) {
      const statement = reference.statements.last(parent.account);
      messages.send('recall', parent, () => {
        const verdict = child.decide((state, context) => recalled(state, message, context));
        for (const issued of Object.keys(message.branches))
          reference.statements.acknowledge(child.account, issued as Hex, statement);
        if (verdict.verdict === 'unavailable') return;
        messages.send('answer', child, () => takeReturned(parent, child, verdict.branches));
      });
    }
  };

  const rowsWith = (parent: Keeper, isWorth: (share: Share) => boolean): readonly IssuedLease[] =>
    [...parent.leases()].filter(({ shares }) =>
      Object.entries(shares).some(
        ([name, share]) => clock.now < shareEnd(name, share) && isWorth(share),
      ),
    );

  return {
    /** Requests reports of unused shares from children. */
    look(parent: Keeper): void {
      for (const [child, message] of recallsFor(parent, rowsWith(parent, isLoose))) {
        messages.send('recall', parent, () => {
          const verdict = child.decide((state) => unstored(state, reported(state, message)));
          if (verdict.verdict === 'unavailable') return;
          messages.send('answer', child, () => takeReturned(parent, child, verdict.branches));
        });
      }
    },
    /** Recalls unused shares. @returns the number of leases that it recalled from */
    round(parent: Keeper): number {
      const rows = rowsWith(parent, isUnused);
      recall(parent, rows);
      return rows.length;
    },
    /** Pushes the current state to children with live leases of the given grants, or of all grants if undefined. */
    push(parent: Keeper, issued?: readonly Hex[]): void {
      const live = [...parent.leases()].filter(({ until }) => until > clock.now);
      recall(
        parent,
        live.filter((row) => issued === undefined || issued.includes(row.issued)),
      );
    },
    /** Returns unused shares of all grants, or of the given ones. */
    giveUp(keeper: Keeper, issued: readonly Hex[]): void {
      const links = keeper.state().held.flatMap(({ grant, chain }) => [grant, ...chain]);
      for (const hash of issued) {
        const link = links.find((each) => each.hash === hash);
        if (link === undefined) continue;
        const shares = keeper.decide((state) => giveUp(state, hash));
        const parent = keeperOf(participants, issuerOf(link));
        const answer = messages.send('give-back', keeper, () => {
          takeReturned(parent, keeper, { [hash]: shares });
          return true;
        });
        if (answer === true)
          keeper.decide((state) => reportArrived(state, hash, shares, clock.now));
        else keeper.decide((state) => reportLost(state, hash));
      }
    },
  };
};

export type Recalls = ReturnType<typeof openRecalls>;
