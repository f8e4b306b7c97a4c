import vectors from '../../vectors/countersign-v1.json' with { type: 'json' };
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { nowSeconds } from './payment.ts';
import type { ToolCall } from './world.ts';

export type MutationName = keyof typeof vectors.mustFail.paidIntentMutations;

/** The field that a problem names: a field of the intent, or any other field by its path, starting with the header. */
export type NamedField = { readonly field: keyof AgentIntent } | { readonly path: string };

/**
 * A mutation of the vectors, and the field that the gateway must name. `swapped`: when the mutated intent replaces the signed one.
 * `signed`: when the mutated intent itself was signed; undefined where that is a valid intent.
 */
export type Mutation = {
  readonly name: MutationName;
  readonly swapped: NamedField;
  readonly signed: NamedField | undefined;
};

const field = (name: keyof AgentIntent): NamedField => ({ field: name });

/** The gateway names `cover` when every field matches the request but the signature covers another intent. */
export const mutationsOf = (cover: NamedField, chain: NamedField): readonly Mutation[] => {
  const seen = (name: MutationName, named: keyof AgentIntent): Mutation => ({
    name,
    swapped: field(named),
    signed: field(named),
  });
  return [
    seen('endpoint', 'target'),
    seen('query', 'target'),
    seen('body', 'payloadDigest'),
    seen('bodyReserialised', 'payloadDigest'),
    seen('contentType', 'contentType'),
    seen('tool', 'tool'),
    seen('method', 'method'),
    seen('audience', 'audience'),
    seen('recipient', 'payTo'),
    { name: 'cap', swapped: cover, signed: undefined },
    seen('expiry', 'validBefore'),
    { name: 'authority', swapped: cover, signed: undefined },
    { name: 'nonce', swapped: cover, signed: undefined },
    { name: 'chain', swapped: chain, signed: chain },
  ];
};

const { clock, paid } = vectors;

/** The vectors' request. The gateway under test has its tool `translate`. */
export const paidRequest: ToolCall = {
  path: paid.intent.target,
  method: paid.request.method,
  body: paid.request.body,
  contentType: paid.request.contentType,
};

/** The vectors' change as fields of an intent, with times relative to the current time. */
export const changeOf = (name: MutationName): Partial<AgentIntent> => {
  const mutation: { readonly change: Readonly<Record<string, string>> } =
    vectors.mustFail.paidIntentMutations[name];
  const entries = Object.entries(mutation.change).map(([key, value]) => {
    if (key === 'maxAmount') return [key, BigInt(value)];
    if (key === 'validBefore') return [key, BigInt(value) - BigInt(clock) + BigInt(nowSeconds())];
    return [key, key === 'payTo' ? value.toLowerCase() : value];
  });
  return Object.fromEntries(entries) as Partial<AgentIntent>;
};

/** The mutations applied to the request while the intent stays unchanged. The other mutations have no counterpart in a request. */
export const requests: readonly {
  readonly name: MutationName;
  readonly call: ToolCall;
  readonly field: keyof AgentIntent;
}[] = [
  {
    name: 'query',
    call: { ...paidRequest, path: '/tools/translate?formality=low' },
    field: 'target',
  },
  {
    name: 'body',
    call: { ...paidRequest, body: '{"text":"hello","to":"de"}' },
    field: 'payloadDigest',
  },
  {
    name: 'bodyReserialised',
    call: { ...paidRequest, body: '{"to":"fr","text":"hello"}' },
    field: 'payloadDigest',
  },
  {
    name: 'contentType',
    call: { ...paidRequest, contentType: 'text/plain' },
    field: 'contentType',
  },
];
