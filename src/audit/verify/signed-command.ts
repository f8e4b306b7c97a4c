import { err, type Result } from '../../core/result.ts';
import type { Entry, Json } from '../../protocol/entry.ts';
import { isDecisionOf } from '../../protocol/log/entry-types.ts';
import { intentDigest } from '../../protocol/intent/agent-intent.ts';
import { type CommandEvidence, commandSchema } from '../evidence-schema.ts';
import { isTargetOf } from './command-target.ts';
import {
  type EvidenceFault,
  fault,
  partsOf,
  readAs,
  type Recomputed,
  recompute,
} from './signed-evidence.ts';

/** The commands of one account, entry by entry: who may command it at this place, and which commands it has carried out. */
export type Commands = {
  /**
   * Checks the command of an operator or an owner: its intent is signed on the chain of `by`, was sent to the route that writes this entry,
   * wrote no entry before, and its signer had the right to it.
   */
  readonly check: (entry: Entry) => Result<Recomputed, EvidenceFault>;
  /** As `check`, for the decision of a person on a call that waits: its signer is not the account that made the call. */
  readonly checkApproval: (entry: Entry) => Result<Recomputed, EvidenceFault>;
  /** Follows the ancestors of the account, before an entry is checked: it takes a grant, or learns that an ancestor was cut off. */
  readonly note: (entry: Entry) => void;
};

/** @param isWhole whether the files have the account's chain from its first entry; only then are its ancestors known. */
export const openCommands = (isWhole: boolean): Commands => {
  const used = new Set<string>();
  let above: readonly Json[] = [];

  const check = (entry: Entry): Result<Recomputed, EvidenceFault> => {
    const read = readAs(commandSchema, entry.evidence);
    if (!read.ok) return read;
    const { order, signature, by, contractCheckedAt } = read.value;
    const { chainId, address } = partsOf(by);
    if (order.agent !== address) return fault('evidence.order.agent', 'mismatch');
    const digest = intentDigest(order, chainId);
    const checked = recompute(address, digest, signature, contractCheckedAt, 'evidence.signature');
    if (!checked.ok) return checked;
    if (!isTargetOf(entry, read.value)) return fault('evidence.order.target', 'mismatch');
    if (!mayCommand(entry, read.value)) return fault('evidence.by', 'mismatch');
    // Attack: an operator repeats the command by which an owner once raised a limit.
    const id = `${digest} ${entry.type} ${JSON.stringify(entry.outcome?.['name'])}`;
    if (used.has(id)) return err({ field: 'evidence.order', reason: 'repeated' });
    used.add(id);
    return checked;
  };

  /** An owner may command its descendants, and itself while it has no ancestors (docs/management.md). */
  const mayCommand = (
    { account, type }: Entry,
    { by, role }: Pick<CommandEvidence, 'by' | 'role'>,
  ): boolean =>
    role === 'operator' ||
    !isWhole ||
    type.startsWith('signer.') ||
    (above.length === 0 ? by === account : above.includes(by));

  return {
    check,
    checkApproval: (entry) => {
      if (entry.evidence?.['by'] === entry.account) return fault('evidence.by', 'mismatch');
      return isDecisionOf(entry.type, entry.decision)
        ? check(entry)
        : fault('decision', 'malformed');
    },
    note: ({ type, outcome }) => {
      if (type === 'grant.taken') above = listOf(outcome?.['above']);
      const remaining = outcome?.['ancestors'];
      if (remaining !== undefined) {
        const named = listOf(remaining);
        above = above.filter((each) => named.includes(each));
      }
    },
  };
};

const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : [];
