import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EntryEvent } from '../../src/client/management-events.ts';
import { inputOf } from '../../src/cli/lib/input.ts';
import { timeIn } from '../../src/cli/lib/times.ts';
import { CliError } from '../../src/cli/lib/errors.ts';
import type { AdminClient } from '../../src/cli/lib/admin-client.ts';
import { accountNamed, namesOf } from '../../src/cli/lib/account-names.ts';
import { createOutput } from '../../src/cli/lib/output.ts';
import { withFlags } from '../../src/cli/lib/policy-flags.ts';
import { differences } from '../../src/cli/lib/policy-text.ts';
import { bar, linesOf, spendText, totalOf } from '../../src/cli/spend/report.ts';
import { differencesText, runsText } from '../../src/cli/settlements/reconcile.ts';
import { createDecisions, decisionOf, shownAt } from '../../src/cli/tail/decision.ts';
import { planOf } from '../../src/cli/apply.ts';
import { etagOf } from '../../src/cli/lib/tools.ts';
import { createSequence } from '../../src/cli/tail/feeds.ts';
import { decisionText } from '../../src/cli/tail/line.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { ItemOf } from '../../src/management/types.ts';
import type { ToolDocument } from '../../src/management/tool.route.ts';
import { parsePolicy } from '../../src/policy/policy.ts';

/** A terminal of so many columns, without colours. */
const outOf = (columns: number) => {
  const stream = { isTTY: true, columns, write: () => true, once: () => undefined };
  return createOutput({
    json: false,
    colour: false,
    env: { ...process.env, NO_COLOR: '1' },
    stdout: stream,
    stderr: stream,
  });
};
const names = {
  known: new Map<string, string>(),
  of: (account: string, label?: string) =>
    label ?? (account.endsWith('d6cf') ? 'owner' : account.slice(13)),
};
const longest = (text: string): number =>
  Math.max(...text.split('\n').map((line) => [...line].length));

