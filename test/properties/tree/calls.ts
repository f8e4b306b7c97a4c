import type { Hex } from '../../../src/core/hex.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Evidence } from '../../../src/protocol/account/call.ts';
import { type CallRecord, keepsHold } from '../../../durable-objects/account/call/call-record.ts';
import { CALL } from '../../../durable-objects/account/call/stored-call.ts';
import { flushDenials } from '../../../durable-objects/account/call/denial.ts';
import { expire } from '../../../durable-objects/account/call/expire.ts';
import { finish } from '../../../durable-objects/account/call/finish.ts';
import {
  MAX_RECALLS,
  NO_PROGRESS,
  type Progress,
} from '../../../durable-objects/account/call/progress.ts';
import { reserve } from '../../../durable-objects/account/call/reserve.ts';
import { resolve } from '../../../durable-objects/account/commands/payment-command.ts';
import { unstored } from '../../../durable-objects/account/decision.ts';
import { dropEndedGrants } from '../../../durable-objects/account/pruning.ts';
import { put } from '../../../durable-objects/store/noun.ts';
import type { Grants } from './grants.ts';
import type { Keeper } from './keeper.ts';
import type { Leases } from './leases.ts';
import { accountAt, hex } from './names.ts';
import { callOf, outcomeOf, type How, type Wish } from './wish.ts';
import type { Participants } from './participants.ts';
import type { Recalls } from './recalls.ts';

/** How often a call may wait for other accounts if no other step runs. */
const MAX_TRIES = 40;
const ATTEMPT = hex(1);
const OPERATOR = { account: accountAt(91), role: 'operator' } as const;
const INTENT = { fields: {}, signature: hex(0x55) };

/**
 * The calls of all accounts. An account decides a call again with every answer that it waited for, as the object does
 * (`durable-objects/account/call/`).
 */
