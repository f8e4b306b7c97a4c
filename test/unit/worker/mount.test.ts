import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openCatalogue } from '../../../src/catalog/live-catalogue.ts';
import { mayBeOwnUrl } from '../../../src/catalog/own-paths.ts';
import { parseTools } from '../../../src/catalog/schema.ts';
import { BUILT_IN_POLICY } from '../../../src/policy/policy.ts';
import { ok } from '../../../src/core/result.ts';
import { isForGateway } from '../../../src/worker/mount.ts';
import * as worker from '../../../src/worker/index.ts';
import type * as Published from '../../../src/worker/published.d.ts';
import toolsJson from '../../../tools.json';
import { configOf, routes } from '../../support/deployed.ts';
import { freshDatabase } from '../audit/database.ts';
import { documentOf, startOf } from '../catalog/documents.ts';
import { watchedTools } from '../catalog/watched.ts';

// The published types must describe this module.
worker satisfies typeof Published;

beforeAll(freshDatabase);

const ORIGIN = 'https://gateway.example';

/** An application that answers every path with the request that it received. */
const application = new Hono<{ Bindings: Env }>();
application.all('*', (context) => {
  context.executionCtx.waitUntil(Promise.resolve());
  const { AUDIENCES } = context.env;
  return context.text(`application ${context.req.method} ${context.req.path} ${AUDIENCES}`);
});

const get = async (path: string, init: RequestInit = {}, variables: Partial<Env> = {}) => {
  const mounted = worker.countersign({ tools: toolsJson, next: application });
  const context = createExecutionContext();
  const request = new Request(`${ORIGIN}${path}`, init);
  const answer = await mounted.fetch(request as never, { ...env, ...variables }, context);
  await waitOnExecutionContext(context);
  return answer;
};

/** A path of each route of the gateway, except the tools' paths. */
const ownPaths = [...new Set(routes.map(({ path }) => path.replace(/:\w+|\*$/, 'x')))].filter(
  (path) => path !== '/x',
);

it('finds a router behind every path of the gateway itself', () => {
  for (const path of ownPaths) {
    for (const url of [
      path,
      `${path}/`,
      `${path}?a=/tools`,
      `${path}#a`,
      path.replace(/^\/./, '/%61'),
    ])
      expect(mayBeOwnUrl(ORIGIN + url), url).toBe(true);
  }
  for (const path of ['/tools/lookup', '/credit', '/creditss/', '/Admin/x', '/tools/admin/'])
    expect(mayBeOwnUrl(ORIGIN + path), path).toBe(false);
});

const isFromApplication = async (answer: Response): Promise<boolean> =>
  (await answer.text()).startsWith('application ');

describe('a tool at a path that the gateway answers itself', () => {
  const refusalOf = (path: string) => {
    const parsed = parseTools({ tools: [documentOf('t', { path })] }, 'public');
    return parsed.ok ? undefined : parsed.error;
  };
  const refused = [{ field: 'tools[0].path', reason: 'is a path of the gateway itself' }];

  it('is refused at each route and below: no request could reach it', () => {
    expect(ownPaths.length).toBeGreaterThan(13);
    for (const path of ownPaths) {
      expect(refusalOf(path), path).toEqual(refused);
      if (path !== '/') expect(refusalOf(`${path}/*`), `${path}/*`).toEqual(refused);
    }
  });

  it('is sold beside them, and below a folder that they share', () => {
    for (const path of [
      '/*',
      '/sessions',
      '/dashboards/*',
      '/webhooks/*',
      '/logs',
      '/admin-area',
    ]) {
      expect(refusalOf(path), path).toBeUndefined();
    }
  });
});

