import type { ComponentChildren } from 'preact';
import { isUnknown, UNANSWERED } from '../data/gateway/problem.ts';
import type { Read } from '../data/reading/query.ts';
import { useReading } from '../data/reading/page-readings.ts';
import { Empty } from './empty.tsx';
import { Failed } from './notice.tsx';
import { Skeleton } from './skeleton.tsx';
import './result.css';

/** The gateway answers the same for an account that does not exist and for one that the reader may not see. */
const NoAccount = () => (
  <Empty title="There is no such account, or it is not yours.">
    <p>You see your own account, and the agents that you granted a budget to.</p>
  </Empty>
);

/**
 * Shows the result of a read: a skeleton at first, then the data. A failed refresh keeps the data and shows the problem. The page itself
 * shows the age of its data, and whether the gateway did not answer.
 */
export const Result = <T,>({
  query,
  rows = 4,
  unknown = <NoAccount />,
  children,
}: {
  readonly query: Read<T>;
  readonly rows?: number;
  /** Shown if the gateway knows no such account. */
  readonly unknown?: ComponentChildren;
  readonly children: (data: T) => ComponentChildren;
}) => {
  const { data, problem, refresh } = query;
  useReading(query);
  if (data === undefined && problem !== undefined && isUnknown(problem)) return <>{unknown}</>;
  return (
    <div class="result">
      {problem === undefined || problem.type === UNANSWERED ? null : (
        <Failed problem={problem} refresh={refresh} />
      )}
      {data === undefined && problem === undefined ? <Skeleton rows={rows} /> : null}
      {data === undefined ? null : children(data)}
    </div>
  );
};
