import { randomUUID } from 'node:crypto';
import {
  type FakeAnswer,
  type FakeRequest,
  type FakeRoutes,
  jsonBody,
} from './fake-cloudflare-route.ts';

/** A Worker of the fake account. */
export type FakeScript = {
  secrets: Record<string, string>;
  /** Ids of uploaded versions, the newest last. The first may be the empty Worker that `secret bulk` creates. */
  readonly versions: string[];
  /** The tag of each version that has one, by id. */
  readonly tags: Map<string, string>;
  /** The shares of versions, the newest deployment last. */
  readonly deployments: (readonly FakeShare[])[];
  /** The size in bytes of each module of the newest version, by name. */
  modules: Record<string, number>;
  bindings: readonly FakeBinding[];
  migrationTag: string | undefined;
  isPublic: boolean;
  schedules: readonly unknown[];
};

type FakeShare = { readonly version_id: string; readonly percentage: number };

type FakeBinding = {
  readonly type: string;
  readonly name: string;
  readonly text?: string;
  readonly id?: string;
  readonly queue_name?: string;
};

type FakeMetadata = {
  readonly bindings?: readonly FakeBinding[];
  readonly migrations?: { readonly old_tag?: string; readonly new_tag?: string };
  readonly keep_bindings?: readonly string[];
  readonly annotations?: { readonly 'workers/tag'?: string };
};

type FakeAccount = {
  readonly hasDatabase: (id: string) => boolean;
  readonly hasQueue: (name: string) => boolean;
};

export type FakeWorkers = {
  readonly scripts: Map<string, FakeScript>;
  readonly routes: FakeRoutes;
};

const NOT_FOUND: FakeAnswer = {
  status: 404,
  code: 10_007,
  message: 'This Worker does not exist on your account.',
};

const stampOf = (at: number): string => `2026-11-01T00:00:${String(at).padStart(2, '0')}.000000Z`;