const policy = (document: unknown) => {
  const parsed = parsePolicy(document);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

const NOW = 1_800_000_000;
const AT = 'eip155:84532:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf';

const entry = (fields: Partial<EntryEvent>): EntryEvent =>
  ({
    ...{ v: 1, type: 'call.denied', seq: 7, account: AT, prev: '0x00', salt: '0x00', at: NOW },
    ...fields,
  }) as EntryEvent;

describe('flags of a policy', () => {
  const changed = (before: object, options: Record<string, string>) =>
    withFlags(before, inputOf([], options), NOW);

  test('change the fields that they name; none removes a field', () => {
    const before = {
      perCall: '$1',
      tools: ['a'],
      windows: [
        { every: 'day', limit: '$2' },
        {
          every: 'day',
          limit: '$3',
          asset: 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
        },
        { every: 3600, limit: '$4' },
      ],
    };
    expect(changed(before, { perDay: '$5' })).toEqual({
      ...before,
      windows: [before.windows[1], before.windows[2], { every: 'day', limit: '$5.00' }],
    });
    expect(changed(before, { perDay: 'none', perCall: 'none' })).toEqual({
      tools: ['a'],
      windows: [before.windows[1], before.windows[2]],
    });
    expect(changed(before, { tools: '' })).toMatchObject({ tools: [] });
    expect(
      changed(
        {},
        { until: '2026-12-31', rate: '60/1m', repeat: '3/10s', alert: '70%', payees: 'any' },
      ),
    ).toEqual({
      validUntil: 1_798_675_200,
      rate: { limit: 60, seconds: 60 },
      repeat: { times: 3, seconds: 10 },
      softPercent: 70,
      payees: [`0x${'f'.repeat(40)}`],
    });
  });

  test.each([
    ['perCall', '0.0000001'],
    ['perCall', '1,5'],
    ['perCall', '.5'],
    ['perCall', '0x5'],
    ['perCall', '5U'],
    ['perCall', '$0.0000001'],
    ['perDay', '-1'],
    ['rate', '60'],
    ['rate', '0/60s'],
    ['alert', '100'],
    ['until', '2026-02-31'],
    ['until', 'soon'],
    ['payees', 'alice'],
  ])('reject --%s %s', (option, value) => {
    expect(() => changed({}, { [option]: value })).toThrow(/takes|no address/);
  });

  test('accept days, times and durations', () => {
    expect(timeIn('30d', '--until', NOW)).toBe(NOW + 30 * 86_400);
    expect(timeIn('2026-12-31T12:00:00Z', '--until', NOW)).toBe(1_798_718_400);
    expect(timeIn('1798675200', '--until', NOW)).toBe(1_798_675_200);
  });
});

test('compares policies in human units, and prints different values differently', () => {
  const before = policy({
    perCall: '0u',
    rate: { limit: 60, seconds: 60 },
    windows: [{ every: 90_061, limit: '$1' }],
  });
  const after = policy({
    perCall: '50000u',
    rate: { limit: 60, seconds: 60 },
    windows: [{ every: 90_000, limit: '$1' }],
    validUntil: 1_798_675_200,
    tools: [],
  });
  expect(differences(before, after)).toEqual([
    { name: 'per call', before: '$0.00', after: '$0.05' },
    { name: 'per 90061 s', before: '$1.00', after: undefined },
    { name: 'tools', before: undefined, after: 'none' },
    { name: 'per 25 h', before: undefined, after: '$1.00' },
    { name: 'until', before: undefined, after: '2026-12-31T00:00:00Z' },
  ]);
  expect(differences(after, after)).toEqual([]);
});

test('never prints a label as if it were a key of this machine', async () => {
  const mine = '0x7e5f4552091a69125d5dfcb7b8c2659029395bdf';
  const session = {
    keystore: {
      entries: async () =>
        Promise.resolve([{ kind: 'key', name: 'treasury', address: mine, file: '' }]),
    },
    profile: { stack: async () => Promise.resolve(undefined) },
  };
  const { of } = await namesOf(session as never);
  expect(of(`eip155:84532:${mine}`)).toBe('treasury');
  expect(of(`eip155:84532:${mine}`, 'crawler')).toBe('treasury (crawler)');
  expect(of('eip155:84532:0x2b5a', 'treasury\u001B[2J')).toBe('0x2b5a (treasury)');
  expect(of('eip155:84532:0x2b5a', 'craw\u001B[2Jler')).toBe('crawler');
  expect(of('eip155:84532:0x2b5a')).toBe('0x2b5a');
});

describe('a name that no key of this machine has', () => {
  const adminThat = (list: () => AsyncGenerator, code = 'unknown_account') =>
    ({
      role: 'owner',
      own: async () => AT,
      list,
      call: async () => Promise.reject(new CliError('No.', { hint: 'No.', code })),
      session: {
        progress: { during: async (_: string, work: () => Promise<unknown>) => work() },
        profile: {
          named: async () =>
            Promise.reject(new CliError('No.', { hint: 'No.', code: 'unknown_key' })),
        },
      },
    }) as unknown as AdminClient;
  const failing = (code: string) =>
    // oxlint-disable-next-line require-yield
    async function* (): AsyncGenerator {
      throw new CliError('No.', { hint: 'No.', code });
    };
  async function* one(): AsyncGenerator {
    yield { account: AT, grant: '0x', status: 'active' };
  }

  test.each([
    ['an owner without a tree', 'unknown_account', 'unknown_name'],
    ['a gateway in trouble', 'storage_unavailable', 'storage_unavailable'],
  ])('is searched in the tree: %s', async (_, failure, code) => {
    await expect(accountNamed(adminThat(failing(failure)), 'nightly')).rejects.toMatchObject({
      code,
    });
  });

  test('is not reported as unknown when the account cannot be read', async () => {
    const read = async (code: string) => accountNamed(adminThat(one, code), 'nightly');
    await expect(read('storage_unavailable')).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
    await expect(read('unknown_account')).rejects.toMatchObject({ code: 'unknown_name' });
  });
});

describe('a decision of tail', () => {
  test('shows why a call was denied, and by whose rule', () => {
    const above = 'eip155:84532:0x2b5ad5c4795c026514f8317c7a215e218dccd6cf';
    const line = decisionOf(
      entry({
        rule: 'window',
        tool: 'lookup',
        count: 3,
        outcome: { account: above, limit: { limit: '1000000', remaining: '500' } },
      }),
    );
    expect(line).toMatchObject({
      verdict: 'denied',
      rule: 'window',
      count: 3,
      by: above,
      left: '500',
      limit: '1000000',
    });
    if (line === undefined) throw new Error('no line');
    const text = decisionText(outOf(140), line, names, 'alice');
    expect(text).toMatch(
      /^08:00:10 alice +lookup +denied +window, limit \$1\.00, left \$0\.0005, by owner, 3 times since 08:00:00$/,
    );
    expect(text).not.toContain('\n');
    expect(
      longest(decisionText(outOf(40), line, names, 'somebody with a long name')),
    ).toBeLessThanOrEqual(40);
    expect(longest(decisionText(outOf(80), line, names, 'alice'))).toBeLessThanOrEqual(80);
  });

  test('prints a rate as calls, not money', () => {
    const line = decisionOf(
      entry({ rule: 'rate', outcome: { limit: { limit: '60', remaining: '0' } } }),
    );
    expect(line?.says).toBe('limit 60, left 0');
  });

  test('exists for decisions, not for entries that follow from one', () => {
    const verdict = (fields: Partial<EntryEvent>) => decisionOf(entry(fields))?.verdict;
    expect(verdict({ type: 'call.accepted', amounts: { price: '1000' } })).toBe('allowed');
    expect(verdict({ type: 'call.dispatched' })).toBeUndefined();
    expect(verdict({ type: 'call.finished', outcome: { success: true } })).toBeUndefined();
    expect(verdict({ type: 'call.finished', outcome: { success: false, status: 500 } })).toBe(
      'failed',
    );
    expect(verdict({ type: 'alert.raised', rule: 'debt', outcome: {} })).toBe('alert');
    expect(
      verdict({ type: 'account.status', decision: 'frozen', outcome: { side: 'owner' } }),
    ).toBe('order');
    expect(verdict({ type: 'of.a_later_release' })).toBeUndefined();
  });

  test('shows the charge of a call that ended below its price', () => {
    const decide = createDecisions();
    const call = `0x${'11'.repeat(32)}` as const;
    const begun = { type: 'call.accepted', call, amounts: { price: '50000' } };
    const ended = (charged: string) => ({
      ...{ type: 'call.finished', call, tool: 'summarise', amounts: { charged } },
      outcome: { success: true, status: 200 },
    });
    expect(decide(entry(begun))).toMatchObject({ verdict: 'allowed', price: '50000' });
    const line = decide(entry(ended('1580')));
    expect(line).toMatchObject({ verdict: 'charged', charged: '1580', says: 'of $0.05 at most' });
    if (line === undefined) throw new Error('no line');
    expect(decisionText(outOf(140), line, names, undefined)).toMatch(
      /summarise +\$0\.00158 charged/,
    );
    // A call that ends at its price gets no second line.
    decide(entry(begun));
    expect(decide(entry(ended('50000')))).toBeUndefined();
  });

  test.each<[string, Partial<EntryEvent>, string]>([
    [
      'a payment that was never presented',
      { payment: { state: 'released', paidBy: 'deferred' } },
      'the tool answered 500; nothing charged',
    ],
    [
      'a payment that had moved',
      { payment: { state: 'settled', paidBy: 'upfront' } },
      'the tool answered 500; $0.05 had moved and is credit now',
    ],
    [
      'a tool that gave no answer',
      {
        outcome: { success: false, status: 0, reason: 'timeout' },
        payment: { state: 'none', paidBy: 'credit', kept: true },
      },
      'the tool gave no answer (timeout); the gateway holds the price until the operator resolves the call',
    ],
    [
      'a call that the alarm ended',
      {
        type: 'call.abandoned',
        outcome: { reason: 'no_finish' },
        payment: { state: 'none', paidBy: 'lent' },
      },
      'the tool gave no answer in time; nothing charged',
    ],
    [
      'a settled call that never ran',
      {
        type: 'call.abandoned',
        outcome: { reason: 'never_repeated' },
        payment: { state: 'settled', paidBy: 'upfront' },
      },
      'the payment settled, but the client never repeated the call, so the tool did not run; $0.05 had moved and is credit now',
    ],
  ])('shows what happened to the money of %s', (_, fields, says) => {
    const decide = createDecisions();
    const call = `0x${'22'.repeat(32)}` as const;
    decide(entry({ type: 'call.accepted', call, amounts: { price: '50000' } }));
    const failed = {
      ...{ type: 'call.finished', call, amounts: { charged: '0' } },
      outcome: { success: false, status: 500, reason: 'upstream_status' },
    };
    expect(decide(entry({ ...failed, ...fields }))).toMatchObject({ verdict: 'failed', says });
  });

  test('shows the amount of a credit change', () => {
    const says = (fields: Partial<EntryEvent>) =>
      decisionOf(entry({ amounts: { amount: '1500000' }, ...fields }))?.says;
    expect(says({ type: 'credit.received' })).toBe('$1.50 of credit received');
    expect(says({ type: 'credit.refunded' })).toBe('$1.50 of credit refunded on chain');
    expect(says({ type: 'credit.adjusted', decision: 'added' })).toBe(
      '$1.50 of credit added by the operator',
    );
    expect(says({ type: 'credit.adjusted', decision: 'taken' })).toBe(
      '$1.50 of credit taken by the operator',
    );
  });

  test('shows a label next to the name of a key, never instead of it', async () => {
    const session = {
      keystore: {
        entries: async () =>
          Promise.resolve([
            { kind: 'key', name: 'treasury', address: AT.slice(AT.lastIndexOf(':') + 1), file: '' },
          ]),
      },
      profile: { stack: async () => Promise.resolve(undefined) },
    };
    const line = decisionOf(entry({ type: 'call.accepted', amounts: { price: '1000' } }));
    if (line === undefined) throw new Error('no line');
    const known = await namesOf(session as never);
    expect(decisionText(outOf(40), line, known, 'crawler')).toContain('treasury (crawler)');
  });

  test('has no terminal controls', () => {
    const line = decisionOf(
      entry({
        rule: '\u001B[2Jwindow',
        tool: '\u001B]0;x\u0007tool',
        outcome: { param: '\u001B[31m' },
      }),
    );
    if (line === undefined) throw new Error('no line');
    for (const columns of [40, 80, 200])
      expect(decisionText(outOf(columns), line, names, '\u001B[1mlabel')).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/,
      );
  });
});

