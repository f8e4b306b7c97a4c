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

type Members = { readonly [name: string]: unknown };

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : {};

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** SHA-256 of no bytes. */
const NO_BODY = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** @param params of the evidence (docs/wire-format.md §15): `{found, value}`, or null if the tool declares none */
const paramsIn = (params: unknown): RequestFacts['params'] =>
  Object.entries(membersOf(params)).map(([name, read]) => {
    const { found, value } = membersOf(read);
    return [name, found === true ? (textOf(value) ?? JSON.stringify(value)) : 'unreadable'];
  });

/** @param policies of the evidence: every policy that decided the call */
const grantsIn = (policies: unknown): RequestFacts['grants'] =>
  Array.isArray(policies)
    ? policies
        .map(membersOf)
        .flatMap(({ kind, hash }) => (kind === 'grant' ? [textOf(hash) ?? ''] : []))
    : undefined;

/** Reads the request from the entry that parked a call. */
export const requestFacts = (evidence: unknown, payment: unknown): RequestFacts => {
  const { intent, params, policies } = membersOf(evidence);
  const { method, target, payloadDigest } = membersOf(intent);
  const digest = textOf(payloadDigest);
  const parts = [textOf(method), textOf(target)].filter((part) => part !== undefined);
  return {
    request: parts.length === 0 ? undefined : parts.join(' '),
    bodyDigest: digest === NO_BODY ? undefined : digest,
    params: paramsIn(params),
    payee: textOf(membersOf(payment)['payTo']),
    grants: grantsIn(policies),
  };
};

/** Whether a call spends from a limit. @param grant the grant that sets the limit; undefined if no grant does */
export const isOfCall = (grant: string | undefined, grants: RequestFacts['grants']): boolean =>
  grant === undefined || grants === undefined || grants.includes(grant);
