import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { documentIn } from './support/command.ts';
import { useManagement } from './support/management.ts';

const { place, run, okJson, errorOf, file } = useManagement();
const DOCUMENT = join(ROOT, 'examples/openapi.yaml');
const PRICES = join(ROOT, 'examples/prices.json');

describe('tools import', () => {
  // The stack's gateway resolves `/…` against the demo upstream, whose port varies.
  const options = [DOCUMENT, '--prices', PRICES, '--upstream', '/', '--namespace', 'words'];

  test('sells the demo upstream’s OpenAPI document, and its tools are paid', async () => {
    const preview = await run('tools', 'import', ...options, '--dry-run');
    expect(preview.code, preview.stderr).toBe(0);
    expect(preview.stdout).toMatch(
      /\+ words\.translate_text {2}\$0\.02, POST \/tools\/words\.transl/,
    );
    expect(preview.stdout).toMatch(/\+ words\.echo_path {2}\$0\.001/);
    expect((await run('tools', 'import', ...options)).stderr).toContain('--yes');
    expect(await okJson('tools', 'import', ...options, '--yes')).toMatchObject({
      applied: ['words.define', 'words.translate_text', 'words.measure_text', 'words.echo_path'],
      skipped: [],
      notes: [],
      raced: [],
    });
    expect(await okJson('tools', 'get', 'words.define')).toMatchObject({
      tool: { upstream: '/lookup', price: '$0.001', inputSchema: { required: ['word'] } },
    });

    const translated = await run(
      'call',
      '/tools/words.translate_text',
      '-d',
      '{"text":"hello","to":"fr"}',
      '--json',
    );
    expect(documentIn(translated)).toMatchObject({
      ...{ status: 200, body: { text: 'bonjour' }, charged: '20000' },
      receipt: { verified: true },
    });
    // The caller sends a path argument in the query. The gateway puts it into the upstream's path as one segment.
    const echoed = await run('call', '/tools/words.echo_path?path=a%20b&x=1', '--json');
    expect(documentIn(echoed)).toMatchObject({
      ...{ status: 200, charged: '1000' },
      body: { path: '/echo/a%20b?x=1' },
    });
    const climbing = await run('call', '/tools/words.echo_path?path=..', '--json');
    expect(climbing.code).not.toBe(0);
    expect(climbing.stdout).toContain('query.path');
  });

  test('imported again, shows the difference and updates', async () => {
    await okJson('tools', 'import', ...options, '--yes');
    expect((await run('tools', 'import', ...options, '--yes')).stdout).toContain('same');
    const text = await readFile(DOCUMENT, 'utf8');
    const changed = await file('changed.yaml', text.replace('Measure a text', 'Count a text'));
    await okJson('tools', 'disable', 'words.measure_text');
    const second = await run('tools', 'import', changed, ...options.slice(1), '--yes');
    expect(second.stdout).toMatch(
      /~ words\.measure_text\n +description {2}Measure a text.* → Count/,
    );
    expect(await okJson('tools', 'get', 'words.measure_text')).toMatchObject({
      tool: { disabled: true, description: expect.stringMatching(/^Count a text/) },
    });
  });

  test('writes a file of tools instead, and names what it skips', async () => {
    const path = join(place().directory, 'sold.json');
    const json = JSON.stringify({
      openapi: '3.0.3',
      servers: [{ url: 'https://api.example/v1' }],
      paths: {
        '/a': { get: { operationId: 'readA' } },
        // Few documents mark a body as required.
        '/b': { post: { requestBody: { content: { 'multipart/form-data': {} } } } },
      },
    });
    const document = await file('openapi.json', json);
    const words = ['tools', 'import', document, '--price', '0.01', '--file', path];
    expect(await okJson(...words, '--yes')).toMatchObject({
      applied: ['read_a'],
      skipped: [{ operation: 'POST /b', why: expect.stringContaining('multipart/form-data') }],
    });
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      tools: [{ id: 'read_a', upstream: 'https://api.example/v1/a', price: '$0.01' }],
    });
    expect(await okJson(...words, '--yes')).toMatchObject({ applied: [], planned: [] });
    const nothing = await run(...words, '--yes', '--only', 'POST *');
    expect(nothing.code).toBe(1);
    expect(nothing.stdout).toContain('No operation of the document can be sold.');
  });

  test('refuses documents that it cannot import', async () => {
    const large = await file('large.yaml', 'x'.repeat(17 * 1024 * 1024));
    for (const path of [large, await file('not.yaml', 'a: ['), await file('none.yaml', 'a: 1')]) {
      expect(await errorOf(2, 'tools', 'import', path, '--price', '1', '--yes')).toMatchObject({
        code: 'usage',
      });
    }
  });
});
