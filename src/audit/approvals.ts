import type { Entry } from '../protocol/entry.ts';
import { type Facts, factsIf } from '../protocol/log/facts.ts';
import type { TablePrefix } from './projection-statements.ts';

const insertInto = (into: TablePrefix): string => `
INSERT OR IGNORE INTO ${into}approvals
  (account, call, seq, parked_at, until, state, tool, request, asset, price, asked, above, policy, approver)
VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)`;

const decideIn = (into: TablePrefix): string => `
UPDATE ${into}approvals SET state = ?4, seq = ?3, decided_by = coalesce(?5, decided_by),
  decided_role = coalesce(?6, decided_role), decided_at = coalesce(?7, decided_at), reason = coalesce(?8, reason)
WHERE account = ?1 AND call = ?2 AND seq < ?3`;

/** The statements that write the rows of calls that wait for a person. A repeated chunk changes nothing. */
export const approvalStatements = (
  db: D1Database,
  entries: readonly Entry[],
  into: TablePrefix = '',
): D1PreparedStatement[] => entries.flatMap((entry) => statementOf(db, entry, into));

const statementOf = (db: D1Database, logged: Entry, into: TablePrefix): D1PreparedStatement[] => {
  const entry = factsIf(logged, 'call.parked', 'call.approved', 'call.refused', 'call.accepted');
  if (entry === undefined) return [];
  switch (entry.type) {
    case 'call.parked':
      return [insert(db, entry, into)];
    case 'call.approved':
    case 'call.refused':
      return [decide(db, entry, entry.decision ?? 'expired', entry.evidence, into)];
    case 'call.accepted':
      // Only the entry of a call that has waited names this rule.
      return entry.rule === 'approval' ? [decide(db, entry, 'used', {}, into)] : [];
  }
};

const insert = (
  db: D1Database,
  entry: Facts<'call.parked'>,
  into: TablePrefix,
): D1PreparedStatement => {
  const { account, call, seq, at, amounts, outcome, payment } = entry;
  return db
    .prepare(insertInto(into))
    .bind(
      ...[account, call, seq, at, outcome.until ?? at],
      ...[entry.tool ?? '', entry.request ?? '', payment.asset ?? ''],
      ...[Number(amounts.price ?? 0), outcome.asked ?? account],
      ...[Number(outcome.above ?? 0), entry.policy ?? ''],
      outcome.approver ?? 'operator',
    );
};

/** A call whose time has ended names no person: its evidence is empty. */
const decide = (
  db: D1Database,
  entry: Facts,
  state: string,
  { by, role }: Facts<'call.approved'>['evidence'],
  into: TablePrefix,
): D1PreparedStatement => {
  const { account, call, seq, at } = entry;
  const reason =
    entry.type === 'call.refused' && state === 'refused' ? entry.outcome.reason : undefined;
  return db
    .prepare(decideIn(into))
    .bind(
      ...[account, call, seq, state, by ?? null, role ?? null],
      ...[by === undefined ? null : at, reason ?? null],
    );
};
