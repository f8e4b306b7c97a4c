import { describe, expect, it, vi } from 'vitest';
import { parseTools } from '../../../src/catalog/schema.ts';
import { readOpenApi } from '../../../src/tool-import/openapi/document.ts';
import { importDocument, type ImportOptions } from '../../../src/tool-import/openapi/import.ts';
import { mergedTools } from '../../../src/tool-import/openapi/merge.ts';
import { readPrices } from '../../../src/tool-import/prices.ts';
import type { ToolDocument } from '../../../src/management/tool.route.ts';

const OPTIONS: ImportOptions = {
  ...{ price: '$0.01', prices: [], settlement: 'deferred', only: [], exclude: [] },
  ...{ upstream: undefined, namespace: undefined, reach: 'public' },
};
type Members = Readonly<Record<string, unknown>>;

const documentOf = (paths: Members, more: Members = {}): Members => ({
  openapi: '3.1.0',
  servers: [{ url: 'https://api.example/v1/' }],
  paths,
  ...more,
});
const imported = (document: Members, options: Partial<ImportOptions> = {}) => {
  const read = readOpenApi(JSON.stringify(document));
  if (!read.ok) throw new Error(read.error);
  const found = importDocument(read.value, { ...OPTIONS, ...options });
  if (!found.ok) throw new Error(found.error);
  return found.value;
};
/** The only tool of an operation, or the reason for skipping it. */
const one = (method: string, path: string, operation: Members, more: Members = {}) => {
  const { tools, skipped } = imported(documentOf({ [path]: { [method]: operation } }, more));
  return tools[0]?.tool ?? skipped[0]?.why;
};
const json = (schema: unknown) => ({ content: { 'application/json': { schema } } });
const query = (name: string, more: Members = {}) => ({ name, in: 'query', schema: {}, ...more });

