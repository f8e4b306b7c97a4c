import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Query } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import { agoOf, momentOf } from '../format/time.ts';
import { CommandLine } from './copy.tsx';
import { Empty } from './empty.tsx';
import { Notice } from './notice.tsx';
import './result.css';

/** Before this, a skeleton would only flicker. */
const SKELETON_AFTER_MS = 150;

const Skeleton = ({ rows }: { readonly rows: number }) => {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="skeleton" aria-busy="true" data-rows={rows} data-shown={isLate}>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} />
      ))}
    </div>
  );
};

/** How old the data are, counted on while they are shown. */
const Age = ({ at }: { readonly at: number }) => {
  const [now, setNow] = useState(gatewayNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(gatewayNow()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="age" title={momentOf(at)}>
      read {agoOf(at, now)} ago
    </p>
  );
};

const UNKNOWN_ACCOUNT = 'urn:countersign:problem:unknown-account';

/** Shown for an account that has done nothing yet. The gateway answers the same for an account that the reader may not see. */
const NoAccount = () => (
  <Empty title="There is no such account yet, or it is not yours.">
    <p>
      The first grant, top-up or paid call opens an account. For example, make a fleet of agents:
    </p>
    <CommandLine
      text={`npx countersign fleet new team --agents 3 --per-day 0.50 --gateway ${location.origin}`}
    />
  </Empty>
);

/** Shows what was read: a skeleton at first, then the data with their age. A failed refresh keeps the data and says what failed. */
export const Result = <T,>({
  query,
  rows = 4,
  children,
}: {
  readonly query: Query<T> & { readonly refresh: () => void };
  readonly rows?: number;
  readonly children: (data: T) => ComponentChildren;
}) => {
  const { data, at, problem, refresh } = query;
  if (data === undefined && problem?.type === UNKNOWN_ACCOUNT) return <NoAccount />;
  return (
    <div class="result">
      {problem === undefined ? null : (
        <Notice tone="bad">
          <p>
            <strong>{problem.detail}</strong> {problem.hint}
          </p>
          <button type="button" onClick={refresh}>
            Try again
          </button>
        </Notice>
      )}
      {data === undefined ? (
        problem === undefined ? (
          <Skeleton rows={rows} />
        ) : null
      ) : (
        children(data)
      )}
      {at === undefined ? null : <Age at={at} />}
    </div>
  );
};
