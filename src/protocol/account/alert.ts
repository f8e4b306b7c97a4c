/** An alert for operators or owners (entry `alert.raised`). */
export type AlertBody = {
  readonly rule:
    | 'soft_limit'
    | 'breaker'
    | 'debt'
    | 'stuck'
    | 'dead_letter'
    | 'webhook_disabled'
    | 'gas'
    | 'reconciliation'
    | 'catalogue_stale'
    | 'database_size'
    | 'database_unavailable'
    | 'backend';
  readonly detail: Readonly<Record<string, string | number>>;
};
