import { stepsOf } from '../../audit/call-steps.ts';
import { entryTextHash } from '../../audit/entry-text-hash.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import type { Entry } from '../../protocol/entry.ts';
import { decimalOf, symbolOf } from '../format/amount.ts';
import { addressIn, shortened, shown } from '../format/text.ts';
import { momentOf } from '../format/time.ts';
import { EntryDetails } from './call-signed.tsx';
import './call-steps.css';

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The entry as indented JSON. JSON escapes control characters; direction controls are removed line by line. */
const linesShown = (entry: Entry): string =>
  JSON.stringify(entry, undefined, 2).split('\n').map(shown).join('\n');

/** A call as a story in time: one step an entry of the log, with the entry itself folded behind it. */
export const CallSteps = ({
  entries,
  asset,
}: {
  readonly entries: readonly Entry[];
  readonly asset: string;
}) => {
  const steps = stepsOf(entries, {
    account: (account) => shortened(addressIn(account)),
    money: (atomic) => `${decimalOf(BigInt(atomic))} ${symbolOf(asset)}`,
    time: momentOf,
    hash: shortened,
    transaction: (_, hash) => shortened(hash),
    text: shown,
  });
  return (
    <ol class="story">
      {steps.map(({ at, seq, what, clauses }, place) => {
        const entry = entries[place];
        return entry === undefined ? null : (
          <li key={seq}>
            <p class="when">
              <time>{momentOf(at)}</time> · entry {seq}
            </p>
            <p class="what">{capital(shown(what))}</p>
            {clauses.length === 0 ? null : (
              <p class="muted">{clauses.map(capital).map(shown).join('. ')}.</p>
            )}
            <EntryDetails entry={entry} asset={asset} />
            <details>
              <summary>Entry as logged</summary>
              <p class="hash">
                Hash <code>{entryTextHash(canonicalJson(entry))}</code>
              </p>
              <pre tabIndex={0}>{linesShown(entry)}</pre>
            </details>
          </li>
        );
      })}
    </ol>
  );
};
