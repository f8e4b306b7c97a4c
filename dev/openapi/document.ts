import { ROUTES } from '../../src/management/routes.ts';
import { operationOf, templateOf } from './operation.ts';
import { componentSchemas, type JsonSchema } from './schemas.ts';

const problem = (description: string): JsonSchema => ({
  description,
  content: {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  },
});

const RESPONSES = {
  400: problem('The request is not what it must be: `field` says where.'),
  401: {
    ...problem('No `Agent-Intent` for exactly this request; `intent` holds what to sign.'),
    headers: {
      'WWW-Authenticate': {
        schema: { type: 'string' },
        description: 'AgentIntent audience="…", tool="…", chains="…", max_validity="300"',
      },
    },
  },
  403: problem('Signed well, by nobody who may do this (`forbidden`).'),
  404: problem(
    'Not there, or not for whoever asks: the answer is the same. Also where the account is known but the thing is not.',
  ),
  409: problem(
    'This intent was used already (`already_used`), or what is there stands against it.',
  ),
  412: {
    ...problem('It has changed since (`precondition_failed`).'),
    headers: { ETag: { $ref: '#/components/headers/ETag' } },
  },
  428: problem('Something is there already: say by `If-Match` what you mean to replace.'),
  429: problem('Too many requests; see `Retry-After`.'),
  503: problem(
    'Cannot be known or kept now. The same request, signed as it is, may be sent again.',
  ),
  default: problem('Any other refusal.'),
} as const;

const PARAMETERS = {
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    schema: { type: 'string' },
    description: 'The ETag of what is to be replaced, or `*`. Needed where something is there.',
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    schema: { type: 'string', const: '*' },
    description: 'Only where nothing is there yet.',
  },
  DryRun: {
    name: 'Dry-Run',
    in: 'header',
    schema: { type: 'string', const: '?1' },
    description: 'Changes nothing; says which calls that run now it would have refused.',
  },
  LastEventID: {
    name: 'Last-Event-ID',
    in: 'header',
    schema: { type: 'integer', minimum: 0 },
    description: 'The last entry that was seen. Comes before `after`.',
  },
} as const;

const SECURITY = {
  type: 'apiKey',
  in: 'header',
  name: 'Agent-Intent',
  description:
    'No key, but a signature for exactly this request: base64url, without padding, of JSON {"v":1,"chainId":"…","intent":{…},"signature":"0x…"}. ' +
    'The intent is the EIP-712 structure AgentIntent: its `tool` is `x-countersign-tool`, its `method`, `target`, `contentType` and `payloadDigest` ' +
    'are those of the request, its window is at most 300 s, and its `payTo`, `asset`, `maxAmount` and `authority` are zero. ' +
    'A reading intent may be sent again while it lasts, a writing one is good once. See docs/wire-format.md, sections 2 to 4 and 8.',
} as const;

/** The OpenAPI document of the management API, made of the table that drives it. */
export const openApi = (version: string): JsonSchema => {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of ROUTES) {
    const path = (paths[templateOf(route.path)] ??= {});
    path[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Countersign management API',
      version,
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'For operators of a gateway, owners of accounts, and agents. Amounts are strings of atomic units, in policies and tools `"$0.02"` or `"20000u"`; times are Unix seconds. ' +
        'Lists come in pages: `next` of one is `after` of the following. See docs/management.md.',
    },
    servers: [{ url: '/', description: 'This gateway' }],
    tags: [
      { name: 'operators', description: 'For addresses in OPERATORS.' },
      {
        name: 'accounts',
        description: 'For owners, their subtree, and for agents, themselves.',
      },
    ],
    security: [{ AgentIntent: [] }],
    paths,
    components: {
      securitySchemes: { AgentIntent: SECURITY },
      headers: {
        ETag: { schema: { type: 'string' }, description: 'Hash of the document, in quotes.' },
      },
      parameters: PARAMETERS,
      responses: RESPONSES,
      schemas: componentSchemas(),
    },
  };
};
