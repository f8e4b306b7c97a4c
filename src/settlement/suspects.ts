import type { Seconds } from '../core/clock.ts';
import { isInHand } from './backends/backend-answer.ts';
import { askBounce } from './present/bounce.ts';
import type { Chain } from './chain/observe-payments.ts';
import type { SettlementTask } from './message.ts';
import { askAll } from './chain/question.ts';
import type { Seen } from './present/task.ts';

/** A payment that is unused for so long after its acceptance is looked at more closely, whoever has it in hand. */
const SLOW: Seconds = 15;

/** A payment that is owed, unused and still valid, which a backend did not take, which is not covered, or which takes long. */
const isSuspect = <T extends SettlementTask>(
  { task, view, presented }: Seen<T>,
  now: Seconds,
): boolean => {
  if (task.kind !== 'settle' || view.view !== 'unused') return false;
  if (BigInt(now) >= task.look.validBefore) return false;
  const isUntaken = presented !== undefined && !isInHand(presented.said);
  const isSlow = task.acceptedAt !== undefined && now >= task.acceptedAt + SLOW;
  return view.balance < task.look.value || isUntaken || isSlow;
};

/** Asks about the payments that a round left open for a bad reason whether their payers are the reason, in one batch. */
export const findBounces = async <T extends SettlementTask>(
  { urls }: Chain,
  seen: readonly Seen<T>[],
  now: Seconds,
): Promise<readonly Seen<T>[]> => {
  const suspects = seen.flatMap((one) => {
    const { payment, look } = one.task;
    return payment !== undefined && isSuspect(one, now) ? { one, payment, look } : [];
  });
  if (suspects.length === 0) return seen;
  const answers = await askAll(
    urls,
    suspects.map(({ payment, look }) => askBounce(payment, look.sinceBlock)),
  );
  const reasons = new Map(
    suspects.map(({ one }, at) => {
      const answer = answers[at];
      return [one, answer?.ok === true ? answer.value : undefined];
    }),
  );
  return seen.map((one) => {
    const bounced = reasons.get(one);
    return bounced === undefined ? one : { ...one, bounced };
  });
};
