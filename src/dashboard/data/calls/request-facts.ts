import { isObject } from '../../../core/json-object.ts';
import type { Json } from '../../../protocol/entry.ts';
import type { Facts } from '../../../protocol/log/facts.ts';

/** The request of a waiting call, from its log. */
export type RequestFacts = {
  /** Method and target as signed, e.g. `POST /tools/translate`; undefined if D1 does not have the entry. */
  readonly request: string | undefined;
  /** SHA-256 of the body; undefined if there is none. The gateway keeps no body. */
  readonly bodyDigest: string | undefined;
  /** Parameters that a rule compares, with their values. */
  readonly params: readonly (readonly [name: string, value: string])[];
  readonly payee: string | undefined;
  /** Hashes of the grants that the call uses, its own and its parents; undefined if D1 does not have the entry. */
  readonly grants: readonly string[] | undefined;
};

/** SHA-256 of no bytes. */
const NO_BODY = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** @param params of the evidence (docs/wire-format.md §15): `{found, value}`, or null if the tool declares none */
const paramsIn = (params: Json | undefined): RequestFacts['params'] =>
  Object.entries(isObject(params) ? params : {}).map(([name, param]) => {
    const { found, value } = isObject(param) ? param : {};
    if (found !== true) return [name, 'unreadable'];
    return [name, typeof value === 'string' && value !== '' ? value : JSON.stringify(value)];
  });

/** Reads the request from the entry that parked a call; undefined if D1 does not have it. */
export const requestFacts = (entry: Facts<'call.parked'> | undefined): RequestFacts => {
  const { intent, params, policies } = entry?.evidence ?? {};
  const { method, target, payloadDigest: digest } = intent ?? {};
  const parts = [method, target].filter((part) => part !== undefined && part !== '');
  return {
    request: parts.length === 0 ? undefined : parts.join(' '),
    bodyDigest: digest === NO_BODY || digest === '' ? undefined : digest,
    params: paramsIn(params),
    payee: entry?.payment.payTo,
    grants: policies?.flatMap(({ kind, hash }) => (kind === 'grant' ? [hash ?? ''] : [])),
  };
};

/** Whether a call spends from a limit. @param grant the grant that sets the limit; undefined if no grant does */
export const isOfCall = (grant: string | undefined, grants: RequestFacts['grants']): boolean =>
  grant === undefined || grants === undefined || grants.includes(grant);
