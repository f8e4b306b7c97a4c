import { parsePolicy, policyHash, policyJson } from '../../../src/policy/policy.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import { put } from '../../store/noun.ts';
import type { CallRecord } from '../call/call-record.ts';
import { inFlight } from '../call/in-flight.ts';
import type { Context, Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { isRaised, mayReplace } from '../tree/ancestors.ts';
import { windowBeyondCap, withoutDeadCounters } from '../tree/counters.ts';
import type { WrittenPolicy } from '../tree/tree.ts';
import { changedTree, commandEvidence, done, refused } from './command-answer.ts';
import { isLogged, LOGGED_TEXT } from './document.ts';
import { mismatch, unseen } from './precondition.ts';

type PolicyCommand = Extract<AccountCommand, { readonly kind: 'policy' }>;

/** Sets the operator's or the owner's policy of an account; both bind. @param held running calls. */
export const setPolicy = (
  state: AccountState,
  { slot, document, by, expected, dryRun = false, intent }: PolicyCommand,
  context: Context,
  held: readonly CallRecord[],
): Decision<CommandVerdict> => {
  const read = readPolicy(document);
  if ('reason' in read) return refused(state, read);
  const { written } = read;
  const { [slot]: known, ownerBy, ...rest } = state.tree;
  const [author, writer] = slot === 'owner' ? [by?.account, ownerBy] : [];
  const next = written?.hash;
  const isSame = known?.hash === next;
  if (!isSame && !mayReplace(state, author, writer)) return refused(state, { reason: 'forbidden' });
  const fault = (by === undefined ? mismatch : unseen)(expected, known?.hash, next);
  if (fault !== undefined) return refused(state, fault);
  // Without an operator's policy the default applies.
  const policy = written?.policy ?? (slot === 'operator' ? context.policy : undefined);
  const running = { inFlight: inFlight(state, policy, held, context) };
  if (dryRun) return done(state, !isSame, { ...running, ...(known && { current: known.hash }) });
  const more = { ...running, ...(next === undefined ? {} : { current: next }) };
  if (isSame && (written === undefined || !isRaised(state, author, writer))) {
    return done(state, false, more);
  }
  const kept = slot === 'owner' ? written && author : ownerBy;
  const tree = {
    ...rest,
    ...(written === undefined ? {} : { [slot]: written }),
    ...(kept === undefined ? {} : { ownerBy: kept }),
  };
  const evidence = commandEvidence(intent, by);
  const outcome = { hash: next ?? null };
  const isNewText = next !== undefined && !isLogged(context.read, next);
  const beyond = written === undefined ? undefined : windowBeyondCap(state, written.policy);
  if (beyond !== undefined) {
    return refused(state, {
      reason: 'not_writable',
      hint: `The account still counts as many windows as it may, so it cannot add ${beyond}. Use a window that it counts already, or wait until a period of those before is over.`,
    });
  }
  const changed = changedTree(
    withoutDeadCounters({ ...state, tree }, context),
    {},
    {
      type: 'account.policy',
      decision: slot,
      outcome,
      evidence:
        isNewText && written !== undefined
          ? { ...evidence, policy: policyJson(written.policy) as Json }
          : evidence,
    },
    context,
    more,
  );
  const text = isNewText ? [put(LOGGED_TEXT, { hash: next, at: context.now })] : [];
  return { ...changed, writes: [...changed.writes, ...text] };
};

type Read =
  | { readonly written: WrittenPolicy | undefined }
  | { readonly reason: 'malformed_policy'; readonly field: string; readonly hint: string };

const readPolicy = (document: unknown): Read => {
  if (document === null) return { written: undefined };
  const parsed = parsePolicy(document);
  if (parsed.ok) return { written: { policy: parsed.value, hash: policyHash(parsed.value) } };
  const [fault] = parsed.error;
  return {
    reason: 'malformed_policy',
    field: fault?.field ?? '',
    hint: fault?.reason ?? 'is not a policy',
  };
};