describe('decisions of several feeds', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const collect = () => {
    const shown: string[] = [];
    const sequence = createSequence<readonly [number, string]>(
      1500,
      ([time]) => time,
      ([, text]) => shown.push(text),
    );
    return { shown, sequence };
  };

  test('are printed in the order of their times', () => {
    const { shown, sequence } = collect();
    sequence.add([3, 'alice 3']);
    vi.advanceTimersByTime(500);
    sequence.add([2, 'bob 2']);
    sequence.add([4, 'bob 4']);
    vi.advanceTimersByTime(500);
    sequence.add([1, 'carol 1']);
    expect(shown).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(shown).toEqual(['carol 1', 'bob 2', 'alice 3']);
    vi.advanceTimersByTime(1500);
    expect(shown).toEqual(['carol 1', 'bob 2', 'alice 3', 'bob 4']);
  });

  test('of one second keep the order of their log', () => {
    const { shown, sequence } = collect();
    for (const text of ['first', 'second', 'third']) sequence.add([7, text]);
    vi.advanceTimersByTime(1500);
    expect(shown).toEqual(['first', 'second', 'third']);
  });

  test('are flushed once when the command stops', () => {
    const { shown, sequence } = collect();
    sequence.add([2, 'b']);
    sequence.add([1, 'a']);
    sequence.flush();
    vi.advanceTimersByTime(5000);
    expect(shown).toEqual(['a', 'b']);
  });

  test('sort a denial at the end of its ten seconds, where the log has it', () => {
    const denied = decisionOf(entry({ rule: 'rate', at: NOW, count: 3 }));
    const allowed = decisionOf(
      entry({ type: 'call.accepted', at: NOW + 8, amounts: { price: '1' } }),
    );
    if (denied === undefined || allowed === undefined) throw new Error('no line');
    expect(shownAt(denied)).toBeGreaterThan(shownAt(allowed));
  });
});

