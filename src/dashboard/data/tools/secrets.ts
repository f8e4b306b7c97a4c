import type { ItemOf, Management } from '../../../client/management.ts';
import { isObject } from '../../../core/json-object.ts';
import { err, ok, type Result } from '../../../core/result.ts';
import type { FieldFault } from '../../../protocol/fault.ts';
import {
  isSecretName,
  readSecretHost,
  guessableTexts,
  readSecretValue,
  SECRET_NAME_HINT,
  type SecretKind,
} from '../../../vault/secret.ts';
import { type CatalogueTool, readCatalogue } from './catalogue.ts';
import { allOf } from '../reading/list.ts';
import { expectedReach } from '../gateway/local-stack.ts';

/** A secret, and the tools whose requests carry it. */
export type KnownSecret = ItemOf<'secrets.list'> & { readonly tools: readonly string[] };

/** The names of the secrets that a tool sends to its upstream or charges cards with. */
const secretsOf = ({ tool: { secrets = [], card } }: CatalogueTool): readonly string[] => [
  ...secrets.map(({ secret }) => secret),
  ...(isObject(card) ? [card['key'], card['token']] : []).filter(
    (name) => typeof name === 'string',
  ),
];

/** The secrets of the vault, never their values. */
export const readSecrets = async (
  management: Management,
  signal: AbortSignal,
): Promise<readonly KnownSecret[]> => {
  const listed = await allOf(management.list('secrets.list', { signal }));
  const tools = await readCatalogue(management, signal);
  return listed.map((secret) => ({
    ...secret,
    tools: tools.filter((tool) => secretsOf(tool).includes(secret.name)).map(({ id }) => id),
  }));
};

/** The properties of a secret as a person types them. The value is not among them: it stays in its control. */
export type SecretDraft = {
  readonly name: string;
  readonly kind: SecretKind;
  readonly host: string;
  readonly hint: string;
  /** The user of a `basic` secret, or the header of a `header` secret. */
  readonly label: string;
};

type Value = string | Readonly<Record<string, string>>;

const valueOf = ({ kind, label }: SecretDraft, text: string): Value | undefined => {
  switch (kind) {
    case 'token':
      return text;
    case 'basic':
      return { user: label, password: text };
    case 'header':
      return { name: label, value: text };
    case 'json':
      try {
        return JSON.parse(text) as Value;
      } catch {
        return undefined;
      }
  }
};

/**
 * Checks a secret as the gateway does before it stores one. A fault never contains a part of the value.
 *
 * @param text the value as typed
 * @returns the value in the form of its kind
 */
export const checkedSecret = (
  draft: SecretDraft,
  text: string,
): Result<Value, readonly FieldFault[]> => {
  const host = readSecretHost(draft.host, expectedReach());
  const value = valueOf(draft, text);
  const read = value === undefined ? undefined : readSecretValue(draft.kind, value);
  const faults: FieldFault[] = [
    ...(isSecretName(draft.name) ? [] : [{ field: 'name', reason: SECRET_NAME_HINT }]),
    ...(host.ok ? [] : [{ field: 'host', reason: host.error }]),
    ...(read === undefined ? [{ field: 'value', reason: 'is not valid JSON' }] : []),
    ...(read === undefined ? [] : (read.ok ? guessableTexts(read.value) : read.error).map(placed)),
  ];
  return value === undefined || faults.length > 0 ? err(faults) : ok(value);
};

/** `user` of a basic secret and `name` of a header secret have a control of their own. */
const placed = ({ field, reason }: FieldFault): FieldFault => ({
  field: field === 'user' || field === 'name' ? 'label' : 'value',
  reason,
});
