import { describe, expect, it } from 'vitest';
import page from '../../../docs/management.md?raw';
import { ALERT_RULES } from '../../../src/protocol/alert.ts';
import { problemOf, type Reason } from '../../../src/protocol/problem/reason.ts';
import { CALL_STATES, SETTLEMENT_STATES } from '../../../src/management/call.route.ts';
import { DEFAULT_PAGE, MAX_PAGE } from '../../../src/management/fields.ts';
import { DIFFERENCE_STATES } from '../../../src/management/reconciliation.route.ts';
import { SPEND_KEYS } from '../../../src/management/spend.route.ts';
import { withRouteTables } from '../../../dev/openapi/route-tables.ts';
import { expectText } from '../docs/expect-text.ts';

/** The text between two markers. */
const between = (name: string): string => {
  const [, text] =
    new RegExp(`<!-- ${name}-start -->\n(.*?)<!-- ${name}-end -->`, 's').exec(page) ?? [];
  if (text === undefined) throw new Error(`no marks ${name}`);
  return text;
};

/** Members that some reason's text may need. */
const ANY_MEMBERS = {
  ...{ field: 'x', hint: 'x', faults: [], networks: [], audience: 'x', tool: 'x', intent: {} },
  ...{ current: '0x00', what: 'thing', credit: '0', call: '0x00', retryAfter: 1 },
};

describe('docs/management.md', () => {
  it('has a row for every alert', () => {
    const [, table = ''] = /^\| rule \| when \|(.*?)\n\n/ms.exec(page) ?? [];
    const rows = [...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name = '']) => name);
    expect(rows.toSorted()).toEqual(ALERT_RULES.toSorted());
  });

  it('has the tables that `npm run docs` writes', () => {
    expect(withRouteTables(page)).toBe(page);
  });

  it('lists each refusal with its status', () => {
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

  it('lists the values of each query', () => {
    for (const value of [
      ...SPEND_KEYS,
      ...CALL_STATES,
      ...SETTLEMENT_STATES,
      ...DIFFERENCE_STATES,
    ]) {
      expectText(page, `\`${value}\``);
    }
    expectText(page, `\`limit\` is 1 to ${MAX_PAGE}, ${DEFAULT_PAGE} where it is missing`);
  });
});