describe('a gateway that is mounted in an application', () => {
  it('passes on what is no route of its own and no path of a tool, and changes no answer', async () => {
    for (const [path, method] of [
      ['/', 'GET'],
      ['/about', 'GET'],
      ['/tools', 'POST'],
      ['/.well-known/security.txt', 'GET'],
      ['/caf%C3%A9', 'OPTIONS'],
      ['/creditsy', 'GET'],
    ] as const) {
      const answer = await get(path, { method });
      expect(await answer.text(), path).toBe(`application ${method} ${decodeURI(path)} ${ORIGIN}`);
      // Pages of any origin may read the gateway's answers, but never the application's.
      expect([...answer.headers.keys()], path).toEqual(['content-type']);
    }
  });

  it('answers each of its own routes but its page', async () => {
    const paths = ownPaths.filter((path) => path !== '/');
    expect(paths.length).toBeGreaterThan(12);
    for (const path of paths) {
      expect(await isFromApplication(await get(path)), path).toBe(false);
    }
  });

  it('sells its tools', async () => {
    const answer = await get('/tools/lookup?word=tea');
    expect(answer.status).toBe(402);
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*');
  });

  it('passes on no spelling of a path that a server could read as that of a tool', async () => {
    for (const path of [
      '/tools/Lookup',
      '/tools/lookup/',
      '/tools//lookup',
      '//tools/lookup',
      '/tools/%6cookup',
      '/tools/%256cookup',
      '/tools%2flookup',
      '/tools%5Clookup',
      '/about/..%2ftools/lookup',
      '/about/%252e%252e/tools/lookup',
      '/tools/lookup;v=1',
      '/tools/lookup%3Bv=1',
      '/tools/lookup%3Fv=1',
      '/tools/%ff/../lookup',
      '/about%2500/../tools/lookup',
      `/about/%${'25'.repeat(2_000)}41`,
    ]) {
      const answer = await get(path);
      expect(await isFromApplication(answer), path).toBe(false);
      expect([400, 402, 404, 405], path).toContain(answer.status);
    }
  });

  it('passes on nothing while its configuration is invalid: it knows no paths of tools then', async () => {
    for (const path of ['/about', '/tools/lookup', '/']) {
      const answer = await get(path, {}, { PAY_TO: 'nobody' });
      expect(answer.status, path).toBe(503);
      expect(await answer.text(), path).toContain('PAY_TO');
    }
  });

  it('takes the path of a tool that an operator puts or disables at run time', async () => {
    const tools = watchedTools();
    const belongs = async (path: string): Promise<boolean> => {
      const config = configOf(env);
      if (!config.ok) throw new Error('the test environment has no valid configuration');
      const deployment = {
        configOf: () => ok(config.value),
        placedConfigOf: async () => ok(config.value),
        catalogueOf: () =>
          openCatalogue({
            policy: BUILT_IN_POLICY,
            writeTexts: async () => true,
            read: tools.read,
            raise: async () => true,
            deployed: startOf([documentOf('other')]),
          }),
      };
      const context = createExecutionContext();
      return isForGateway(deployment, new Request(`${ORIGIN}${path}`), env, context);
    };
    expect(await belongs('/reports/2026')).toBe(false);
    tools.put(documentOf('reports', { path: '/reports/*' }));
    expect(await belongs('/reports/2026')).toBe(true);
    expect(await belongs('/Reports/2026')).toBe(true);
    expect(await belongs('/reportsx')).toBe(false);
    tools.put(documentOf('reports', { path: '/reports/*', disabled: true }));
    expect(await belongs('/reports/2026')).toBe(true);
    tools.remove('reports');
    expect(await belongs('/reports/2026')).toBe(false);
  });
});

/** An application with handlers of its own, and the events that they received. */
const applicationWithHandlers = () => {
  const events: string[] = [];
  return {
    events,
    next: {
      own: 'own',
      async queue(batch: MessageBatch) {
        events.push(`${this.own} queue ${batch.queue}`);
      },
      async scheduled({ cron }: ScheduledController) {
        events.push(`${this.own} cron ${cron}`);
      },
      async email({ to }: ForwardableEmailMessage) {
        events.push(`${this.own} email ${to}`);
      },
    },
  };
};

