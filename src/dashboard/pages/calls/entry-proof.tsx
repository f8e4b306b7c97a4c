import { useState } from 'preact/hooks';
import type { Entry } from '../../../protocol/entry.ts';
import type { CallName } from '../../data/calls/call-story.ts';
import type { DrawFault, DrawnProof } from '../../data/audit/entry-proof.ts';
import { gateway } from '../../data/gateway/gateway.ts';
import { problemOf } from '../../data/gateway/problem.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { Notice } from '../../parts/notice.tsx';
import type { DrawnStep } from './proof-path.tsx';
import { ProvedEntry, type WrittenProof } from './proved-entry.tsx';
import '../../parts/stack.css';

const WHY: Readonly<Record<DrawFault, string>> = {
  not_stored:
    'The gateway has not stored this entry yet. It stores an entry within seconds of the answer. Try again then.',
  not_signed:
    'No signed checkpoint covers this entry yet, or the gateway keeps no transparency log. A checkpoint usually follows within half a minute. Try again then.',
  malformed_leaf: 'The gateway sent a malformed leaf. Keep the receipt: it may be evidence.',
  differs: 'The entries and the log differ. Keep the receipt: it may be evidence.',
  no_key: 'The gateway does not publish the key of this log.',
  malformed: 'The gateway sent a malformed proof.',
  entry_altered: 'The entry was changed after it was written.',
  receipt_other: 'The proof is about another entry.',
  entry_outside: 'The entry is not in the leaf that should contain it.',
  leaf_outside: 'The leaf is not in the tree of the checkpoint.',
  checkpoint_unsigned: 'The log’s key did not sign the checkpoint.',
  retired_key:
    'Every key that signed the checkpoint had ended before the entry was written. Keep the receipt: it may be evidence.',
  undated:
    'Every key that signed the checkpoint has ended, and the proof has no text of the entry.',
};

const isWaiting = (fault: DrawFault): boolean => fault === 'not_stored' || fault === 'not_signed';

/** Proves in the browser that the newest entry about a call is in the transparency log, and draws the path to the signed root. */
export const EntryProofPart = ({
  name,
  entry,
}: {
  readonly name: CallName;
  readonly entry: Entry;
}) => {
  const [drawn, setDrawn] = useState<WrittenProof | undefined>(undefined);
  const [why, setWhy] = useState<{ readonly text: string; readonly isWarning: boolean }>();
  const [isProving, setProving] = useState(false);
  const prove = async (): Promise<void> => {
    const management = gateway.value;
    if (management === undefined) return;
    setProving(true);
    setWhy(undefined);
    try {
      const { nodeText, proveEntry } = await import('../../data/audit/entry-proof.ts');
      const proved = await proveEntry(management, name, entry.seq, gatewayNow());
      if (!proved.ok) {
        setWhy({ text: WHY[proved.error], isWarning: isWaiting(proved.error) });
        return;
      }
      const { value } = proved;
      const stepsOf = (nodes: DrawnProof['tree']): readonly DrawnStep[] =>
        nodes.map(({ sibling, side, above }) => ({
          ...{ side, sibling: nodeText(sibling), above: nodeText(above) },
        }));
      setDrawn({
        ...value,
        chunkSteps: stepsOf(value.chunk),
        treeSteps: stepsOf(value.tree),
        entryText: nodeText(value.entry),
        leafText: nodeText(value.leaf),
      });
    } catch (thrown) {
      setWhy({ text: (await problemOf(thrown)).detail, isWarning: false });
    } finally {
      setProving(false);
    }
  };
  return (
    <div class="stack" aria-live="polite">
      <p>
        The transparency log has a hash of every entry. A proof shows that it contains entry{' '}
        {entry.seq}, the newest about this call. The proof reveals nothing about other calls.
      </p>
      {why === undefined ? null : <Notice tone={why.isWarning ? 'warn' : 'bad'}>{why.text}</Notice>}
      {drawn === undefined ? (
        <div class="acts">
          <button type="button" disabled={isProving} onClick={() => void prove()}>
            {isProving ? 'Proving' : 'Prove it here'}
          </button>
        </div>
      ) : (
        <ProvedEntry drawn={drawn} />
      )}
    </div>
  );
};
