import type { Config } from '../../../src/config/config.ts';
import type { RouteId } from '../../../src/management/endpoint.ts';
import { manage } from '../../../src/management/router.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { governed, KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, NETWORK, NOW, vectorConfig } from '../gateway/signing.ts';
import { type RequestParts, scriptedContext, signedRequest } from './scripted-context.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const config: Config = { ...vectorConfig(), operators: [addressOf('owner')] };
const X: AccountId = `${NETWORK}:0x${'55'.repeat(20)}`;
const HASH = `0x${'ab'.repeat(32)}` as const;
const own = `/accounts/${X}`;
const admin = `/admin/accounts/${X}`;

useVectorsClock();
beforeEach(() => {
  network(KEY_ACCOUNT);
});

const played = (answers: Parameters<typeof scriptedContext>[1] = {}) =>
  scriptedContext(config, {
    relation: async () => ({
      verdict: 'found',
      relation: 'ancestor',
      hasParent: true,
      exists: true,
    }),
    ...answers,
  });

const bodyOf = (answer: Response) => answer.json<Record<string, unknown>>();

describe('a request of the management API', () => {
  it('is challenged for its own route without a signature', async () => {
    const { context } = await played();
    for (const [method, path, tool] of [
      ['GET', '/admin/accounts', 'accounts.list'],
      ['DELETE', `${own}/policy`, 'account.policy.delete'],
      ['GET', `/accounts/${X.replaceAll(':', '%3A')}`, 'account.get'],
    ] as const) {
      const answer = await manage(context, new Request(`https://gw.example${path}`, { method }));
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toContain(`tool="countersign.admin.${tool}"`);
    }
  });

  it('is rejected without a signature, its body unread', async () => {
    const { context } = await played();
    const happened: string[] = [];
    const body = new ReadableStream<Uint8Array>(
      { pull: () => void happened.push('read'), cancel: () => void happened.push('cancelled') },
      { highWaterMark: 0 },
    );
    const request = new Request(`https://gw.example${own}`, { method: 'PUT', body });
    expect((await manage(context, request)).status).toBe(401);
    expect(happened).toEqual([]);
  });

  it('is answered 404 for an unknown path, 405 for another method', async () => {
    const { context } = await played();
    const send = (method: string, path: string) =>
      manage(context, new Request(`https://gw.example${path}`, { method }));
    for (const path of ['/admin', '/admin/', '/admin/nothing', `${own}/`, `${own}/calls/x/y`]) {
      expect((await send('GET', path)).status, path).toBe(404);
    }
    const other = await send('POST', `${own}/policy`);
    expect([other.status, other.headers.get('Allow')]).toEqual([405, 'DELETE, GET, PUT']);
  });

  it.each<[RouteId, string, RequestParts, string]>([
    ['account.calls', `${own}/calls?limit=0`, {}, 'query.limit'],
    ['account.calls', `${own}/calls?limit=501`, {}, 'query.limit'],
    ['account.calls', `${own}/calls?limit=1&limit=2`, {}, 'query'],
    ['account.calls', `${own}/calls?colour=red`, {}, 'query.colour'],
    ['account.calls', `${own}/calls?__proto__=1`, {}, 'query.__proto__'],
    ['account.calls', `${own}/calls?account=${X}`, {}, 'query.account'],
    ['account.calls', `${own}/calls?format=xml`, {}, 'query.format'],
    ['account.get', `${own}?a=1`, {}, 'query'],
    [
      'account.get',
      '/accounts/eip155:1:0x5555555555555555555555555555555555555555',
      {},
      'path.account',
    ],
    ['account.get', `/accounts/${X.toUpperCase()}`, {}, 'path.account'],
    ['account.get', '/accounts/0x12', {}, 'path.account'],
    ['account.call', `${own}/calls/0x12`, {}, 'path.call'],
    ['account.entries', `${own}/entries?after=-1`, {}, 'query.after'],
    ['account.entries', `${own}/entries?after=abc`, {}, 'query.after'],
    ['account.entries', `${own}/entries?format=ndjson&type=call.denied`, {}, 'query.type'],
    ['account.entries', `${own}/entries?format=ndjson&from=1`, {}, 'query.from'],
    ['account.entries', `${own}/entries?rule=Rate`, {}, 'query.rule'],
    ['account.tree', `${own}/tree?after=abc`, {}, 'query.after'],
    ['account.spend', `${own}/spend`, {}, 'query.by'],
    ['account.spend', `${own}/spend?by=day&from=2026-02-30`, {}, 'query.from'],
    ['account.spend', `${own}/spend?by=day&from=2026-02-02&to=2026-02-01`, {}, 'query.from'],
    ['account.events', `${own}/events`, { headers: { 'Last-Event-ID': 'x' } }, 'last-event-id'],
    ['account.put', own, { body: '{' }, 'body'],
    ['account.put', own, { body: '' }, 'body'],
    ['account.put', own, { body: { label: 'a', more: 1 } }, 'body.more'],
    ['account.put', own, { body: { label: 'a\nb' } }, 'body.label'],
    ['account.put', own, { body: '{"label":"a","label":"b"}' }, 'body'],
    ['account.put', own, { body: { label: 'a' }, headers: { 'If-Match': 'x' } }, 'if-match'],
    ['account.status', `${own}/status`, { body: { status: 'gone' } }, 'body.status'],
    [
      'account.status',
      `${own}/status`,
      { body: { status: 'frozen' }, headers: { 'If-Match': '*' } },
      'if-match',
    ],
    ['account.put', own, { body: { label: 'a' }, headers: { 'Dry-Run': '?1' } }, 'dry-run'],
    ['account.policy.put', `${own}/policy`, { body: {}, headers: { 'Dry-Run': '1' } }, 'dry-run'],
    ['account.policy.put', `${own}/policy`, { body: [] }, 'body'],
    ['account.policy.put', `${own}/policy`, { body: { perDay: '1' } }, 'body.perDay'],
    ['accounts.put', '/admin/accounts/nobody', { body: { label: 'a' } }, 'path.account'],
    [
      'credits.adjust',
      `${admin}/credit`,
      { body: { asset: 'x', amount: '1', reason: 'r' } },
      'body.asset',
    ],
    [
      'credits.adjust',
      `${admin}/credit`,
      {
        body: {
          asset: `eip155:84532/erc20:0x${'11'.repeat(20)}`,
          amount: '1',
          reason: 'not sold for',
        },
      },
      'body.asset',
    ],
    [
      'webhooks.put',
      '/admin/webhooks/a',
      { body: { url: 'http://10.0.0.1', events: ['*'] } },
      'body.url',
    ],
  ])('%s %s names the faulty field', async (id, path, said, field) => {
    const { context, asked } = await played();
    const answer = await manage(context, await signedRequest(config, id, path, said));
    const body = await bodyOf(answer);
    expect([answer.status, body['field']], JSON.stringify(body)).toEqual([400, field]);
    expect(asked).toEqual([]);
  });

  it('is rejected before it is read if its body is too long', async () => {
    const { context } = await played();
    const body = JSON.stringify({ label: 'x'.repeat(5_000) });
    const request = await signedRequest(config, 'account.put', own, { body });
    expect((await manage(context, request)).status).toBe(413);
    const empty = await signedRequest(config, 'account.policy.delete', `${own}/policy`, {
      body: '{}',
    });
    expect((await manage(context, empty)).status).toBe(413);
  });
});