describe('an operation', () => {
  it('becomes a tool with its parameters and the members of its body as arguments', () => {
    const operation = {
      operationId: 'updatePetByID',
      summary: 'Update a pet.',
      description: 'Changes\nname\u202e or tag.',
      parameters: [
        { $ref: '#/components/parameters/pet' },
        query('dry-run', { schema: { type: 'boolean' } }),
        { name: 'X-Trace', in: 'header', schema: { type: 'string' } },
      ],
      requestBody: { required: true, ...json({ $ref: '#/components/schemas/Pet' }) },
      responses: { 200: { content: { 'text/csv': {} } } },
    };
    const components = {
      parameters: {
        pet: { name: 'pet id', in: 'path', description: 'The pet.', schema: { type: 'string' } },
      },
      schemas: {
        Base: { type: 'object', properties: { id: { readOnly: true } }, required: ['id'] },
        Pet: {
          allOf: [
            { $ref: '#/components/schemas/Base' },
            {
              type: 'object',
              required: ['name'],
              properties: { name: { type: 'string', nullable: true, pattern: '^(a+)+$' } },
            },
          ],
        },
      },
    };
    expect(one('put', '/pets/{pet id}/x', operation, { components })).toEqual({
      id: 'update_pet_by_id',
      method: 'PUT',
      path: '/tools/update_pet_by_id',
      description: 'Update a pet. Changes name or tag.',
      mimeType: 'text/csv',
      price: '$0.01',
      settlement: 'deferred',
      upstream: 'https://api.example/v1/pets/{pet_id}/x',
      requestHeaders: ['x-trace'],
      inputSchema: {
        type: 'object',
        properties: {
          pet_id: { type: 'string', description: 'The pet.' },
          'dry-run': { type: 'boolean' },
          'X-Trace': { type: 'string' },
          name: { type: ['string', 'null'] },
        },
        required: ['pet_id', 'name'],
        additionalProperties: false,
      },
      arguments: {
        pet_id: { path: 'pet_id' },
        'dry-run': { query: 'dry-run' },
        'X-Trace': { header: 'x-trace' },
        name: { pointer: '/name' },
      },
    });
  });

  it('without an id gets one from method and path', () => {
    expect(
      one('get', '/pets/{id}/toys', { parameters: [{ name: 'id', in: 'path' }] }),
    ).toMatchObject({
      id: 'get_pets_id_toys',
      upstream: 'https://api.example/v1/pets/{id}/toys',
    });
    expect(one('get', '/', {})).toMatchObject({ id: 'get', upstream: 'https://api.example/v1' });
  });

  it('keeps arguments of one name apart', () => {
    const parameters = [{ name: 'id', in: 'path' }, query('id')];
    const requestBody = json({ type: 'object', properties: { id: {} } });
    expect(one('post', '/a/{id}', { parameters, requestBody })).toMatchObject({
      upstream: 'https://api.example/v1/a/{path_id}',
      arguments: {
        path_id: { path: 'path_id' },
        query_id: { query: 'id' },
        body_id: { pointer: '/id' },
      },
    });
  });

  it('takes a body that is no plain object as one argument', () => {
    for (const schema of [{ type: 'array', items: {} }, { oneOf: [{ type: 'object' }] }, {}]) {
      expect(one('post', '/a', { requestBody: { required: true, ...json(schema) } })).toMatchObject(
        {
          inputSchema: { properties: { body: schema }, required: ['body'] },
          arguments: { body: { pointer: '' } },
        },
      );
    }
  });

  const LOOP = { components: { schemas: { A: { $ref: '#/components/schemas/A' } } } };
  it.each<[string, Parameters<typeof one>, string]>([
    [
      'a form',
      ['post', '/a', { requestBody: { required: true, content: { 'multipart/form-data': {} } } }],
      'multipart/form-data',
    ],
    [
      'a required cookie',
      ['get', '/a', { parameters: [{ name: 's', in: 'cookie', required: true }] }],
      'is a cookie',
    ],
    [
      'another document',
      ['get', '/a', { parameters: [{ $ref: 'other.yaml#/p' }] }],
      'another document',
    ],
    [
      'a schema elsewhere',
      ['post', '/a', { requestBody: { required: true, ...json({ $ref: 'https://x.example/s' }) } }],
      'same document',
    ],
    [
      'a part of a segment',
      ['get', '/a/{id}.json', { parameters: [{ name: 'id', in: 'path' }] }],
      'whole segment',
    ],
    ['an undescribed placeholder', ['get', '/a/{id}', {}], 'no parameter describes'],
    ['a path that climbs', ['get', '/a/../admin', {}], 'upstream'],
    [
      'a required header of the gateway',
      ['get', '/a', { parameters: [{ name: 'Cookie', in: 'header', required: true }] }],
      'not forward',
    ],
    [
      'an object in the query',
      ['get', '/a', { parameters: [query('f', { required: true, schema: { type: 'object' } })] }],
      'is an object',
    ],
    ['an unsupported method', ['trace', '/a', {}], 'does not sell'],
    ['a relative server', ['get', '/a', {}, { servers: [{ url: '/v1' }] }], '--upstream'],
    ['no server', ['get', '/a', {}, { servers: [] }], '--upstream'],
    ['a private server', ['get', '/a', {}, { servers: [{ url: 'http://10.0.0.1' }] }], 'upstream'],
    [
      'a placeholder in the host',
      ['get', '/a', {}, { servers: [{ url: 'https://{host}/x' }] }],
      'upstream',
    ],
    [
      'credentials in the server',
      ['get', '/a', {}, { servers: [{ url: 'https://u:p@api.example' }] }],
      'upstream',
    ],
  ])('with %s is skipped and named', (_, args, why) => {
    expect(one(...args)).toContain(why);
  });

  it('that contains itself is cut, and a chain of references ends', () => {
    const requestBody = json({ $ref: '#/components/schemas/A' });
    expect(one('post', '/a', { requestBody }, LOOP)).toMatchObject({ id: 'post_a' });
    const parameters = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [
        `p${at}`,
        { $ref: `#/components/parameters/p${at + 1}` },
      ]),
    );
    const first = { parameters: [{ $ref: '#/components/parameters/p0' }] };
    expect(one('get', '/a', first, { components: { parameters } })).toContain('another document');
  });

  it('notes what is left out', () => {
    const { tools } = imported(
      documentOf(
        {
          '/a': {
            get: {
              deprecated: true,
              callbacks: {},
              parameters: [{ name: 's', in: 'cookie' }, query('f', { style: 'deepObject' })],
            },
          },
        },
        { security: [{ key: [] }] },
      ),
    );
    expect(tools[0]?.notes).toEqual([
      'without parameter s, which is a cookie',
      'without parameter f, which has a style other than form',
      expect.stringMatching(/^the upstream expects credentials \(key\) .*countersign secret put/),
      'without callbacks',
      'the document marks it as deprecated',
    ]);
  });

  it.each([
    [
      { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      { in: 'header', name: 'x-api-key' },
    ],
    [
      { type: 'apiKey', in: 'query', name: 'key' },
      { in: 'query', name: 'key' },
    ],
    [
      { type: 'http', scheme: 'Bearer' },
      { in: 'header', name: 'authorization', prefix: 'Bearer ' },
    ],
    [{ type: 'http', scheme: 'basic' }, { in: 'basic' }],
  ])('carries the credentials that its document places: %o', (scheme, place) => {
    const document = documentOf(
      { '/a': { get: {} }, '/open': { get: { security: [] } } },
      {
        security: [{ login: [] }, { ApiKey: [] }],
        components: {
          securitySchemes: { ApiKey: scheme, login: { type: 'oauth2', flows: {} } },
        },
      },
    );
    const { tools } = imported(document);
    expect(tools.map(({ tool, notes }) => [tool.secrets, notes])).toEqual([
      [[{ ...place, secret: 'api-key' }], []],
      [undefined, []],
    ]);
  });

  it('is skipped if another one has its id and its own', () => {
    const { tools, skipped } = imported(
      documentOf({
        '/a': { get: { operationId: 'x' }, post: { operationId: 'X' } },
        '/A': { post: { operationId: 'x' } },
      }),
    );
    expect(tools.map(({ tool }) => tool.id)).toEqual(['x', 'post_a']);
    expect(skipped).toEqual([
      { operation: 'POST /A', why: 'its id is that of an earlier operation' },
    ]);
  });
});