/** Serves Cloudflare's routes for Workers: upload as form or version, secrets, assets, workers.dev, deployments, schedules. */
export const openFakeWorkers = (account: FakeAccount): FakeWorkers => {
  const scripts: FakeWorkers['scripts'] = new Map();
  const withScript =
    (serve: (script: FakeScript, request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>) =>
    (request: FakeRequest): FakeAnswer | Promise<FakeAnswer> => {
      const script = scripts.get(request.query.get('1') ?? '');
      return script === undefined ? NOT_FOUND : serve(script, request);
    };
  const upload = async (name: string, request: FakeRequest): Promise<FakeAnswer> => {
    const form = await new Response(request.body, {
      headers: { 'content-type': request.contentType },
    }).formData();
    const metadata = JSON.parse(await textOf(form.get('metadata'))) as FakeMetadata;
    const script = scripts.get(name) ?? emptyScript();
    const fault = faultOf(metadata, script, account);
    if (fault !== undefined) return fault;
    const { bindings = [], migrations } = metadata;
    for (const { type, name: secret, text = '' } of bindings)
      if (type === 'secret_text') script.secrets[secret] = text;
    script.bindings = bindings;
    script.migrationTag = migrations?.new_tag ?? script.migrationTag;
    script.modules = {};
    for (const [module, part] of form)
      if (module !== 'metadata') script.modules[module] = (await textOf(part)).length;
    const id = randomUUID();
    script.versions.push(id);
    const { 'workers/tag': tag } = metadata.annotations ?? {};
    if (tag !== undefined) script.tags.set(id, tag);
    // Only the older route also deploys what it uploads.
    if (request.method === 'PUT') script.deployments.push([{ version_id: id, percentage: 100 }]);
    scripts.set(name, script);
    return {
      result: {
        id,
        etag: id,
        deployment_id: id.replaceAll('-', ''),
        startup_time_ms: 1,
        metadata: { has_preview: false },
        resources: { script: { etag: id } },
      },
    };
  };
  const routes: FakeRoutes = {
    'GET /workers/services/([^/]+)': withScript(({ migrationTag }, { query }) => ({
      result: {
        id: query.get('1'),
        default_environment: {
          environment: 'production',
          script: {
            ...{ id: query.get('1'), tag: 'tag', tags: null, last_deployed_from: 'wrangler' },
            ...(migrationTag === undefined ? {} : { migration_tag: migrationTag }),
          },
        },
      },
    })),
    'PUT /workers/scripts/([^/]+)': async (request) =>
      await upload(request.query.get('1') ?? '', request),
    'POST /workers/scripts/([^/]+)/versions': async (request) =>
      await upload(request.query.get('1') ?? '', request),
    'GET /workers/scripts/([^/]+)/secrets': withScript(({ secrets }) => ({
      result: Object.keys(secrets).map((name) => ({ name, type: 'secret_text' })),
    })),
    'PATCH /workers/scripts/([^/]+)/secrets-bulk': withScript((script, request) => {
      const { secrets } = jsonBody<{
        readonly secrets: Readonly<Record<string, { readonly text: string } | null>>;
      }>(request);
      for (const [name, secret] of Object.entries(secrets)) {
        if (secret === null) delete script.secrets[name];
        else script.secrets[name] = secret.text;
      }
      return { result: [] };
    }),
    'POST /workers/scripts/([^/]+)/assets-upload-session': (request) => ({
      result: {
        jwt: 'session',
        buckets: [
          Object.values(
            jsonBody<{ readonly manifest: Readonly<Record<string, { readonly hash: string }>> }>(
              request,
            ).manifest,
          ).map(({ hash }) => hash),
        ],
      },
    }),
    'POST /workers/assets/upload': () => ({ result: { jwt: 'completed' } }),
    'GET /workers/subdomain': () => ({ result: { subdomain: 'fake-team' } }),
    'GET /workers/scripts/([^/]+)/subdomain': withScript(({ isPublic }) => ({
      result: { enabled: isPublic, previews_enabled: false },
    })),
    'GET /workers/workers/([^/]+)': withScript(({ isPublic }) => ({
      result: { subdomain: { enabled: isPublic, previews_enabled: false } },
    })),
    'POST /workers/scripts/([^/]+)/subdomain': withScript((script, request) => {
      script.isPublic = jsonBody<{ readonly enabled: boolean }>(request).enabled;
      return { result: { enabled: script.isPublic, previews_enabled: false } };
    }),
    'GET /workers/scripts/([^/]+)/deployments': withScript(({ deployments }) => ({
      result: {
        deployments: deployments
          .map((versions, at) => ({
            ...{ id: String(at), source: 'wrangler', strategy: 'percentage', author_email: '' },
            ...{ created_on: stampOf(at), annotations: {}, versions },
          }))
          .toReversed()
          .slice(0, 10),
      },
    })),
    'POST /workers/scripts/([^/]+)/deployments': withScript((script, request) => {
      const { versions } = jsonBody<{ readonly versions: readonly FakeShare[] }>(request);
      const sum = versions.reduce((all, { percentage }) => all + percentage, 0);
      if (sum !== 100) return { status: 400, code: 10_213, message: 'percentages must add to 100' };
      if (!versions.every(({ version_id: id }) => script.versions.includes(id)))
        return { status: 404, code: 10_214, message: 'version not found' };
      script.deployments.push(versions);
      return { result: { id: randomUUID() } };
    }),
    'GET /workers/scripts/([^/]+)/versions/([^/]+)': withScript(({ versions, tags }, { query }) => {
      const id = query.get('2') ?? '';
      const at = versions.indexOf(id);
      if (at === -1) return { status: 404, code: 10_214, message: 'version not found' };
      const tag = tags.get(id);
      return {
        result: {
          id,
          number: at + 1,
          metadata: { created_on: stampOf(at), source: 'wrangler', author_email: '' },
          annotations: tag === undefined ? {} : { 'workers/tag': tag },
          resources: {
            script: { etag: id, handlers: ['fetch'] },
            script_runtime: {},
            bindings: [],
          },
        },
      };
    }),
    'PATCH /workers/scripts/([^/]+)/script-settings': withScript(() => ({ result: {} })),
    'PUT /workers/scripts/([^/]+)/schedules': withScript((script, request) => {
      script.schedules = jsonBody<readonly unknown[]>(request);
      return { result: { schedules: script.schedules } };
    }),
  };
  return { scripts, routes };
};

const emptyScript = (): FakeScript => ({
  secrets: {},
  versions: [],
  tags: new Map(),
  deployments: [],
  modules: {},
  bindings: [],
  migrationTag: undefined,
  isPublic: false,
  schedules: [],
});

const textOf = async (part: ReturnType<FormData['get']>): Promise<string> => {
  if (part === null) return '{}';
  return typeof part === 'string' ? part : await part.text();
};

/** The reason for which Cloudflare would reject an upload. */
const faultOf = (
  { bindings = [], migrations }: FakeMetadata,
  { secrets, migrationTag }: FakeScript,
  { hasDatabase, hasQueue }: FakeAccount,
): FakeAnswer | undefined => {
  const refused = (code: number, message: string): FakeAnswer => ({ status: 400, code, message });
  for (const { type, name, id = '', queue_name: queue = '' } of bindings) {
    if (type === 'inherit' && secrets[name] === undefined)
      return refused(10_057, `inherit binding '${name}' is invalid`);
    if (type === 'd1' && !hasDatabase(id))
      return refused(10_021, `binding ${name} of type d1 must have a valid \`id\` specified`);
    if (type === 'queue' && !hasQueue(queue)) return refused(10_021, `queue ${queue} is unknown`);
  }
  return migrations !== undefined && migrations.old_tag !== migrationTag
    ? refused(10_079, `migration tag precondition failed; expected ${migrationTag ?? 'none'}`)
    : undefined;
};
