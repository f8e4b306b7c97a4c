import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { LeaseRequest, LeaseVerdict } from '../../../src/protocol/account/lease.ts';
import { MAX_RECALLS, type Progress } from '../../../durable-objects/account/call/progress.ts';
import { unstored } from '../../../durable-objects/account/decision.ts';
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

  const answer = (parent: Keeper, request: LeaseRequest): LeaseVerdict => {
    const decide = () =>
      parent.decide((state, context) => {
        const decided = lease(state, request, context);
        if (request.dryRun === true && decided.state !== state) {
          throw new Error('a dry run has changed something');
        }
        return decided;
      });
    let { verdict, recovery } = decide();
    if (verdict.verdict !== 'short' || recovery === 'never' || request.dryRun === true)
      return verdict;
    look(parent);
    ({ verdict, recovery } = decide());
    for (let rounds = 0; rounds < MAX_RECALLS; rounds += 1) {
      if (verdict.verdict !== 'short' || recovery !== 'now') return verdict;
      note(`short of ${verdict.rule}`);
      const recalled = round(parent);
      ({ verdict, recovery } = decide());
      if (recalled === 0) return verdict;
    }
    return verdict;
  };

  const receive = (
    keeper: Keeper,
    link: SignedGrant,
    verdict: LeaseVerdict,
    statement: number,
    requestedAt: number,
    need: bigint,
  ): LeaseVerdict => {
    if (verdict.verdict === 'unavailable') return verdict;
    keeper.decide((state) =>
      unstored(takeLease(state, link, verdict, requestedAt, need), undefined),
    );
    if (verdict.authority.status === 'active') {
      const since = verdict.verdict === 'leased' ? requestedAt : undefined;
      reference.statements.receive(keeper.account, link.hash, statement, since);
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
    const parent = keeperOf(participants, issuerOf(link));
    const requestedAt = clock.now;
    const request = requestOf(keeper, wanted, appetite);
    const verdict = messages.send('request', keeper, () => {
      const answered = answer(parent, request);
      const statement = reference.statements.last(parent.account);
      return messages.send('reply', parent, () =>
        receive(keeper, link, answered, statement, requestedAt, wanted.need),
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
    /** Gets all answers that a call needs before the account decides it again. */
    obtain(
      keeper: Keeper,
      known: Progress,
      needs: readonly LeaseNeed[],
      appetite: bigint,
    ): Progress {
      let progress = known;
      for (const each of needs) {
        const { link } = each;
        const answer = ask(keeper, each, appetite);
        if (answer.answered === 'unreachable') {
          progress = { ...progress, unreachable: { issued: link.hash, account: issuerOf(link) } };
        } else if (answer.answered === 'no_credit') {
          progress = { ...progress, withoutCredit: [...progress.withoutCredit, link.hash] };
        } else if (answer.answered === 'short') {
          progress = { ...progress, short: { issued: link.hash, denial: answer.denial } };
        }
      }
      return progress;
    },
    /** Requests the status of grants from their issuers, without a share. */
    sound(keeper: Keeper, needs: readonly LeaseNeed[]): void {
      for (const each of needs) {
        const parent = keeperOf(participants, issuerOf(each.link));
        const requestedAt = clock.now;
        const verdict = answer(parent, { ...requestOf(keeper, each, 0n), dryRun: true });
        if (verdict.verdict === 'refused')
          receive(keeper, each.link, verdict, 0, requestedAt, each.need);
      }
    },
  };
};

export type Leases = ReturnType<typeof openLeases>;
