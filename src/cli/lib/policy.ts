import type { Hex } from '../../core/hex.ts';
import { parseAddress } from '../../crypto/address.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import type { AnswerOf } from '../../management/routes.ts';
import { type FieldKind, type FieldKinds, fieldWords } from '../../policy/field-words.ts';
import { parsePolicy, type Policy } from '../../policy/policy.ts';
import { ANY_PAYEE } from '../../policy/rules/payees.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { formatDollars } from '../../protocol/amount.ts';
import { type AdminClient, warnIfStopped } from './admin-client.ts';
import { CliError, EXIT, isRefusal, usageError } from './errors.ts';
import { type Input, jsonFile, listOf, optionOf } from './input.ts';
import type { Session } from './session.ts';
import { timeIn } from './time.ts';
import { amountIn, durationIn } from './units.ts';

/** One of the two policies of an account: its owner's or the operator's, by the role of the client. */
export type PolicySlot = { readonly admin: AdminClient; readonly account: AccountId };

/** The policy in a slot; all undefined in an empty slot. */
type StoredPolicy = {
  readonly document: PolicyDocument | undefined;
  readonly policy: Policy | undefined;
  readonly etag: string | undefined;
};

export const slotName = ({ admin }: PolicySlot): 'operator' | 'owner' =>
  admin.role === 'operator' ? 'operator' : 'owner';

export const readPolicy = async ({ admin, account }: PolicySlot): Promise<StoredPolicy> => {
  const id = admin.role === 'operator' ? 'accounts.policy.get' : 'account.policy.get';
  try {
    const { body, etag } = await admin.call(id, { params: { account } });
    return { document: body, policy: policyOf(body), etag: etag?.replaceAll('"', '') };
  } catch (thrown) {
    // An operator may write a policy before the account's first call.
    const isEmpty =
      isRefusal(thrown, 'unknown_document') ||
      (admin.role === 'operator' && isRefusal(thrown, 'unknown_account'));
    if (isEmpty) return { document: undefined, policy: undefined, etag: undefined };
    throw thrown;
  }
};

