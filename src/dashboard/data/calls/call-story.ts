import { callEntries } from '../../../client/call-entries.ts';
import { CountersignError, isProblem } from '../../../client/errors.ts';
import type { AnswerOf, Management } from '../../../client/management.ts';
import type { Hex } from '../../../core/hex.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import type { Entry } from '../../../protocol/entry.ts';
import type { Scope } from '../session/scope.ts';

/** The wait of a call for a person, and who ended it. */
export type CallApproval = AnswerOf<'account.approval'>;

type OperatorStory = AnswerOf<'settlements.get'>;

/** Everything that is known about one call. A denied call has only entries. */
export type CallStory = {
  readonly call?: AnswerOf<'account.call'>['call'];
  readonly settlement?: AnswerOf<'account.call'>['settlement'];
  /** Its trace, as long as the account has the call. */
  readonly trace?: string;
  readonly entries: readonly Entry[];
  /** False if some entries are too far apart for one read. */
  readonly isComplete: boolean;
  /** Present for a call that waits or waited for a person. Without `call`, the call has not run. */
  readonly approval?: CallApproval;
  /** Failed attempts to settle its payment, newest first. Only operators see them. */
  readonly attempts: OperatorStory['attempts'];
  readonly deadLetters: NonNullable<OperatorStory['dead_letters']>;
};

export type CallName = { readonly account: AccountId; readonly call: Hex };

const isUnknownCall = (thrown: unknown): boolean =>
  thrown instanceof CountersignError && isProblem(thrown.problem, 'unknown-call');

/**
 * Reads the story of a call. For an operator the gateway collects the entries of a paid call in one read; otherwise they are read from the
 * account's chain.
 *
 * @param denial the seq of a denial, if the reader knows it; else the whole chain is searched
 */
export const readCallStory = async (
  management: Management,
  name: CallName,
  { role }: Pick<Scope, 'role'>,
  denial: number | undefined,
): Promise<CallStory> => {
  if (denial !== undefined) {
    const story = await readDenial(management, name, denial);
    if (story.entries.length > 0) return story;
  }
  try {
    const story = await readAccepted(management, name, role);
    const approval = hasWaited(story) ? await readApproval(management, name) : undefined;
    return { ...story, ...(approval === undefined ? {} : { approval }) };
  } catch (thrown) {
    if (!isUnknownCall(thrown)) throw thrown;
    const approval = await readApproval(management, name);
    if (approval !== undefined) return { ...UNACCEPTED, approval };
    const story = await readDenial(management, name, undefined);
    if (story.entries.length === 0) throw thrown;
    return story;
  }
};

const hasWaited = ({ entries }: CallStory): boolean =>
  entries.some(({ type, rule }) => type === 'call.accepted' && rule === 'approval');

/** The entries about a wait precede the range of the call, at an unknown place, so take their content from the list of approvals. */
const readApproval = async (
  management: Management,
  name: CallName,
): Promise<CallApproval | undefined> => {
  try {
    return (await management.call('account.approval', { params: name })).body;
  } catch (thrown) {
    // D1 may have no row of an old call.
    if (isUnknownCall(thrown)) return undefined;
    throw thrown;
  }
};

const readAccepted = async (
  management: Management,
  name: CallName,
  role: Scope['role'],
): Promise<CallStory> => {
  const { body } = await management.call('account.call', { params: name });
  const { call, settlement, entries: range } = body;
  const traced = body.trace === undefined ? {} : { trace: body.trace };
  if (role === 'operator' && settlement !== undefined) {
    const { body: whole } = await management.call('settlements.get', { params: name });
    return {
      call,
      settlement,
      ...traced,
      entries: whole.entries as readonly Entry[],
      isComplete: whole.complete !== false,
      attempts: whole.attempts,
      deadLetters: whole.dead_letters ?? [],
    };
  }
  const { first, last } = range;
  const entries = await callEntries(management, name, { after: first - 1, last });
  return {
    call,
    ...(settlement === undefined ? {} : { settlement }),
    ...traced,
    entries,
    isComplete: true,
    attempts: [],
    deadLetters: [],
  };
};

/** The call was not accepted, or not yet. */
const UNACCEPTED: CallStory = { entries: [], isComplete: true, attempts: [], deadLetters: [] };

/** A denied call has no row; only the log has it. */
const readDenial = async (
  management: Management,
  name: CallName,
  seq: number | undefined,
): Promise<CallStory> => {
  const place = seq === undefined ? { after: 0 } : { after: seq - 1, last: seq };
  const entries = await callEntries(management, name, { ...place, type: 'call.denied' });
  return { ...UNACCEPTED, entries };
};
