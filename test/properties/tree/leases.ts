import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { LeaseRequest, LeaseVerdict } from '../../../src/protocol/account/lease.ts';
import { MAX_RECALLS, type Progress } from '../../../durable-objects/account/call/progress.ts';
import { unchanged } from '../../../durable-objects/account/decision.ts';
import { lease } from '../../../durable-objects/account/tree/grant-lease.ts';
import { issuerOf } from '../../../durable-objects/account/tree/grants.ts';
import {
  answerWaiters,
  type LeaseAnswer,
  type LeaseNeed,
} from '../../../durable-objects/account/tree/lease-need.ts';
import { CREDIT, unusedOf } from '../../../durable-objects/account/tree/share.ts';
import { takeLease } from '../../../durable-objects/account/tree/take-lease.ts';
import { shareOf } from '../../../durable-objects/account/tree/tree.ts';
import type { Keeper } from './keeper.ts';
import { ASSET } from './names.ts';
import { keeperOf, type Participants } from './participants.ts';
import type { Recalls } from './recalls.ts';

/** Lease requests to ancestors, message by message, as in the object (`durable-objects/account/tree/`). */
export const openLeases = (participants: Participants, { look, round }: Recalls) => {
  const { clock, messages, reference, note } = participants;

  const answer = (above: Keeper, request: LeaseRequest): LeaseVerdict => {
    const decide = () =>
      above.decide((state, context) => {
        const decided = lease(state, request, context);
        if (request.dryRun === true && decided.state !== state) {
          throw new Error('what was only asked has changed something');
        }
        return decided;
      });
    let { verdict, recovery } = decide();
    if (verdict.verdict !== 'short' || recovery === 'never' || request.dryRun === true)
      return verdict;
    look(above);
    ({ verdict, recovery } = decide());
    for (let rounds = 0; rounds < MAX_RECALLS; rounds += 1) {
      if (verdict.verdict !== 'short' || recovery !== 'now') return verdict;
      note(`short of ${verdict.rule}`);
      const asked = round(above);
      ({ verdict, recovery } = decide());
      if (asked === 0) return verdict;
    }
    return verdict;
  };

  const hear = (
    keeper: Keeper,
    link: SignedGrant,
    verdict: LeaseVerdict,
    statement: number,
    requestedAt: number,
    need: bigint,
  ): LeaseVerdict => {
    if (verdict.verdict === 'unavailable') return verdict;
    keeper.decide((state) =>
      unchanged(takeLease(state, link, verdict, requestedAt, need), undefined),
    );
    if (verdict.authority.status === 'active') {
      const since = verdict.verdict === 'leased' ? requestedAt : undefined;
      reference.statements.hear(keeper.account, link.hash, statement, since);
    } else note(`refused as ${verdict.authority.status}`);
    return verdict;
  };

  const requestOf = (
    keeper: Keeper,
    { link, need, credit }: LeaseNeed,
    ahead: bigint,
  ): LeaseRequest => {
    const { tree, leases } = keeper.state();
    const known = leases[link.hash];
    return {
      child: keeper.account,
      issued: link.hash,
      asset: ASSET,
      need,
      want: need + ahead,
      ...(credit === undefined ? {} : { credit, creditWant: credit + ahead }),
      shares: tree.shares[link.hash] ?? {},
      ...(known === undefined ? {} : { knows: known.policiesHash }),
    };
  };

  /** Sends a lease request to one ancestor. Returns what its answer means for the waiting call. */
  const ask = (keeper: Keeper, wanted: LeaseNeed, appetite: bigint): LeaseAnswer => {
    const { link } = wanted;
    const above = keeperOf(participants, issuerOf(link));
    const requestedAt = clock.now;
    const request = requestOf(keeper, wanted, appetite);
    const verdict = messages.send('request', keeper, () => {
      const told = answer(above, request);
      const statement = reference.statements.last(above.account);
      return messages.send('reply', above, () =>
        hear(keeper, link, told, statement, requestedAt, wanted.need),
      );
    });
    const state = keeper.state();
    const held = {
      isLive: clock.now < (state.leases[link.hash]?.until ?? 0),
      unused: (state.leases[link.hash]?.names ?? []).map((name) =>
        unusedOf(shareOf(state.tree, link.hash, name)),
      ),
      credit: unusedOf(shareOf(state.tree, link.hash, CREDIT)),
    };
    const { answered } = answerWaiters(
      [wanted],
      wanted,
      verdict ?? { verdict: 'unavailable' },
      held,
    );
    return answered[0]?.[1] ?? { answered: 'again' };
  };

  return {
    /** Gets all answers that a call needs before its next decision. */
    obtain(
      keeper: Keeper,
      known: Progress,
      needs: readonly LeaseNeed[],
      appetite: bigint,
    ): Progress {
      let progress = known;
      for (const each of needs) {
        const { link } = each;
        const told = ask(keeper, each, appetite);
        if (told.answered === 'unreachable') {
          progress = { ...progress, unreachable: { issued: link.hash, account: issuerOf(link) } };
        } else if (told.answered === 'no_credit') {
          progress = { ...progress, withoutCredit: [...progress.withoutCredit, link.hash] };
        } else if (told.answered === 'short') {
          progress = { ...progress, short: { issued: link.hash, denial: told.denial } };
        }
      }
      return progress;
    },
    /** Asks those above for their word only, without taking anything. */
    sound(keeper: Keeper, needs: readonly LeaseNeed[]): void {
      for (const each of needs) {
        const above = keeperOf(participants, issuerOf(each.link));
        const requestedAt = clock.now;
        const verdict = answer(above, { ...requestOf(keeper, each, 0n), dryRun: true });
        if (verdict.verdict === 'refused')
          hear(keeper, each.link, verdict, 0, requestedAt, each.need);
      }
    },
  };
};

export type Leases = ReturnType<typeof openLeases>;
