import type { Seconds } from '../core/clock.ts';
import type { AlertBody, OutageRule } from '../protocol/alert.ts';

/** A condition that fails calls or payments until it is over. `subject`: which backend, network, tool or queue. */
export type Outage = {
  readonly subject: string;
  readonly detail: AlertBody['detail'];
  /** The condition keeps an outage open, but would not begin one. */
  readonly onlyLasts?: boolean;
};

/** An outage that is not over. Its detail has `since`. */
export type OpenOutage = Omit<Outage, 'onlyLasts'> & {
  readonly rule: OutageRule;
  readonly since: Seconds;
  readonly isRaised: boolean;
};

/**
 * These rules raise their alert at the second check in a row that finds the outage, because a single lost request is not an outage. Checks
 * run once a minute.
 */
const CONFIRMED_AFTER: { readonly [rule in OutageRule]?: Seconds } = {
  facilitator_away: 45,
  chain_stuck: 45,
};

/**
 * The end is raised no earlier than this after the beginning.
 *
 * Attack: a caller that makes a tool fail and succeed in turn would raise hundreds of alerts a day for a few cents.
 */
const LASTS: { readonly [rule in OutageRule]?: Seconds } = { upstream_failing: 3_600 };

/**
 * Records the findings of a check for one rule: raises an alert for each outage that began, and one of kind `ended` for each that is over.
 * An alert is raised before it is recorded: after a crash between the two, the next check raises it again.
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
  const known = new Map((await openOutages(db, [rule])).map((each) => [each.subject, each]));
  for (const { subject, detail: own, onlyLasts = false } of found) {
    const { since, isRaised } = known.get(subject) ?? { since: now, isRaised: onlyLasts };
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
  for (const { subject, detail, isRaised, since } of known.values()) {
    if (isRaised && now - since < (LASTS[rule] ?? 0)) continue;
    if (isRaised && !(await raise({ rule, detail: { ...detail, kind: 'ended' } }))) continue;
    await db
      .prepare('DELETE FROM outages WHERE rule = ?1 AND subject = ?2')
      .bind(rule, subject)
      .run();
  }
};

/** How many rows of a rule to read, more than a check can find: a thousand calls show at most 200 tools that fail. */
const MOST = 1_000;

type Row = {
  readonly rule: OutageRule;
  readonly subject: string;
  readonly since: Seconds;
  readonly detail: string;
  readonly raised: 0 | 1;
};

/**
 * Lists the open outages of some rules, oldest first. Many outages of one rule do not hide those of another. @throws Error if the database
 * does not answer
 */
export const openOutages = async (
  db: D1Database,
  rules: readonly OutageRule[],
): Promise<readonly OpenOutage[]> => {
  // In one statement, because each statement would be another request for the page that shows them.
  const { results } = await db
    .prepare(
      rules
        .map(
          (_, at) =>
            `SELECT * FROM (SELECT rule, subject, since, detail, raised FROM outages WHERE rule = ?${at + 1} ORDER BY since LIMIT ${MOST})`,
        )
        .join(' UNION ALL '),
    )
    .bind(...rules)
    .all<Row>();
  return results
    .toSorted((a, b) => a.since - b.since)
    .map(({ detail, raised, ...row }) => ({
      ...row,
      detail: JSON.parse(detail) as AlertBody['detail'],
      isRaised: raised === 1,
    }));
};
