import { describe, expect, it } from 'vitest';
import { type ConfigEdit, editConfig } from '../../src/cli/init/config-edit.ts';
import { hasGateway, mountEdits } from '../../src/cli/init/mount-edits.ts';
import { mountFaults, mountNotes } from '../../src/cli/init/mount-faults.ts';
import { parseJsonc } from '../../src/cli/lib/jsonc.ts';
import {
  MAX_PROJECT_NAME,
  resourceName,
  withResourceNames,
} from '../../src/cli/lib/resource-names.ts';
import {
  parseConfigText,
  type Table,
  tablesAt,
  type WranglerConfig,
} from '../../src/cli/lib/wrangler-config.ts';
import { unifiedDiff } from '../../src/cli/lib/unified-diff.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../dev/root.ts';
import { isOwnCron } from '../../src/mount.ts';
import { SHOP } from './support/shop.ts';

const tableOf = (file: WranglerConfig['file'], text: string): Table => {
  const table = parseConfigText(file, text);
  if (!table.ok) throw new Error(table.error);
  return table.value;
};

const edit = (file: WranglerConfig['file'], text: string, ...edits: readonly ConfigEdit[]) =>
  editConfig({ file, text, table: tableOf(file, text) }, edits)?.text;

const crons: ConfigEdit = { kind: 'append', path: ['triggers', 'crons'], value: '* * * * *' };
const queue: ConfigEdit = {
  kind: 'append',
  path: ['queues', 'producers'],
  value: { binding: 'B', queue: 'b' },
};
const payTo: ConfigEdit = { kind: 'set', path: ['vars', 'PAY_TO'], value: '{"a":"b"}' };

describe('edits of wrangler.toml', () => {
  it.each([
    ['an empty file', '', '[vars]\nPAY_TO = \'{"a":"b"}\'', payTo],
    ['a table', '[vars] # mine\nA = "1" # a\n', 'A = "1" # a\nPAY_TO = \'{"a":"b"}\'', payTo],
    [
      'an inline table',
      'vars = { A = "1" } # a\n',
      '{ A = "1", PAY_TO = \'{"a":"b"}\' } # a',
      payTo,
    ],
    ['an array', '[triggers]\ncrons = ["1"] # a\n', 'crons = ["1", "* * * * *"] # a', crons],
    [
      'tables of an array',
      '[[queues.producers]]\nbinding = "A"\n',
      '[[queues.producers]]\nbinding = "B"',
      queue,
    ],
    [
      'an array of inline tables',
      '[queues]\nproducers = [{ binding = "A" }] # a\n',
      'binding = "B"',
      queue,
    ],
    [
      'a table after the array',
      '[[queues.producers]]\nbinding = "A"\n[dev]\nport = 1\n',
      'port = 1',
      queue,
    ],
  ])('keep everything else in %s', (_, text, expected, ...edits) => {
    const edited = edit('wrangler.toml', text, ...edits);
    expect(edited).toContain(expected);
  });

  it('keep the line ends of Windows', () => {
    const edited = edit(
      'wrangler.toml',
      '# a\r\nname = "a"\r\n\r\n[vars]\r\nA = "1"\r\n',
      queue,
      payTo,
    );
    expect(edited?.replaceAll('\r\n', '')).not.toContain('\n');
    expect(edited).toContain('# a\r\n');
  });

  it('refuse a form in which the edit has no place', () => {
    expect(edit('wrangler.toml', 'queues = "none"\n', queue)).toBeUndefined();
    expect(edit('wrangler.jsonc', '{ "queues": "none" }', queue)).toBeUndefined();
  });
});

