import { describe, expect, it } from 'vitest';
import page from '../../../docs/management.md?raw';
import { problemOf } from '../../../src/protocol/problem/problem-members.ts';
import type { Reason } from '../../../src/protocol/problem/reason.ts';
import { CALL_STATES, SETTLEMENT_STATES } from '../../../src/management/call.route.ts';
import { DEFAULT_PAGE, MAX_PAGE } from '../../../src/management/fields.ts';
import { DIFFERENCE_STATES } from '../../../src/management/reconciliation.route.ts';
import { SPEND_KEYS } from '../../../src/management/spend.route.ts';
import { tableOf } from './table.ts';

/** What stands between two marks. */
const between = (name: string): string => {
  const [, text] =
    new RegExp(`<!-- ${name}-start -->\n(.*?)<!-- ${name}-end -->`, 's').exec(page) ?? [];
  if (text === undefined) throw new Error(`no marks ${name}`);
  return text;
};

/** The rows of a table, without its head. */
const rowsOf = (table: string): string => table.trim().split('\n').slice(2).join('\n');

/** Enough for the words of any reason. */
const ANY_MEMBERS = {
  ...{ field: 'x', hint: 'x', faults: [], networks: [], audience: 'x', tool: 'x', intent: {} },
  ...{ current: '0x00', what: 'thing', credit: '0', call: '0x00', retryAfter: 1 },
};

describe('docs/management.md', () => {
  it.each([
    ['admin', '/admin'],
    ['accounts', '/accounts'],
  ] as const)('has the table of %s as the router has it', (name, start) => {
    expect(rowsOf(between(name))).toBe(tableOf(start));
  });

  it('has each refusal with its status', () => {
    const rows = [...between('refusals').matchAll(/^\| (`.*?) \| ([0-9, ]+) \|/gm)];
    expect(rows.length).toBeGreaterThan(8);
    for (const [, names = '', statuses = ''] of rows) {
      const numbers = statuses.split(',').map(Number);
      for (const [at, [, reason = '']] of [...names.matchAll(/`([a-z_]+)`/g)].entries()) {
        const { members } = problemOf({ reason, ...ANY_MEMBERS } as unknown as Reason);
        expect(members.status, reason).toBe(numbers[at] ?? numbers[0]);
      }
    }
  });

  it('has the values that a query takes', () => {
    for (const value of [
      ...SPEND_KEYS,
      ...CALL_STATES,
      ...SETTLEMENT_STATES,
      ...DIFFERENCE_STATES,
    ]) {
      expect(page).toContain(`\`${value}\``);
    }
    expect(page).toContain(`\`limit\` is 1 to ${MAX_PAGE}, ${DEFAULT_PAGE} where it is missing`);
  });
});
