import { describe, expect, it } from 'vitest';
import { applied, type ConfigEdit, editConfig } from '../../src/cli/init/config-edit.ts';
import { hasGateway, mountEdits } from '../../src/cli/init/mount-edits.ts';
import { mountFaults, mountNotes } from '../../src/cli/init/mount-faults.ts';
import { pastesOf } from '../../src/cli/init/paste.ts';
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
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../dev/root.ts';
import { isOwnCron } from '../../src/worker/mount.ts';
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
const secret: ConfigEdit = { kind: 'append', path: ['secrets', 'required'], value: 'B' };

describe('settings in wrangler.toml', () => {
  it.each([
    ['a table', '[vars] # mine\nA = "1" # a\n', 'A = "1" # a\nPAY_TO = \'{"a":"b"}\'', payTo],
    [
      'an inline table',
      'vars = { A = "1" } # a\n',
      '{ A = "1", PAY_TO = \'{"a":"b"}\' } # a',
      payTo,
    ],
    ['an array', '[secrets]\nrequired = ["A"] # a\n', 'required = ["A", "B"] # a', secret],
  ])('keep everything else in %s', (_, text, expected, ...edits) => {
    const edited = edit('wrangler.toml', text, ...edits);
    expect(edited).toContain(expected);
  });

  it('keep the line ends of Windows', () => {
    const edited = edit('wrangler.toml', '# a\r\nname = "a"\r\n\r\n[vars]\r\nA = "1"\r\n', payTo);
    expect(edited?.replaceAll('\r\n', '')).not.toContain('\n');
    expect(edited).toContain('# a\r\n');
  });

  it('are refused where they have no place', () => {
    expect(edit('wrangler.toml', 'vars = "none"\n', payTo)).toBeUndefined();
    expect(edit('wrangler.jsonc', '{ "vars": "none" }', payTo)).toBeUndefined();
  });
});

describe('settings in wrangler.jsonc', () => {
  it.each([
    [
      'comments',
      '{\n  // a\n  "vars": {\n    // b\n    "A": "1"\n    // c\n  } /* d */\n}\n',
      '{\n  // a\n  "vars": {\n    // b\n    "A": "1",\n    "PAY_TO": "{\\"a\\":\\"b\\"}"\n    // c\n  } /* d */\n}\n',
      payTo,
    ],
    [
      'strings that look like comments, and a comma at the end',
      '{\n  "A": "// \\" /*",\n  "secrets": {\n    "required": [\n      "A",\n    ],\n  },\n}\n',
      '{\n  "A": "// \\" /*",\n  "secrets": {\n    "required": [\n      "A",\n      "B",\n    ],\n  },\n}\n',
      secret,
    ],
  ])('keep everything else with %s', (_, text, expected, ...edits) => {
    expect(edit('wrangler.jsonc', text, ...edits)).toBe(expected);
  });

  it.each(['', '{', '{"a": 1,, }', '{"a": 1 "b": 2}', '{"a": 1}x', '{"a": 01}', '[', '{"a": nul}'])(
    'are refused in %j, with the line of the fault',
    (text) => {
      const parsed = parseConfigText('wrangler.jsonc', `\n${text}`);
      expect(parsed).toMatchObject({ ok: false });
      expect(parsed.ok ? '' : parsed.error).toMatch(/^wrangler\.jsonc is not JSON: \w+ in line 2$/);
    },
  );
});

describe('lines to paste', () => {
  const pastes = (file: WranglerConfig['file'], text: string, ...edits: readonly ConfigEdit[]) =>
    pastesOf({ file, text, table: tableOf(file, text) }, edits).map(
      ({ line, how, text: pasted }) => `${line} ${how}: ${pasted}`,
    );

  it('name the line of the table, the list or the value in wrangler.toml', () => {
    const main: ConfigEdit = { kind: 'set', path: ['main'], value: 'b.ts' };
    const text = 'name = "a"\nmain = "a.ts"\n[vars]\nA = "1"\n[triggers]\ncrons = ["1"]\n';
    expect(pastes('wrangler.toml', text, main, payTo, crons, queue)).toEqual([
      '2 instead of main: main = "b.ts"',
      '3 add to vars: PAY_TO = \'{"a":"b"}\'',
      '6 add to triggers.crons: "* * * * *"',
      '7 add at the end of the file: [[queues.producers]]\nbinding = "B"\nqueue = "b"',
    ]);
    expect(pastes('wrangler.toml', 'queues = { producers = [] }\n', queue)).toEqual([
      '1 add to queues.producers: { binding = "B", queue = "b" }',
    ]);
    expect(pastes('wrangler.toml', '[queues]\nproducers = [{ binding = "A" }]\n', queue)).toEqual([
      '2 add to queues.producers: { binding = "B", queue = "b" }',
    ]);
    expect(pastes('wrangler.toml', '[[queues.producers]]\nbinding = "A"\n', queue, payTo)).toEqual([
      '3 add at the end of the file: [[queues.producers]]\nbinding = "B"\nqueue = "b"\n\n[vars]\nPAY_TO = \'{"a":"b"}\'',
    ]);
  });

  it('name the line of the object or the list in wrangler.jsonc', () => {
    const text =
      '{\n  // "vars": {}\n  "vars": { "A": "1" },\n  "triggers": {\n    "crons": ["1"],\n  },\n}\n';
    expect(pastes('wrangler.jsonc', text, payTo, crons, queue)).toEqual([
      '1 add to the outermost object: "queues": {\n  "producers": [\n    {\n      "binding": "B",\n      "queue": "b"\n    }\n  ]\n}',
      '3 add to vars: "PAY_TO": "{\\"a\\":\\"b\\"}"',
      '5 add to triggers.crons: "* * * * *"',
    ]);
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
/** Applies every edit to the table. */
const mounted = (table: Table, name = 'shop'): Table =>
  mountEdits(table, template(name)).reduce((at, each) => applied(at, each.path, each) ?? {}, table);

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
    expect(mountNotes(shop(flags))).toEqual([expect.stringContaining('src/index.ts')]);
    expect(mountNotes(shop()).join()).toContain('global_fetch_strictly_public');
    expect(mountNotes(shop({ ...flags, ...logs })).join()).toContain('invocation_logs = false');
    const quiet = { observability: { enabled: true, logs: { invocation_logs: false } } };
    expect(mountNotes(shop({ ...flags, ...quiet }))).toHaveLength(1);
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