describe('a spend report', () => {
  const row = (key: string, charged: string, calls = 1) => ({
    key,
    calls,
    charged,
    denied: 0,
    failed: 0,
  });

  test('adds exactly, sorts by spend, and sorts days by date', () => {
    const rows = [
      row('a', '9007199254740993'),
      row('b', '2'),
      row('a', '9007199254740993'),
      row('c', '0', 5),
    ];
    expect(linesOf(rows, 'tool').map(({ key, charged }) => [key, charged])).toEqual([
      ['a', 18_014_398_509_481_986n],
      ['b', 2n],
      ['c', 0n],
    ]);
    expect(totalOf(linesOf(rows, 'tool'))).toMatchObject({
      charged: 18_014_398_509_481_988n,
      calls: 8,
    });
    expect(
      linesOf([row('2026-11-02', '1'), row('2026-11-01', '9')], 'day').map(({ key }) => key),
    ).toEqual(['2026-11-01', '2026-11-02']);
  });

  test('draws bars to an eighth of a column, and none for zero', () => {
    expect([
      bar(8n, 8n, 2),
      bar(4n, 8n, 2),
      bar(1n, 16n, 2),
      bar(1n, 1_000_000n, 2),
      bar(0n, 8n, 2),
      bar(0n, 0n, 2),
    ]).toEqual(['██', '█', '▏', '▏', '', '']);
  });

  test('fits into every terminal', () => {
    const lines = linesOf(
      [row('a-tool-with-a-long-name.and-more-of-it', '123456789', 1000), row('b', '1')],
      'tool',
    );
    for (const columns of [20, 40, 64, 80, 120])
      expect(longest(spendText(outOf(columns), lines, 'tool', names))).toBeLessThanOrEqual(columns);
  });
});