describe('choosing and pricing', () => {
  const document = documentOf({
    '/pets': { get: { operationId: 'listPets' }, post: { operationId: 'addPet' } },
    '/pets/x': { get: {} },
    '/admin/x': { get: {} },
  });

  it('takes operations by id, path, or method and path', () => {
    const idsOf = (options: Partial<ImportOptions>) =>
      imported(document, options).tools.map(({ tool }) => tool.id);
    expect(idsOf({ only: ['GET /pets*'] })).toEqual(['list_pets', 'get_pets_x']);
    expect(idsOf({ only: ['/pets', 'get_admin_x'] })).toEqual([
      'list_pets',
      'add_pet',
      'get_admin_x',
    ]);
    expect(idsOf({ exclude: ['/admin/*', '*_pet'] })).toEqual(['list_pets', 'get_pets_x']);
    expect(idsOf({ only: ['shop.list*'], namespace: 'shop' })).toEqual(['shop.list_pets']);
  });

  it('gives each operation the price of the first pattern that names it', () => {
    const prices = readPrices({ 'POST *': { max: '$0.10' }, '/pets': '$0', '/pets*': '$0.002' });
    if (!prices.ok) throw new Error(prices.error);
    const { tools, skipped } = imported(document, { price: undefined, prices: prices.value });
    expect(tools.map(({ tool }) => [tool.id, tool.price, tool.settlement])).toEqual([
      ['list_pets', '$0', 'free'],
      ['add_pet', { max: '$0.10' }, 'credit'],
      ['get_pets_x', '$0.002', 'deferred'],
    ]);
    expect(skipped[0]?.why).toContain('--price');
    expect(parseTools({ tools: tools.map(({ tool }) => tool) }, 'public').ok).toBe(true);
  });

  it.each([[[]], [{ '/a': 0.01 }], [{ '/a': '1 dollar' }], [{ '/a': { min: '$1' } }]])(
    'refuses the prices %j',
    (prices) => {
      expect(readPrices(prices).ok).toBe(false);
    },
  );

  it('compares patterns in linear time', () => {
    const start = performance.now();
    imported(document, { only: [`${'*a'.repeat(5_000)}*`] });
    expect(performance.now() - start).toBeLessThan(500);
  });
});

