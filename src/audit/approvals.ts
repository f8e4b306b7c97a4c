import type { Entry, Json } from '../protocol/entry.ts';
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

const statementOf = (db: D1Database, entry: Entry, into: TablePrefix): D1PreparedStatement[] => {
  const { type, decision, rule } = entry;
  if (type === 'call.parked') return [insert(db, entry, into)];
  if (type === 'call.approved' || type === 'call.refused')
    return [decide(db, entry, decision, into)];
  // Only the entry of a call that has waited names this rule.
  return type === 'call.accepted' && rule === 'approval' ? [decide(db, entry, 'used', into)] : [];
};

const insert = (db: D1Database, entry: Entry, into: TablePrefix): D1PreparedStatement => {
  const { account, call, seq, at, amounts, outcome = {}, payment = {} } = entry;
  return db
    .prepare(insertInto(into))
    .bind(
      ...[account, call, seq, at, Number(outcome['until'] ?? at)],
      ...[entry.tool ?? '', entry.request ?? '', text(payment['asset']) ?? ''],
      ...[Number(amounts?.['price'] ?? 0), text(outcome['asked']) ?? account],
      ...[Number(outcome['above'] ?? 0), entry.policy ?? ''],
      text(outcome['approver']) ?? 'operator',
    );
};

/** A call whose time has ended names no person: its evidence is empty. */
const decide = (
  db: D1Database,
  entry: Entry,
  state: string | undefined,
  into: TablePrefix,
): D1PreparedStatement => {
  const { account, call, seq, at, outcome = {}, evidence = {} } = entry;
  const by = text(evidence['by']);
  return db
    .prepare(decideIn(into))
    .bind(
      ...[
        account,
        call,
        seq,
        state ?? 'expired',
        by,
        text(evidence['role']),
        by === null ? null : at,
      ],
      state === 'refused' ? text(outcome['reason']) : null,
    );
};

const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);
