import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import {
  type FakeAnswer,
  type FakeRequest,
  type FakeRoutes,
  jsonBody,
} from './fake-cloudflare-route.ts';
import { type FakeWorkers, openFakeWorkers } from './fake-cloudflare-workers.ts';

type FakeQueue = {
  readonly id: string;
  readonly name: string;
  readonly jurisdiction?: string | undefined;
  consumers: FakeConsumer[];
};
type FakeConsumer = {
  readonly consumer_id: string;
  readonly script: string;
  readonly settings: unknown;
};

/**
 * A fake of the Cloudflare API routes that wrangler 4.156 uses for a deployment. D1 runs on a real SQLite database. The fake checks uploads
 * as Cloudflare does: bound databases and queues must exist, inherited secrets must be set, and migrations must follow the last tag.
 */
export type FakeCloudflare = {
  readonly url: string;
  readonly databases: Map<string, FakeDatabase>;
  readonly queues: Map<string, FakeQueue>;
  /** Names; with `<jurisdiction>/` before those in one. */
  readonly buckets: Set<string>;
  readonly workers: FakeWorkers['scripts'];
  /** Every request, e.g. `POST /queues`. */
  readonly requests: string[];
  /** Called after a request took effect and before its answer leaves. Tests simulate a crash here. */
  onEffect: (request: string) => Promise<void> | void;
  /** Requests that must fail, by `METHOD /path`, with Cloudflare's error. */
  readonly failures: Map<string, string>;
  readonly close: () => Promise<void>;
};

type FakeDatabase = {
  readonly name: string;
  readonly sql: DatabaseSync;
  readonly jurisdiction?: string | undefined;
};

export const FAKE_ACCOUNT = 'f'.repeat(32);

const STAMP = '2026-11-01T00:00:00.000000Z';