/** Counts the elements that `work` compares in callbacks of arrays. A count, because time depends on the machine. */
const comparisonsIn = (work: () => void): number => {
  const prototype = Array.prototype as unknown as Record<string, (...all: never[]) => unknown>;
  const spies = ['some', 'filter', 'find', 'findIndex', 'every'].map((name) => {
    const original = prototype[name] as (
      this: unknown[],
      test: (...all: unknown[]) => unknown,
    ) => unknown;
    return vi.spyOn(prototype, name).mockImplementation(function counted(
      this: unknown[],
      ...[test]: unknown[]
    ) {
      return original.call(this, (...all) => {
        count += 1;
        return (test as (...all: unknown[]) => unknown)(...all);
      });
    } as never);
  });
  let count = 0;
  try {
    work();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return count;
};

describe('a hostile document', () => {
  it.each([
    ['a block', (at: number) => `  /p${at}: {}\n`, '\n', ''],
    ['a flow', (at: number) => `  "/p${at}": {},\n`, ' {\n', '  }'],
  ])('compares the keys of %s mapping of YAML in linear time', (_, line, open, close) => {
    const lines = Array.from({ length: 2_000 }, (__, at) => line(at));
    const text = `openapi: 3.1.0\npaths:${open}${lines.join('')}${close}\n`;
    let isRead = false;
    const count = comparisonsIn(() => (isRead = readOpenApi(text).ok));
    expect(isRead).toBe(true);
    expect(count).toBeLessThan(20 * lines.length);
    // The check is now elsewhere, but still exists.
    const twice = readOpenApi(text.replace('/p1999', '/p7'));
    expect(twice.ok ? '' : twice.error).toContain('the key /p7 is there twice');
  });

  it('with thousands of parameters loses those operations alone, and reads none of them', () => {
    const parameters = Array.from({ length: 4_000 }, (_, at) => query(`p${at}`));
    const paths = { '/a': { parameters, get: {}, post: {} }, '/b': { get: {} } };
    let found: ReturnType<typeof imported> | undefined;
    const count = comparisonsIn(() => (found = imported(documentOf(paths))));
    expect(found?.tools.map(({ tool }) => tool.id)).toEqual(['get_b']);
    expect(found?.skipped[0]).toEqual({
      operation: 'GET /a',
      why: 'it has 4000 parameters, and a tool takes at most 500',
    });
    expect(count).toBeLessThan(20 * parameters.length);
  });

  it.each<[string, string, string]>([
    ['is no document', '- a', 'is not an object'],
    ['is no YAML', 'a: [', 'neither JSON nor valid YAML'],
    ['is Swagger 2.0', 'swagger: "2.0"', 'Swagger 2.0'],
    ['is of an unknown version', 'openapi: 4.0.0', '3.0.x'],
    ['has a key twice', 'openapi: 3.0.0\nopenapi: 3.1.0', 'neither JSON nor valid YAML'],
    ['contains itself', 'openapi: 3.1.0\nx: &x\n  y: *x', 'levels'],
    [
      'multiplies by aliases',
      `openapi: 3.1.0\na0: &a0 [1,1,1,1,1,1,1,1,1]\n${Array.from({ length: 12 }, (_, at) => `a${at + 1}: &a${at + 1} [${Array.from({ length: 9 }, () => `*a${at}`).join(',')}]`).join('\n')}`,
      'neither JSON nor valid YAML',
    ],
    ['nests deep', `{"openapi":"3.1.0","a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 'levels'],
    [
      'nests deep as YAML',
      `openapi: 3.1.0\na: ${'['.repeat(20_000)}`,
      'neither JSON nor valid YAML',
    ],
  ])('that %s is refused', (_, text, why) => {
    const start = performance.now();
    const read = readOpenApi(text);
    expect(read.ok ? '' : read.error).toContain(why);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it('of 10,000 operations is refused, with what to do', () => {
    const paths = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, at) => [`/p${at}`, { get: {} }]),
    );
    const read = readOpenApi(JSON.stringify(documentOf(paths)));
    const found = read.ok ? importDocument(read.value, OPTIONS) : read;
    expect(found.ok ? '' : found.error).toContain('10000 operations');
    expect(imported(documentOf(paths), { only: ['/p77*'] }).tools).toHaveLength(111);
  });

  it('with a schema bomb costs little, and loses that operation alone', () => {
    const schemas = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [
        `S${at}`,
        {
          properties: {
            a: { $ref: `#/components/schemas/S${at + 1}` },
            b: { $ref: `#/components/schemas/S${at + 1}` },
          },
        },
      ]),
    );
    const body = { required: true, ...json({ $ref: '#/components/schemas/S0' }) };
    const start = performance.now();
    const { tools, skipped } = imported(
      documentOf(
        { '/bomb': { post: { requestBody: body } }, '/a': { get: {} } },
        { components: { schemas: { ...schemas, S40: {} } } },
      ),
    );
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(tools.map(({ tool }) => tool.id)).toEqual(['get_a']);
    expect(skipped).toMatchObject([{ operation: 'POST /bomb' }]);
  });

  it('sets no prototype', () => {
    const text =
      '{"openapi":"3.1.0","paths":{"/a":{"get":{"__proto__":{"servers":[{"url":"https://evil.example"}]}}}}}';
    const read = readOpenApi(text);
    const found = read.ok ? importDocument(read.value, OPTIONS) : read;
    expect(found).toMatchObject({ ok: true, value: { tools: [] } });
  });
});

