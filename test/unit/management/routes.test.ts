import { toolIdOf } from '../../../src/management/endpoint.ts';
import { PARAMS, ROUTE_TABLE, type RouteId, ROUTES } from '../../../src/management/routes.ts';
import { describe, expect, it } from 'vitest';

describe('the table of routes', () => {
  it('gives each route a tool id that an intent can name', () => {
    for (const { id } of ROUTES) expect(toolIdOf(id)).toMatch(/^countersign\.admin\.[a-z.]{1,46}$/);
  });

  it('has one route per method and path, whatever the parameter names', () => {
    const places = ROUTES.map(({ method, path }) => `${method} ${path.replace(/:[a-z]+/g, ':')}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it('admits operators under /admin, and owners to commands under /accounts', () => {
    for (const { id, path, write, roles } of ROUTES) {
      const expected = path.startsWith('/admin/')
        ? ['operator']
        : write
          ? // No account decides on a call of its own, not even one without a parent.
            id === 'account.approve' || id === 'account.refuse'
            ? ['above']
            : ['above', 'sovereign']
          : ['operator', 'above', 'self'];
      expect(roles, id).toEqual(expected);
      expect(path, id).toMatch(/^\/(?:admin\/|accounts\/:account)/);
    }
  });

  it('has a size limit for each body', () => {
    for (const { id, method, body, maxBody, query } of ROUTES) {
      expect(maxBody > 0, id).toBe(body !== undefined);
      if (body !== undefined) expect(['PUT', 'POST'], id).toContain(method);
      if (query !== undefined) expect(method, id).toBe('GET');
    }
  });

  it('requires a precondition for each document that is read with an ETag', () => {
    for (const { id, etag } of ROUTES.filter(({ write }) => !write)) {
      if (etag !== true) continue;
      const writes = ROUTES.filter(
        (one) => one.id === id.replace(/get$/, 'put') || one.id === id.replace(/get$/, 'delete'),
      );
      expect(writes.map(({ precondition }) => precondition)).toEqual(['etag', 'etag']);
    }
  });
});

const reads = (id: RouteId, query: Readonly<Record<string, string>>): boolean =>
  ROUTES.find((route) => route.id === id)?.query?.safeParse(query).success ?? false;

describe('a query', () => {
  it('has a limit from 1 to 500, 100 by default', () => {
    expect(ROUTE_TABLE['account.tree'].query.parse({})).toEqual({ limit: 100 });
    expect(ROUTE_TABLE['account.tree'].query.parse({ limit: '500' })).toEqual({ limit: 500 });
    for (const limit of ['0', '501', '-1', '1e2', '01', ' 5', '5.0', '', 'NaN', '0x10', '٣']) {
      expect(reads('account.tree', { limit }), limit).toBe(false);
    }
  });

  it('rejects unknown names', () => {
    expect(reads('account.tree', { limits: '5' })).toBe(false);
    expect(reads('account.calls', { account: '0x' })).toBe(false);
  });

  it('rejects days that do not exist', () => {
    expect(reads('spend', { by: 'day', from: '2026-02-28', to: '2028-02-29' })).toBe(true);
    for (const from of ['2026-02-29', '2026-13-01', '2026-1-1', '20260101', '2026-00-10', '']) {
      expect(reads('spend', { by: 'day', from }), from).toBe(false);
    }
  });

  it('has safe integers as seconds', () => {
    expect(ROUTE_TABLE['account.calls'].query.parse({ from: '9007199254740991' })).toMatchObject({
      from: Number.MAX_SAFE_INTEGER,
    });
    expect(reads('account.calls', { from: '9007199254740992' })).toBe(false);
  });
});

const ADDRESS = `0x${'ab'.repeat(20)}`;

describe('a path', () => {
  it.each([
    ['account', `eip155:84532:${ADDRESS}`, `eip155:84532:${ADDRESS.toUpperCase()}`],
    ['account', `eip155:1:${ADDRESS}`, `eip155:01:${ADDRESS}`],
    ['account', `eip155:9007199254740991:${ADDRESS}`, `eip155:9007199254740992:${ADDRESS}`],
    ['account', `eip155:8453:${ADDRESS}`, 'me'],
    ['account', `eip155:8453:${ADDRESS}`, `eip155:8453:${ADDRESS}\n`],
    ['call', `0x${'0f'.repeat(32)}`, `0x${'0F'.repeat(32)}`],
    ['tool', 'search.web', 'Search'],
    ['tool', 'a', '.'],
    ['webhook', 'pager-1', 'pager.1'],
    ['letter', 'YS9i', 'a/b'],
  ] as const)('accepts the %s %s, and rejects %s', (name, good, bad) => {
    expect(PARAMS[name].safeParse(good).success).toBe(true);
    expect(PARAMS[name].safeParse(bad).success).toBe(false);
  });
});

describe('a body', () => {
  it('of an adjustment has a signed safe integer as amount', () => {
    const asset = `eip155:84532/erc20:${ADDRESS}`;
    const { body } = ROUTE_TABLE['credits.adjust'];
    expect(body.parse({ asset, amount: '-5', reason: 'r' })).toMatchObject({ amount: -5n });
    expect(body.parse({ asset, amount: '9007199254740991', reason: 'r' })).toBeTruthy();
    for (const amount of ['0', '-0', '+5', '05', '5.0', '$5', '9007199254740992', '', 5]) {
      expect(body.safeParse({ asset, amount, reason: 'r' }).success, String(amount)).toBe(false);
    }
  });

  it('of a label has printable text or null', () => {
    const { body } = ROUTE_TABLE['account.put'];
    expect(body.safeParse({ label: null }).success).toBe(true);
    expect(body.safeParse({ label: 'Räume 🦊' }).success).toBe(true);
    for (const label of ['', 'a\nb', '\u0000', 'x'.repeat(65), '\ud800', 5, undefined]) {
      expect(body.safeParse({ label }).success, JSON.stringify(label)).toBe(false);
    }
    expect(body.safeParse({ label: 'a', labels: 'b' }).success).toBe(false);
  });

  it('that is parsed elsewhere is an object', () => {
    const { body } = ROUTE_TABLE['account.policy.put'];
    for (const value of [null, [], 'x', 1, undefined]) {
      expect(body.safeParse(value).success).toBe(false);
    }
    expect(body.safeParse({}).success).toBe(true);
  });
});
