import type { Seconds } from '../core/clock.ts';
import type { AlertBody, OutageRule } from '../protocol/alert.ts';

/** A condition that makes calls or payments fail until it is over. `subject`: which backend, network, tool or queue. */
export type Outage = { readonly subject: string; readonly detail: AlertBody['detail'] };

/** An outage that is not over. Its detail has `since`. */
export type OpenOutage = Outage & {
  readonly rule: OutageRule;
  readonly since: Seconds;
  readonly isRaised: boolean;
};

/**
 * These rules raise their alert at the second check in a row that finds the outage, because a single lost request is no outage. Checks run
 * once a minute.
 */
const CONFIRMED_AFTER: { readonly [rule in OutageRule]?: Seconds } = {
  facilitator_away: 45,
  chain_stuck: 45,
};

/**
 * Records the outages that a check of one rule found. Raises an alert for each outage that began, and one of kind `ended` for each that is
 * over. Race: raise before recording. After a crash between the two, the next check raises the alert again; the other way round it would be
 * lost.
 *
 * @throws Error if the database does not answer
 */
export const recordOutages = async (
  db: D1Database,
  rule: OutageRule,
  found: readonly Outage[],
  raise: (alert: AlertBody) => Promise<boolean>,
  now: Seconds,
): Promise<void> => {
  const known = new Map(
    (await openOutages(db)).flatMap((each) => (each.rule === rule ? [[each.subject, each]] : [])),
  );
  for (const { subject, detail: own } of found) {
    const since = known.get(subject)?.since ?? now;
    const isRaised = known.get(subject)?.isRaised ?? false;
    known.delete(subject);
    if (isRaised) continue;
    const detail = { since, ...own };
    const isConfirmed = now - since >= (CONFIRMED_AFTER[rule] ?? 0);
    const raised = isConfirmed && (await raise({ rule, detail })) ? 1 : 0;
    await db
      .prepare('INSERT OR REPLACE INTO outages VALUES (?1, ?2, ?3, ?4, ?5)')
      .bind(rule, subject, since, JSON.stringify(detail), raised)
      .run();
  }
  for (const { subject, detail, isRaised } of known.values()) {
    if (isRaised && !(await raise({ rule, detail: { ...detail, kind: 'ended' } }))) continue;
    await db
      .prepare('DELETE FROM outages WHERE rule = ?1 AND subject = ?2')
      .bind(rule, subject)
      .run();
  }
};

/** Rows to read, at most: more outages at once share one cause. */
const MOST = 200;

type Row = {
  readonly rule: OutageRule;
  readonly subject: string;
  readonly since: Seconds;
  readonly detail: string;
  readonly raised: 0 | 1;
};

/** Lists the outages that are not over, the oldest first. @throws Error if the database does not answer */
export const openOutages = async (db: D1Database): Promise<readonly OpenOutage[]> => {
  const { results } = await db
    .prepare(
      `SELECT rule, subject, since, detail, raised FROM outages ORDER BY since LIMIT ${MOST}`,
    )
    .all<Row>();
  return results.map(({ detail, raised, ...row }) => ({
    ...row,
    detail: JSON.parse(detail) as AlertBody['detail'],
    isRaised: raised === 1,
  }));
};