describe('a second import', () => {
  const fresh = (document: Members) => imported(document).tools;
  const before = documentOf({ '/a': { get: { operationId: 'a', parameters: [query('x')] } } });

  it('updates its tools, and keeps what the operator has set', () => {
    const [{ tool } = { tool: undefined }] = fresh(before);
    const present = { ...(tool as ToolDocument), timeoutSeconds: 5, disabled: true, path: '/mine' };
    const after = documentOf(
      { '/a': { get: { operationId: 'a', summary: 'New.' } } },
      { servers: [{ url: 'https://moved.example/v1' }] },
    );
    expect(mergedTools([present], fresh(after))).toMatchObject({
      tools: [
        {
          ...{ id: 'a', path: '/mine', timeoutSeconds: 5, disabled: true },
          ...{ description: 'New.', upstream: 'https://moved.example/v1/a' },
          inputSchema: { properties: {} },
        },
      ],
      conflicts: [],
    });
  });

  it('names the tools that it would replace, and paths that are taken', () => {
    const [{ tool } = { tool: undefined }] = fresh(before);
    const other = { ...(tool as ToolDocument), upstream: 'https://api.example/other' };
    expect(mergedTools([other], fresh(before))).toMatchObject({
      tools: [],
      conflicts: [{ operation: 'GET /a', why: expect.stringContaining('another upstream') }],
    });
    expect(mergedTools([{ ...other, id: 'b' }], fresh(before))).toMatchObject({
      tools: [],
      conflicts: [{ operation: 'GET /a', why: 'the tool b has the path /tools/a' }],
    });
  });
});
