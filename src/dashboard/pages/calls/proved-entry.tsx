import type { DrawnProof } from '../../data/audit/entry-proof.ts';
import { saveFile } from '../../data/audit/save-file.ts';
import { momentOf } from '../../format/time.ts';
import { Badge } from '../../parts/badge.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { Facts } from '../../parts/facts.tsx';
import { type DrawnStep, ProofPath } from './proof-path.tsx';

/** A proof with its hashes as texts. */
export type WrittenProof = DrawnProof & {
  readonly chunkSteps: readonly DrawnStep[];
  readonly treeSteps: readonly DrawnStep[];
  readonly entryText: string;
  readonly leafText: string;
};

/** The proof of an entry: the path from the entry to the signed root, and a file for other verifiers. */
export const ProvedEntry = ({ drawn }: { readonly drawn: WrittenProof }) => (
  <>
    <p>
      <Badge state="proved" /> in this browser: entry {drawn.seq} is in leaf {drawn.index} of the{' '}
      {drawn.size} leaves that the checkpoint signs.
    </p>
    <Facts
      facts={[
        ['Log', <code>{drawn.origin}</code>],
        ['Signed by the key', <code>{drawn.key}</code>],
        [
          'Cosigned by',
          drawn.witnesses.length === 0
            ? undefined
            : drawn.witnesses.map((each) => `${each.name}, ${momentOf(each.at)}`).join('; '),
        ],
      ]}
    />
    <div class="paths">
      {drawn.treeSteps.length === 0 ? null : (
        <ProofPath
          title={`Path from leaf ${drawn.index} to the root of the checkpoint`}
          from={drawn.leafText}
          fromName="the leaf"
          rootName="the signed root"
          steps={drawn.treeSteps}
        />
      )}
      {drawn.chunkSteps.length === 0 ? null : (
        <ProofPath
          title={`Path from entry ${drawn.seq} to the root that the leaf names`}
          from={drawn.entryText}
          fromName="the entry"
          rootName="the root in the leaf"
          steps={drawn.chunkSteps}
        />
      )}
    </div>
    <div class="acts">
      <button
        type="button"
        onClick={() => saveFile(`entry-${drawn.seq}.tlog-proof`, [drawn.file], 'text/plain')}
      >
        Download the proof
      </button>
    </div>
    <p class="muted">
      Anyone can verify the file offline, with a copy of the log’s key from another source:
    </p>
    <CommandLine
      text={`npx countersign audit verify-proof entry-${drawn.seq}.tlog-proof --log-key LOG_KEY_FILE`}
    />
  </>
);
