import { Link } from 'wouter-preact';
import { stepsOf } from '../../../audit/call-steps.ts';
import { entryTextHash } from '../../../audit/entry-text.ts';
import { canonicalJson } from '../../../core/canonical-json.ts';
import type { Entry } from '../../../protocol/entry.ts';
import type { CallApproval } from '../../data/calls/call-story.ts';
import { decimalOf, symbolOf } from '../../format/amount.ts';
import { ruleName } from '../../../policy/rule-name.ts';
import { addressIn, shortened, shown } from '../../format/text.ts';
import { agoOf, exactMomentOf, momentToSecond } from '../../format/time.ts';
import { EntryDetails } from './entry-details.tsx';
import './call-steps.css';

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The entry as indented JSON. JSON escapes control characters; direction controls are removed line by line. */
const linesShown = (entry: Entry): string =>
  JSON.stringify(entry, undefined, 2).split('\n').map(shown).join('\n');

/** The wait of a call for a person, before it was accepted: an earlier part of the agent's log contains it. */
const Wait = ({ approval, asset }: { readonly approval: CallApproval; readonly asset: string }) => {
  const {
    state,
    parked_at: since,
    decided_at: until,
    expires_at: end,
    above,
    price,
    asked,
  } = approval;
  const money = (atomic: string): string => `${decimalOf(BigInt(atomic))} ${symbolOf(asset)}`;
  return (
    <>
      <li>
        <p class="when">
          <time title={exactMomentOf(since)}>{momentToSecond(since)}</time>
        </p>
        <p class="what">Waits for a person at {money(price)}</p>
        <p class="muted">
          The budget of {shortened(addressIn(asked))} asks for an approval above {money(above)}.
        </p>
        {state === 'waiting' ? (
          <p>
            <Link href="/approvals">Approve or refuse it</Link> until{' '}
            <time title={exactMomentOf(end)}>{momentToSecond(end)}</time>.
          </p>
        ) : null}
      </li>
      {state === 'waiting' ? null : (
        <li>
          {until === undefined ? null : (
            <p class="when">
              <time title={exactMomentOf(until)}>{momentToSecond(until)}</time> · after{' '}
              {agoOf(since, until)}
            </p>
          )}
          <p class="what">{decisionOf(approval)}</p>
        </li>
      )}
    </>
  );
};

/** The end of a wait, in the words of the log. */
const decisionOf = (approval: CallApproval): string => {
  const { state, reason } = approval;
  if (state === 'expired') return 'No person decided in time: ended without a charge';
  if (state !== 'refused') return `Approved by ${deciderOf(approval)}`;
  return `Refused by ${deciderOf(approval)}${reason === undefined ? '' : `: ${shown(reason)}`}`;
};

const deciderOf = ({ decided_by: by, decided_role: role }: CallApproval): string =>
  [
    ...(role === 'operator' ? ['an operator'] : []),
    ...(by === undefined ? [] : [shortened(addressIn(by))]),
  ].join(', ') || 'a person';

/** A call as a story in time: one step an entry of the log, with the entry itself folded behind it. */
export const CallSteps = ({
  entries,
  approval,
  asset,
}: {
  readonly entries: readonly Entry[];
  readonly approval: CallApproval | undefined;
  readonly asset: string;
}) => {
  const steps = stepsOf(entries, {
    account: (account) => shortened(addressIn(account)),
    money: (atomic) => `${decimalOf(BigInt(atomic))} ${symbolOf(asset)}`,
    time: momentToSecond,
    hash: shortened,
    transaction: (_, hash) => shortened(hash),
    rule: (rule) => `“${ruleName(rule)}”`,
    text: shown,
  });
  return (
    <ol class="story">
      {approval === undefined ? null : <Wait approval={approval} asset={asset} />}
      {steps.map(({ at, seq, what, clauses }, place) => {
        const entry = entries[place];
        return entry === undefined ? null : (
          <li key={seq}>
            <p class="when">
              <time title={exactMomentOf(at)}>{momentToSecond(at)}</time> · entry {seq}
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
