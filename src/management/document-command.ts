import type { DocumentType } from '../protocol/account/document.ts';
import type { Json } from '../protocol/entry.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { AdminRequest } from './handler.ts';
import { type Done, give } from './command.ts';

/** What is to be kept under a name, null to take it away. `known`: hash of what the gateway knows there. */
export type Kept = {
  readonly keeper: AccountId;
  readonly type: DocumentType;
  readonly name: string;
  readonly document: Json | null;
  readonly known: Hex | undefined;
  readonly anew?: boolean;
};

/** Where an entry stands that the tables are to follow. */
export type Place = NonNullable<Done['entry']>;

/**
 * Has a document kept: first by its account, where one order at a time decides who comes first; then in the table that all isolates
 * read. If the second step fails the account has it all the same, and its entry brings the table up to date.
 *
 * @param write writes the table, from the place of the entry.
 */
export const keep = async (
  {
    context,
    by,
    order,
    expected,
  }: Pick<AdminRequest<'tools.put'>, 'context' | 'by' | 'order' | 'expected'>,
  { keeper, known, anew, ...what }: Kept,
  write: (place: Place) => Promise<Reason | undefined>,
): Promise<Result<Done, Reason>> => {
  const given = await give(context, keeper, {
    ...{ kind: 'document', ...what, by, order },
    ...(known === undefined ? {} : { known }),
    ...(expected === undefined ? {} : { expected }),
    ...(anew === true ? { anew } : {}),
  });
  if (!given.ok) return given;
  const { entry, current } = given.value;
  // Nothing has changed for the account. Where the table knows something else, it lags behind: the entry is on its way.
  if (entry === undefined) {
    return current === known ? given : err({ reason: 'storage_unavailable' });
  }
  try {
    const fault = await write(entry);
    return fault === undefined ? ok(given.value) : err(fault);
  } catch (cause) {
    console.error({ event: 'document_unwritten', name: what.name, cause: String(cause) });
    return err({ reason: 'storage_unavailable' });
  }
};
