import { useEffect, useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { EntryEvent } from '../../../client/management.ts';
import { denialRemedy } from '../../data/calls/denial-remedy.ts';
import { gateway } from '../../data/gateway/gateway.ts';
import { problemOf } from '../../data/gateway/problem.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { alertText } from '../../format/alert-words.ts';
import { factsIf } from '../../../protocol/log/facts.ts';
import { entryName } from '../../../protocol/log/entry-types.ts';
import { shown, toolName } from '../../format/text.ts';
import { assetIn, denialText } from '../../format/denial-text.ts';
import { Amount } from '../../parts/amount.tsx';
import { CallLink } from '../../parts/call-columns.tsx';
import { Moment } from '../../parts/moment.tsx';
import './feed.css';

const MOST = 30;

/** The entry that accepts a call names its asset, the later ones of the call do not. */
const assetOf = (entry: EntryEvent, entries: readonly EntryEvent[]): string =>
  [entry, ...entries.filter((each) => each.call === entry.call)]
    .map(assetIn)
    .find((asset) => asset !== '') ?? '';

const FeedLine = ({
  entry,
  entries,
}: {
  readonly entry: EntryEvent;
  readonly entries: readonly EntryEvent[];
}) => {
  const { at, type, seq, decision, rule, tool, call, account, amounts = {} } = entry;
  const denied = factsIf(entry, 'call.denied');
  const denial = denied && denialText(denied);
  const remedy = denied && denialRemedy(denied);
  // This page already shows status and credit, so a link to it would do nothing.
  const isElsewhere = remedy !== undefined && remedy.href !== `/agents/${account}`;
  const amount = amounts['charged'] ?? amounts['price'] ?? amounts['amount'];
  return (
    <li>
      <Moment at={at} /> <strong>{entryName(type)}</strong>{' '}
      {type === 'account.status' ? shown(decision ?? '') : null}
      {type === 'alert.raised' ? <span class="muted">{alertText(rule)}</span> : null}{' '}
      {tool === undefined ? null : call === undefined ? (
        toolName(tool)
      ) : denial === undefined ? (
        <CallLink account={account} call={call} tool={tool} />
      ) : (
        <Link href={`/calls/${account}/${call}?seq=${seq}`}>{toolName(tool)}</Link>
      )}{' '}
      {amount === undefined || !/^[0-9]+$/.test(amount) ? null : (
        <Amount atomic={amount} asset={assetOf(entry, entries)} />
      )}{' '}
      {denial === undefined ? null : (
        <span class="why">
          ✕ {shown(denial)} {isElsewhere ? <Link href={remedy.href}>{remedy.text}</Link> : null}
        </span>
      )}
    </li>
  );
};

/** The newest decisions of one account, and further ones as it writes them. The stream ends while the tab is hidden: it keeps the account awake, which costs money. */
export const Feed = ({ account }: { readonly account: string }) => {
  const [entries, setEntries] = useState<readonly EntryEvent[]>([]);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [opened] = useState(gatewayNow);
  const management = gateway.value;
  useEffect(() => {
    let abort: AbortController | undefined;
    const follow = async (signal: AbortSignal): Promise<void> => {
      try {
        const events = management?.events(account, { newest: MOST, signal });
        if (events === undefined) return;
        for await (const entry of events) {
          // The newest entries arrive again when the tab is shown again.
          setEntries((known) =>
            entry.seq > (known[0]?.seq ?? 0) ? [entry, ...known].slice(0, MOST) : known,
          );
        }
      } catch (thrown) {
        if (!signal.aborted) setProblem((await problemOf(thrown)).detail);
      }
    };
    const change = (): void => {
      abort?.abort();
      abort = document.visibilityState === 'visible' ? new AbortController() : undefined;
      if (abort !== undefined) void follow(abort.signal);
    };
    change();
    document.addEventListener('visibilitychange', change);
    return () => {
      abort?.abort();
      document.removeEventListener('visibilitychange', change);
    };
  }, [account, management]);
  if (problem !== undefined)
    return (
      <p class="muted">
        The live feed ended: {problem} Reload the page to follow the account again.
      </p>
    );
  const [newest] = entries;
  if (newest === undefined) {
    return <p class="muted">New decisions appear here as the account makes them.</p>;
  }
  return (
    // A screen reader should read out new entries, not the earlier ones.
    <ol class="feed" aria-live={newest.at < opened ? 'off' : 'polite'}>
      {entries.map((entry) => (
        <FeedLine key={entry.seq} entry={entry} entries={entries} />
      ))}
    </ol>
  );
};