describe('edits of wrangler.jsonc', () => {
  it.each([
    ['an empty object', '{}', '{\n\t"vars": {\n\t\t"PAY_TO": "{\\"a\\":\\"b\\"}"\n\t}\n}', payTo],
    [
      'comments behind the last value',
      '{\n  "vars": {\n    "A": "1" // a\n    // b\n  } /* c */\n}\n',
      '{\n  "vars": {\n    "A": "1", // a\n    // b\n    "PAY_TO": "{\\"a\\":\\"b\\"}"\n  } /* c */\n}\n',
      payTo,
    ],
    [
      'trailing commas',
      '{\n  "queues": {\n    "producers": [\n      { "binding": "A" },\n    ],\n  },\n}\n',
      '{\n  "queues": {\n    "producers": [\n      { "binding": "A" },\n      {\n        "binding": "B",\n        "queue": "b"\n      },\n    ],\n  },\n}\n',
      queue,
    ],
    [
      'one line',
      '{ "triggers": { "crons": ["1"] } }',
      '{ "triggers": { "crons": ["1", "* * * * *"] } }',
      crons,
    ],
    [
      'strings that look like comments',
      '{ "a": "// \\" /*" }',
      '{ "a": "// \\" /*", "triggers": { "crons": [ "* * * * *" ] } }',
      crons,
    ],
  ])('keep everything else with %s', (_, text, expected, ...edits) => {
    expect(edit('wrangler.jsonc', text, ...edits)).toBe(expected);
  });

  it.each([
    '',
    '{',
    '{"a": 1,, }',
    '{"a": 1 "b": 2}',
    '{"a": 1}x',
    '{"a": 01}',
    "{'a': 1}",
    '{"a": 1, "a": 2}',
    '[',
    '"',
    '{"a": nul}',
    `${'['.repeat(100_000)}`,
  ])('refuse %j', (text) => {
    expect(() => parseJsonc(text)).toThrow(SyntaxError);
  });
});

