import { callEntries } from '../../client/call-entries.ts';
import { CountersignError, isProblem } from '../../client/errors.ts';
import type { AnswerOf, Management } from '../../client/management.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import type { Scope } from './scope.ts';

type OperatorStory = AnswerOf<'settlements.get'>;

/** Everything that is known about one call. A denied call has entries only. */
export type CallStory = {
  readonly call?: AnswerOf<'account.call'>['call'];
  readonly settlement?: AnswerOf<'account.call'>['settlement'];
  readonly entries: readonly Entry[];
  /** False if some entries are too far apart for one read. */
  readonly isComplete: boolean;
  readonly deadLetters: NonNullable<OperatorStory['dead_letters']>;
};

export type CallName = { readonly account: AccountId; readonly call: Hex };

const isUnknown = (thrown: unknown): boolean =>
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
    const { body } = await management.call('account.call', { params: name });
    const { call, settlement, entries: range } = body;
    if (role === 'operator' && settlement !== undefined) {
      const { body: whole } = await management.call('settlements.get', { params: name });
      return {
        call,
        settlement,
        entries: whole.entries as readonly Entry[],
        isComplete: whole.complete !== false,
        deadLetters: whole.dead_letters ?? [],
      };
    }
    const { first, last } = range;
    const entries = await callEntries(management, name, { after: first - 1, last });
    return {
      call,
      ...(settlement === undefined ? {} : { settlement }),
      entries,
      isComplete: true,
      deadLetters: [],
    };
  } catch (thrown) {
    if (!isUnknown(thrown)) throw thrown;
    const story = await readDenial(management, name, undefined);
    if (story.entries.length === 0) throw thrown;
    return story;
  }
};

/** A denied call has no row: the log alone has it. */
const readDenial = async (
  management: Management,
  name: CallName,
  seq: number | undefined,
): Promise<CallStory> => {
  const place = seq === undefined ? { after: 0 } : { after: seq - 1, last: seq };
  const entries = await callEntries(management, name, { ...place, type: 'call.denied' });
  return { entries, isComplete: true, deadLetters: [] };
};
