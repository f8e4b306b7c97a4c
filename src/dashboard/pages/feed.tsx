import { useEffect, useState } from 'preact/hooks';
import type { EntryEvent } from '../../client/management.ts';
import { gateway } from '../data/gateway.ts';
import { problemOf } from '../data/query.ts';
import { shown, worded } from '../format/text.ts';
import { momentOf } from '../format/time.ts';
import { denialText } from '../format/denial-text.ts';
import { Amount } from '../parts/amount.tsx';
import { Link } from 'wouter-preact';
import './feed.css';

const MOST = 30;

const FeedLine = ({ entry }: { readonly entry: EntryEvent }) => {
  const { at, type, tool, call, account, amounts = {} } = entry;
  const denial = denialText(entry);
  const amount = amounts['charged'] ?? amounts['price'] ?? amounts['amount'];
  return (
    <li>
      <time>{momentOf(at)}</time> <strong>{worded(type.replace('.', ' '))}</strong>{' '}
      {tool === undefined ? null : call === undefined || denial !== undefined ? (
        shown(tool)
      ) : (
        <Link href={`/calls/${account}/${call}`}>{shown(tool)}</Link>
      )}{' '}
      {amount === undefined || !/^[0-9]+$/.test(amount) ? null : (
        <Amount atomic={amount} asset="" />
      )}{' '}
      {denial === undefined ? null : <span class="why">✕ {shown(denial)}</span>}
    </li>
  );
};

/** The decisions of one account as it writes them. The stream ends while the tab is hidden: it keeps the account awake, which costs money. */
export const Feed = ({ account }: { readonly account: string }) => {
  const [entries, setEntries] = useState<readonly EntryEvent[]>([]);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const management = gateway.value;
  useEffect(() => {
    let abort: AbortController | undefined;
    const follow = async (signal: AbortSignal): Promise<void> => {
      try {
        const events = management?.events(account, { signal });
        if (events === undefined) return;
        for await (const entry of events) setEntries((known) => [entry, ...known].slice(0, MOST));
      } catch (thrown) {
        if (!signal.aborted) setProblem(problemOf(thrown).detail);
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
  if (problem !== undefined) return <p class="muted">The live feed ended: {problem}</p>;
  if (entries.length === 0) {
    return <p class="muted">New decisions appear here as the account makes them.</p>;
  }
  return (
    <ol class="feed" aria-live="polite">
      {entries.map((entry) => (
        <FeedLine key={entry.seq} entry={entry} />
      ))}
    </ol>
  );
};
