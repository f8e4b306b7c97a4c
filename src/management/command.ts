import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { hexOf } from '../crypto/bytes.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { CommandVerdict } from '../protocol/account/command-verdict.ts';
import type {
  AccountCommand,
  CommandIntent,
  CreditCommand,
  DocumentType,
} from '../protocol/account/command.ts';
import type { Json } from '../protocol/entry.ts';
import { intentFields, UNPAID_SKEW } from '../protocol/intent/agent-intent.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { AdminContext, AdminRequest } from './handler.ts';
import type { AnswerOf } from './routes.ts';
import type { Signer } from './signer.ts';

const ATTEMPT_BYTES = 16;

/** Builds the evidence of a signed request. The attempt is new for each incoming request, so that the account applies a command once. */
export const commandIntent = ({
  intent,
  signature,
  digest,
  validBefore,
}: Signer): CommandIntent => ({
  fields: intent === undefined ? {} : intentFields(intent),
  signature,
  digest,
  // Includes the tolerated clock skew. An account that forgets the intent sooner would apply it a second time.
  validBefore: validBefore + UNPAID_SKEW,
  attempt: hexOf(crypto.getRandomValues(new Uint8Array(ATTEMPT_BYTES))),
});

export type AppliedCommand = Extract<CommandVerdict, { readonly verdict: 'applied' }>;

/** Sends a command to an account. Any error is a refusal (law 2), and the caller may send the same request again. */
const apply = async (
  context: AdminContext,
  account: AccountId,
  command: AccountCommand,
): Promise<Result<AppliedCommand, Fault>> => {
  try {
    const applied = await context.account(account).apply(command);
    switch (applied.verdict) {
      case 'applied':
        return ok(applied);
      case 'refused':
        return err(applied.fault);
      case 'unavailable':
    }
  } catch (cause) {
    console.error({ event: 'command_failed', kind: command.kind, account, cause: String(cause) });
  }
  return err({ reason: 'storage_unavailable' });
};

type Fault =
  | Extract<CommandVerdict, { readonly verdict: 'refused' }>['fault']
  | { readonly reason: 'storage_unavailable' };

/** Sends a command that came as the body of a request. */
export const sendCommand = async (
  context: AdminContext,
  account: AccountId,
  command: AccountCommand,
): Promise<Result<AppliedCommand, Reason>> => {
  const applied = await apply(context, account, command);
  return applied.ok || !('field' in applied.error)
    ? applied
    : err({ ...applied.error, field: bodyField(applied.error.field) });
};

/** Sends a command that moves credit. Returns the credit afterwards, and whether the account had applied it before. */
export const sendCreditCommand = async (
  context: AdminContext,
  account: AccountId,
  command: CreditCommand,
): Promise<Result<{ readonly credit: bigint; readonly known: boolean }, Reason>> => {
  const applied = await apply(context, account, command);
  return applied.ok
    ? ok({ credit: applied.value.credit ?? 0n, known: !applied.value.changed })
    : applied;
};

/** A document is the whole body of its request; the account names it with an empty field. */
const bodyField = (field: string): string => (field === '' ? 'body' : `body.${field}`);

/** The outcome of a command in its wire form. */
export const outcomeBody = (applied: AppliedCommand): AnswerOf<'accounts.put'> => ({
  changed: applied.changed,
  revision: applied.revision,
  acknowledged: [...applied.acknowledged],
  silent: [...applied.silent],
  ...(applied.current === undefined ? {} : { etag: applied.current }),
  ...(applied.inFlight === undefined
    ? {}
    : { in_flight: { held: applied.inFlight.held, cut_off: applied.inFlight.cutOff } }),
});

/** A document that an account keeps under a name; null removes it. `known`: the hash of the version that the gateway knows. */
export type DocumentCommand = {
  readonly keeper: AccountId;
  readonly type: DocumentType;
  readonly name: string;
  readonly document: Json | null;
  readonly known: Hex | undefined;
  readonly anew?: boolean;
};

/** The entry that wrote a document: its place in the log, and its time. */
export type EntryPlace = NonNullable<AppliedCommand['entry']>;

/**
 * Sends a document to its account, which serialises concurrent edits, and then writes it to its D1 table. If the second step fails, the
 * account has the document, and the audit consumer writes the table from its entry.
 *
 * @param write writes the D1 table
 */
export const sendDocumentCommand = async (
  {
    context,
    by,
    intent,
    expected,
  }: Pick<AdminRequest<'tools.put'>, 'context' | 'by' | 'intent' | 'expected'>,
  { keeper, known, anew, ...document }: DocumentCommand,
  write: (place: EntryPlace) => Promise<Reason | undefined>,
): Promise<Result<AppliedCommand, Reason>> => {
  const applied = await sendCommand(context, keeper, {
    ...{ kind: 'document', ...document, by, intent },
    ...(known === undefined ? {} : { known }),
    ...(expected === undefined ? {} : { expected }),
    ...(anew === true ? { anew } : {}),
  });
  if (!applied.ok) return applied;
  const { entry, current } = applied.value;
  // The account changed nothing. If the D1 table differs from the account, the entry that updates the table is still in the queue.
  if (entry === undefined) {
    return current === known ? applied : err({ reason: 'storage_unavailable' });
  }
  try {
    const fault = await write(entry);
    return fault === undefined ? applied : err(fault);
  } catch (cause) {
    console.error({ event: 'document_unwritten', name: document.name, cause: String(cause) });
    return err({ reason: 'storage_unavailable' });
  }
};