/** A batch, and the delay with which it was retried. */
const batchOf = (queue: string) => {
  const delays: (number | undefined)[] = [];
  const retryAll = (options?: QueueRetryOptions) => delays.push(options?.delaySeconds);
  return { delays, batch: { queue, messages: [], retryAll } };
};

/** Without a valid configuration, the gateway only retries and reports. */
const idle = { ...env, PAY_TO: 'nobody' };

describe('background work of an application that the gateway is mounted in', () => {
  const mount = (next: Published.Application, cron?: string) =>
    worker.countersign({ tools: toolsJson, next, ...(cron === undefined ? {} : { cron }) });

  it('passes on the batches of all queues but those of the gateway', async () => {
    const { events, next } = applicationWithHandlers();
    for (const queue of ['jobs', 'shop-audit', 'countersign-settlements', 'countersign-jobs']) {
      const { batch, delays } = batchOf(queue);
      await mount(next).queue(batch as never, idle, createExecutionContext());
      expect(events.splice(0), queue).toEqual([`own queue ${queue}`]);
      expect(delays).toEqual([]);
    }
    for (const queue of ['countersign-settlement', 'shop-countersign-audit-dead']) {
      const { batch, delays } = batchOf(queue);
      await mount(next).queue(batch as never, idle, createExecutionContext());
      expect(events, queue).toEqual([]);
      expect(delays).toEqual([60]);
    }
  });

  it('retries a batch that neither the gateway nor the application consumes', async () => {
    // A router that has a function for every name, like itty-router's.
    const router = new Proxy({ fetch: () => new Response() }, { get: () => () => undefined });
    for (const next of [application, router]) {
      const { batch, delays } = batchOf('jobs');
      await mount(next).queue(batch as never, env, createExecutionContext());
      expect(delays).toEqual([60]);
    }
  });

  it('lets a failing handler of the application fail the batch', async () => {
    const next = { queue: () => Promise.reject(new Error('no database')) };
    const { batch, delays } = batchOf('jobs');
    await expect(mount(next).queue(batch as never, env, createExecutionContext())).rejects.toThrow(
      'no database',
    );
    expect(delays).toEqual([]);
  });

  it('passes on all cron triggers but the one of the gateway', async () => {
    const reports = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { events, next } = applicationWithHandlers();
    const at = async (cron: string, own?: string) => {
      await mount(next, own).scheduled({ cron } as never, idle, createExecutionContext());
      const ran = reports.mock.calls.map(([report]) => (report as { event: string }).event);
      reports.mockClear();
      return [...events.splice(0), ...ran];
    };
    expect(await at('0 3 * * *')).toEqual(['own cron 0 3 * * *']);
    expect(await at('* * * * *')).toEqual(['scheduled_misconfigured']);
    expect(await at('* * * * *', '0-59 * * * *')).toEqual(['own cron * * * * *']);
    expect(await at('0-59 * * * *', '0-59 * * * *')).toEqual(['scheduled_misconfigured']);
    await mount(application).scheduled(
      { cron: '0 3 * * *' } as never,
      idle,
      createExecutionContext(),
    );
    expect(reports).toHaveBeenCalledTimes(1);
    reports.mockRestore();
  });

  it('exports the handlers of other events that the application has, and no more', async () => {
    const { events, next } = applicationWithHandlers();
    const mounted: ExportedHandler = mount(next) as never;
    await mounted.email?.({ to: 'a@b.example' } as never, {}, createExecutionContext());
    expect(events).toEqual(['own email a@b.example']);
    expect(Object.keys(mounted).toSorted()).toEqual(['email', 'fetch', 'queue', 'scheduled']);
    expect(Object.keys(mount(application)).toSorted()).toEqual(['fetch', 'queue', 'scheduled']);
  });

  it('answers requests itself if the application has no handler for them', async () => {
    const { next } = applicationWithHandlers();
    const request = new Request(`${ORIGIN}/about`) as never;
    const answer = await mount(next).fetch(request, env, createExecutionContext());
    expect(answer.status).toBe(404);
  });
});