const template = (name: string): Table =>
  tableOf(
    'wrangler.toml',
    withResourceNames(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'), name),
  );
const shop = (changes: Table = {}): Table => ({
  ...tableOf('wrangler.toml', SHOP['wrangler.toml'] ?? ''),
  ...changes,
});
const mounted = (table: Table, name = 'shop'): Table => {
  const text = JSON.stringify(table);
  const config = editConfig(
    { file: 'wrangler.json', text, table },
    mountEdits(table, template(name)),
  );
  return config?.table ?? {};
};

describe('what a Worker needs for the gateway', () => {
  it('has each binding once, after those of the Worker', () => {
    const table = mounted(shop());
    expect(hasGateway(table)).toBe(true);
    expect(mountEdits(table, template('shop'))).toEqual([]);
    expect(tablesAt(table, 'migrations')).toEqual([
      { tag: 'v1', new_sqlite_classes: ['Counter'] },
      { tag: 'countersign-v1', new_sqlite_classes: ['AgentAccount', 'Relayer', 'AuditLog'] },
    ]);
    expect(tablesAt(table, 'queues', 'consumers').map((each) => each['queue'])[1]).toBe(
      'shop-countersign-settlement',
    );
    expect(table['triggers']).toEqual({ crons: ['* * * * *', '0 3 * * *', '0-59 * * * *'] });
    const { crons } = template('shop')['triggers'] as { readonly crons: readonly string[] };
    expect(crons.map((cron) => isOwnCron(cron))).toEqual([true]);
    expect(mounted(shop({ triggers: { crons: [] } }))['triggers']).toEqual({ crons });
  });

  it('takes no assets where the Worker has its own, and lists secrets only where the Worker does', () => {
    const assets = { directory: 'public' };
    expect(mounted(shop({ assets }))['assets']).toEqual(assets);
    expect(mounted(shop({ site: { bucket: 'public' } }))['assets']).toBeUndefined();
    expect(mounted(shop())['secrets']).toBeUndefined();
    expect(mounted(shop({ secrets: { required: ['MINE'] } }))['secrets']).toEqual({
      required: ['MINE', 'RECEIPT_KEY'],
    });
  });

  it('keeps the queues of an earlier release, which may hold messages, and adds what it lacked', () => {
    const current = template('shop');
    const old: Table = {
      ...current,
      durable_objects: { bindings: [{ name: 'AGENT_ACCOUNT', class_name: 'AgentAccount' }] },
      migrations: [{ tag: 'countersign-v1', new_sqlite_classes: ['AgentAccount'] }],
      queues: {
        producers: [{ binding: 'SETTLEMENT_QUEUE', queue: 'countersign-settlement' }],
        consumers: [{ queue: 'countersign-settlement', max_batch_size: 10 }],
      },
    };
    const table = mounted(old);
    expect(tablesAt(table, 'durable_objects', 'bindings').map(({ name }) => name)).toEqual([
      'AGENT_ACCOUNT',
      'RELAYER',
      'AUDIT_LOG',
    ]);
    expect(tablesAt(table, 'migrations').at(-1)).toEqual({
      tag: 'countersign-v2',
      new_sqlite_classes: ['Relayer', 'AuditLog'],
    });
    const names = tablesAt(table, 'queues', 'consumers').map((each) => each['queue']);
    expect(names).toHaveLength(6);
    expect(names).toContain('countersign-settlement-dead');
    expect(names.join()).not.toContain('shop-');
    expect(tablesAt(table, 'queues', 'producers')).toContainEqual({
      ...{ binding: 'SETTLEMENT_DEAD_QUEUE', queue: 'countersign-settlement-dead' },
    });
    expect(table['triggers']).toEqual(old['triggers']);
  });

  it.each([
    ['environments', { env: { production: {} } }, 'environments (production)'],
    ['no script', { main: undefined }, 'no `main`'],
    ['an old date', { compatibility_date: '2024-01-01' }, 'compatibility_date must be 2025-11-17'],
    ['an old date without Node', { compatibility_flags: [] }, 'must be 2026-08-04'],
    ['a variable of the same name', { vars: { PAUSED: 'no' } }, 'uses the name PAUSED'],
    ['a binding of the same name', { kv_namespaces: [{ binding: 'METRICS' }] }, 'name METRICS'],
    ['a rate limit of the same name', { ratelimits: [{ name: 'SHIELD' }] }, 'name SHIELD'],
    [
      'a queue whose name is taken',
      { queues: { consumers: [{ queue: 'my-countersign-audit' }] } },
      'my-countersign-audit',
    ],
    ['no bundle', { no_bundle: true }, 'no_bundle'],
  ])('is refused with %s', (_, changes, reason) => {
    expect(mountFaults(shop(), template('shop'))).toEqual([]);
    expect(mountFaults(shop(changes), template('shop')).join()).toContain(reason);
  });

  it('leaves to the operator what changes the rest of the Worker, and names it', () => {
    const flags = { compatibility_flags: ['global_fetch_strictly_public'] };
    const logs = { observability: { enabled: true } };
    expect(mountNotes(shop(flags))).toEqual([]);
    expect(mountNotes(shop()).join()).toContain('global_fetch_strictly_public');
    expect(mountNotes(shop({ ...flags, ...logs })).join()).toContain('invocation_logs = false');
    const quiet = { observability: { enabled: true, logs: { invocation_logs: false } } };
    expect(mountNotes(shop({ ...flags, ...quiet }))).toEqual([]);
  });

  it('is named after the Worker, differently for each', () => {
    expect(resourceName('shop')).toBe('shop');
    const names = ['the-shop', 'the_shop', 'The-shop', 'a'.repeat(60), `${'a'.repeat(60)}b`].map(
      resourceName,
    );
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) {
      expect(name).toMatch(/^[a-z0-9][a-z0-9-]*[a-z0-9]$/);
      expect(name.length).toBeLessThanOrEqual(MAX_PROJECT_NAME);
    }
  });
});

describe('a unified diff', () => {
  it('is that of diff -u', () => {
    const before = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', ''].join('\n');
    const after = before.replace('b\n', 'B\n').replace('i\n', 'i\nj');
    expect(unifiedDiff('x', before, after)).toBe(
      `--- a/x\n+++ b/x\n@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n d\n e\n@@ -7,3 +7,4 @@\n g\n h\n i\n+j\n\\ No newline at end of file`,
    );
    expect(unifiedDiff('x', undefined, 'a\n')).toBe('--- /dev/null\n+++ b/x\n@@ -0,0 +1,1 @@\n+a');
    expect(unifiedDiff('x', 'a\n', undefined)).toBe('--- a/x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a');
    expect(unifiedDiff('x', 'a\n', 'a\n')).toBe('');
  });
});