/** Parses a policy with the gateway's own parser. @throws CliError usage, which names each faulty field */
export const policyOf = (document: unknown): Policy => {
  const parsed = parsePolicy(document);
  if (parsed.ok) return parsed.value;
  const faults = parsed.error.map(
    ({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`,
  );
  throw new CliError(`That is not a valid policy: ${faults.slice(0, 4).join('; ')}.`, {
    hint: 'Correct the policy. docs/policy.md lists its fields.',
    exit: EXIT.usage,
    code: 'malformed_policy',
    details: { faults: parsed.error },
  });
};

type Write = {
  readonly document: PolicyDocument;
  /** ETag of the policy to replace; undefined: the slot must be empty. */
  readonly expected: string | undefined;
  readonly dryRun: boolean;
};

export const writePolicy = async (
  { admin, account }: PolicySlot,
  { document, expected, dryRun }: Write,
): Promise<AnswerOf<'account.policy.put'>> => {
  const id = admin.role === 'operator' ? 'accounts.policy.put' : 'account.policy.put';
  if (!dryRun) warnIfStopped(admin);
  const { body } = await admin.call(id, {
    params: { account },
    body: document,
    dryRun,
    ...(expected === undefined ? { ifNoneMatch: '*' } : { ifMatch: expected }),
  });
  return body;
};

export const deletePolicy = async (
  { admin, account }: PolicySlot,
  expected: string,
): Promise<AnswerOf<'account.policy.delete'>> => {
  const id = admin.role === 'operator' ? 'accounts.policy.delete' : 'account.policy.delete';
  warnIfStopped(admin);
  return (await admin.call(id, { params: { account }, ifMatch: expected })).body;
};

/** `--if-match`, with or without the quotes of the header. */
export const etagIn = (text: string): Hex => text.replaceAll('"', '') as Hex;

/** Removes a field from the policy. */
const NONE = 'none';

type PolicyOption = {
  readonly flags: string;
  readonly summary: string;
  readonly field: keyof Policy;
  readonly kind: FieldKind;
  readonly every?: 'hour' | 'day' | 'month';
};

/** The options that set fields of a policy. */
export const POLICY_OPTIONS: readonly PolicyOption[] = Object.entries(fieldWords).flatMap(
  ([field, { kind, options = [] }]) =>
    options.map((option) => ({ ...option, field: field as keyof Policy, kind })),
);

type Parse = (text: string, flag: string, now: number) => unknown;

const frequency =
  (count: 'limit' | 'times'): Parse =>
  (text, flag) => {
    const [, digits = '', length = ''] =
      /^([1-9][0-9]{0,6})\/([0-9]{1,9}[smhdw]?)$/.exec(text) ?? [];
    const seconds = durationIn(length);
    if (seconds === undefined)
      throw usageError(`${flag} takes a number per duration.`, `Give e.g. ${flag} 60/60s.`);
    return { [count]: Number(digits), seconds };
  };

const money: Parse = (text, flag) => formatDollars(amountIn(text, flag));

const onlyDocument: Parse = (_, flag) => {
  throw new Error(`${flag} has no form of one word`);
};

/** The kinds whose value is a list of words: `+word` adds to it. */
type ListKind = {
  [K in FieldKind]: FieldKinds[K] extends readonly string[] ? K : never;
}[FieldKind];

const PARSE_LIST: Readonly<Record<ListKind, Parse>> = {
  tools: listOf,
  payees: (text) => listOf(text).map(payeeIn),
  assets: listOf,
};

/** How an option is parsed, by the kind of its field. */
const PARSE: Readonly<Record<FieldKind, Parse>> = {
  ...PARSE_LIST,
  price: money,
  sum: money,
  tokens: money,
  rate: frequency('limit'),
  repeat: frequency('times'),
  percent: (text, flag) => {
    const [, digits] = /^([1-9][0-9]?)\s*%?$/.exec(text) ?? [];
    if (digits !== undefined) return Number(digits);
    throw usageError(`${flag} takes a percentage from 1 to 99.`, `Give e.g. ${flag} 80.`);
  },
  duration: durationIn,
  time: timeIn,
  binding: (text) => text,
  // The option of a window names its length, so `withFlags` reads it.
  windows: onlyDocument,
  conditions: onlyDocument,
};

/** An address, or `any`. @throws CliError usage */
export const payeeIn = (text: string): `0x${string}` => {
  const payee = text === 'any' || text === '*' ? ANY_PAYEE : parseAddress(text);
  if (payee !== undefined) return payee;
  throw usageError('A payee is not an address.', 'Give addresses, comma-separated, or any.');
};

/** A policy with the fields changed that the options name, and no others. @throws CliError usage */
export const withFlags = (before: PolicyDocument, input: Input, now: number): PolicyDocument => {
  const draft: Record<string, unknown> = { ...before };
  for (const { flags, field, kind, every } of POLICY_OPTIONS) {
    const [flag = ''] = flags.split(' ');
    const text = input.text(optionOf(flag));
    if (text === undefined) continue;
    if (every !== undefined) draft['windows'] = withWindow(draft, every, text, flag);
    else if (text === NONE) delete draft[field];
    else if (text.startsWith('+') && Object.hasOwn(PARSE_LIST, kind))
      draft[field] = added(draft[field], PARSE[kind](text.slice(1), flag, now), flag);
    else draft[field] = PARSE[kind](text, flag, now);
  }
  return draft;
};

/** Reads a list; `+id` adds to the list that the policy has. @throws CliError usage */
const added = (before: unknown, more: unknown, flag: string): readonly unknown[] => {
  if (Array.isArray(before))
    return [...new Set([...(before as unknown[]), ...(more as unknown[])])];
  // A policy without a list allows everything, so adding a list with only this id would allow less.
  throw usageError(
    `The policy has no list that ${flag} could add to: it allows all.`,
    'Another policy denies: `countersign accounts show` lists every policy and grant of the account.',
  );
};

/** The flag names a window of all assets. A window of one asset is another limit and stays. */
const withWindow = (
  { windows = [] }: PolicyDocument,
  every: string,
  text: string,
  flag: string,
): readonly unknown[] => {
  const others = windows.filter((each) => each.every !== every || each.asset !== undefined);
  return text === NONE
    ? others
    : [...others, { every, limit: formatDollars(amountIn(text, flag)) }];
};

const MAX_POLICY = 32_768;

/** The policy of the file argument, else the stored one, changed by the options. @throws CliError usage */
export const policyIn = async (
  session: Session,
  input: Input,
  stored: PolicyDocument | undefined,
): Promise<PolicyDocument> => {
  const file = input.arguments[1];
  const hasFlags = POLICY_OPTIONS.some(
    ({ flags }) => input.text(optionOf(flags.split(' ')[0] ?? '')) !== undefined,
  );
  if (file === undefined && !hasFlags) {
    throw usageError(
      'The command needs a policy.',
      'Give a file, or options such as --per-call 0.05 --per-day 1.',
    );
  }
  const from = file === undefined ? (stored ?? {}) : await jsonFile(session, file, MAX_POLICY);
  policyOf(from);
  const document = withFlags(from as PolicyDocument, input, session.now());
  policyOf(document);
  return document;
};