describe('a command', () => {
  it('carries its intent, and a new attempt for each request', async () => {
    const { context, asked } = await played({
      apply: async () => governed({ current: HASH, revision: 7 }),
    });
    const request = await signedRequest(config, 'account.put', own, {
      ...{ body: { label: 'Ada' }, headers: { 'If-None-Match': '*' } },
    });
    const again = request.clone();
    const answer = await manage(context, request);
    expect([answer.status, answer.headers.get('ETag')]).toEqual([200, `"${HASH}"`]);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(answer)).toEqual({
      ...{ changed: true, revision: 7, acknowledged: [], silent: [], etag: HASH },
    });
    await manage(context, again);
    const commands = asked.map((each) => (each.asked === 'apply' ? each.order : undefined));
    expect(commands[0]).toMatchObject({
      ...{ kind: 'label', label: 'Ada', expected: 'none' },
      by: { account: `${NETWORK}:${addressOf('owner')}`, role: 'owner' },
      intent: {
        fields: { tool: 'countersign.admin.account.put', target: own, method: 'PUT' },
        signature: expect.stringMatching(/^0x[0-9a-f]{130}$/) as string,
        digest: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
        attempt: expect.stringMatching(/^0x[0-9a-f]{32}$/) as string,
        // The time includes the tolerated clock skew.
        validBefore: NOW + 50 + 30,
      },
    });
    const [first, second] = commands.map((command) =>
      command !== undefined && 'intent' in command ? command.intent : undefined,
    );
    expect(second?.digest).toBe(first?.digest);
    expect(second?.attempt).not.toBe(first?.attempt);
  });

  it.each([
    [{ reason: 'forbidden' }, 403, {}],
    [{ reason: 'already_used' }, 409, {}],
    [{ reason: 'precondition_failed' }, 412, {}],
    [{ reason: 'precondition_failed', current: HASH }, 412, { current: HASH }],
    [{ reason: 'precondition_required', current: HASH }, 428, { current: HASH }],
    [{ reason: 'not_writable', hint: 'Later.' }, 409, { hint: 'Later.' }],
    [{ reason: 'unknown_call' }, 404, {}],
    [{ reason: 'malformed_policy', field: 'tools', hint: 'is odd' }, 400, { field: 'body.tools' }],
  ] as const)('refused with %o is answered %i', async (fault, status, more) => {
    const { context } = await played({ apply: async () => ({ verdict: 'refused', fault }) });
    const request = await signedRequest(config, 'account.policy.put', `${own}/policy`, {
      body: {},
    });
    const answer = await manage(context, request);
    expect(answer.status).toBe(status);
    expect(await bodyOf(answer)).toMatchObject({
      type: `urn:countersign:problem:${fault.reason.replaceAll('_', '-')}`,
      ...more,
    });
    expect(answer.headers.get('ETag')).toBe('current' in fault ? `"${HASH}"` : null);
  });

  it('may be sent again if the account does not answer', async () => {
    for (const apply of [
      async () => ({ verdict: 'unavailable' }) as const,
      async () => {
        throw new Error('overloaded');
      },
    ]) {
      const { context } = await played({ apply });
      const request = await signedRequest(config, 'account.put', own, { body: { label: 'a' } });
      const answer = await manage(context, request);
      expect(answer.status).toBe(503);
      expect(await answer.text()).not.toContain('overloaded');
    }
  });

  it('counts the running calls that a policy would have refused, also in a dry run', async () => {
    const inFlight = { held: 3, cutOff: 2 };
    const { context, asked } = await played({ apply: async () => governed({ inFlight }) });
    const request = await signedRequest(config, 'account.policy.put', `${own}/policy`, {
      ...{ body: { tools: [] }, headers: { 'Dry-Run': '?1' } },
    });
    expect(await bodyOf(await manage(context, request))).toMatchObject({
      ...{ in_flight: { held: 3, cut_off: 2 }, dry_run: true },
    });
    expect(asked).toMatchObject([{ order: { kind: 'policy', slot: 'owner', dryRun: true } }]);
  });

  it.each([false, true])(
    'of a policy warns of a limit that no tool fits under (dry run %s)',
    async (dryRun) => {
      const { context } = await played({ apply: async () => governed({}) });
      const put = async (perCall: string) => {
        const request = await signedRequest(config, 'account.policy.put', `${own}/policy`, {
          body: { perCall },
          ...(dryRun ? { headers: { 'Dry-Run': '?1' } } : {}),
        });
        return await bodyOf(await manage(context, request));
      };
      expect((await put('15u'))['warnings']).toEqual([
        { field: 'perCall', limit: '15', tool: 'translate', price: '20000' },
      ]);
      expect(await put('$15')).not.toHaveProperty('warnings');
    },
  );

  it('reports all faults of a policy at once', async () => {
    const { context } = await played();
    const body = { perDay: '1', tools: 'all', windows: [{ every: 'week', limit: '$1' }] };
    const request = await signedRequest(config, 'account.policy.put', `${own}/policy`, { body });
    const said = await bodyOf(await manage(context, request));
    const fields = (said['faults'] as readonly { field: string }[]).map(({ field }) => field);
    expect(fields.toSorted()).toEqual(['body.perDay', 'body.tools', 'body.windows[0].every']);
  });
});