export const openFakeCloudflare = async (): Promise<FakeCloudflare> => {
  const databases: FakeCloudflare['databases'] = new Map();
  const queues: FakeCloudflare['queues'] = new Map();
  const buckets: FakeCloudflare['buckets'] = new Set();
  const fakeWorkers = openFakeWorkers({
    hasDatabase: (id) => databases.has(id),
    hasQueue: (name) => queues.has(name),
  });
  const routes: FakeRoutes = {
    ...identity,
    ...databaseRoutes(databases),
    ...queueRoutes(queues),
    ...bucketRoutes(buckets),
    ...fakeWorkers.routes,
  };
  const patterns = Object.entries(routes).map(([key, route]) => {
    const [method = '', pattern = ''] = key.split(' ');
    return { method, pattern: new RegExp(`^${pattern}$`), route };
  });
  const fake = {
    databases,
    queues,
    buckets,
    workers: fakeWorkers.scripts,
    requests: [] as string[],
    onEffect: (): Promise<void> | void => undefined,
    failures: new Map<string, string>(),
  };
  const answer = async (request: FakeRequest): Promise<FakeAnswer> => {
    const failure = fake.failures.get(`${request.method} ${request.path}`);
    if (failure !== undefined) return { status: 400, code: 10_000, message: failure };
    for (const { method, pattern, route } of patterns) {
      const groups = method === request.method ? pattern.exec(request.path) : null;
      if (groups === null) continue;
      groups.slice(1).forEach((text, at) => request.query.set(String(at + 1), text));
      return await route(request);
    }
    return { status: 404, code: 7003, message: `no route for ${request.method} ${request.path}` };
  };
  const server: Server = createServer((incoming, outgoing) => {
    void (async () => {
      const request = await readRequest(incoming);
      const line = `${request.method} ${request.path}`;
      fake.requests.push(line);
      const answered = await answer(request);
      const failed = 'code' in answered;
      if (!failed) await (fake as Pick<FakeCloudflare, 'onEffect'>).onEffect(line);
      outgoing.writeHead(failed ? answered.status : 200, { 'content-type': 'application/json' });
      outgoing.end(
        JSON.stringify({
          success: !failed,
          errors: failed ? [{ code: answered.code, message: answered.message }] : [],
          messages: [],
          result: failed ? null : answered.result,
          ...(failed || answered.info === undefined ? {} : { result_info: answered.info }),
        }),
      );
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fake, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
};

const readRequest = async (incoming: IncomingMessage): Promise<FakeRequest> => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://fake.invalid');
  return {
    method: incoming.method ?? 'GET',
    path: pathname.replace(`/accounts/${FAKE_ACCOUNT}`, '') || '/',
    query: searchParams,
    body: Buffer.concat(chunks),
    contentType: incoming.headers['content-type'] ?? '',
    bucketJurisdiction: String(incoming.headers['cf-r2-jurisdiction'] ?? ''),
  };
};

const identity: FakeRoutes = {
  'GET /user/tokens/verify': () => ({ result: { id: 'token', status: 'active' } }),
  'GET /user': () => ({ result: { id: 'user', email: 'user@example.com' } }),
  'GET /memberships': () => ({
    result: [{ id: 'm', account: { id: FAKE_ACCOUNT, name: 'Fake' } }],
    info: onePage(1),
  }),
  'GET /accounts': () => ({ result: [{ id: FAKE_ACCOUNT, name: 'Fake' }], info: onePage(1) }),
};

const onePage = (count: number): object => ({
  ...{ page: 1, per_page: 100, count, total_count: count, total_pages: 1 },
});

const databaseRoutes = (databases: FakeCloudflare['databases']): FakeRoutes => {
  const find = (key: string) =>
    [...databases].find(([id, { name }]) => id === key || name === decodeURIComponent(key));
  const described = ([uuid, { name, jurisdiction }]: readonly [string, FakeDatabase]) => ({
    ...{
      uuid,
      name,
      jurisdiction: jurisdiction ?? null,
      version: 'production',
      created_at: STAMP,
      num_tables: 0,
      file_size: 12_288,
    },
  });
  const missing = { status: 404, code: 7404, message: 'The database could not be found' };
  return {
    'GET /d1/database': ({ query }) => {
      const size = Number(query.get('per_page') ?? 10);
      const from = (Number(query.get('page') ?? 1) - 1) * size;
      return { result: [...databases].map(described).slice(from, from + size) };
    },
    'POST /d1/database': (request) => {
      const { name, jurisdiction } = jsonBody<{
        readonly name: string;
        readonly jurisdiction?: string;
      }>(request);
      if (find(name) !== undefined)
        return { status: 400, code: 7502, message: 'A database with that name already exists' };
      const entry = [
        randomUUID(),
        { name, jurisdiction, sql: new DatabaseSync(':memory:') },
      ] as const;
      databases.set(...entry);
      return { result: described(entry) };
    },
    'GET /d1/database/([^/]+)': ({ query }) => {
      const found = find(query.get('1') ?? '');
      return found === undefined ? missing : { result: described(found) };
    },
    'POST /d1/database/([^/]+)/query': (request) => {
      const found = find(request.query.get('1') ?? '');
      if (found === undefined) return missing;
      const { sql } = jsonBody<{ readonly sql: string }>(request);
      try {
        return { result: [{ success: true, meta: {}, results: runSql(found[1].sql, sql) }] };
      } catch (error) {
        return { status: 400, code: 7500, message: (error as Error).message };
      }
    },
  };
};

/**
 * Runs SQL and returns the rows of a single statement. Several statements, as in a migration, run as one transaction and return no rows.
 */
const runSql = (database: DatabaseSync, sql: string): unknown => {
  if (/^\s*(?:SELECT|PRAGMA)/i.test(sql)) return database.prepare(sql).all();
  database.exec('BEGIN');
  try {
    database.exec(sql);
    database.exec('COMMIT');
    return [];
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
};

const placed = (name: string, jurisdiction: string): string =>
  jurisdiction === '' ? name : `${jurisdiction}/${name}`;
const placeOf = (bucket: string): string =>
  bucket.includes('/') ? (bucket.split('/')[0] ?? '') : '';

const bucketRoutes = (buckets: FakeCloudflare['buckets']): FakeRoutes => ({
  'GET /r2/buckets': ({ bucketJurisdiction }) => ({
    result: {
      buckets: [...buckets]
        .filter((name) => placeOf(name) === bucketJurisdiction)
        .map((name) => ({ name: name.split('/').at(-1), creation_date: STAMP })),
    },
  }),
  'GET /r2/buckets/([^/]+)': ({ query, bucketJurisdiction }) => {
    const name = query.get('1') ?? '';
    return buckets.has(placed(name, bucketJurisdiction))
      ? { result: { name, creation_date: STAMP } }
      : { status: 404, code: 10_006, message: 'The specified bucket does not exist.' };
  },
  'POST /r2/buckets': (request) => {
    const { name } = jsonBody<{ readonly name: string }>(request);
    const own = placed(name, request.bucketJurisdiction);
    if (buckets.has(own))
      return {
        ...{ status: 409, code: 10_004 },
        message: 'The bucket you tried to create already exists, and you own it.',
      };
    buckets.add(own);
    return { result: { name, creation_date: STAMP } };
  },
});

const queueRoutes = (queues: FakeCloudflare['queues']): FakeRoutes => {
  const described = ({ id, name, jurisdiction, consumers }: FakeQueue) => ({
    ...(jurisdiction === undefined ? {} : { jurisdiction }),
    ...{ queue_id: id, queue_name: name, created_on: STAMP, modified_on: STAMP },
    ...{ producers_total_count: 0, producers: [], settings: {} },
    consumers_total_count: consumers.length,
    consumers: consumers.map((consumer) => ({ type: 'worker', ...consumer })),
  });
  const byId = (id: string | null) => [...queues.values()].find((queue) => queue.id === id);
  const missing = { status: 404, code: 11_000, message: 'Queue not found' };
  return {
    'GET /queues': ({ query }) => {
      const names = query.getAll('name');
      const page = Number(query.get('page') ?? 1);
      const all = [...queues.values()].filter(
        ({ name }) => names.length === 0 || names.includes(name),
      );
      return {
        result: (page === 1 ? all : []).map(described),
        info: { ...onePage(all.length), page },
      };
    },
    'POST /queues': (request) => {
      const { queue_name: name, jurisdiction } = jsonBody<{
        readonly queue_name: string;
        readonly jurisdiction?: string;
      }>(request);
      if (queues.has(name))
        return { status: 409, code: 11_009, message: `Queue name '${name}' is already taken.` };
      const queue: FakeQueue = {
        ...{ id: randomUUID().replaceAll('-', ''), name, jurisdiction },
        consumers: [],
      };
      queues.set(name, queue);
      return { result: described(queue) };
    },
    'POST /queues/([^/]+)/consumers': (request) => {
      const queue = byId(request.query.get('1'));
      if (queue === undefined) return missing;
      if (queue.consumers.length > 0)
        return { status: 409, code: 11_004, message: 'Queue already has a consumer' };
      const { script_name: script, settings } = jsonBody<{
        readonly script_name: string;
        readonly settings: unknown;
      }>(request);
      queue.consumers.push({ consumer_id: randomUUID(), script, settings });
      return { result: queue.consumers[0] };
    },
    'PUT /queues/([^/]+)/consumers/([^/]+)': (request) => {
      const queue = byId(request.query.get('1'));
      return queue === undefined ? missing : { result: queue.consumers[0] };
    },
  };
};
