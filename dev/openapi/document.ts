import { operationOf, templateOf } from './operation.ts';
import { componentSchemas, type JsonSchema } from './schemas.ts';
import { ROUTES } from '../../src/management/routes.ts';

const problem = (description: string): JsonSchema => ({
  description,
  content: {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  },
});

const RESPONSES = {
  304: { description: 'Nothing has changed since the answer that `If-None-Match` names.' },
  400: problem('The request is malformed: `field` names the member.'),
  401: {
    ...problem('No `Agent-Intent` for exactly this request. `intent` holds the fields to sign.'),
    headers: {
      'WWW-Authenticate': {
        schema: { type: 'string' },
        description: 'AgentIntent audience="…", tool="…", chains="…", max_validity="300"',
      },
    },
  },
  403: problem('The signature is valid, but its signer has no role for this route (`forbidden`).'),
  404: problem(
    'Unknown, or not visible to the signer: the answer is the same. Also for an unknown document of a known account.',
  ),
  409: problem(
    'The intent was used before (`already_used`), or the current state does not allow the command.',
  ),
  412: {
    ...problem('The document has changed since (`precondition_failed`).'),
    headers: { ETag: { $ref: '#/components/headers/ETag' } },
  },
  428: problem('The document exists: name the version to replace in `If-Match`.'),
  429: problem('Too many requests; see `Retry-After`.'),
  503: problem(
    'The gateway cannot read or write its storage now. Send the same request, with the same signature, again.',
  ),
  default: problem('Any other refusal.'),
} as const;

const PARAMETERS = {
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    schema: { type: 'string' },
    description: 'The ETag of the document to replace, or `*`. Required if the document exists.',
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    schema: { type: 'string', const: '*' },
    description: 'Only if no document exists yet.',
  },
  IfChanged: {
    name: 'If-None-Match',
    in: 'header',
    schema: { type: 'string' },
    description: 'The ETag of the answer that you have.',
  },
  DryRun: {
    name: 'Dry-Run',
    in: 'header',
    schema: { type: 'string', const: '?1' },
    description:
      'Changes nothing. The answer counts the running calls that the policy would have refused.',
  },
  LastEventID: {
    name: 'Last-Event-ID',
    in: 'header',
    schema: { type: 'integer', minimum: 0 },
    description: 'The last received entry. Takes precedence over `after`.',
  },
} as const;

const SECURITY = {
  type: 'apiKey',
  in: 'header',
  name: 'Agent-Intent',
  description:
    'A signature for exactly this request, not a key: base64url, without padding, of JSON {"v":1,"chainId":"…","intent":{…},"signature":"0x…"}. ' +
    'The intent is the EIP-712 structure AgentIntent: its `tool` is `x-countersign-tool`, its `method`, `target`, `contentType` and `payloadDigest` ' +
    'are those of the request, its window is at most 300 s, and its `payTo`, `asset`, `maxAmount` and `authority` are zero. ' +
    'An intent of a GET may be sent again until it expires, any other is good once. See docs/wire-format.md, sections 2 to 4 and 8.',
} as const;

/** The OpenAPI document of the management API, made from the table of routes. */
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
        'Lists are paged: `next` of a page is `after` of the next one. See docs/management.md.',
    },
    servers: [{ url: '/', description: 'This gateway' }],
    tags: [
      { name: 'operators', description: 'For addresses in OPERATORS.' },
      {
        name: 'accounts',
        description: 'For owners about their descendants, and for agents about themselves.',
      },
    ],
    security: [{ AgentIntent: [] }],
    paths,
    components: {
      securitySchemes: { AgentIntent: SECURITY },
      headers: {
        ETag: { schema: { type: 'string' }, description: 'Hash of the document, in quotes.' },
        LogTag: {
          schema: { type: 'string' },
          description: 'Weak. Names the answer until the stored log changes, for `If-None-Match`.',
        },
      },
      parameters: PARAMETERS,
      responses: RESPONSES,
      schemas: componentSchemas(),
    },
  };
};
