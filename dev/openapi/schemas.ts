import * as z from 'zod/mini';
import { toolSchema } from '../../src/catalog/schema.ts';
import { accountItem, standingSchema } from '../../src/management/account.route.ts';
import { callItem, settlement } from '../../src/management/call.route.ts';
import { entry } from '../../src/management/entry.route.ts';
import {
  account,
  asset,
  commandOutcome,
  cursor,
  DEFAULT_PAGE,
  hash,
  limit,
  MAX_PAGE,
  seconds,
  seq,
} from '../../src/management/fields.ts';
import { policyBody, policyDocument } from '../../src/management/policy.route.ts';
import { toolBody, toolDocument } from '../../src/management/tool.route.ts';
import { delivery, webhook } from '../../src/management/webhook.route.ts';
import { webhookSchema } from '../../src/protocol/alert.ts';
import { policySchema } from '../../src/policy/policy.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

const natural = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

/** Replacements for schemas that cannot describe themselves: documents parsed elsewhere, and numbers in a query. */
const INSTEAD = new Map<unknown, JsonSchema>([
  [policyBody, { $ref: '#/components/schemas/Policy' }],
  [policyDocument, { $ref: '#/components/schemas/Policy' }],
  [toolBody, { $ref: '#/components/schemas/Tool' }],
  [toolDocument, { $ref: '#/components/schemas/Tool' }],
  [limit, { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE }],
  [seconds, { ...natural, description: 'Unix time in seconds.' }],
  [seq, { ...natural, description: 'Sequence number of an entry in the log of its account.' }],
  [cursor, { type: 'string', description: 'The `next` of the page before. Opaque.' }],
]);

const ADDED = new Map<unknown, JsonSchema>([
  [account, { description: 'CAIP-10, in lower case.' }],
  [asset, { description: 'CAIP-19, in lower case.' }],
  [hash, { description: '32 bytes as hex.' }],
]);

/** Schemas with a name of their own. */
const NAMED = {
  Account: accountItem,
  Standing: standingSchema,
  Ordered: commandOutcome,
  Call: callItem,
  Settlement: settlement,
  Entry: entry,
  WebhookDocument: webhookSchema,
  Webhook: webhook,
  Delivery: delivery,
} as const;

const names = z.registry<{ readonly id: string }>();
for (const [id, schema] of Object.entries(NAMED)) names.add(schema, { id });

const convert = (schema: z.ZodMiniType): Record<string, unknown> => {
  const made = z.toJSONSchema(schema, {
    // The schema of the JSON text, not of the parsed values.
    io: 'input',
    unrepresentable: 'any',
    metadata: names,
    override: ({ zodSchema, jsonSchema }) => {
      const instead = INSTEAD.get(zodSchema);
      if (instead !== undefined) {
        for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
      }
      Object.assign(jsonSchema, instead, ADDED.get(zodSchema));
    },
  });
  const { $schema: _, '~standard': __, ...rest } = made as Record<string, unknown>;
  return rest;
};

/** Turns references to `$defs` into references to the components of the document. */
const hoisted = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));

/** The JSON Schema of a request. The gateway rejects unknown members. */
export const requestSchema = (schema: z.ZodMiniType): JsonSchema => {
  const { $defs: _, ...rest } = convert(schema);
  return hoisted(rest) as JsonSchema;
};

/** The JSON Schema of an answer. Unknown members are allowed: later versions may add some, and generated clients must accept them. */
export const answerSchema = (schema: z.ZodMiniType): JsonSchema =>
  open(requestSchema(schema)) as JsonSchema;

const open = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(open);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== 'additionalProperties' || inner !== false)
      .map(([key, inner]) => [key, open(inner)]),
  );
};

/** A named schema itself, not a reference to it. */
const alone = (name: string, schema: z.ZodMiniType): JsonSchema => {
  const { $defs, ...rest } = convert(schema);
  const own = ($defs as Record<string, unknown> | undefined)?.[name] ?? rest;
  return hoisted(own) as JsonSchema;
};

/** `components.schemas`. */
export const componentSchemas = (): Readonly<Record<string, JsonSchema>> => ({
  Policy: requestSchema(policySchema),
  Tool: requestSchema(toolSchema),
  ...Object.fromEntries(
    Object.entries(NAMED).map(([name, schema]) => {
      const json = alone(name, schema);
      return [name, name === 'WebhookDocument' ? json : (open(json) as JsonSchema)];
    }),
  ),
  Problem: PROBLEM,
});

const PROBLEM: JsonSchema = {
  type: 'object',
  description: 'RFC 9457. Act on `type`: texts may change, and members may be added.',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string', examples: ['urn:countersign:problem:precondition-failed'] },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    hint: { type: 'string' },
    field: { type: 'string', description: 'The faulty member, as a path such as `body.perCall`.' },
    expected: { type: 'string' },
    got: { type: 'string' },
    docs: { type: 'string' },
  },
};
