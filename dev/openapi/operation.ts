import { answerSchema, type JsonSchema, requestSchema } from './schemas.ts';
import { toolIdOf } from '../../src/management/endpoint.ts';
import {
  type AdminRoute,
  type ParamName,
  PARAMS,
  type RequestOf,
  type RouteId,
} from '../../src/management/routes.ts';
import type * as z from 'zod/mini';

type BodyOf<Id extends RouteId> =
  RequestOf<Id> extends { readonly body: infer Body } ? Body : never;

const policy: BodyOf<'account.policy.put'> = {
  tools: ['search.*', 'translate'],
  perCall: '$0.05',
  windows: [{ every: 'day', limit: '$2.00' }],
  rate: { limit: 60, seconds: 60 },
};

const webhook: BodyOf<'webhooks.put'> = {
  url: 'https://hooks.example/countersign',
  events: ['soft_limit', 'breaker'],
  description: 'Pager of the research team',
};

const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';

/** An example body for each route that has one. */
export const EXAMPLES: { readonly [Id in RouteId]?: BodyOf<Id> } = {
  'accounts.put': { label: 'research' },
  'accounts.policy.put': policy,
  'accounts.status': { status: 'frozen' },
  'credits.adjust': { asset: ASSET, amount: '-250000', reason: 'Credited twice on 3 November' },
  'approvals.refuse': { reason: 'Too expensive, ask the team first' },
  'account.refuse': { reason: 'Too expensive, ask the team first' },
  'calls.refund': { amount: '20000', reason: 'Wrong answer, ticket 7' },
  'credits.refund': {
    account: 'eip155:84532:0x7e5f4552091a69125d5dfcb7b8c2659029395bdf',
    transaction: `0x${'5c'.repeat(32)}`,
  },
  'tools.put': {
    id: 'translate',
    method: 'POST',
    path: '/tools/translate',
    description: 'Translates English word by word.',
    price: '$0.02',
    settlement: 'deferred',
    upstream: '/translate',
  },
  'settlements.writeoff': { reason: 'The facilitator lost it, and it has expired' },
  'settlements.resolve': { charge: false, reason: 'The bank has no such payment' },
  'secrets.put': {
    kind: 'token',
    host: 'api.weather.example',
    value: 'sk-live-8c1f0a7e',
    hint: 'Key of the research team',
    blind: '3q2-7wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw',
  },
  'secrets.rewrap': {},
  'audit.rebuild': { apply: false },
  'webhooks.put': webhook,
  'account.put': { label: 'research' },
  'account.policy.put': policy,
  'account.status': { status: 'paused' },
  'account.default': { grant: `0x${'2f'.repeat(32)}` },
  'account.webhooks.put': webhook,
};

const MEDIA = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
} as const;

const ref = (kind: string, name: string): JsonSchema => ({ $ref: `#/components/${kind}/${name}` });

/** Writes the parameters of a path as OpenAPI does: `{account}` for `:account`. */
export const templateOf = (path: string): string => path.replace(/:([a-z]+)/g, '{$1}');

const namesIn = (path: string): readonly ParamName[] =>
  [...path.matchAll(/:([a-z]+)/g)].map(([, name]) => name as ParamName);

const queryParameters = (schema: z.ZodMiniType | undefined): readonly JsonSchema[] => {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = requestSchema(schema);
  return Object.entries(properties as Record<string, JsonSchema>).map(([name, one]) => ({
    name,
    in: 'query',
    required: (required as readonly string[]).includes(name),
    schema: one,
  }));
};

const parametersOf = (route: AdminRoute): readonly JsonSchema[] => [
  ...namesIn(route.path).map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: requestSchema(PARAMS[name]),
  })),
  ...queryParameters(route.query),
  ...(route.precondition === 'etag'
    ? [ref('parameters', 'IfMatch'), ref('parameters', 'IfNoneMatch')]
    : []),
  ...(route.readsLog === true ? [ref('parameters', 'IfChanged')] : []),
  ...(route.dryRun === true ? [ref('parameters', 'DryRun')] : []),
  ...(route.stream === true ? [ref('parameters', 'LastEventID')] : []),
];

const contentOf = ({ answer, formats = ['json'], stream }: AdminRoute): JsonSchema => {
  const schema = answerSchema(answer);
  if (stream === true) {
    return {
      'text/event-stream': {
        schema: { type: 'string', description: '`data` of each event: #/components/schemas/Entry' },
      },
    };
  }
  return Object.fromEntries(
    formats.map((format) => [
      MEDIA[format],
      { schema: format === 'json' ? schema : { type: 'string' } },
    ]),
  );
};

const refusals = ({ path, write, precondition, query, body }: AdminRoute): readonly string[] => [
  ...(path.includes(':') || query !== undefined || body !== undefined ? ['400'] : []),
  '401',
  ...(write || path.startsWith('/admin') ? ['403'] : []),
  ...(path.includes(':') ? ['404'] : []),
  ...(write ? ['409'] : []),
  ...(precondition === 'etag' ? ['412', '428'] : []),
  '429',
  '503',
];

/** The operation of a route. */
export const operationOf = (route: AdminRoute): JsonSchema => {
  const example = EXAMPLES[route.id];
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.path.startsWith('/admin') ? 'operators' : 'accounts'],
    'x-countersign-tool': toolIdOf(route.id),
    'x-countersign-roles': route.roles,
    parameters: parametersOf(route),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: requestSchema(route.body),
                ...(example === undefined ? {} : { example }),
              },
            },
          },
        }),
    responses: {
      200: {
        description: route.summary,
        ...(route.etag === true ? { headers: { ETag: ref('headers', 'ETag') } } : {}),
        ...(route.readsLog === true ? { headers: { ETag: ref('headers', 'LogTag') } } : {}),
        content: contentOf(route),
      },
      ...(route.readsLog === true ? { 304: ref('responses', '304') } : {}),
      ...Object.fromEntries(refusals(route).map((status) => [status, ref('responses', status)])),
      default: ref('responses', 'default'),
    },
  };
};