describe('a plan', () => {
  const tool = (id: string, fields: Partial<ToolDocument> = {}): ToolDocument => ({
    ...{ id, method: 'GET', path: `/tools/${id}`, description: id, price: '$0.01' },
    ...{ settlement: 'deferred', upstream: `/${id}` },
    ...fields,
  });
  const item = (document: ToolDocument) =>
    ({
      id: document.id,
      etag: etagOf(document),
      source: 'file',
      disabled: false,
      tool: document,
    }) as never;

  test('removes, then changes, then adds, each with the ETag it read', () => {
    const there = [item(tool('old')), item(tool('same')), item(tool('other'))];
    const wanted = [tool('new'), tool('same'), tool('other', { price: '$0.02' })];
    expect(planOf(there, wanted, false)).toMatchObject([
      { kind: 'remove', id: 'old', etag: etagOf(tool('old')) },
      {
        kind: 'change',
        id: 'other',
        etag: etagOf(tool('other')),
        fields: [{ name: 'price', before: '$0.01', after: '$0.02' }],
      },
      { kind: 'add', id: 'new' },
    ]);
    expect(planOf(there, wanted, true).map(({ kind }) => kind)).toEqual(['change', 'add']);
    expect(planOf(there.slice(1, 2), [tool('same')], false)).toEqual([]);
  });

  test("ignores the order of a tool's members", () => {
    const { id, ...rest } = tool('same');
    expect(planOf([item({ ...rest, id })], [tool('same')], false)).toEqual([]);
  });
});

describe('a reconciliation', () => {
  const OWNER = `eip155:84532:0x${'00'.repeat(18)}d6cf` as const;
  const word: Hex = `0x${'ab'.repeat(32)}`;
  const run = {
    ...({ at: NOW, network: 'eip155:84532', kind: 'new', state: 'complete' } as const),
    ...{ from_block: 1_000, to_block: 2_000, differences: 0 },
    ...{ chain: { payments: 2, amount: '30000' }, ledger: { payments: 1, amount: '10000' } },
  };
  const difference = {
    ...({
      network: 'eip155:84532',
      account: OWNER,
      block: 1_500,
      first_at: NOW,
      seen_at: NOW,
    } as const),
    ...({ kind: 'unrecorded', informational: false, call: word, amount: '20000' } as const),
    ledger: { state: 'released' },
  } satisfies ItemOf<'differences.list'>;

  test('shows chain and ledger of each run', () => {
    const text = runsText(outOf(120), [run, { ...run, kind: 'again', state: 'stopped' }]);
    expect(text).toMatch(/eip155:84532 +1000-2000 +\$0\.03 \(2\) +\$0\.01 \(1\) +complete/);
    expect(text).toContain('stopped, again');
    expect(runsText(outOf(120), [])).toContain('every 15 minutes');
  });

  test('lists differences and counts those that an operator must check', () => {
    const { amount: _, ...missing } = difference;
    const text = differencesText(
      outOf(140),
      [
        difference,
        { ...missing, kind: 'missing', ledger: { state: 'settled', amount: '20000' } },
        { ...difference, kind: 'unsolicited', informational: true, ledger: { state: 'absent' } },
        { ...difference, kind: 'moved', resolved_at: NOW + 1 },
      ],
      names.of,
    );
    expect(text).toMatch(/unrecorded .+ \$0\.02 +released +1500/);
    expect(text).toMatch(/missing .+ nothing +settled \$0\.02/);
    expect(text).toContain('moved, resolved');
    expect(text).toContain('4 differences; an operator must check 2');
    expect(differencesText(outOf(80), [], names.of)).toContain('ledger and chain agree');
  });

  test.each([40, 60, 80])('fits into %i columns', (columns) => {
    const out = outOf(columns);
    expect(longest(runsText(out, [run]))).toBeLessThanOrEqual(columns);
    // A hash cannot wrap.
    const text = differencesText(out, [difference], names.of).replace(word, 'the hash');
    expect(longest(text)).toBeLessThanOrEqual(columns);
  });
});
