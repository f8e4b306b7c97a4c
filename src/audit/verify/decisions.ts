import type { AccountId } from '../../protocol/account-id.ts';
import type { Check, CheckId, Finding, HashedEntry, Survey } from './check.ts';
import type { Judgement } from './replay/acceptance.ts';
import { newAccount } from './replay/account.ts';
import { isOpen } from './replay/call.ts';
import { judgeDenial } from './replay/denial.ts';
import { openReplay, type Replay, type Replayed } from './replay/replay.ts';
import { openSnapshots, type Snapshots } from './replay/snapshots.ts';
import { openTexts } from './replay/texts.ts';
import { createTally, type Tally } from './tally.ts';
import { createTotals } from './totals.ts';

/** A replayed account that is being read. */
type Reading = {
  readonly account: AccountId;
  /** Undefined if the chain does not begin at its first entry, because nothing then shows the earlier state. */
  readonly replay: Replay | undefined;
  readonly snapshots: Snapshots;
};

const CALL_ENTRIES = /^(call\.(?!denied)|payment\.)/;
const MONEY_ENTRIES = /^(call\.(?!denied|approved|dispatched|late)|payment\.|credit\.)/;

const PARTIAL = 'a chain does not begin at its first entry: export it whole';
const FURTHER = 'equal denials within ten seconds are one entry, which has the first';

/**
 * The checks `calls`, `payments`, `limits`, `denials` and `totals`: repeat the decisions of each account, from its entries and the texts
 * that they name (docs/audit-format.md, "Recomputing decisions"). They share one replay, which runs once for each entry.
 */
export const createDecisions = ({ documents }: Pick<Survey, 'documents'>): readonly Check[] => {
  const texts = openTexts(documents);
  const calls = createTally('calls');
  const payments = createTally('payments');
  const limits = createTally('limits');
  const denials = createTally('denials');
  const totals = createTotals(texts);
  let reading: Reading | undefined;
  let last: HashedEntry | undefined;

  const open = (account: AccountId, seq: number): Reading => {
    close();
    return {
      account,
      replay: seq === 1 ? openReplay(account, texts) : undefined,
      snapshots: openSnapshots(newAccount(account)),
    };
  };

  const close = (): void => {
    if (reading?.replay === undefined) return;
    totals.close(reading.account, reading.replay.calls());
    for (const call of reading.replay.calls()) {
      if (isOpen(call) && call.payment !== 'none') {
        payments.bound('payments are open at the end of the files');
      }
    }
  };

  const see = (seen: HashedEntry): void => {
    if (last === seen) return;
    last = seen;
    const { entry } = seen;
    if (reading?.account !== entry.account) reading = open(entry.account, entry.seq);
    if (reading.replay === undefined) return skip(seen);
    const replayed = reading.replay.take(entry);
    countFaults(seen, replayed);
    const { accepted } = replayed;
    if (accepted !== undefined) {
      const { judgement } = accepted;
      report(limits, seen, replayed.before.isBlind ? BLIND : judgement);
    }
    if (entry.type === 'call.denied') {
      report(denials, seen, denialOf(reading, replayed));
      const more = (entry.count ?? 1) - 1;
      if (more > 0) denials.bound(FURTHER, more);
    }
    totals.see(seen, replayed);
    reading.snapshots.add(entry.seq, entry.at, replayed.after);
  };

  const denialOf = ({ snapshots }: Reading, { entry }: Replayed): Judgement => {
    const after = entry.outcome?.['after'];
    if (typeof after !== 'number' || after < 0 || after >= entry.seq) return WRONG_PLACE;
    const then = snapshots.after(after);
    if (then === 'absent') return WRONG_PLACE;
    return then === 'old' ? LATE : judgeDenial(then, entry, texts);
  };

  const countFaults = (seen: HashedEntry, { entry, faults }: Replayed): void => {
    const of = (tally: Tally, check: 'calls' | 'payments', isOne: boolean): void => {
      const found = faults.filter((each) => each.check === check);
      for (const { reason, field } of found) tally.breakAt(seen, reason, field);
      if (isOne && found.length === 0) tally.prove();
    };
    of(calls, 'calls', CALL_ENTRIES.test(entry.type));
    of(payments, 'payments', MONEY_ENTRIES.test(entry.type));
  };

  /** A chain without its beginning. */
  const skip = ({ entry: { type, count = 1 } }: HashedEntry): void => {
    if (CALL_ENTRIES.test(type)) calls.skip(PARTIAL);
    if (MONEY_ENTRIES.test(type)) payments.skip(PARTIAL);
    if (type === 'call.accepted' || type === 'call.parked') limits.skip(PARTIAL);
    if (type === 'call.denied') denials.skip(PARTIAL, count);
  };

  const checkOf = (id: CheckId, finding: () => Finding): Check => ({
    id,
    see,
    end: () => {
      close();
      reading = undefined;
      return finding();
    },
  });
  return [
    checkOf('calls', calls.finding),
    checkOf('payments', payments.finding),
    checkOf('limits', () => {
      totals.judgeLimits(limits);
      return limits.finding();
    }),
    checkOf('denials', denials.finding),
    checkOf('totals', totals.end),
  ];
};

const BLIND: Judgement = {
  verdict: 'unchecked',
  note: 'a text that the account was bound by is not in the files',
};

const LATE: Judgement = {
  verdict: 'bounded',
  note: 'denials entered long after their decision',
};

const WRONG_PLACE: Judgement = { verdict: 'broken', reason: 'wrong_place', field: 'outcome.after' };

const report = (tally: Tally, seen: HashedEntry, judgement: Judgement): void => {
  switch (judgement.verdict) {
    case 'proved':
      return tally.prove();
    case 'bounded':
      return tally.bound(judgement.note);
    case 'unchecked':
      return tally.skip(judgement.note);
    case 'pending':
      return undefined;
    case 'broken':
      return tally.breakAt(seen, judgement.reason, judgement.field);
  }
};
