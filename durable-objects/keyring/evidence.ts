import type { Json } from '../../src/protocol/entry.ts';
import { intentFields } from '../../src/protocol/intent/agent-intent.ts';
import type { SigningRequest } from '../../src/signer/signing-request.ts';

type Members = { readonly [key: string]: Json };

/** The fields of a request for the log. Never a signature: a payment could be presented with it. */
export const requestFields = (request: SigningRequest): Members => {
  const { kind, chainId, digest, intent } = request;
  const own = { typed: kind, chain: chainId, digest, intent: intentFields(intent) };
  if (request.kind === 'intent') return own;
  const signed = { ...own, token: request.token.address };
  if (request.kind === 'approval') {
    const { owner, value, nonce, deadline } = request.approval;
    const numbers = {
      value: value.toString(),
      nonce: nonce.toString(),
      deadline: deadline.toString(),
    };
    return { ...signed, approval: { owner, ...numbers } };
  }
  const { authorization, permit } = request;
  return {
    ...signed,
    ...(permit === undefined ? {} : { facilitator: permit.facilitator }),
    authorization: {
      ...authorization,
      value: authorization.value.toString(),
      validAfter: authorization.validAfter.toString(),
      validBefore: authorization.validBefore.toString(),
    },
  };
};

const MAX_TEXT = 128;
const MAX_MEMBERS = 24;

/** Printable and short: an injected page chose these texts, and a person reads them (CWE-117). */
const shown = (value: unknown): string =>
  (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
    .slice(0, MAX_TEXT)
    .replace(/[^\x20-\x7e]/g, '?');

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const members = (value: unknown): Members =>
  Object.fromEntries(
    (isObject(value) ? Object.entries(value) : [])
      .slice(0, MAX_MEMBERS)
      .map(([name, member]) => [shown(name), shown(member)]),
  );

/** The requested typed data, if the signer does not support it: the owner sees, for example, which address was to get an allowance. */
export const foreignFields = (method: string, params: readonly unknown[]): Members => {
  const [, data] = params;
  const known = isObject(data) ? data : readJson(data);
  return {
    method: shown(method),
    ...(isObject(known)
      ? {
          primaryType: shown(known['primaryType']),
          domain: members(known['domain']),
          message: members(known['message']),
        }
      : {}),
  };
};

const readJson = (value: unknown): unknown => {
  if (typeof value !== 'string') return undefined;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
};
