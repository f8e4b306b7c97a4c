import vectors from '../../vectors/countersign-v1.json' with { type: 'json' };
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { nowSeconds } from './payment.ts';
import type { ToolCall } from './world.ts';

export type MutationName = keyof typeof vectors.mustFail.paidIntentMutations;

/** Who is blamed: a field of the intent, or another one by its whole path from the header on. */
export type Blame = { readonly field: keyof AgentIntent } | { readonly path: string };

/**
 * A mutation of the vectors and what a gateway says of it. `swapped`: put in place of the intent that was signed, by whoever holds
 * the proof. `signed`: signed like that from the start; undefined where that is a good intent as well.
 */
export type Mutation = {
  readonly name: MutationName;
  readonly swapped: Blame;
  readonly signed: Blame | undefined;
};

const field = (name: keyof AgentIntent): Blame => ({ field: name });

/** `cover`: whoever is blamed when no field is at odds with the request, but what was signed is another intent. */
export const mutationsOf = (cover: Blame, chain: Blame): readonly Mutation[] => {
  const seen = (name: MutationName, blamed: keyof AgentIntent): Mutation => ({
    name,
    swapped: field(blamed),
    signed: field(blamed),
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

/** The vectors' request on this gateway: `translate` is a tool of both. */
export const paidRequest: ToolCall = {
  path: paid.intent.target,
  method: paid.request.method,
  body: paid.request.body,
  contentType: paid.request.contentType,
};

/** The vectors' change as fields of an intent for now: their clock is another one. */
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

/** The other way round: the request changed under an intent that was not. Those not named have nothing in a request. */
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