export const openCalls = (
  participants: Participants,
  { look, round }: Recalls,
  leases: Leases,
  { all, bound }: Grants,
) => {
  const { clock, keepers, reference, note } = participants;
  const running: (readonly [Keeper, Hex])[] = [];
  let ids = 0;

  const admit = (keeper: Keeper, record: CallRecord): void => {
    const { grant, price, paidBy, entries, id } = record;
    if (grant === undefined && bound.has(keeper))
      throw new Error('admitted without a grant although the account is governed');
    const chain = grant === undefined ? [] : (all.get(grant)?.chain ?? []);
    const lender = entries[0]?.payment?.lender;
    const payer = chain.find((link) => link.grant === lender)?.issuer ?? keeper.account;
    note(paidBy === 'lent' ? 'credit lent' : `paid by ${paidBy}`);
    note(`chain of ${chain.length}`);
    reference.admit(id, { account: keeper.account, chain, at: clock.now, price, payer });
    running.push([keeper, id]);
  };

  const claim = (keeper: Keeper, wish: Wish): ReserveVerdict => {
    ids += 1;
    const call = callOf(ids, keeper.account, wish, clock.now);
    let progress: Progress = NO_PROGRESS;
    let evidence: Evidence = {};
    for (let tried = 0; tried < MAX_TRIES; tried += 1) {
      const [known, grown] = [progress, evidence];
      const verdict = keeper.decide((state, context) =>
        reserve({ state, call, attempt: ATTEMPT, evidence: grown, progress: known, context }),
      );
      if (verdict.verdict === 'report') {
        look(keeper);
        progress = { ...progress, descendantsReported: true };
      } else if (verdict.verdict === 'recall') {
        note('recalled for itself');
        const recalled = round(keeper);
        progress = { ...progress, recalls: recalled === 0 ? MAX_RECALLS : progress.recalls + 1 };
      } else if (verdict.verdict === 'lease') {
        progress = leases.obtain(keeper, progress, verdict.needs, wish.appetite);
      } else if (verdict.verdict === 'parking' || verdict.verdict === 'count') {
        throw new Error('no policy of this test asks for an approval');
      } else if (verdict.verdict === 'screening') {
        throw new Error('the gateway of this test screens nobody');
      } else if (verdict.verdict === 'stale_grant') {
        note('contract checked');
        const at = clock.now;
        evidence = { grants: verdict.proofs.map(({ hash }) => ({ hash, valid: true, at })) };
      } else {
        const record = keeper.call(call.id);
        if (verdict.verdict === 'go' && record !== undefined) admit(keeper, record);
        return verdict;
      }
    }
    throw new Error('a call does not come to an end');
  };

  /** The units that a call counts: its price while it runs or has no answer, then its charge. */
  const settle = (record: CallRecord): void =>
    reference.settle(record.id, keepsHold(record) ? record.price : record.charged);

  const end = (keeper: Keeper, id: Hex, how: How): void => {
    const record = keeper.call(id);
    if (record === undefined) return;
    const outcome = outcomeOf(how, record.price);
    const { verdict } = keeper.decide((state, context) =>
      finish(state, record, ATTEMPT, outcome, context),
    );
    note(`finish ${verdict}`);
    const ended = keeper.call(id) ?? record;
    if (verdict === 'finished') settle(ended);
    if (keepsHold(ended)) note('kept');
  };

  return {
    make(keeper: Keeper, wish: Wish): ReserveVerdict {
      const verdict = claim(keeper, wish);
      if (verdict.verdict === 'denied') {
        const { rule, account, limit } = verdict.denial;
        note(`denied ${rule} ${account === keeper.account ? 'own' : 'of an ancestor'}`);
        if (rule === 'window' || rule === 'lifetime') {
          for (const part of limit?.rule.split(':') ?? []) note(`full ${part}`);
        }
      } else note(verdict.verdict);
      return verdict;
    },
    /** Ends a running call, the `back`th counted from the newest. A call that has already ended gets its first verdict again. */
    finish(back: number, how: How): void {
      const [keeper, id] = running.at(-1 - (back % Math.max(1, running.length))) ?? [];
      if (keeper !== undefined && id !== undefined) end(keeper, id, how);
    },
    /** An operator resolves a call without an answer, or is refused because there is none. */
    resolve(which: number, charge: boolean): void {
      const kept = running.filter(([of, each]) => {
        const record = of.call(each);
        return record !== undefined && keepsHold(record);
      });
      const [keeper, id] =
        (kept.length > 0 ? kept : running).at(which % Math.max(1, kept.length || running.length)) ??
        [];
      if (keeper === undefined || id === undefined) return;
      const record = keeper.call(id);
      const command = {
        kind: 'resolve',
        call: id,
        charge,
        reason: 'asked',
        by: OPERATOR,
        intent: INTENT,
      } as const;
      const { verdict } = keeper.decide((state, context) =>
        resolve(state, record, command, context),
      );
      if ((verdict === 'applied') !== kept.length > 0) throw new Error(`resolved: ${verdict}`);
      const ended = keeper.call(id) ?? record;
      if (verdict !== 'applied' || ended === undefined) return;
      note(`resolved ${ended.paidBy}`);
      settle(ended);
    },
    finishAll(how: (at: number) => How): void {
      running.forEach(([keeper, id], at) => {
        if (keeper.call(id)?.state === 'held') end(keeper, id, how(at));
      });
    },
    /** Runs the alarms: accounts end expired calls, and prune grants that ended long ago. */
    expireAll(): void {
      for (const keeper of keepers) {
        keeper.decide((state) => {
          const lasting = dropEndedGrants(state, clock.now);
          if (lasting.writes.length > 0) note('forgotten');
          return { ...unstored(lasting.state, undefined), writes: lasting.writes };
        });
        keeper.decide((state, context) => {
          const flushed = flushDenials(state, context);
          return { ...unstored(flushed.state, undefined), entries: flushed.entries };
        });
        for (const record of keeper.calls()) {
          const ended = expire(keeper.state(), record, keeper.context());
          if (ended === undefined) continue;
          note('abandoned');
          keeper.decide(() => ({
            state: ended.state,
            writes: [put(CALL, ended.record), ...ended.writes],
            entries: [],
            verdict: undefined,
          }));
          settle(ended.record);
        }
      }
    },
  };
};
