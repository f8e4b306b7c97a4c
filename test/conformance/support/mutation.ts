import vectors from '../../vectors/countersign-v1.json' with { type: 'json' };
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { nowSeconds } from './payment.ts';
import type { ToolCall } from './world.ts';

export type MutationName = keyof typeof vectors.mustFail.paidIntentMutations;

/** The field that a problem names: one of the intent, or another one by its path from the header on. */
export type NamedField = { readonly field: keyof AgentIntent } | { readonly path: string };

/**
 * A mutation of the vectors and the field that the gateway then names. `swapped`: the mutated intent replaces the signed one. `signed`: the
 * mutated intent was signed; undefined where that is a valid intent.
 */
export type Mutation = {
  readonly name: MutationName;
  readonly swapped: NamedField;
  readonly signed: NamedField | undefined;
};

const field = (name: keyof AgentIntent): NamedField => ({ field: name });

/** `cover` is named when every field fits the request but another intent was signed. */
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

/** The vectors' request; this gateway has their tool `translate`. */
export const paidRequest: ToolCall = {
  path: paid.intent.target,
  method: paid.request.method,
  body: paid.request.body,
  contentType: paid.request.contentType,
};

/** The vectors' change as fields of an intent, with times moved from their clock to now. */
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

/** Mutations of the request under an unchanged intent. The other mutations have no counterpart in a request. */
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
